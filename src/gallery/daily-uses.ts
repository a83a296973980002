import type { Tx } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import type { GalleryRepository } from './gallery.repository.ts'

const DAY_MS = 86_400_000

/** How often one user may publish and import within a day (`gallery-budget.entity.ts`). */
export class DailyUses {
  readonly #limit: number
  readonly #entries: Pick<GalleryRepository, 'take'>

  /** @param perDay GALLERY_USES_PER_DAY */
  constructor(perDay: number, entries: Pick<GalleryRepository, 'take'>) {
    this.#limit = perDay
    this.#entries = entries
  }

  /** One of them, in the transaction that it is of. @throws AppError 429 `gallery.rate_limited` */
  async take(userId: string, tx: Tx): Promise<void> {
    const overMs = await this.#entries.take(userId, DAY_MS / this.#limit, tx)
    // Of less than a millisecond only rounding knows.
    if (overMs < 1) return
    const retryAfterSeconds = Math.ceil(overMs / 1_000)
    throw new AppError('gallery.rate_limited', {
      words: { limit: this.#limit },
      details: { limit: this.#limit, retryAfterSeconds },
    })
  }
}
