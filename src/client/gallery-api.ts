import type { ImportInput, PublishInput, RepublishInput } from '../contract/gallery.schemas.ts'
import {
  type GalleryEntryView,
  galleryEntryView,
  type ImportedView,
  importedView,
  type WholeGalleryEntryView,
  wholeGalleryEntryView,
} from '../contract/gallery-views.ts'
import { listOf } from '../contract/views.ts'
import { keyed, type SendOptions } from './conversations-api.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** Which entries. `mine`: one's own, those too that an administrator removed. */
export interface GalleryQuery extends PageQuery {
  /** Words to look for, in any script. */
  q?: string | undefined
  kind?: 'agent' | 'party' | undefined
  tag?: string | undefined
  sort?: 'newest' | 'imports' | undefined
  mine?: true | undefined
}

/** `/api/gallery`: agents and parties that users of this installation show to all. */
export class GalleryApi extends ApiPart {
  list(query: GalleryQuery = {}, options: CallOptions = {}): Promise<ListOf<GalleryEntryView>> {
    return this.rest.call('GET /api/gallery', listOf(galleryEntryView), { query, ...options })
  }

  /** Shows a copy of an agent or a party of one's own, as it is now, under this name of its author. */
  publish(body: PublishInput, options: CallOptions = {}): Promise<WholeGalleryEntryView> {
    return this.rest.call('POST /api/gallery', wholeGalleryEntryView, { body, ...options })
  }

  /** With what its agents are told, to be read before it is imported. */
  get(id: string, options: CallOptions = {}): Promise<WholeGalleryEntryView> {
    return this.rest.call('GET /api/gallery/:id', wholeGalleryEntryView, { params: { id }, ...options })
  }

  /** Publishes again, as it is now, what it was published from; what is left out of the rest stays. */
  republish(id: string, body: RepublishInput = {}, options: CallOptions = {}): Promise<WholeGalleryEntryView> {
    return this.rest.call('PUT /api/gallery/:id', wholeGalleryEntryView, { params: { id }, body, ...options })
  }

  unpublish(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/gallery/:id', null, { params: { id }, ...options })
  }

  /** Makes a copy of one's own; with the `revision` that was looked at, of that or of nothing (409 `gallery.changed`). */
  importEntry(id: string, body: ImportInput = {}, options: SendOptions = {}): Promise<ImportedView> {
    const request = { params: { id }, body, ...keyed(options) }
    return this.rest.call('POST /api/gallery/:id/import', importedView, request)
  }
}
