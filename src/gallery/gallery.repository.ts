import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import { brokenReference, isUniqueViolation, type Tx } from '../database/transaction.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { type GalleryEntry, type GalleryKind, galleryEntryEntity } from './gallery-entry.entity.ts'

/** An entry without what only looking at it reads. */
export type ListedEntry = Omit<GalleryEntry, 'content' | 'search'>
export type WholeEntry = Omit<GalleryEntry, 'search'>

/** What is written when an entry is published, or published again; `vector` is the text of its `tsvector`. */
export type EntryFields = Pick<
  GalleryEntry,
  'name' | 'description' | 'tags' | 'authorName' | 'strategy' | 'faces' | 'content' | 'snapshotHash'
> & { vector: string }

export const gallerySorts = ['newest', 'imports'] as const

/** Which entries, and in which order. */
export interface EntryFilter {
  kind?: GalleryKind | undefined
  sort: (typeof gallerySorts)[number]
  /** The text of a `tsquery`; null for all. */
  query: string | null
  /** Behind this one. */
  before?: { imports: number; id: string } | undefined
  limit: number
}

const LISTED = `e.id, e.user_id AS "userId", e.kind, e.source_id AS "sourceId", e.name, e.description, e.tags,
  e.author_name AS "authorName", e.strategy, e.faces, e.snapshot_hash AS "snapshotHash", e.imports,
  e.removed_at AS "removedAt", e.removed_reason AS "removedReason", e.created_at AS "createdAt", e.updated_at AS "updatedAt"`

/** SQL: everybody may see it. Who is suspended or erased shows nothing. */
const VISIBLE = `e.removed_at IS NULL
  AND EXISTS (SELECT FROM users u WHERE u.id = e.user_id AND u.suspended_at IS NULL)`

/** As far as SQL's parameters are concerned: jsonb is sent as text. */
const values = (entry: EntryFields): unknown[] => [
  entry.name,
  entry.description,
  entry.tags,
  entry.authorName,
  entry.strategy,
  JSON.stringify(entry.faces),
  JSON.stringify(entry.content),
  entry.snapshotHash,
  entry.vector,
]

export class GalleryRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How many a user has published; whoever else wants to publish for them waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    return tx.countBy(galleryEntryEntity, { userId })
  }

  /** @throws AppError 409 `gallery.published` when there is one from the same agent or party */
  async create(
    { id, userId, kind, sourceId }: Pick<GalleryEntry, 'id' | 'userId' | 'kind' | 'sourceId'>,
    fields: EntryFields,
    tx: Tx,
  ): Promise<void> {
    await rows(
      tx,
      `INSERT INTO gallery_entries (id, user_id, kind, source_id, name, description, tags, author_name, strategy, faces, content,
         snapshot_hash, search)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::tsvector)`,
      [id, userId, kind, sourceId, ...values(fields)],
    ).catch((error: unknown) => {
      throw isUniqueViolation(error, 'gallery_entries_source_unique') ? new AppError('gallery.published') : error
    })
  }

  /** Published again: whatever was removed, this is something else. */
  async replace(id: string, fields: EntryFields, tx: Tx): Promise<void> {
    await rows(
      tx,
      `UPDATE gallery_entries SET name = $2, description = $3, tags = $4, author_name = $5, strategy = $6, faces = $7, content = $8,
         snapshot_hash = $9, search = $10::tsvector, removed_at = NULL, removed_reason = NULL, updated_at = now()
       WHERE id = $1`,
      [id, ...values(fields)],
    )
  }

  list({ kind, sort, query, before, limit }: EntryFilter): Promise<ListedEntry[]> {
    const given: unknown[] = [limit]
    const bind = (value: unknown) => `$${given.push(value)}`
    const conditions = [VISIBLE]
    if (kind) conditions.push(`e.kind = ${bind(kind)}`)
    if (query !== null) conditions.push(`e.search @@ ${bind(query)}::tsquery`)
    if (before && sort === 'imports')
      conditions.push(`(e.imports, e.id) < (${bind(before.imports)}, ${bind(before.id)})`)
    else if (before) conditions.push(`e.id < ${bind(before.id)}`)
    return rows<ListedEntry>(
      this.#db.manager,
      `SELECT ${LISTED} FROM gallery_entries e WHERE ${conditions.join(' AND ')}
       ORDER BY ${sort === 'imports' ? 'e.imports DESC, ' : ''}e.id DESC LIMIT $1`,
      given,
    )
  }

  /** Of one user all, removed ones too, newest first. */
  listOf(userId: string, limit: number, before: string | undefined): Promise<ListedEntry[]> {
    return rows<ListedEntry>(
      this.#db.manager,
      `SELECT ${LISTED} FROM gallery_entries e WHERE e.user_id = $1 AND ($3::uuid IS NULL OR e.id < $3) ORDER BY e.id DESC LIMIT $2`,
      [userId, limit, before ?? null],
    )
  }

  /** One that everybody may see, or `userId`'s own; `all`: removed ones too, as administrators see them. */
  async find(userId: string, id: string, all: boolean, tx: Tx = this.#db.manager): Promise<WholeEntry | undefined> {
    const [found] = await rows<WholeEntry>(
      tx,
      `SELECT ${LISTED}, e.content FROM gallery_entries e WHERE e.id = $1 AND ($3 OR e.user_id = $2 OR (${VISIBLE}))`,
      [id, userId, all],
    )
    return found
  }

  /** One's own; nobody else changes it before the end of this transaction. */
  async lockOwned(userId: string, id: string, tx: Tx): Promise<WholeEntry | undefined> {
    const sql = `SELECT ${LISTED}, e.content FROM gallery_entries e WHERE e.id = $1 AND e.user_id = $2 FOR UPDATE`
    const [found] = await rows<WholeEntry>(tx, sql, [id, userId])
    return found
  }

  /** Anybody's, as `lockOwned`. */
  async lock(id: string, tx: Tx): Promise<WholeEntry | undefined> {
    const [found] = await rows<WholeEntry>(
      tx,
      `SELECT ${LISTED}, e.content FROM gallery_entries e WHERE e.id = $1 FOR UPDATE`,
      [id],
    )
    return found
  }

  /** False when it is not this user's. */
  async delete(userId: string, id: string, tx: Tx): Promise<boolean> {
    const { affected } = await tx.delete(galleryEntryEntity, { id, userId })
    return affected === 1
  }

  /** Takes it away from everybody, and whatever is the same: nobody may publish it unchanged. */
  async remove({ id, snapshotHash }: WholeEntry, reason: string, tx: Tx): Promise<void> {
    await rows(tx, 'INSERT INTO gallery_removals (snapshot_hash) VALUES ($1) ON CONFLICT DO NOTHING', [snapshotHash])
    await rows(tx, 'UPDATE gallery_entries SET removed_at = now(), removed_reason = $2 WHERE id = $1', [id, reason])
  }

  async isRemoved(snapshotHash: string, tx: Tx): Promise<boolean> {
    return (await rows(tx, 'SELECT 1 FROM gallery_removals WHERE snapshot_hash = $1', [snapshotHash])).length > 0
  }

  /**
   * Counts that somebody imports what was read of it; each user once, and its author not. False when it is not to be seen any more, or is
   * something else by now. To be asked last: others who import it wait for the end of this transaction.
   * @throws AppError 404 when it was deleted at this moment
   */
  async countImport(userId: string, { id, snapshotHash }: WholeEntry, tx: Tx): Promise<boolean> {
    const counted = await rows(
      tx,
      `WITH first AS (
         INSERT INTO gallery_imports (entry_id, user_id)
         SELECT e.id, $2 FROM gallery_entries e WHERE e.id = $1 AND e.user_id <> $2 ON CONFLICT DO NOTHING RETURNING 1)
       UPDATE gallery_entries e SET imports = e.imports + (SELECT count(*) FROM first)
       WHERE e.id = $1 AND e.snapshot_hash = $3 AND (e.user_id = $2 OR (${VISIBLE})) RETURNING e.id`,
      [id, userId, snapshotHash],
    ).catch((error: unknown) => {
      throw brokenReference(error) === 'gallery_imports_entry_fk' ? notFound('gallery') : error
    })
    return counted.length === 1
  }

  /** Takes a piece of a user's day, in milliseconds; answers by how many more than a day is taken then, 0 when that is not so. */
  async take(userId: string, costMs: number, tx: Tx): Promise<number> {
    const [taken] = await rows<{ overMs: number }>(
      tx,
      `INSERT INTO gallery_budgets AS b (user_id, taken_until) VALUES ($1, now() + $2 * interval '1 ms')
       ON CONFLICT (user_id) DO UPDATE SET taken_until = greatest(b.taken_until, now()) + $2 * interval '1 ms'
       RETURNING (extract(epoch FROM b.taken_until - now() - interval '1 day') * 1000)::float8 AS "overMs"`,
      [userId, costMs],
    )
    return Math.max(0, taken?.overMs ?? 0)
  }
}
