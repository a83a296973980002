import type { DataSource } from 'typeorm'

/** An answer holds this long, in ms: balancers ask often, and from several places. */
const FRESH_MS = 1_000

/**
 * Whether the database can be written to, asked by a statement that locks no row: a server that only reads refuses it as it would
 * refuse a write, and the pool lets go of its connections to it.
 *
 * @example { name: 'database', check: new Writability(db).check }
 */
export class Writability {
  readonly #db: DataSource
  #asked: { at: number; answer: Promise<void> } | undefined

  constructor(db: DataSource) {
    this.#db = db
  }

  /** @throws Error of the database while it cannot */
  readonly check = (): Promise<void> => {
    const now = performance.now()
    if (!this.#asked || now - this.#asked.at > FRESH_MS) {
      this.#asked = { at: now, answer: this.#db.query('SELECT FROM migrations LIMIT 0 FOR UPDATE').then(() => {}) }
    }
    return this.#asked.answer
  }
}
