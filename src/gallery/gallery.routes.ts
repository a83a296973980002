import { z } from 'zod'
import {
  galleryKinds,
  importBody,
  publishBody,
  removeEntryBody,
  republishBody,
  tagInput,
} from '../contract/gallery.schemas.ts'
import { galleryEntryView, importedView, wholeGalleryEntryView } from '../contract/gallery-views.ts'
import { INT4_MAX, idInput } from '../contract/inputs.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { entryState, presentEntry, presentWholeEntry } from './gallery.presenter.ts'
import { gallerySorts, type ListedEntry, type WholeEntry } from './gallery.repository.ts'
import type { GalleryService } from './gallery.service.ts'
import type { GalleryImportService } from './gallery-import.service.ts'

/** `?cursor=`: how often the last one seen was imported, and its id. */
const cursor = z
  .string()
  .max(60)
  .transform((text, context) => {
    const [imports, id, ...more] = text.split('_')
    const place = z
      .object({ imports: z.coerce.number().int().min(0).max(INT4_MAX), id: idInput })
      .safeParse({ imports, id })
    if (place.success && more.length === 0) return place.data
    context.addIssue('is not a cursor of this list')
    return z.NEVER
  })
const cursorBehind = ({ imports, id }: ListedEntry) => `${imports}_${id}`

const browseQuery = pageQuery.extend({
  cursor: cursor.optional(),
  /** Words, in any script, by their beginnings. */
  q: z.string().max(200).optional(),
  kind: z.enum(galleryKinds).optional(),
  tag: tagInput.optional(),
  sort: z.enum(gallerySorts).default('newest'),
  /** One's own alone, all of them, newest first: removed ones too. */
  mine: z.literal('true').optional(),
})

export const galleryRoutes = (gallery: GalleryService, imports: GalleryImportService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/gallery',
    access: 'user',
    scope: 'read',
    summary: 'Agents and parties that users of this installation have published',
    response: listOf(galleryEntryView),
    errors: ['search.too_many', 'server.busy'],
    query: browseQuery,
    handler: async ({ user, query: { mine, cursor: before, limit, ...asked } }) => {
      const listed = mine
        ? await gallery.listOwn(user.id, limit + 1, before?.id)
        : await gallery.list(user.id, { ...asked, before, limit: limit + 1 })
      return page(listed, limit, (entry) => presentEntry(entry, user), cursorBehind)
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/gallery',
    access: 'user',
    scope: 'chat',
    summary: "An agent or a party of one's own, shown to everybody as it is now",
    response: wholeGalleryEntryView,
    errors: [
      'agent.not_found',
      'party.not_found',
      'party.agents_gone',
      'gallery.published',
      'gallery.removed',
      'gallery.too_many',
      'gallery.rate_limited',
    ],
    body: publishBody,
    example: {
      kind: 'party',
      id: '01990000-0000-7000-8000-0000000000b1',
      description: 'Two who disagree, and one who sums it up.',
      tags: ['debate'],
      authorName: 'Ada L.',
    },
    status: 201,
    handler: async ({ user, body }) => presentWholeEntry(await gallery.publish(user, body), user),
  }),
  defineRoute({
    method: 'get',
    path: '/api/gallery/:id',
    access: 'user',
    scope: 'read',
    summary: 'An entry with all that an import of it brings',
    response: wholeGalleryEntryView,
    state: entryState,
    errors: ['gallery.not_found'],
    params: idParams,
    handler: async ({ user, params }) => presentWholeEntry(await gallery.get(user, params.id), user),
  }),
  defineRoute({
    method: 'put',
    path: '/api/gallery/:id',
    access: 'user',
    scope: 'chat',
    summary: "An entry of one's own, published again: what it was published from, as it is now",
    response: wholeGalleryEntryView,
    state: entryState,
    headers: ['If-Match'],
    errors: [
      'request.precondition_failed',
      'gallery.not_found',
      'agent.not_found',
      'party.not_found',
      'party.agents_gone',
      'gallery.removed',
      'gallery.rate_limited',
    ],
    params: idParams,
    body: republishBody,
    example: { description: 'Now with a third opinion.' },
    handler: async ({ user, params, body, ifMatch }) => {
      const check = (current: WholeEntry) => ifMatch(entryState(presentWholeEntry(current, user)))
      return presentWholeEntry(await gallery.republish(user, params.id, body, check), user)
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/gallery/:id',
    access: 'user',
    scope: 'chat',
    summary: "An entry of one's own that nobody sees any more; what was imported stays",
    response: null,
    errors: ['gallery.not_found'],
    params: idParams,
    handler: ({ user, params }) => gallery.unpublish(user, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/gallery/:id/import',
    access: 'user',
    guests: true,
    scope: 'chat',
    summary: "A copy of one's own: the agent, or the party with its agents",
    response: importedView,
    headers: ['Idempotency-Key'],
    errors: [
      'request.idempotency_conflict',
      'gallery.not_found',
      'gallery.changed',
      'gallery.rate_limited',
      'agent.too_many',
      'party.too_many',
    ],
    params: idParams,
    body: importBody,
    example: {},
    status: 201,
    handler: ({ user, params, body, idempotencyKey }) => imports.import(user, params.id, body.revision, idempotencyKey),
  }),
  defineRoute({
    method: 'post',
    path: '/api/admin/gallery/:id/remove',
    access: 'admin',
    scope: 'admin',
    summary: 'An entry taken away from everybody but its author, who is told why',
    response: wholeGalleryEntryView,
    errors: ['gallery.not_found'],
    params: idParams,
    body: removeEntryBody,
    example: { reason: 'It asks for passwords.' },
    handler: async ({ user, params, body }) =>
      presentWholeEntry(await gallery.remove(user, params.id, body.reason), user),
  }),
]
