import type { DataSource } from 'typeorm'
import type { AuthUser } from '../contract/auth-user.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Session, sessionEntity } from './session.entity.ts'

export class SessionRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async create(session: Pick<Session, 'id' | 'userId' | 'expiresAt'>, tx: Tx): Promise<void> {
    await tx.insert(sessionEntity, session)
  }

  /** Who a live session belongs to; undefined when it is revoked, expired or unknown. */
  async findLive(sessionId: string, userId: string): Promise<AuthUser | undefined> {
    const [user] = await rows<AuthUser>(
      this.#db.manager,
      `SELECT u.id, u.role, s.id AS "sessionId" FROM sessions s JOIN users u ON u.id = s.user_id
       WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > now()`,
      [sessionId, userId],
    )
    return user
  }

  /** Those of these sessions that are still live. */
  async live(sessionIds: string[]): Promise<Set<string>> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      'SELECT id FROM sessions WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL AND expires_at > now()',
      [sessionIds],
    )
    return new Set(found.map((session) => session.id))
  }

  async revoke(sessionId: string): Promise<void> {
    await rows(this.#db.manager, 'UPDATE sessions SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL', [
      sessionId,
    ])
  }

  /** Deletes sessions that ended more than a month ago. */
  async prune(): Promise<void> {
    await rows(
      this.#db.manager,
      `DELETE FROM sessions WHERE least(expires_at, revoked_at) < now() - interval '30 days'`,
    )
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
}
