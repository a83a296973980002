import type { AuditLog } from '../audit/audit-log.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { tooManyGuests } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { formatCredits } from '../shared/money.ts'
import type { AddressHashes } from './address-hashes.ts'
import type { Balance } from './ledger.repository.ts'
import type { LedgerService } from './ledger.service.ts'
import { guestEndKey, guestKey, type SignupGrantRepository } from './signup-grant.repository.ts'

/** Whose welcome credits: the address is the one that they have now. */
interface Newcomer {
  id: string
  email: string
}

interface SignupGrantDependencies {
  grants: SignupGrantRepository
  hashes: AddressHashes
  ledger: Pick<LedgerService, 'openAccount' | 'balance' | 'give' | 'takeBack'>
  audit: Pick<AuditLog, 'record'>
  transactions: Transactions
  /** Micro-credits that all newcomers together are given within 24 hours. */
  budget: bigint
  /** After the commit that gave credits later than at registration. */
  onGiven: (userId: string, balance: Balance) => Promise<void>
  logger: Logger
}

/** Waiting grants that one round gives at most. */
const ROUND = 20

/**
 * Welcome credits: once an address, for ever, and within a budget of the day. What the budget does not reach waits and is given
 * later, oldest first. Lock order: grants, then the account.
 */
export class SignupGrants {
  readonly #deps: SignupGrantDependencies

  constructor(dependencies: SignupGrantDependencies) {
    this.#deps = dependencies
  }

  /** In the transaction that earns it: registration, or the proof of the address. `budgeted` is false where an administrator decided. */
  async offer(user: Newcomer, amount: bigint, budgeted: boolean, tx: Tx): Promise<void> {
    const { grants, ledger, budget } = this.#deps
    // What was used up as a guest was given already.
    const rest = amount - (await grants.keptAsGuest(user.id, tx))
    if (rest <= 0n) return
    const addressHash = await this.#hashOf(user)
    // Nobody is kept from an account by this; an administrator can still add credits.
    if (!addressHash) return
    await grants.lock(tx)
    // Who was given credits before there were such rows has them by the ledger's key.
    if (await grants.isUnnoted(user.id, tx)) return grants.noteGiven(addressHash, user.id, tx)
    const noted = await grants.note({ addressHash, userId: user.id, amount: rest, budgeted }, budget, tx)
    if (!noted?.given) return
    await ledger.openAccount(user.id, rest, tx)
    await this.#record(user.id, rest, tx)
  }

  /**
   * In the transaction that takes a guest in. A guest without credits could do nothing, so one whom the day's budget does not reach is not
   * taken in. @throws AppError 429 `guest.too_many`
   */
  async giveGuest(userId: string, amount: bigint, tx: Tx): Promise<void> {
    const { grants, ledger, budget } = this.#deps
    await ledger.openAccount(userId, 0n, tx)
    await grants.lock(tx)
    if (amount <= 0n) return
    if (!(await grants.noteGuest(userId, amount, budget, tx))) throw tooManyGuests()
    await ledger.give({ userId, kind: 'grant', amount, key: guestKey(userId), description: 'Guest credits' }, tx)
    await this.#record(userId, amount, tx)
  }

  /**
   * In the transaction that makes a guest's account one that stays, before it earns what a newcomer does: what is left of the guest's
   * credits goes back, so that with them nobody has more than by registering, nor what registering alone does not give.
   */
  async endGuest(userId: string, tx: Tx): Promise<void> {
    const { grants, ledger } = this.#deps
    await grants.lock(tx)
    await grants.forgetGuest(userId, tx)
    const given = await grants.keptAsGuest(userId, tx)
    await ledger.takeBack(userId, given, guestEndKey(userId), 'Guest credits, returned', tx)
  }

  /** A guest who goes counts no more for the day's budget. Whoever looks at it meanwhile sees less room than there is, which is no harm. */
  forgetGuest(userId: string, tx: Tx): Promise<void> {
    return this.#deps.grants.forgetGuest(userId, tx)
  }

  /** Before an account leaves its address, by a change or for ever: what it was given stays noted. */
  async remember(user: Newcomer, tx: Tx): Promise<void> {
    const { grants } = this.#deps
    if (!(await grants.isUnnoted(user.id, tx))) return
    const addressHash = await this.#hashOf(user)
    if (addressHash) await grants.noteGiven(addressHash, user.id, tx)
  }

  /** Gives what waits, as far as the budget reaches: a step of the reconciler. */
  async giveWaiting(): Promise<void> {
    const { grants, ledger, transactions, budget, onGiven } = this.#deps
    for (const grant of await grants.waiting(ROUND)) {
      const given = await transactions.run(async (tx) => {
        await grants.lock(tx)
        if (!(await grants.giveWaiting(grant, budget, tx))) return false
        await ledger.openAccount(grant.userId, grant.amount, tx)
        await this.#record(grant.userId, grant.amount, tx)
        return true
      })
      // The oldest first, or a large one would wait for ever behind small ones.
      if (!given) return
      await onGiven(grant.userId, await ledger.balance(grant.userId))
    }
  }

  #record(userId: string, amount: bigint, tx: Tx): Promise<void> {
    return this.#deps.audit.record(
      { action: 'credits.granted', actorId: null, targetId: userId, details: { credits: formatCredits(amount) } },
      tx,
    )
  }

  async #hashOf(user: Newcomer): Promise<string | undefined> {
    try {
      return await this.#deps.hashes.of(user.email)
    } catch (error) {
      this.#deps.logger.error({ err: error, userId: user.id }, 'the key of granted addresses cannot be read: no grant')
      return undefined
    }
  }
}
