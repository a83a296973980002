import type { DataSource } from 'typeorm'
import { tryLockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'

/** Rows that are in memory at once: a message may have megabytes. */
const FETCHED = 16

/** Everything of one moment, read row by row. */
export class Snapshot {
  readonly #tx: Tx
  #cursors = 0

  constructor(tx: Tx) {
    this.#tx = tx
  }

  async *read<Row>(sql: string, parameters: unknown[]): AsyncGenerator<Row> {
    const cursor = `export_${++this.#cursors}`
    await this.#tx.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`, parameters)
    for (;;) {
      const page = await rows<Row>(this.#tx, `FETCH ${FETCHED} FROM ${cursor}`)
      yield* page
      if (page.length < FETCHED) break
    }
    await this.#tx.query(`CLOSE ${cursor}`)
  }
}

export class ExportRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /**
   * Runs work on the rows as they are now, whatever is written meanwhile; undefined, without it, while another process does the same for
   * this user.
   */
  snapshot<T>(userId: string, work: (snapshot: Snapshot) => Promise<T>): Promise<{ value: T } | undefined> {
    return this.#db.transaction('REPEATABLE READ', async (tx) => {
      const locked = await tryLockOwner('exports', userId, tx)
      return locked ? { value: await work(new Snapshot(tx)) } : undefined
    })
  }
}
