import { AppError } from '../shared/errors.ts'

const DAY_MS = 86_400_000
/** What is written besides the words of a message takes about as much: its run, its first turn, its key. */
const ROWS_BYTES = 1_024

/**
 * What users may send within a day (`message-budget.entity.ts`). It is asked twice: when a message is looked at, so that refusing costs
 * nothing, and in the statement that writes it, where it counts.
 */
export class MessageBudget {
  readonly #limit: number

  /** @param bytesPerDay USER_MESSAGE_BYTES_PER_DAY; 0: whatever they like */
  constructor(bytesPerDay: number) {
    this.#limit = bytesPerDay
  }

  /** The piece of a day that messages take, in milliseconds: all of it at most, so that there is none that never fits. */
  costMs(messages: string[]): number {
    if (this.#limit === 0) return 0
    const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message) + ROWS_BYTES, 0)
    return Math.min(DAY_MS, (bytes * DAY_MS) / this.#limit)
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
