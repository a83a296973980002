import type { AuthUser } from '../contract/auth-user.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { emailKeyOf } from './email-key.ts'
import type { UserBody } from './identity.schemas.ts'
import type { User } from './user.entity.ts'
import { mayChange, mayChangeEmail, mayManage } from './user.policy.ts'
import { presentUser, type UserView } from './user.presenter.ts'
import type { UserRepository } from './user.repository.ts'

interface UserDependencies {
  users: UserRepository
  transactions: Transactions
  feed: Pick<LiveFeed, 'signal'>
  /**
   * Runs in the transaction that deletes a user, before the rows go: settles what is still running. What it answers is called
   * after the commit.
   */
  onDeleting: (userId: string, tx: Tx) => Promise<() => Promise<void>>
}

/** Accounts as administrators, and users themselves, manage them. */
export class UserService {
  readonly #deps: UserDependencies

  constructor(dependencies: UserDependencies) {
    this.#deps = dependencies
  }

  list(limit: number, before: string | undefined): Promise<User[]> {
    return this.#deps.users.list(limit, before)
  }

  async get(actor: AuthUser, userId: string): Promise<UserView> {
    const user = mayManage(actor, userId) ? await this.#deps.users.find(userId) : null
    if (!user) throw notFound('user')
    return presentUser(user)
  }

  async update(actor: AuthUser, userId: string, body: UserBody): Promise<UserView> {
    if (!mayManage(actor, userId)) throw notFound('user')
    if (!mayChange(actor, body)) throw new AppError('auth.forbidden/role')
    return this.#deps.transactions.run(async (tx) => {
      if (body.role === 'user') await this.#keepAnAdmin(userId, tx)
      const user = await this.#deps.users.lock(userId, tx)
      if (!user) throw notFound('user')
      if (!mayChangeEmail(actor, user, body)) {
        throw new AppError('auth.forbidden/email')
      }
      const email = body.email !== undefined && { email: body.email, emailKey: emailKeyOf(body.email) }
      return presentUser(await this.#deps.users.update(userId, { ...body, ...email }, tx))
    })
  }

  /** Deletes the account with all its content. Ledger entries stay: they are the books. */
  async delete(actor: AuthUser, userId: string): Promise<void> {
    if (!mayManage(actor, userId)) throw notFound('user')
    const afterwards = await this.#deps.transactions.run(async (tx) => {
      await this.#keepAnAdmin(userId, tx)
      const user = await this.#deps.users.lock(userId, tx)
      if (!user) throw notFound('user')
      const afterDeleting = await this.#deps.onDeleting(userId, tx)
      await this.#deps.users.delete(userId, tx)
      return afterDeleting
    })
    await afterwards()
    await this.#deps.feed.signal({ type: 'session.revoked', userId }).catch(() => {})
  }

  async #keepAnAdmin(userId: string, tx: Tx): Promise<void> {
    const others = await this.#deps.users.otherAdmins(userId, tx)
    if (others === 0 && (await this.#deps.users.find(userId, tx))?.role === 'admin') {
      throw new AppError('users.last_admin')
    }
  }
}
