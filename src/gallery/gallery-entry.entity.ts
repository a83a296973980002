import { EntitySchema } from 'typeorm'
import { galleryKinds } from '../contract/gallery.schemas.ts'
import type { PublishedAgentView, PublishedPartyView } from '../contract/gallery-views.ts'
import type { StrategyName } from '../contract/views.ts'
import { createdAt, integer, jsonb, text, timestamp, updatedAt, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

export type GalleryKind = (typeof galleryKinds)[number]

/** What an import brings. `party` is null of an agent alone. */
export interface GalleryContent {
  agents: PublishedAgentView[]
  party: PublishedPartyView | null
}

/**
 * An agent or a party as its author published it: a copy, which changes when they publish it again and not before. What an administrator
 * has removed stays for its author, and is seen by nobody else.
 */
export class GalleryEntry {
  declare id: string
  declare userId: string
  declare kind: GalleryKind
  /** The agent or party that it was published from, which may be gone since. */
  declare sourceId: string
  declare name: string
  declare description: string
  declare tags: string[]
  declare authorName: string
  /** Null of an agent alone. */
  declare strategy: StrategyName | null
  /** Of `content` what is listed. */
  declare faces: Array<Pick<PublishedAgentView, 'name' | 'avatar' | 'color'>>
  declare content: GalleryContent
  /** Of all that is shown but the author's name (`gallery-snapshot.ts`). */
  declare snapshotHash: string
  /** Users who have imported it, its author aside. */
  declare imports: number
  /** Words, kind and tags by which it is found; made by the statement that writes, never selected. */
  declare search: unknown
  declare removedAt: Date | null
  declare removedReason: string | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const galleryEntryEntity = new EntitySchema<GalleryEntry>({
  name: 'GalleryEntry',
  target: GalleryEntry,
  tableName: 'gallery_entries',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'gallery_entries_pk' }),
    userId: uuid(),
    kind: text(),
    sourceId: uuid(),
    name: text(),
    description: text(),
    tags: text({ array: true }),
    authorName: text(),
    strategy: text({ nullable: true }),
    faces: jsonb(),
    content: jsonb(),
    snapshotHash: text(),
    imports: integer({ default: 0 }),
    search: { type: 'tsvector', select: false, insert: false, update: false },
    removedAt: timestamp({ nullable: true }),
    removedReason: text({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'gallery_entries_kind_known', expression: `kind IN ${wordList(galleryKinds)}` },
    { name: 'gallery_entries_removal_whole', expression: '(removed_at IS NULL) = (removed_reason IS NULL)' },
  ],
  indices: [
    { name: 'gallery_entries_source_unique', columns: ['userId', 'sourceId'], unique: true },
    { name: 'gallery_entries_user', columns: ['userId', 'id'] },
    { name: 'gallery_entries_kind', columns: ['kind', 'id'] },
    { name: 'gallery_entries_imports', columns: ['imports', 'id'] },
    { name: 'gallery_entries_kind_imports', columns: ['kind', 'imports', 'id'] },
    // A GIN index, which only the migration can say.
    { name: 'gallery_entries_search', columns: ['search'], synchronize: false },
  ],
  foreignKeys: [
    {
      name: 'gallery_entries_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
