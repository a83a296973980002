import type { DataSource } from 'typeorm'
import type { Role } from '../contract/auth-user.ts'
import type { KeyScope } from '../contract/key-scopes.ts'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type ApiKey, apiKeyEntity } from './api-key.entity.ts'

/** SQL of a key `k` and its user `u`: it may be used now. */
export const LIVE_KEY = 'k.revoked_at IS NULL AND (k.expires_at > now()) IS NOT FALSE AND u.suspended_at IS NULL'
/** A key, or session, that is used is noted at most once in this time, so that looking it up writes next to nothing. */
export const NOTED_EVERY = `interval '5 minutes'`
/** Of revoked keys a user's latest so many stay until they are swept: making and revoking fills no table. */
const REVOKED_KEPT = 100

/** A key that may be used now, and whose it is. */
export interface LiveKey {
  id: string
  userId: string
  role: Role
  scopes: KeyScope[]
  expiresAt: Date | null
}

/** Micro-credits of this month (UTC); zeros for a key without a budget, whose are not counted. */
export interface KeyWithMonth extends ApiKey {
  month: { held: bigint; spent: bigint }
}

export class ApiKeyRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How many a user has that are not revoked; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    const [found] = await rows<{ keys: number }>(
      tx,
      'SELECT count(*)::int AS keys FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL',
      [userId],
    )
    return found?.keys ?? 0
  }

  async create(key: Omit<ApiKey, 'createdAt' | 'revokedAt' | 'lastUsedAt'>, tx: Tx): Promise<ApiKey> {
    await tx.insert(apiKeyEntity, key)
    await rows(
      tx,
      `DELETE FROM api_keys WHERE id IN (
         SELECT id FROM api_keys WHERE user_id = $1 AND revoked_at IS NOT NULL ORDER BY revoked_at DESC, id OFFSET $2)`,
      [key.userId, REVOKED_KEPT],
    )
    return tx.findOneByOrFail(apiKeyEntity, { id: key.id })
  }

  /** Those that are not revoked, newest first; expired ones among them. Each with what its runs hold and have cost this month. */
  async list(userId: string, limit: number, before: string | undefined): Promise<KeyWithMonth[]> {
    const query = this.#db.manager
      .createQueryBuilder(apiKeyEntity, 'k')
      .where('k.userId = :userId AND k.revokedAt IS NULL', { userId })
      .orderBy('k.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('k.id < :before', { before })
    const keys = await query.getMany()
    const months = await rows<{ keyId: string; held: string; spent: string }>(
      this.#db.manager,
      `SELECT key_id AS "keyId", held, spent FROM api_key_months
       WHERE key_id = ANY($1::uuid[]) AND month = date_trunc('month', now() AT TIME ZONE 'UTC')::date`,
      [keys.filter(({ monthlyCredits }) => monthlyCredits !== null).map(({ id }) => id)],
    )
    const byKey = new Map(months.map(({ keyId, held, spent }) => [keyId, { held: BigInt(held), spent: BigInt(spent) }]))
    return keys.map((key) => ({ ...key, month: byKey.get(key.id) ?? { held: 0n, spent: 0n } }))
  }

  /**
   * The key of this hash, or with this id and of this user, if it may be used: not while its user is suspended. One statement, as for a
   * session; notes now and then that it is used.
   */
  async findLive(named: { secretHash: Buffer } | { id: string; userId: string }): Promise<LiveKey | undefined> {
    const [condition, parameters] =
      'secretHash' in named
        ? ['k.secret_hash = $1', [named.secretHash]]
        : ['k.id = $1 AND k.user_id = $2', [named.id, named.userId]]
    const [found] = await rows<LiveKey & { unnoted: boolean }>(
      this.#db.manager,
      `SELECT k.id, u.id AS "userId", u.role, k.scopes, k.expires_at AS "expiresAt",
         coalesce(k.last_used_at < now() - ${NOTED_EVERY}, true) AS unnoted
       FROM api_keys k JOIN users u ON u.id = k.user_id
       WHERE ${condition} AND ${LIVE_KEY}`,
      parameters,
    )
    if (!found) return undefined
    const { unnoted, ...key } = found
    if (unnoted) await this.#noteUse(key.id)
    return key
  }

  /** Revokes a key of a user; false when there is none that is not revoked. */
  async revoke(userId: string, id: string, tx: Tx): Promise<boolean> {
    const revoked = await rows(
      tx,
      'UPDATE api_keys SET revoked_at = now() WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL RETURNING id',
      [userId, id],
    )
    return revoked.length > 0
  }

  /** Revokes all keys of a user; answers how many. */
  async revokeAll(userId: string, tx: Tx): Promise<number> {
    const revoked = await rows(
      tx,
      'UPDATE api_keys SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL RETURNING id',
      [userId],
    )
    return revoked.length
  }

  /** Never rejects: that nobody knows when a key was used last is no reason to refuse it. */
  async #noteUse(id: string): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE api_keys SET last_used_at = now()
       WHERE id = $1 AND coalesce(last_used_at < now() - ${NOTED_EVERY}, true)`,
      [id],
    ).catch(() => {})
  }
}
