import type { AuditLog } from '../audit/audit-log.ts'
import type { InvitationView } from '../contract/account-views.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { InvitationBody } from '../contract/invitation.schemas.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { invalidRequest, notFound } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { formatCredits } from '../shared/money.ts'
import { emailKeyOf } from './email-key.ts'
import type { Invitation } from './invitation.entity.ts'
import { presentInvitation } from './invitation.presenter.ts'
import type { InvitationRepository, Invited } from './invitation.repository.ts'
import { hashOfCode, newInvitationCode } from './invitation-code.ts'

interface InvitationDependencies {
  invitations: InvitationRepository
  audit: Pick<AuditLog, 'record'>
  transactions: Transactions
}

/** Codes by which administrators let people in, with credits where they say so. */
export class InvitationService {
  readonly #deps: InvitationDependencies

  constructor(dependencies: InvitationDependencies) {
    this.#deps = dependencies
  }

  /** The code is in this answer and nowhere else. */
  create(admin: AuthUser, body: InvitationBody): Promise<InvitationView & { code: string }> {
    const { invitations, audit, transactions } = this.#deps
    const { grant = null, uses, expiresAt = null, email } = body
    const code = newInvitationCode()
    return transactions.run(async (tx) => {
      const invitation = await invitations.create(
        {
          id: newId(),
          codeHash: hashOfCode(code),
          grant,
          uses,
          email: email === undefined ? null : emailKeyOf(email),
          expiresAt,
          createdBy: admin.id,
        },
        tx,
      )
      const details = { uses, grant: grant === null ? null : formatCredits(grant) }
      await audit.record({ action: 'invitation.created', actorId: admin.id, targetId: invitation.id, details }, tx)
      return { ...presentInvitation(invitation), code }
    })
  }

  list(limit: number, before: string | undefined): Promise<Invitation[]> {
    return this.#deps.invitations.list(limit, before)
  }

  /** @throws AppError 404 */
  revoke(admin: AuthUser, id: string): Promise<void> {
    const { invitations, audit, transactions } = this.#deps
    return transactions.run(async (tx) => {
      if (!(await invitations.revoke(id, tx))) throw notFound('invitation')
      await audit.record({ action: 'invitation.revoked', actorId: admin.id, targetId: id }, tx)
    })
  }

  /**
   * In the transaction that registers a user, so that a registration that fails uses nothing.
   * @throws AppError 400, the same for every code that is not valid here
   */
  async use(code: string, user: { id: string; emailKey: string }, tx: Tx): Promise<Invited> {
    const { invitations, audit } = this.#deps
    const invited = await invitations.use(hashOfCode(code), user.emailKey, tx)
    if (!invited) throw invalidRequest([{ path: 'invitationCode', message: 'is not valid, or not any more' }])
    await invitations.noteUse(invited.id, user.id, tx)
    await audit.record({ action: 'invitation.used', actorId: user.id, targetId: invited.id }, tx)
    return invited
  }
}
