import type { AuditLog } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { SessionService } from './session.service.ts'
import type { User } from './user.entity.ts'
import type { UserRepository } from './user.repository.ts'

interface SuspensionDependencies {
  users: UserRepository
  sessions: Pick<SessionService, 'endAll' | 'announceEnded'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  /**
   * Runs in the suspending transaction: ends and settles what the user has running and waiting. What it answers is called after
   * the commit.
   */
  onSuspending: (userId: string, tx: Tx) => Promise<() => Promise<void>>
}

/** Shutting somebody out, and letting them in again. What is theirs stays. */
export class SuspensionService {
  readonly #deps: SuspensionDependencies

  constructor(dependencies: SuspensionDependencies) {
    this.#deps = dependencies
  }

  /**
   * Ends a user's sessions and runs, all in the transaction that shuts them out. Repeating it changes nothing.
   * @throws AppError 404; 409 `users.suspend_self`, `users.last_admin`
   */
  async suspend(actor: AuthUser, userId: string, reason: string): Promise<User> {
    const { users, sessions, transactions, audit, onSuspending } = this.#deps
    if (userId === actor.id) throw new AppError('users.suspend_self')
    const { user, afterwards } = await transactions.run(async (tx) => {
      // Before the user's own row, as everything that takes away an administrator does.
      const others = await users.otherAdmins(userId, tx)
      const locked = await users.lock(userId, tx)
      if (!locked) throw notFound('user')
      if (locked.suspendedAt) return { user: locked, afterwards: async () => {} }
      if (locked.role === 'admin' && others === 0) throw new AppError('users.last_admin')
      const suspended = await users.update(userId, { suspendedAt: new Date(), suspendedReason: reason }, tx)
      const ended = await sessions.endAll(userId, null, tx)
      const record = { actorId: actor.id, targetId: userId, details: { reason, sessions: ended } }
      await audit.record({ action: 'user.suspended', ...record }, tx)
      return { user: suspended, afterwards: await onSuspending(userId, tx) }
    })
    await sessions.announceEnded(userId)
    await afterwards()
    return user
  }

  /** Repeating it changes nothing. @throws AppError 404 */
  async unsuspend(actor: AuthUser, userId: string): Promise<User> {
    const { users, transactions, audit } = this.#deps
    return transactions.run(async (tx) => {
      const locked = await users.lock(userId, tx)
      if (!locked) throw notFound('user')
      if (!locked.suspendedAt) return locked
      await audit.record({ action: 'user.unsuspended', actorId: actor.id, targetId: userId }, tx)
      return users.update(userId, { suspendedAt: null, suspendedReason: null }, tx)
    })
  }
}
