import { AppError } from '../shared/errors.ts'
import { type SeatLimits, Seats } from '../shared/seats.ts'

/** Searches under way in this process: each may read a lot. */
export class SearchSeats {
  readonly #seats: Seats

  constructor(limits: SeatLimits) {
    this.#seats = new Seats(limits)
  }

  /** @throws AppError 429 `search.too_many`, 503 `server.busy` where there is no seat, and what `search` throws */
  async during<T>(userId: string, search: () => Promise<T>): Promise<T> {
    const leave = this.#seats.take(userId)
    if (leave === 'each') throw new AppError('search.too_many', { details: { retryAfterSeconds: 1 } })
    if (leave === 'all') throw new AppError('server.busy', { details: { retryAfterSeconds: 1 } })
    try {
      return await search()
    } finally {
      leave()
    }
  }
}
