import type { DataSource } from 'typeorm'
import { unfinishedRunStatuses } from '../contract/views.ts'
import { rows, wordList } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { firstIdOf } from '../shared/ids.ts'

/** Which runs an operator looks for. `stuck`: what should have moved within a minute and has not. */
export const CARE_STATES = ['stuck', 'waiting', 'running', 'failed'] as const
export type CareState = (typeof CARE_STATES)[number]

/** Why a run is where it is. */
export type RunReason =
  | 'overdue'
  | 'stop_not_carried_out'
  | 'lease_lapsed'
  | 'in_queue'
  | 'no_place'
  | 'backoff'
  | 'connection_held'
  | 'files'
  | 'behind_another_run'
  | 'no_turn'
  | 'working'
  | 'over'

/** A run as operators see it: ids, states and times, no words. */
export interface CaredRun {
  id: string
  conversationId: string
  userId: string
  status: string
  reason: RunReason
  errorCode: string | null
  createdAt: Date
  startedAt: Date | null
  deadlineAt: Date
  finishedAt: Date | null
  cancelRequestedAt: Date | null
  requestId: string | null
  /** Its first turn that is not over, else its last; null for one that has none. */
  turn: {
    index: number
    status: string
    lane: string
    attempt: number
    failures: number
    dispatch: number
    dueAt: string
    dispatchedAt: string | null
    leaseUntil: string | null
    connectionId: string | null
    errorCode: string | null
  } | null
}

/** What moves within seconds and has not for so long is stuck. */
const STUCK_AFTER = '1 minute'

const WANTED: Record<CareState, string> = {
  stuck: `status <> 'failed' AND is_stuck`,
  waiting: `status <> 'failed' AND reason <> 'working'`,
  running: `reason = 'working'`,
  failed: `status = 'failed'`,
}

/** What operators ask of runs, and the one thing that they do to them by hand. */
export class RunCareRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Newest first, after the run `before`. Of failed ones those that were begun since then: ids are in the order of time. */
  list(state: CareState, since: Date, limit: number, before: string | undefined): Promise<CaredRun[]> {
    const first = firstIdOf(since)
    const unfinished = `status IN ${wordList(unfinishedRunStatuses)}`
    return rows<CaredRun>(
      this.#db.manager,
      `SELECT id, conversation_id AS "conversationId", user_id AS "userId", status, reason, error_code AS "errorCode",
         created_at AS "createdAt", started_at AS "startedAt", deadline_at AS "deadlineAt", finished_at AS "finishedAt",
         cancel_requested_at AS "cancelRequestedAt", origin->>'requestId' AS "requestId", turn
       FROM (
         SELECT r.*, t.turn, reason.reason,
           reason.reason IN ('overdue', 'stop_not_carried_out', 'lease_lapsed', 'no_turn', 'in_queue')
             AND coalesce(t.since, r.cancel_requested_at, r.deadline_at, r.created_at) < clock_timestamp() - interval '${STUCK_AFTER}'
             OR r.deadline_at < clock_timestamp() - interval '${STUCK_AFTER}' AND r.finished_at IS NULL AS is_stuck
         FROM runs r
         LEFT JOIN LATERAL (
           SELECT o.status, o.due_at, o.lease_until, o.dispatched_at, o.connection_id, o.model,
             greatest(o.lease_until, o.due_at) AS since, json_build_object('index', o.index, 'status', o.status, 'lane', o.lane,
               'attempt', o.attempt, 'failures', o.failures, 'dispatch', o.dispatch, 'dueAt', o.due_at, 'dispatchedAt', o.dispatched_at,
               'leaseUntil', o.lease_until, 'connectionId', o.connection_id, 'errorCode', o.error_code) AS turn
           FROM turns o WHERE o.run_id = r.id
           ORDER BY o.status IN ('queued', 'running') DESC, CASE WHEN o.status IN ('queued', 'running') THEN o.index ELSE -o.index END LIMIT 1
         ) t ON true
         CROSS JOIN LATERAL (SELECT CASE
           WHEN r.finished_at IS NOT NULL THEN 'over'
           WHEN r.deadline_at < clock_timestamp() THEN 'overdue'
           WHEN r.cancel_requested_at < clock_timestamp() - interval '10 seconds' THEN 'stop_not_carried_out'
           WHEN r.status = 'pending' THEN 'behind_another_run'
           WHEN r.status = 'waiting' THEN 'files'
           WHEN t.status = 'running' AND t.lease_until < clock_timestamp() THEN 'lease_lapsed'
           WHEN t.status = 'running' THEN 'working'
           WHEN t.status IS DISTINCT FROM 'queued' THEN 'no_turn'
           WHEN t.due_at > clock_timestamp() THEN 'backoff'
           WHEN t.dispatched_at IS NOT NULL THEN 'in_queue'
           WHEN call_held(r.user_id, t.connection_id, t.model) THEN 'connection_held'
           ELSE 'no_place' END AS reason) reason
         WHERE ${state === 'failed' ? `r.status = 'failed' AND r.id >= '${first}'` : `r.${unfinished}`}
           AND ($2::uuid IS NULL OR r.id < $2)
       ) looked WHERE ${WANTED[state]} ORDER BY id DESC LIMIT $1`,
      [limit, before ?? null],
    )
  }

  /** Makes the queued turns of a run due now, under new job ids, and without a place until they are admitted again. Answers how many. */
  async nudge(runId: string, tx: Tx): Promise<number> {
    const nudged = await rows(
      tx,
      `UPDATE turns SET due_at = least(due_at, clock_timestamp()), dispatched_at = NULL, dispatch = dispatch + 1
       WHERE run_id = $1 AND status = 'queued' RETURNING index`,
      [runId],
    )
    return nudged.length
  }
}
