import type { DataSource } from 'typeorm'
import { z } from 'zod'
import { type FleetProcess, fleetProcessEntity, type ProcessState } from './fleet-process.entity.ts'

const answer = z.tuple([z.object({ found: z.boolean() })])

/** The processes of this installation, as they report themselves. */
export class FleetProcessRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Reports a process, and forgets those of which nothing was heard for a day. One statement. */
  async report(process: Omit<FleetProcess, 'startedAt' | 'seenAt'>): Promise<void> {
    const { id, role, state, host, pid, version } = process
    await this.#db.query(
      `WITH forgotten AS (DELETE FROM processes WHERE seen_at < now() - interval '1 day')
       INSERT INTO processes (id, role, state, host, pid, version) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, seen_at = now()`,
      [id, role, state, host, pid, version],
    )
  }

  async remove(id: string): Promise<void> {
    await this.#db.query('DELETE FROM processes WHERE id = $1', [id])
  }

  /** Those that have reported themselves within a day, the latest first; at most 500. */
  list(): Promise<FleetProcess[]> {
    return this.#db.manager.find(fleetProcessEntity, { order: { seenAt: 'DESC' }, take: 500 })
  }

  /** Whether a process that takes turns was heard of within so many milliseconds. */
  async takesTurns(withinMs: number): Promise<boolean> {
    const state: ProcessState = 'ready'
    const [{ found }] = answer.parse(
      await this.#db.query(
        `SELECT EXISTS (SELECT FROM processes WHERE role IN ('worker', 'embedded') AND state = $1
           AND seen_at > now() - $2 * interval '1 ms') AS found`,
        [state, withinMs],
      ),
    )
    return found
  }
}
