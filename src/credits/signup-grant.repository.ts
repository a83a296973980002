import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'

/** A grant that waits for the budget. */
export interface WaitingGrant {
  addressHash: string
  userId: string
  amount: bigint
}

/** What the last 24 hours gave: a moving day, so that midnight doubles nothing. */
const GIVEN_OF_LATE = `(SELECT coalesce(sum(amount), 0) FROM signup_grants
  WHERE budgeted AND given_at > now() - interval '24 hours')`

/** Keys of the ledger: what a guest was given, and what of it was taken back. */
export const guestKey = (userId: string): string => `guest:${userId}`
export const guestEndKey = (userId: string): string => `guest_end:${userId}`

export class SignupGrantRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Looking at the budget and spending it are one step: whoever does waits here, until the other's transaction ends. */
  lock(tx: Tx): Promise<void> {
    return lockOwner('grants', null, tx)
  }

  /**
   * Notes a grant; `given` tells whether the budget reaches, so that it is to be given now. Undefined when this address was given one
   * before, or this user has one, given or waiting.
   */
  async note(
    grant: { addressHash: string; userId: string; amount: bigint; budgeted: boolean },
    budget: bigint,
    tx: Tx,
  ): Promise<{ given: boolean } | undefined> {
    const { addressHash, userId, amount, budgeted } = grant
    const [noted] = await rows<{ given: boolean }>(
      tx,
      `INSERT INTO signup_grants AS g (address_hash, user_id, amount, budgeted, given_at)
       SELECT $1, $2, $3::bigint, $4::boolean,
         CASE WHEN NOT $4::boolean OR ${GIVEN_OF_LATE} + $3::bigint <= $5::bigint THEN now() END
       WHERE NOT EXISTS (SELECT FROM signup_grants WHERE user_id = $2)
       ON CONFLICT (address_hash) DO UPDATE
         SET user_id = excluded.user_id, amount = excluded.amount, budgeted = excluded.budgeted, given_at = excluded.given_at
         WHERE g.given_at IS NULL
       RETURNING given_at IS NOT NULL AS given`,
      [addressHash, userId, amount.toString(), budgeted, budget.toString()],
    )
    return noted
  }

  /** The same for a guest, who has no address: false where the budget does not reach, and nothing is noted. */
  async noteGuest(userId: string, amount: bigint, budget: bigint, tx: Tx): Promise<boolean> {
    const noted = await rows(
      tx,
      `INSERT INTO signup_grants (address_hash, user_id, amount, budgeted, given_at)
       SELECT $1, $2, $3::bigint, true, now() WHERE ${GIVEN_OF_LATE} + $3::bigint <= $4::bigint RETURNING 1`,
      [guestKey(userId), userId, amount.toString(), budget.toString()],
    )
    return noted.length > 0
  }

  async forgetGuest(userId: string, tx: Tx): Promise<void> {
    await rows(tx, 'DELETE FROM signup_grants WHERE address_hash = $1', [guestKey(userId)])
  }

  /** What a user was given as a guest, without what was taken back. */
  async keptAsGuest(userId: string, tx: Tx): Promise<bigint> {
    const [found] = await rows<{ kept: string }>(
      tx,
      `SELECT coalesce(sum(CASE WHEN key = $1 THEN amount ELSE -amount END), 0)::text AS kept
       FROM ledger_entries WHERE key IN ($1, $2)`,
      [guestKey(userId), guestEndKey(userId)],
    )
    return BigInt(found?.kept ?? 0)
  }

  /** Notes what was given before there were such rows. */
  async noteGiven(addressHash: string, userId: string, tx: Tx): Promise<void> {
    await rows(
      tx,
      `INSERT INTO signup_grants (address_hash, user_id, amount, budgeted, given_at)
       SELECT $1, $2, amount, false, created_at FROM ledger_entries WHERE key = $3 AND amount > 0
       ON CONFLICT (address_hash) DO NOTHING`,
      [addressHash, userId, `open:${userId}`],
    )
  }

  /** Whether this user was given welcome credits that no row tells of. */
  async isUnnoted(userId: string, tx: Tx): Promise<boolean> {
    const [answer] = await rows<{ unnoted: boolean }>(
      tx,
      `SELECT EXISTS (SELECT FROM ledger_entries WHERE key = $2)
         AND NOT EXISTS (SELECT FROM signup_grants WHERE user_id = $1) AS unnoted`,
      [userId, `open:${userId}`],
    )
    return answer?.unnoted ?? false
  }

  /** Users whose grants wait, oldest first, without those that are gone. */
  async waiting(limit: number): Promise<WaitingGrant[]> {
    const found = await rows<{ addressHash: string; userId: string; amount: string }>(
      this.#db.manager,
      `SELECT g.address_hash AS "addressHash", g.user_id AS "userId", g.amount FROM signup_grants g
       JOIN users u ON u.id = g.user_id WHERE g.given_at IS NULL AND u.erased_at IS NULL ORDER BY g.created_at LIMIT $1`,
      [limit],
    )
    return found.map((grant) => ({ ...grant, amount: BigInt(grant.amount) }))
  }

  /** Marks a waiting grant as given, if it still waits and the budget reaches. */
  async giveWaiting(grant: WaitingGrant, budget: bigint, tx: Tx): Promise<boolean> {
    const given = await rows(
      tx,
      `UPDATE signup_grants SET given_at = now() WHERE address_hash = $1 AND user_id = $2 AND given_at IS NULL
         AND ${GIVEN_OF_LATE} + amount <= $3::bigint RETURNING 1`,
      [grant.addressHash, grant.userId, budget.toString()],
    )
    return given.length > 0
  }

  /** The server's key of this id, sealed: `fresh` is kept where there is none yet. */
  async sealedKey(id: string, fresh: string): Promise<string> {
    const { manager } = this.#db
    await rows(manager, 'INSERT INTO server_keys (id, key_sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING', [id, fresh])
    const [key] = await rows<{ sealed: string }>(
      manager,
      'SELECT key_sealed AS sealed FROM server_keys WHERE id = $1',
      [id],
    )
    return key?.sealed ?? fresh
  }
}
