import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Invitation, invitationEntity, invitationUseEntity } from './invitation.entity.ts'

/** What an invitation gives to who came by it. */
export type Invited = Pick<Invitation, 'id' | 'grant'>

export class InvitationRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async create(invitation: Omit<Invitation, 'used' | 'revokedAt' | 'createdAt'>, tx: Tx): Promise<Invitation> {
    await tx.insert(invitationEntity, invitation)
    return tx.findOneByOrFail(invitationEntity, { id: invitation.id })
  }

  /** Newest first. */
  list(limit: number, before: string | undefined): Promise<Invitation[]> {
    const query = this.#db.manager.createQueryBuilder(invitationEntity, 'i').orderBy('i.id', 'DESC').take(limit)
    if (before) query.where('i.id < :before', { before })
    return query.getMany()
  }

  /** Ends an invitation; false where there is none. Those who came by it stay. */
  async revoke(id: string, tx: Tx): Promise<boolean> {
    const revoked = await rows(
      tx,
      'UPDATE invitations SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING 1',
      [id],
    )
    return revoked.length > 0
  }

  /** Uses a code once; undefined where it is none, is used up, revoked or expired, or is somebody else's. */
  async use(codeHash: string, emailKey: string, tx: Tx): Promise<Invited | undefined> {
    const [used] = await rows<{ id: string; grant: string | null }>(
      tx,
      `UPDATE invitations SET used = used + 1
       WHERE code_hash = $1 AND used < uses AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
         AND (email IS NULL OR email = $2)
       RETURNING id, "grant"`,
      [codeHash, emailKey],
    )
    return used && { id: used.id, grant: used.grant === null ? null : BigInt(used.grant) }
  }

  async noteUse(invitationId: string, userId: string, tx: Tx): Promise<void> {
    await tx.insert(invitationUseEntity, { invitationId, userId })
  }

  /** By which invitation a user came, if by one. */
  async of(userId: string, tx: Tx): Promise<Invited | undefined> {
    const [invited] = await rows<{ id: string; grant: string | null }>(
      tx,
      `SELECT i.id, i."grant" FROM invitation_uses u JOIN invitations i ON i.id = u.invitation_id WHERE u.user_id = $1`,
      [userId],
    )
    return invited && { id: invited.id, grant: invited.grant === null ? null : BigInt(invited.grant) }
  }
}
