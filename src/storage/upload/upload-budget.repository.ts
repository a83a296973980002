import type { DataSource } from 'typeorm'
import { rows } from '../../database/query.ts'
import type { Tx } from '../../database/transaction.ts'

export interface UploadRates {
  /** Bytes that a user may write within a day (USER_UPLOAD_BYTES_PER_DAY). */
  bytesPerDay: number
  /** Uploads that a user may begin within a minute (UPLOADS_PER_MINUTE). */
  uploadsPerMinute: number
}

/** What a user may still write now. */
export interface UploadRoom {
  bytes: number
  /** Whether one more upload may begin; then in how many milliseconds. */
  uploadInMs: number
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** How much of their upload limits users have taken (`upload-budget.entity.ts`). */
export class UploadBudgetRepository {
  readonly #db: DataSource
  readonly #msPerByte: number
  readonly #msPerUpload: number

  constructor(db: DataSource, { bytesPerDay, uploadsPerMinute }: UploadRates) {
    this.#db = db
    this.#msPerByte = DAY_MS / bytesPerDay
    this.#msPerUpload = MINUTE_MS / uploadsPerMinute
  }

  /** `share`: of what the user may write in all, so much and no more. */
  async room(userId: string, share: number, tx: Tx): Promise<UploadRoom> {
    const [taken] = await rows<{ bytesMs: number; uploadsMs: number }>(
      tx,
      `SELECT greatest(0, extract(epoch FROM bytes_until - now()) * 1000)::float8 AS "bytesMs",
         greatest(0, extract(epoch FROM uploads_until - now()) * 1000)::float8 AS "uploadsMs"
       FROM upload_budgets WHERE user_id = $1`,
      [userId],
    )
    const { bytesMs, uploadsMs } = taken ?? { bytesMs: 0, uploadsMs: 0 }
    return {
      bytes: Math.max(0, Math.floor((DAY_MS * share - bytesMs) / this.#msPerByte)),
      // A tenth of a millisecond, so that a whole limit is not one upload short by the clock's last digit.
      uploadInMs: Math.max(0, uploadsMs + this.#msPerUpload - Math.max(MINUTE_MS * share, this.#msPerUpload) - 0.1),
    }
  }

  /** Milliseconds until this many bytes more may be written. */
  bytesInMs(missing: number): number {
    return Math.ceil(missing * this.#msPerByte)
  }

  /** Takes before anything is written; `bytes` less than nothing gives back what was not. */
  async take(userId: string, taken: { bytes: number; uploads: number }, tx: Tx = this.#db.manager): Promise<void> {
    await tx.query(
      `INSERT INTO upload_budgets AS b (user_id, bytes_until, uploads_until)
       VALUES ($1, now() + $2 * interval '1 ms', now() + $3 * interval '1 ms')
       ON CONFLICT (user_id) DO UPDATE SET
         bytes_until = greatest(b.bytes_until, now()) + $2 * interval '1 ms',
         uploads_until = greatest(b.uploads_until, now()) + $3 * interval '1 ms'`,
      [userId, taken.bytes * this.#msPerByte, taken.uploads * this.#msPerUpload],
    )
  }
}
