import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { SignedInView, UserView } from '../contract/account-views.ts'
import type { AuthUser, Role } from '../contract/auth-user.ts'
import type { ProfileBody, RegisterBody } from '../contract/identity.schemas.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { emailKeyOf } from './email-key.ts'
import type { Afterwards } from './email-link.service.ts'
import { refuseGuessable } from './guessable-password.ts'
import type { Invited } from './invitation.repository.ts'
import type { InvitationService } from './invitation.service.ts'
import { hashPassword, verifyPassword } from './password.ts'
import type { SessionService } from './session.service.ts'
import type { SignInService } from './sign-in.service.ts'
import { isKept, type KeptUser, type User } from './user.entity.ts'
import { presentUser } from './user.presenter.ts'
import type { UserRepository } from './user.repository.ts'

interface AuthDependencies {
  users: UserRepository
  sessions: Pick<SessionService, 'endAll' | 'announceEnded'>
  signIns: Pick<SignInService, 'begin'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  invitations: Pick<InvitationService, 'use'>
  /** Runs in the transaction that registers a user: opens the credit account, for one. */
  onRegistered: (user: KeptUser, invited: Invited | undefined, tx: Tx) => Promise<Afterwards>
  /** Runs in the transaction that changes a user's address. What these two answer is called after the commit. */
  onAddressChanged: (before: KeptUser, user: KeptUser, tx: Tx) => Promise<Afterwards>
}

const wrongPassword = () =>
  new AppError('auth.wrong_password', { details: { issues: [{ path: 'currentPassword', message: 'is wrong' }] } })
const invalidToken = () => new AppError('auth.unauthorized/token')

/** What somebody is called who has not said. */
export const nameIn = (email: string): string => email.slice(0, email.indexOf('@'))

/** Registration, and what people change of their own account. */
export class AuthService {
  readonly #deps: AuthDependencies

  constructor(dependencies: AuthDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError 409 `auth.email_taken`; 400 for a password that is guessed early, or a code that is not valid */
  async register(body: RegisterBody): Promise<SignedInView> {
    await refuseGuessable('password', body.password, body.email)
    const user = await this.createUser(body, 'user')
    return this.#deps.signIns.begin(user)
  }

  /** Creates a user of this role with all that belongs to one, without signing in. */
  async createUser(body: RegisterBody, role: Role): Promise<KeptUser> {
    const passwordHash = await hashPassword(body.password)
    const { user, afterwards } = await this.#deps.transactions.run(async (tx) => {
      const name = body.name ?? nameIn(body.email)
      const user = await this.#deps.users.create(
        {
          id: newId(),
          email: body.email,
          emailKey: emailKeyOf(body.email),
          // The operator has set the address of an administrator who is made.
          emailVerifiedAt: role === 'admin' ? new Date() : null,
          name,
          role,
          passwordHash,
        },
        tx,
      )
      await this.#deps.audit.record(
        { action: 'user.registered', actorId: null, targetId: user.id, details: { role } },
        tx,
      )
      const { invitationCode: code } = body
      const invited = code === undefined ? undefined : await this.#deps.invitations.use(code, user, tx)
      return { user, afterwards: await this.#deps.onRegistered(user, invited, tx) }
    })
    afterwards()
    return user
  }

  /** Changes the user's own profile; `check` is told what there is before. A new password ends all other sessions. */
  async updateProfile(
    actor: AuthUser,
    body: ProfileBody,
    check: (current: User) => void = () => {},
  ): Promise<UserView> {
    const current = await this.#deps.users.find(actor.id)
    if (!current) throw invalidToken()
    if (!isKept(current) && (body.email ?? body.currentPassword ?? body.newPassword) !== undefined) {
      throw new AppError('guest.not_allowed')
    }
    if (body.currentPassword !== undefined && !(await verifyPassword(body.currentPassword, current.passwordHash))) {
      throw wrongPassword()
    }
    if (body.newPassword) await refuseGuessable('newPassword', body.newPassword, body.email ?? current.email ?? '')
    const passwordHash = body.newPassword && (await hashPassword(body.newPassword))
    const { user, ended, afterwards } = await this.#deps.transactions.run(async (tx) => {
      const locked = await this.#deps.users.lock(actor.id, tx)
      if (!locked) throw invalidToken()
      check(locked)
      // The password that was just verified must still be the one: else who knows only the old one would undo its change.
      if (body.currentPassword !== undefined && locked.passwordHash !== current.passwordHash) throw wrongPassword()
      const isMoved = body.email !== undefined && emailKeyOf(body.email) !== locked.emailKey
      const change = {
        ...(body.name !== undefined && { name: body.name }),
        ...(body.email !== undefined && { email: body.email, emailKey: emailKeyOf(body.email) }),
        ...(isMoved && { emailVerifiedAt: null }),
        ...(passwordHash && { passwordHash }),
      }
      const record = { actorId: actor.id, targetId: actor.id, mostPerHour: MOST_BY_USERS }
      if (passwordHash) await this.#deps.audit.record({ action: 'password.changed', ...record }, tx)
      if (body.email !== undefined) await this.#deps.audit.record({ action: 'email.changed', ...record }, tx)
      const changed = await this.#deps.users.update(actor.id, change, tx)
      return {
        user: changed,
        afterwards:
          isMoved && isKept(locked) && isKept(changed)
            ? await this.#deps.onAddressChanged(locked, changed, tx)
            : () => {},
        ended: passwordHash ? await this.#deps.sessions.endAll(actor.id, actor.sessionId, tx) : 0,
      }
    })
    afterwards()
    if (ended > 0) await this.#deps.sessions.announceEnded(actor.id)
    return presentUser(user)
  }
}
