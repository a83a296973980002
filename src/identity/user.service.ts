import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { UserView } from '../contract/account-views.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { UserBody } from '../contract/identity.schemas.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { emailKeyOf } from './email-key.ts'
import type { Afterwards } from './email-link.service.ts'
import { isKept, type KeptUser, type User } from './user.entity.ts'
import { mayChange, mayChangeEmail, mayManage, takesAddress } from './user.policy.ts'
import { presentUser, presentUserToAdmin } from './user.presenter.ts'
import type { UserFilter, UserRepository } from './user.repository.ts'

interface UserDependencies {
  users: UserRepository
  transactions: Transactions
  audit: Pick<AuditLog, 'record' | 'recordAlone'>
  feed: Pick<LiveFeed, 'signal'>
  /**
   * Runs in the transaction that deletes a user, who is locked: settles what is still running, and makes the row nobody's. What it answers
   * is called after the commit, and erases.
   */
  onDeleting: (user: User, requestedBy: string, tx: Tx) => Promise<() => Promise<void>>
  /** Runs in the transaction that changes a user's address. What it answers is called after the commit. */
  onAddressChanged: (before: KeptUser, user: KeptUser, tx: Tx) => Promise<Afterwards>
}

const presentTo = (actor: AuthUser, user: User): UserView =>
  actor.role === 'admin' ? presentUserToAdmin(user) : presentUser(user)

/** Everything that administrators do is recorded. */
const mostOf = ({ role }: AuthUser): number | undefined => (role === 'admin' ? undefined : MOST_BY_USERS)

/** Accounts as administrators, and users themselves, manage them. */
export class UserService {
  readonly #deps: UserDependencies

  constructor(dependencies: UserDependencies) {
    this.#deps = dependencies
  }

  async list(actor: AuthUser, asked: UserFilter): Promise<User[]> {
    const users = await this.#deps.users.list(asked)
    await this.#deps.audit.recordAlone({ action: 'user.listed', actorId: actor.id, details: { users: users.length } })
    return users
  }

  async get(actor: AuthUser, userId: string): Promise<UserView> {
    const user = mayManage(actor, userId) ? await this.#deps.users.find(userId) : null
    if (!user) throw notFound('user')
    if (actor.id !== userId) {
      await this.#deps.audit.recordAlone({ action: 'user.read', actorId: actor.id, targetId: userId })
    }
    return presentTo(actor, user)
  }

  /** `check` is told what there is, before it is changed. */
  async update(
    actor: AuthUser,
    userId: string,
    body: UserBody,
    check: (current: User) => void = () => {},
  ): Promise<UserView> {
    if (!mayManage(actor, userId)) throw notFound('user')
    if (!mayChange(actor, body)) throw new AppError('auth.forbidden/role')
    const { view, afterwards } = await this.#deps.transactions.run(async (tx) => {
      if (body.role === 'user') await this.#keepAnAdmin(userId, tx)
      const user = await this.#deps.users.lock(userId, tx)
      if (!user) throw notFound('user')
      check(user)
      if (!mayChangeEmail(actor, user, body)) {
        throw new AppError('auth.forbidden/email')
      }
      if (!isKept(user) && takesAddress(body)) throw new AppError('users.guest')
      const isMoved = body.email !== undefined && emailKeyOf(body.email) !== user.emailKey
      const email = body.email !== undefined && { email: body.email, emailKey: emailKeyOf(body.email) }
      const unproved = isMoved && { emailVerifiedAt: null }
      await this.#recordChange(actor, user, body, tx)
      const changed = await this.#deps.users.update(userId, { ...body, ...email, ...unproved }, tx)
      const afterwards = isMoved ? await this.#moved(user, changed, tx) : () => {}
      return { view: presentTo(actor, changed), afterwards }
    })
    afterwards()
    return view
  }

  /**
   * Deletes the account, at once, and all its content: what there is much of is still going when this is answered. The figures of the ledger
   * stay: they are the books.
   */
  async delete(actor: AuthUser, userId: string): Promise<void> {
    if (!mayManage(actor, userId)) throw notFound('user')
    const afterwards = await this.#deps.transactions.run(async (tx) => {
      await this.#keepAnAdmin(userId, tx)
      const user = await this.#deps.users.lock(userId, tx)
      if (!user) throw notFound('user')
      return this.#remove(user, actor.id, tx)
    })
    await this.#gone(userId, afterwards)
  }

  /** Deletes a guest whom nobody has seen for so many days; false for one who has come back, or stays, since that was looked up. */
  async deleteDisused(guestId: string, days: number): Promise<boolean> {
    const { users, transactions } = this.#deps
    const afterwards = await transactions.run(async (tx) => {
      const guest = await users.lock(guestId, tx)
      if (!guest || (await users.disusedGuests(days, 1, tx, guestId)).length === 0) return undefined
      return this.#remove(guest, null, tx)
    })
    if (afterwards) await this.#gone(guestId, afterwards)
    return afterwards !== undefined
  }

  async #remove(user: User, actorId: string | null, tx: Tx): Promise<() => Promise<void>> {
    const afterwards = await this.#deps.onDeleting(user, actorId ?? user.id, tx)
    await this.#deps.audit.record({ action: 'user.deleted', actorId, targetId: user.id }, tx)
    return afterwards
  }

  async #gone(userId: string, afterwards: () => Promise<void>): Promise<void> {
    await this.#deps.feed.signal({ type: 'session.revoked', userId }).catch(() => {})
    await afterwards()
  }

  #moved(before: User, user: User, tx: Tx): Promise<Afterwards> {
    if (!isKept(before) || !isKept(user)) throw new AppError('users.guest')
    return this.#deps.onAddressChanged(before, user, tx)
  }

  /** Of what people change of themselves only what gives power is recorded. */
  async #recordChange(actor: AuthUser, user: User, change: UserBody, tx: Tx): Promise<void> {
    const { audit } = this.#deps
    const record = { actorId: actor.id, targetId: user.id }
    if (change.role !== undefined && change.role !== user.role) {
      await audit.record({ action: 'user.role_changed', ...record, details: { from: user.role, to: change.role } }, tx)
    }
    if (change.email !== undefined && change.email !== user.email) {
      await audit.record({ action: 'email.changed', ...record, mostPerHour: mostOf(actor) }, tx)
    }
    if (change.name !== undefined && actor.id !== user.id) await audit.record({ action: 'user.updated', ...record }, tx)
  }

  async #keepAnAdmin(userId: string, tx: Tx): Promise<void> {
    const others = await this.#deps.users.otherAdmins(userId, tx)
    if (others === 0 && (await this.#deps.users.find(userId, tx))?.role === 'admin') {
      throw new AppError('users.last_admin')
    }
  }
}
