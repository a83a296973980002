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
  readonly #limit: number
  readonly #accepts: Pick<AcceptRepository, 'take'>

  /** @param bytesPerDay USER_MESSAGE_BYTES_PER_DAY; 0: whatever they like */
  constructor(bytesPerDay: number, accepts: Pick<AcceptRepository, 'take'>) {
    this.#limit = bytesPerDay
    this.#accepts = accepts
  }

  /** The piece of a day that messages take, in milliseconds. */
  costMs(messages: string[]): number {
    const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0)
    return this.#costMs({ bytes, messages: messages.length })
  }

  /** All of the day at most, so that there is nothing that never fits. */
  #costMs({ bytes, messages }: { bytes: number; messages: number }): number {
    if (this.#limit === 0) return 0
    return Math.min(DAY_MS, ((bytes + messages * ROWS_BYTES) * DAY_MS) / this.#limit)
  }

  /** Takes what so many messages of so many bytes cost, in the transaction that writes them. @throws AppError 429 `chat.rate_limited` */
  async take(userId: string, size: { bytes: number; messages: number }, tx: Tx): Promise<void> {
    const costMs = this.#costMs(size)
    const waitMs = costMs > 0 && (await this.#accepts.take(userId, costMs, tx))
    if (waitMs) throw this.refusal(waitMs)
  }

  /** @throws AppError 429 `chat.rate_limited` when so much was taken, in milliseconds, that this is not to be had now */
  require(takenMs: number, costMs: number): void {
    if (costMs > 0 && takenMs + costMs > DAY_MS) throw this.refusal(takenMs + costMs - DAY_MS)
  }

  refusal(waitMs: number): AppError {
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000))
    return new AppError('chat.rate_limited', {
      words: { limit: this.#limit },
      details: { limit: this.#limit, retryAfterSeconds },
    })
  }
}
