import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { Share } from './share.entity.ts'

/** A link with its conversation's title, as lists show it. */
export interface TitledShare extends Share {
  title: string | null
}

/** What a link opens that may be used now. */
export interface OpenShare {
  id: string
  userId: string
  conversationId: string
}

const NOT_OVER = '(s.expires_at > now()) IS NOT FALSE'
const CONVERSATION = 'JOIN conversations c ON c.id = s.conversation_id'
/** SQL of a link `s`, its conversation `c` and its owner `u`: it opens something now. */
const OPEN = `${NOT_OVER} AND NOT c.archived AND u.suspended_at IS NULL`
const OPENED = `shares s ${CONVERSATION} JOIN users u ON u.id = s.user_id`
const SHOWN = `s.id, s.conversation_id AS "conversationId", s.user_id AS "userId", s.expires_at AS "expiresAt",
  s.created_at AS "createdAt", c.title`

export class ShareRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How many a user has, once those that are over are gone; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    await rows(tx, 'DELETE FROM shares WHERE user_id = $1 AND expires_at <= now()', [userId])
    const sql = 'SELECT count(*)::int AS shares FROM shares WHERE user_id = $1'
    return (await rows<{ shares: number }>(tx, sql, [userId]))[0]?.shares ?? 0
  }

  /** Undefined when there is no such conversation of this user. It is not deleted before the end of this transaction. */
  async create(
    { id, userId, conversationId, expiresAt }: Pick<Share, 'id' | 'userId' | 'conversationId' | 'expiresAt'>,
    tx: Tx,
  ): Promise<TitledShare | undefined> {
    const [made] = await rows<TitledShare>(
      tx,
      `WITH c AS (SELECT id, title FROM conversations WHERE id = $2 AND user_id = $3 FOR KEY SHARE), s AS (
         INSERT INTO shares (id, conversation_id, user_id, expires_at) SELECT $1, c.id, $3, $4 FROM c RETURNING *)
       SELECT ${SHOWN} FROM s ${CONVERSATION.replace('conversations c', 'c')}`,
      [id, conversationId, userId, expiresAt],
    )
    return made
  }

  /** Those of a user, or of one conversation of this user, that are not over; newest first. */
  list(
    userId: string,
    conversationId: string | undefined,
    limit: number,
    before: string | undefined,
  ): Promise<TitledShare[]> {
    return rows<TitledShare>(
      this.#db.manager,
      `SELECT ${SHOWN} FROM shares s ${CONVERSATION}
       WHERE s.user_id = $1 AND ($2::uuid IS NULL OR s.conversation_id = $2) AND ($4::uuid IS NULL OR s.id < $4)
         AND ${NOT_OVER} ORDER BY s.id DESC LIMIT $3`,
      [userId, conversationId, limit, before],
    )
  }

  /** The conversation that it was of; undefined when there is no such link of this user. */
  async delete(userId: string, id: string, tx: Tx): Promise<string | undefined> {
    const sql = 'DELETE FROM shares WHERE id = $2 AND user_id = $1 RETURNING conversation_id AS "conversationId"'
    return (await rows<{ conversationId: string }>(tx, sql, [userId, id]))[0]?.conversationId
  }

  /** What this link opens now; with a run, only if that is one of its conversation. */
  async findOpen(id: string, runId?: string): Promise<OpenShare | undefined> {
    const [found] = await rows<OpenShare>(
      this.#db.manager,
      `SELECT s.id, s.user_id AS "userId", s.conversation_id AS "conversationId" FROM ${OPENED}
       WHERE s.id = $1 AND ${OPEN}
         AND ($2::uuid IS NULL OR EXISTS (SELECT FROM runs r WHERE r.id = $2 AND r.conversation_id = c.id))`,
      [id, runId],
    )
    return found
  }

  /** Those of these links that open something now. */
  async open(ids: string[]): Promise<Set<string>> {
    const sql = `SELECT s.id FROM ${OPENED} WHERE s.id = ANY($1::uuid[]) AND ${OPEN}`
    const found = await rows<{ id: string }>(this.#db.manager, sql, [ids])
    return new Set(found.map(({ id }) => id))
  }
}
