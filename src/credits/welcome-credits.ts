import type { Tx } from '../database/transaction.ts'
import type { LedgerService } from './ledger.service.ts'
import type { SignupGrants } from './signup-grants.ts'

/** Whoever has just come. */
export interface Newcomer {
  id: string
  email: string
  role: 'user' | 'admin'
}

/**
 * Who is given welcome credits: whoever registers, at once; whoever has shown that the address is theirs; or only who comes by an
 * invitation.
 */
export type WelcomeRule = 'everybody' | 'verified' | 'invited'

/** When newcomers are given their credits, and how many. */
export class WelcomeCredits {
  readonly #ledger: Pick<LedgerService, 'openAccount'>
  readonly #grants: SignupGrants
  readonly #rule: WelcomeRule
  readonly #amount: bigint
  readonly #guestAmount: bigint

  constructor(dependencies: {
    ledger: Pick<LedgerService, 'openAccount'>
    grants: SignupGrants
    rule: WelcomeRule
    /** Micro-credits of somebody whose invitation names no other amount. */
    amount: bigint
    /** Micro-credits of a guest. */
    guestAmount: bigint
  }) {
    this.#ledger = dependencies.ledger
    this.#grants = dependencies.grants
    this.#rule = dependencies.rule
    this.#amount = dependencies.amount
    this.#guestAmount = dependencies.guestAmount
  }

  /**
   * In the transaction that registers a user. Administrators, whom the operator made, and who was invited, are not limited by the
   * day's budget: an administrator decided about them.
   */
  async onRegistered(user: Newcomer, invited: { grant: bigint | null } | undefined, tx: Tx): Promise<void> {
    await this.#ledger.openAccount(user.id, 0n, tx)
    if (user.role === 'admin' || (invited && this.#rule !== 'verified')) {
      await this.#grants.offer(user, invited?.grant ?? this.#amount, false, tx)
    } else if (this.#rule === 'everybody') {
      await this.#grants.offer(user, this.#amount, true, tx)
    }
  }

  /** In the transaction that takes a guest in. @throws AppError 429 `guest.too_many` */
  onGuest(userId: string, tx: Tx): Promise<void> {
    return this.#grants.giveGuest(userId, this.#guestAmount, tx)
  }

  /** In the transaction that makes a guest's account one that stays: what is given is what registering gives, with what was used. */
  async onKept(user: Newcomer, invited: { grant: bigint | null } | undefined, tx: Tx): Promise<void> {
    await this.#grants.endGuest(user.id, tx)
    await this.onRegistered(user, invited, tx)
  }

  /** In the transaction in which it is shown that the address is theirs. */
  async onVerified(user: Newcomer, invited: { grant: bigint | null } | undefined, tx: Tx): Promise<void> {
    if (this.#rule !== 'verified') return
    await this.#grants.offer(user, invited?.grant ?? this.#amount, !invited, tx)
  }
}
