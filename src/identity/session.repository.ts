import { type DataSource, IsNull } from 'typeorm'
import type { AuthUser } from '../contract/auth-user.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { LIVE_KEY, NOTED_EVERY } from './api-key.repository.ts'
import { type Session, sessionEntity } from './session.entity.ts'

export class SessionRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async create(session: Pick<Session, 'id' | 'userId' | 'expiresAt' | 'network' | 'userAgent'>, tx: Tx): Promise<void> {
    await tx.insert(sessionEntity, session)
  }

  /** Notes that a user was here, as a session that has ended already; without where, nothing is known of it. */
  async notePlace(id: string, userId: string, network: string, tx: Tx): Promise<void> {
    await rows(tx, 'INSERT INTO sessions (id, user_id, network, expires_at) VALUES ($1, $2, $3, now())', [
      id,
      userId,
      network,
    ])
  }

  /** Who a live session belongs to; undefined when it is revoked, expired or unknown. Notes now and then that it is used. */
  async findLive(sessionId: string, userId: string): Promise<AuthUser | undefined> {
    const [found] = await rows<AuthUser & { unnoted: boolean }>(
      this.#db.manager,
      `SELECT u.id, u.role, u.email_key IS NULL AS "isGuest", s.id AS "sessionId", s.last_used_at < now() - ${NOTED_EVERY} AS unnoted
       FROM sessions s JOIN users u ON u.id = s.user_id
       WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > now()`,
      [sessionId, userId],
    )
    if (!found) return undefined
    const { unnoted, ...user } = found
    if (unnoted) await this.#noteUse(sessionId)
    return user
  }

  /** A live session of a user, in a transaction. */
  findOwn(userId: string, id: string, tx: Tx): Promise<Session | null> {
    return tx.findOneBy(sessionEntity, { id, userId, revokedAt: IsNull() })
  }

  /** Those of these sessions, and API keys, that are still live: a key is not while its user is suspended. */
  async live(sessionIds: string[]): Promise<Set<string>> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT id FROM sessions WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL AND expires_at > now()
       UNION ALL SELECT k.id FROM api_keys k JOIN users u ON u.id = k.user_id
       WHERE k.id = ANY($1::uuid[]) AND ${LIVE_KEY}`,
      [sessionIds],
    )
    return new Set(found.map((session) => session.id))
  }

  /** Live sessions of a user, newest first. */
  listLive(userId: string, limit: number, before: string | undefined): Promise<Session[]> {
    const query = this.#db.manager
      .createQueryBuilder(sessionEntity, 's')
      .where('s.userId = :userId AND s.revokedAt IS NULL AND s.expiresAt > now()', { userId })
      .orderBy('s.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('s.id < :before', { before })
    return query.getMany()
  }

  /**
   * What is known of where somebody signs in from: whether the account was signed in to from this network before, and whether
   * it had this session. A nil `userId` costs the same and knows nothing. As far back as sessions are kept.
   */
  async knows(
    userId: string,
    network: string | null,
    sessionId: string | null,
  ): Promise<{ network: boolean; session: boolean }> {
    const [known] = await rows<{ network: boolean; session: boolean }>(
      this.#db.manager,
      `SELECT EXISTS (SELECT FROM sessions WHERE user_id = $1 AND network = $2) AS network,
         EXISTS (SELECT FROM sessions WHERE user_id = $1 AND id = $3) AS session`,
      [userId, network, sessionId],
    )
    return known ?? { network: false, session: false }
  }

  /** How many sessions of a user began within these minutes. */
  async begunWithin(userId: string, minutes: number, tx: Tx): Promise<number> {
    const [found] = await rows<{ sessions: number }>(
      tx,
      `SELECT count(*)::int AS sessions FROM sessions
       WHERE user_id = $1 AND created_at > now() - $2 * interval '1 minute'`,
      [userId, minutes],
    )
    return found?.sessions ?? 0
  }

  /** Revokes a live session of a user; false when there is none. */
  async revoke(userId: string, sessionId: string, tx: Tx): Promise<boolean> {
    const revoked = await rows(
      tx,
      `UPDATE sessions SET revoked_at = now()
       WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL AND expires_at > now() RETURNING id`,
      [userId, sessionId],
    )
    return revoked.length > 0
  }

  /** Revokes all sessions of a user but one; answers which. */
  async revokeAll(userId: string, except: string | null, tx: Tx): Promise<string[]> {
    const revoked = await rows<{ id: string }>(
      tx,
      `UPDATE sessions SET revoked_at = now()
       WHERE user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $2::uuid RETURNING id`,
      [userId, except],
    )
    return revoked.map((session) => session.id)
  }

  /** Revokes a user's oldest live sessions, so that at most `most` are left. */
  async revokeBeyond(userId: string, most: number, tx: Tx): Promise<void> {
    await rows(
      tx,
      `UPDATE sessions SET revoked_at = now() WHERE id IN (
         SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()
         ORDER BY id DESC OFFSET $2)`,
      [userId, most],
    )
  }

  /** Never rejects: that nobody knows when a session was used last is no reason to refuse it. */
  async #noteUse(sessionId: string): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE sessions SET last_used_at = now() WHERE id = $1 AND last_used_at < now() - ${NOTED_EVERY}`,
      [sessionId],
    ).catch(() => {})
  }
}
