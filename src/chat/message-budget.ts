import type { Tx } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import type { AcceptRepository } from './accept.repository.ts'

const DAY_MS = 86_400_000
/** What is written besides the words of a message takes about as much: its run, its first turn, its key. */
const ROWS_BYTES = 1_024

/**
 * What users may send within a day (`message-budget.entity.ts`). It is asked twice: when a message is looked at, so that refusing costs
 * nothing, and in the statement or transaction that writes it, where it counts.
 */
export class MessageBudget {
  readonly #limits: { users: number; guests: number }
  readonly #accepts: Pick<AcceptRepository, 'take' | 'isGuest'>

  /** @param limits bytes per day: USER_MESSAGE_BYTES_PER_DAY, and GUEST_MESSAGE_BYTES_PER_DAY; 0: whatever they like */
  constructor(limits: { users: number; guests: number }, accepts: Pick<AcceptRepository, 'take' | 'isGuest'>) {
    this.#limits = limits
    this.#accepts = accepts
  }

  /** The piece of a day that messages take, in milliseconds. */
  costMs(messages: string[], isGuest: boolean): number {
    const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0)
    return costMs({ bytes, messages: messages.length }, this.#limitOf(isGuest))
  }

  #limitOf(isGuest: boolean): number {
    return isGuest ? this.#limits.guests : this.#limits.users
  }

  /** Takes what so many messages of so many bytes cost, in the transaction that writes them. @throws AppError 429 `chat.rate_limited` */
  async take(userId: string, size: { bytes: number; messages: number }, tx: Tx): Promise<void> {
    const { users, guests } = this.#limits
    const costs = { user: costMs(size, users), guest: costMs(size, guests) }
    const waitMs = (costs.user > 0 || costs.guest > 0) && (await this.#accepts.take(userId, costs, tx))
    // The transaction is broken by then: it is asked beside it.
    if (waitMs) throw this.refusal(waitMs, await this.#accepts.isGuest(userId))
  }

  /** @throws AppError 429 `chat.rate_limited` when so much was taken, in milliseconds, that this is not to be had now */
  require(takenMs: number, costMs: number, isGuest: boolean): void {
    if (costMs > 0 && takenMs + costMs > DAY_MS) throw this.refusal(takenMs + costMs - DAY_MS, isGuest)
  }

  refusal(waitMs: number, isGuest: boolean): AppError {
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000))
    const limit = this.#limitOf(isGuest)
    return new AppError('chat.rate_limited', { words: { limit }, details: { limit, retryAfterSeconds } })
  }
}

/** All of the day at most, so that there is nothing that never fits. */
function costMs({ bytes, messages }: { bytes: number; messages: number }, limit: number): number {
  if (limit === 0) return 0
  return Math.min(DAY_MS, ((bytes + messages * ROWS_BYTES) * DAY_MS) / limit)
}
