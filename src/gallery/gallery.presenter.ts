import type { AuthUser } from '../contract/auth-user.ts'
import type { GalleryEntryView, WholeGalleryEntryView } from '../contract/gallery-views.ts'
import type { ListedEntry, WholeEntry } from './gallery.repository.ts'

/** Enough to tell one state of an entry from another. */
const REVISION_CHARS = 16

/** Which state of an entry it is. */
export const revisionOf = ({ snapshotHash }: Pick<ListedEntry, 'snapshotHash'>): string =>
  snapshotHash.slice(0, REVISION_CHARS)

/** What of an entry its author may change. */
export const entryState = ({ authorName, revision }: WholeGalleryEntryView) => ({ authorName, revision })

/** An entry as a list shows it; whose account it is of, nobody is told. */
export const presentEntry = (entry: ListedEntry, viewer: AuthUser): GalleryEntryView => ({
  id: entry.id,
  kind: entry.kind,
  name: entry.name,
  description: entry.description,
  tags: entry.tags,
  authorName: entry.authorName,
  strategy: entry.strategy,
  faces: entry.faces,
  imports: entry.imports,
  revision: revisionOf(entry),
  mine: entry.userId === viewer.id,
  sourceId: entry.userId === viewer.id ? entry.sourceId : null,
  removed:
    entry.removedAt && entry.removedReason !== null
      ? { at: entry.removedAt.toISOString(), reason: entry.removedReason }
      : null,
  createdAt: entry.createdAt.toISOString(),
  updatedAt: entry.updatedAt.toISOString(),
})

export const presentWholeEntry = (entry: WholeEntry, viewer: AuthUser): WholeGalleryEntryView => ({
  ...presentEntry(entry, viewer),
  agents: entry.content.agents,
  party: entry.content.party,
})
