import type { DataSource, QueryRunner } from 'typeorm'
import { OWNER_LOCKS } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'

/** Rows that are in memory at once: a message may have megabytes. */
const FETCHED = 16

/** Everything of one moment, read row by row. */
export class Snapshot {
  readonly #session: QueryRunner
  #cursors = 0

  constructor(session: QueryRunner) {
    this.#session = session
  }

  async *read<Row>(sql: string, parameters: unknown[]): AsyncGenerator<Row> {
    const cursor = `export_${++this.#cursors}`
    await this.#session.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`, parameters)
    for (;;) {
      const page = await rows<Row>(this.#session.manager, `FETCH ${FETCHED} FROM ${cursor}`)
      yield* page
      if (page.length < FETCHED) break
    }
    await this.#session.query(`CLOSE ${cursor}`)
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
  async snapshot<T>(userId: string, work: (snapshot: Snapshot) => Promise<T>): Promise<{ value: T } | undefined> {
    const session = this.#db.createQueryRunner()
    try {
      await session.startTransaction('REPEATABLE READ')
      const [lock] = await rows<{ locked: boolean }>(
        session.manager,
        'SELECT pg_try_advisory_xact_lock($1, uuid_hash($2)) AS locked',
        [OWNER_LOCKS.exports, userId],
      )
      const done = lock?.locked ? { value: await work(new Snapshot(session)) } : undefined
      await session.commitTransaction()
      return done
    } catch (error) {
      if (session.isTransactionActive) await session.rollbackTransaction().catch(() => {})
      throw error
    } finally {
      await session.release()
    }
  }
}
