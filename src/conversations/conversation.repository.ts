import type { DataSource } from 'typeorm'
import type { ReadMarkView } from '../contract/views.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Conversation, conversationEntity } from './conversation.entity.ts'
import type { WordsQuery } from './message-words.ts'

/** What its user changes of a conversation. */
export interface ConversationChange {
  title?: string
  archived?: boolean
  pinned?: boolean
}

export interface ListFilter {
  archived?: boolean
  /** Only those in which this is found. */
  found?: Pick<WordsQuery, 'words' | 'titles'>
}

/** Where a page of a list ends. */
export interface ListPlace {
  id: string
  pinned: boolean
  /** Milliseconds since 1970; undefined: as active as it is now. */
  activeAt: number | undefined
}

/** SQL: something that was said in it, and stands, has all of the words, or its title has. */
const FOUND = `(lower(normalize(c.title, NFKC)) LIKE ALL(:titles) OR c.id IN (
  SELECT m.conversation_id FROM message_words w JOIN messages m ON m.id = w.message_id
  WHERE w.search @@ :words::tsquery AND m.status <> 'superseded'))`

export class ConversationRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  find(id: string): Promise<Conversation | null> {
    return this.#db.manager.findOneBy(conversationEntity, { id })
  }

  findOwned(userId: string, id: string, tx: Tx = this.#db.manager): Promise<Conversation | null> {
    return tx.findOneBy(conversationEntity, { id, userId })
  }

  /** Locks the row until the transaction ends: POST, settle and cancel of one conversation happen one after another. */
  lock(id: string, tx: Tx): Promise<Conversation | null> {
    return tx.findOne(conversationEntity, { where: { id }, lock: { mode: 'pessimistic_write' } })
  }

  /** Locks all of a user's, in the order of their ids: nothing is accepted in them until the transaction ends. */
  async lockAllOf(userId: string, tx: Tx): Promise<void> {
    await rows(tx, 'SELECT id FROM conversations WHERE user_id = $1 ORDER BY id FOR UPDATE', [userId])
  }

  /** Pinned ones first, then last spoken in first; behind `before` where it is given, as it says, or else as that one is now. */
  list(userId: string, filter: ListFilter, limit: number, before: ListPlace | undefined): Promise<Conversation[]> {
    const query = this.#db.manager
      .createQueryBuilder(conversationEntity, 'c')
      .where('c.userId = :userId', { userId })
      .orderBy('c.pinned', 'DESC')
      .addOrderBy('c.activeAt', 'DESC')
      .addOrderBy('c.id', 'DESC')
      .take(limit)
    if (before?.activeAt !== undefined) {
      query.andWhere('(c.pinned, c.activeAt, c.id) < (:pinned, to_timestamp(:at / 1000.0), :id)', {
        pinned: before.pinned,
        at: before.activeAt,
        id: before.id,
      })
    } else if (before) {
      query.andWhere(
        `(c.pinned, c.activeAt, c.id) <
           (SELECT o.pinned, o.active_at, o.id FROM conversations o WHERE o.id = :id AND o.user_id = :userId)`,
        before,
      )
    }
    if (filter.archived !== undefined) query.andWhere('c.archived = :archived', { archived: filter.archived })
    if (filter.found) query.andWhere(FOUND, filter.found)
    return query.getMany()
  }

  /**
   * Notes that its user has read it up to this message; a mark is never put back. Whether it was moved; undefined where it is not
   * this user's. No new version: what is in it is what it was.
   */
  async markRead(userId: string, id: string, seq: number): Promise<(ReadMarkView & { isMoved: boolean }) | undefined> {
    const [mark] = await rows<ReadMarkView & { isMoved: boolean }>(
      this.#db.manager,
      `WITH moved AS (
         UPDATE conversations SET read_seq = least($3::int, last_seq)
         WHERE id = $1 AND user_id = $2 AND read_seq < least($3::int, last_seq) RETURNING read_seq
       ), mark AS (
         SELECT c.id, coalesce((SELECT read_seq FROM moved), c.read_seq) AS seq FROM conversations c
         WHERE c.id = $1 AND c.user_id = $2
       )
       SELECT id AS "conversationId", seq AS "readSeq", conversation_unread(id, seq) AS unread,
         EXISTS (SELECT FROM moved) AS "isMoved" FROM mark`,
      [id, userId, seq],
    )
    return mark
  }

  /** Notes a change that clients see; answers the version that it makes. */
  async advance(id: string, tx: Tx): Promise<number> {
    const [row] = await rows<{ version: string }>(
      tx,
      'UPDATE conversations SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version',
      [id],
    )
    if (!row) throw new Error(`conversation ${id} vanished under its lock`)
    return Number(row.version)
  }

  /** Room for one more message, under the row's lock; answers its place, and the version that it makes. */
  async takeSeq(id: string, tx: Tx): Promise<{ seq: number; version: number }> {
    const [row] = await rows<{ seq: number; version: string }>(
      tx,
      `UPDATE conversations SET last_seq = last_seq + 1, version = version + 1, updated_at = now() WHERE id = $1
       RETURNING last_seq AS seq, version`,
      [id],
    )
    if (!row) throw new Error(`conversation ${id} vanished under its lock`)
    return { seq: row.seq, version: Number(row.version) }
  }

  /** Whether this user may begin another conversation; others who ask wait for the end of this transaction (`accept.sql`). */
  async hasRoom(userId: string, most: number, tx: Tx): Promise<boolean> {
    const [row] = await rows<{ free: boolean }>(tx, 'SELECT conversations_free($1, $2, NULL, NULL) AS free', [
      userId,
      most,
    ])
    return row?.free ?? false
  }

  async change(id: string, change: ConversationChange, tx: Tx): Promise<Conversation> {
    await tx.update(
      conversationEntity,
      { id },
      { ...change, ...(change.title && { titleDueAt: null }), version: () => 'version + 1', updatedAt: new Date() },
    )
    return tx.findOneByOrFail(conversationEntity, { id })
  }

  /**
   * Takes a title that is due for one try: nobody else does for `pauseMs`. Null when there is nothing to do. After
   * `attempts` tries it is not due any more.
   */
  async claimTitle(
    id: string,
    attempts: number,
    pauseMs: number,
  ): Promise<{ attempt: number; isLast: boolean } | null> {
    const [claimed] = await rows<{ attempt: number }>(
      this.#db.manager,
      `UPDATE conversations SET title_attempts = title_attempts + 1,
         title_due_at = CASE WHEN title_attempts + 1 < $2 THEN clock_timestamp() + $3 * interval '1 millisecond' END
       WHERE id = $1 AND title IS NULL AND title_due_at <= clock_timestamp() RETURNING title_attempts AS attempt`,
      [id, attempts, pauseMs],
    )
    return claimed ? { attempt: claimed.attempt, isLast: claimed.attempt >= attempts } : null
  }

  /** Names a conversation that has no title. False when the user was quicker. */
  async giveTitle(id: string, title: string, tx: Tx): Promise<boolean> {
    const named = await rows(
      tx,
      `UPDATE conversations SET title = $2, title_due_at = NULL, version = version + 1 WHERE id = $1 AND title IS NULL RETURNING id`,
      [id, title],
    )
    return named.length > 0
  }

  /** Conversations whose title has been due for `afterMs`: its job may be lost. At most 100. */
  async titlesDue(afterMs: number): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT id FROM conversations WHERE title_due_at IS NOT NULL AND title IS NULL
         AND title_due_at < clock_timestamp() - $1 * interval '1 millisecond' ORDER BY title_due_at LIMIT 100`,
      [afterMs],
    )
    return found.map(({ id }) => id)
  }

  async delete(id: string, tx: Tx): Promise<void> {
    await tx.delete(conversationEntity, { id })
  }

  /** Versions of these conversations; one that was deleted is missing. */
  async versions(ids: string[]): Promise<Map<string, number>> {
    const found = await rows<{ id: string; version: string }>(
      this.#db.manager,
      'SELECT id, version FROM conversations WHERE id = ANY($1::uuid[])',
      [ids],
    )
    return new Map(found.map(({ id, version }) => [id, Number(version)]))
  }
}
