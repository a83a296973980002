import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { QueueName } from './job.ts'

/** What a worker has for a queue's jobs. */
export interface Places {
  queue: QueueName
  places: number
  taken: number
}

/** Those that shares are kept of. */
const LANE_QUEUES: readonly QueueName[] = ['turns', 'turns-own']

/** A worker that has said nothing for longer is gone; `lane_room` in `admission.sql` knows the same. */
const GONE_AFTER = '30 seconds'

/** The places of the fleet, as its workers tell them again and again. */
export class WorkerPlacesRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** A worker says what it has; who has been silent for long is forgotten with it. */
  async report(workerId: string, places: Places[]): Promise<void> {
    await rows(
      this.#db.manager,
      `WITH gone AS (DELETE FROM worker_places WHERE seen_at < clock_timestamp() - interval '1 hour')
       INSERT INTO worker_places (worker_id, queue, places, taken, seen_at)
       SELECT $1, n.queue, n.places, n.taken, clock_timestamp() FROM unnest($2::text[], $3::int[], $4::int[]) AS n (queue, places, taken)
       ON CONFLICT (worker_id, queue) DO UPDATE SET places = excluded.places, taken = excluded.taken, seen_at = excluded.seen_at`,
      [workerId, places.map((one) => one.queue), places.map((one) => one.places), places.map((one) => one.taken)],
    )
  }

  /** A worker ends. */
  async forget(workerId: string): Promise<void> {
    await rows(this.#db.manager, 'DELETE FROM worker_places WHERE worker_id = $1', [workerId])
  }

  /**
   * What keeps turns from beginning at all, in words, as workers said last; empty when all is well, and without a worker, whom
   * another check misses. Files and chores have so few places that all are taken in the ordinary course of things.
   */
  async trouble(): Promise<string[]> {
    const fleet = await this.ofFleet()
    return LANE_QUEUES.filter((queue) => {
      const { places, taken } = fleet.get(queue) ?? { places: 1, taken: 0 }
      return taken >= places
    }).map((queue) => `no place is left for ${queue}`)
  }

  /** Of all workers that are there together, by queue; empty when there are none. */
  async ofFleet(): Promise<Map<QueueName, { workers: number; places: number; taken: number }>> {
    const found = await rows<{ queue: QueueName; workers: number; places: number; taken: number }>(
      this.#db.manager,
      `SELECT queue, count(*)::int AS workers, sum(places)::int AS places, sum(taken)::int AS taken FROM worker_places
       WHERE seen_at > clock_timestamp() - interval '${GONE_AFTER}' GROUP BY queue`,
    )
    return new Map(found.map(({ queue, ...places }) => [queue, places]))
  }
}
