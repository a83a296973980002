import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { keyConflict, type RequestKey } from './request-key.ts'

/** A request that may be repeated. */
export type IdempotentRequest = RequestKey & { userId: string }

export class IdempotencyRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /**
   * The stored response of a request that was accepted before, else undefined.
   * @throws AppError 409 `request.idempotency_conflict` when the key was used with another body.
   */
  async find({ userId, route, key, bodyHash }: IdempotentRequest, tx: Tx = this.#db.manager): Promise<unknown> {
    const [before] = await rows<{ bodyHash: string; response: unknown }>(
      tx,
      `SELECT body_hash AS "bodyHash", response FROM idempotency_keys WHERE user_id = $1 AND route = $2 AND key = $3`,
      [userId, route, key],
    )
    if (before && before.bodyHash !== bodyHash) throw keyConflict()
    return before?.response
  }

  /**
   * Reserves a key within the accepting transaction; a concurrent request with the same key waits here for that commit.
   * Answers like `find` when the request was accepted before.
   */
  async reserve(request: IdempotentRequest, tx: Tx): Promise<unknown> {
    const { userId, route, key, bodyHash } = request
    const reserved = await rows(
      tx,
      `INSERT INTO idempotency_keys (user_id, route, key, body_hash) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING RETURNING key`,
      [userId, route, key, bodyHash],
    )
    return reserved.length ? undefined : this.find(request, tx)
  }

  async complete({ userId, route, key }: IdempotentRequest, response: unknown, tx: Tx): Promise<void> {
    await rows(tx, 'UPDATE idempotency_keys SET response = $4 WHERE user_id = $1 AND route = $2 AND key = $3', [
      userId,
      route,
      key,
      JSON.stringify(response),
    ])
  }
}
