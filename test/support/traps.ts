import type { DataSource } from 'typeorm'
import { rows } from '../../src/database/query.ts'

/** A place within a transaction: a row as a trigger sees it. `when` is SQL over OLD and NEW. */
export interface TrapPlace {
  table: string
  event: 'INSERT' | 'UPDATE'
  timing: 'BEFORE' | 'AFTER'
  when: string
}

const KEY = 4_242_001

/**
 * Stops the first transaction that comes to an armed place, in the database and not in our code, so that its process or its
 * connection can be killed exactly there.
 *
 * @example
 * const traps = await Traps.set(db, { 'hold: written': { table: 'holds', event: 'INSERT', timing: 'AFTER', when: 'true' } })
 * await traps.arm('hold: written')
 * const backend = await traps.caught()
 * await worker.kill('SIGKILL')
 * await traps.spring(backend)
 */
export class Traps {
  readonly #db: DataSource
  readonly #holder: ReturnType<DataSource['createQueryRunner']>

  private constructor(db: DataSource) {
    this.#db = db
    this.#holder = db.createQueryRunner()
  }

  static async set(db: DataSource, places: Record<string, TrapPlace>): Promise<Traps> {
    await db.query('CREATE TABLE traps (name text PRIMARY KEY)')
    await db.query(`
      CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM traps WHERE name = TG_ARGV[0]) THEN
          PERFORM pg_advisory_xact_lock_shared(${KEY});
        END IF;
        RETURN NEW;
      END $$`)
    for (const [index, [name, { table, event, timing, when }]] of Object.entries(places).entries()) {
      const quoted = `'${name.replaceAll("'", "''")}'`
      await db.query(
        `CREATE TRIGGER trap_${index} ${timing} ${event} ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION trap(${quoted})`,
      )
    }
    return new Traps(db)
  }

  async arm(name: string): Promise<void> {
    await this.#holder.query('SELECT pg_advisory_lock($1)', [KEY])
    await this.#db.query('INSERT INTO traps VALUES ($1)', [name])
  }

  /** The server process that sits in the trap, once there is one. */
  async caught(timeoutMs = 20_000): Promise<number> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const [waiting] = await rows<{ pid: number }>(
        this.#db.manager,
        `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        [KEY],
      )
      if (waiting) return waiting.pid
      if (performance.now() > deadline) throw new Error('nothing came into the trap')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Ends the transaction that sits in the trap as the loss of its connection does, and disarms all. */
  async cut(backend: number): Promise<void> {
    await this.#db.query('SELECT pg_terminate_backend($1)', [backend])
    await this.spring(backend)
  }

  /** Disarms all and lets go what sits there; resolves when the dead client's transaction is rolled back. */
  async spring(backend: number): Promise<void> {
    await this.#db.query('DELETE FROM traps')
    await this.#holder.query('SELECT pg_advisory_unlock($1)', [KEY])
    const sql = 'SELECT FROM pg_stat_activity WHERE pid = $1'
    while ((await rows(this.#db.manager, sql, [backend])).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async close(): Promise<void> {
    if (!this.#holder.isReleased) await this.#holder.release()
  }
}
