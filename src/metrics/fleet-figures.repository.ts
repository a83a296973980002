import type { DataSource } from 'typeorm'
import { z } from 'zod'
import { rows } from '../database/query.ts'

/** A figure of the whole fleet, by its labels. */
export interface FleetFigure {
  name: FleetFigureName
  labels: Record<string, string>
  value: number
}

/** The figures that the statement below answers, with what they are and their labels. */
export const FLEET_FIGURES = {
  turns_waiting: ['Turns that are due and have no worker yet.', ['lane']],
  turns_running: ['Turns that a worker has.', ['lane']],
  turns_lapsed: ['Turns whose worker has let its lease run out: another takes them over.', ['lane']],
  oldest_waiting_turn_seconds: [
    'Since when the turn that waits for longest has been due and in the queue: the signal to scale workers by.',
    ['lane'],
  ],
  runs_unfinished: ['Runs that are not over.', ['status']],
  runs_overdue: ['Runs that are past their deadline and not over.', []],
  breakers: ['Connections, hosts and models in trouble.', ['subject', 'state']],
  places: ['Places of all workers for the jobs of a queue, and those that are taken.', ['queue', 'state']],
  processes: ['Processes that have reported themselves within a minute.', ['role', 'state']],
  files_waiting: ['Files that are to be read.', []],
  oldest_waiting_file_seconds: ['Since when the file that waits for longest has been due.', []],
  mails_pending: ['Mails that are to be sent.', []],
  mails_failed: ['Mails of the last hour that were not sent.', []],
  webhooks_pending: ['Deliveries to webhooks that are to be made, and are due.', []],
  webhooks_failed: ['Deliveries of the last hour that were given up.', []],
} as const satisfies Record<string, readonly [help: string, labels: readonly string[]]>
export type FleetFigureName = keyof typeof FLEET_FIGURES

const found = z.array(
  z.object({
    name: z.enum(Object.keys(FLEET_FIGURES) as [FleetFigureName, ...FleetFigureName[]]),
    labels: z.record(z.string(), z.string()),
    value: z.coerce.number(),
  }),
)

/** No more rows of a kind are looked at; a figure that stands at it is at least that. */
const MOST = 20_000
/** An answer serves whoever asks within this, in ms: several scrapers cost no more than one. */
const FRESH_MS = 5_000

/**
 * All figures at once, by partial indexes of what is open, each bounded. A turn waits from when it is due; one that has not been let
 * into the queue waits for its own user's others, or for a connection in trouble, and no worker would change that.
 */
const FIGURES = `
  WITH open AS MATERIALIZED (
    SELECT lane, status, due_at, lease_until, dispatched_at, greatest(due_at, created_at) AS since
    FROM turns WHERE status IN ('queued', 'running') LIMIT ${MOST}
  ), lanes AS (SELECT unnest(ARRAY['platform', 'own']) AS lane
  ), of_lanes AS (
    SELECT l.lane,
      count(*) FILTER (WHERE o.status = 'queued' AND o.due_at <= clock_timestamp()) AS waiting,
      count(*) FILTER (WHERE o.status = 'running') AS running,
      count(*) FILTER (WHERE o.status = 'running' AND o.lease_until < clock_timestamp()) AS lapsed,
      coalesce(extract(epoch FROM clock_timestamp() - min(o.since) FILTER (WHERE o.status = 'queued'
        AND o.dispatched_at IS NOT NULL AND o.due_at <= clock_timestamp())), 0) AS oldest
    FROM lanes l LEFT JOIN open o ON o.lane = l.lane GROUP BY l.lane
  ), unfinished AS MATERIALIZED (
    SELECT status, deadline_at FROM runs WHERE status IN ('pending', 'queued', 'running', 'waiting') LIMIT ${MOST}
  ), reading AS MATERIALIZED (
    SELECT due_at FROM files WHERE status = 'processing' LIMIT ${MOST}
  )
  SELECT 'turns_waiting' AS name, json_build_object('lane', lane) AS labels, waiting::float8 AS value FROM of_lanes
  UNION ALL SELECT 'turns_running', json_build_object('lane', lane), running FROM of_lanes
  UNION ALL SELECT 'turns_lapsed', json_build_object('lane', lane), lapsed FROM of_lanes
  UNION ALL SELECT 'oldest_waiting_turn_seconds', json_build_object('lane', lane), oldest FROM of_lanes
  UNION ALL SELECT 'runs_unfinished', json_build_object('status', s.status), count(u.status)
    FROM unnest(ARRAY['pending', 'queued', 'running', 'waiting']) AS s (status) LEFT JOIN unfinished u USING (status) GROUP BY s.status
  UNION ALL SELECT 'runs_overdue', '{}', count(*) FROM unfinished WHERE deadline_at < now()
  UNION ALL SELECT 'breakers', json_build_object('subject', b.subject, 'state', b.state), count(*) FROM (
    SELECT CASE WHEN subject LIKE 'platform %' THEN 'platform host' WHEN subject LIKE 'own %' THEN 'own host'
        WHEN subject LIKE '% %' THEN 'model' ELSE 'connection' END AS subject,
      CASE WHEN open_until > clock_timestamp() THEN 'open' WHEN open_until IS NOT NULL THEN 'half open' ELSE 'counting' END AS state
    FROM breakers LIMIT ${MOST}) AS b GROUP BY b.subject, b.state
  UNION ALL SELECT 'places', json_build_object('queue', queue, 'state', s.state),
      sum(CASE s.state WHEN 'taken' THEN taken ELSE places END)
    FROM worker_places, unnest(ARRAY['all', 'taken']) AS s (state)
    WHERE seen_at > clock_timestamp() - interval '30 seconds' GROUP BY queue, s.state
  UNION ALL SELECT 'processes', json_build_object('role', role, 'state', state), count(*) FROM processes
    WHERE seen_at > now() - interval '1 minute' GROUP BY role, state
  UNION ALL SELECT 'files_waiting', '{}', count(*) FROM reading
  UNION ALL SELECT 'oldest_waiting_file_seconds', '{}', greatest(coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0), 0) FROM reading
  UNION ALL SELECT 'mails_pending', '{}', count(*) FROM (SELECT FROM mails WHERE status = 'queued' LIMIT ${MOST}) AS m
  UNION ALL SELECT 'mails_failed', '{}', count(*) FROM (
    SELECT FROM mails WHERE created_at > now() - interval '1 hour' AND status = 'failed' LIMIT ${MOST}) AS m
  UNION ALL SELECT 'webhooks_pending', '{}', count(*) FROM (
    SELECT FROM webhook_deliveries WHERE status = 'pending' AND due_at <= now() LIMIT ${MOST}) AS d
  UNION ALL SELECT 'webhooks_failed', '{}', count(*) FROM (
    SELECT FROM webhook_deliveries WHERE status = 'failed' AND ended_at > now() - interval '1 hour' LIMIT ${MOST}) AS d`

/** What PostgreSQL knows of the fleet: the same whichever process is asked. */
export class FleetFiguresRepository {
  readonly #db: DataSource
  #latest: { readAt: number; figures: Promise<FleetFigure[]> } | undefined

  constructor(db: DataSource) {
    this.#db = db
  }

  /** The figures, at most some seconds old: one statement for all who ask. @throws what the database throws */
  read(): Promise<FleetFigure[]> {
    const now = performance.now()
    if (this.#latest && now - this.#latest.readAt < FRESH_MS) return this.#latest.figures
    const figures = rows<unknown>(this.#db.manager, FIGURES).then((answer) => found.parse(answer))
    this.#latest = { readAt: now, figures }
    figures.catch(() => {
      this.#latest = undefined
    })
    return figures
  }
}
