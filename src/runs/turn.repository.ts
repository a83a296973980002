import { type DataSource, In } from 'typeorm'
import type { TurnName } from '../contract/attempt.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { Lane } from '../queue/job.ts'
import { type Turn, type TurnQuote, turnEntity } from './turn.entity.ts'

/** What a queue needs to deliver a turn, which is due. */
export interface Dispatch extends TurnName {
  userId: string
  lane: Lane
  dispatch: number
}

/** What a claim found: the turn as it is now claimed, and the attempt whose lease had lapsed, if it took one over. */
export interface Claimed {
  turn: Turn
  tookOver: { attempt: number; quote: TurnQuote | null } | null
}

/** How a turn is given back. `failed` counts towards the tries; `fallsBack`: they begin anew, on its agent's second connection. */
export interface GivenBack {
  delayMs: number
  failed: boolean
  error: { code: string; message: string } | null
  fallsBack?: boolean
}

const DISPATCH = `run_id AS "runId", index AS turn, user_id AS "userId", lane, dispatch`

/** Time in leases is always the database's clock_timestamp(): workers' clocks may differ. */
export class TurnRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async create(turn: Pick<Turn, 'runId' | 'index' | 'userId' | 'agentId' | 'step' | 'kind'>, tx: Tx): Promise<void> {
    await tx.insert(turnEntity, { ...turn, status: 'queued' })
  }

  find(key: TurnName, tx: Tx = this.#db.manager): Promise<Turn | null> {
    return tx.findOneBy(turnEntity, { runId: key.runId, index: key.turn })
  }

  /** Ascending by index. */
  listOf(runIds: string[], tx: Tx = this.#db.manager): Promise<Turn[]> {
    return tx.find(turnEntity, { where: { runId: In(runIds) }, order: { runId: 'ASC', index: 'ASC' } })
  }

  /**
   * Takes a turn that is queued and due, or whose lease has lapsed, under a new token. Null when it is neither.
   * Lock its run first.
   */
  async claim(key: TurnName, claimToken: string, leaseMs: number, tx: Tx): Promise<Claimed | null> {
    const [taken] = await rows<{ was: string; attempt: number; quote: TurnQuote | null }>(
      tx,
      `WITH found AS (
         SELECT run_id, index, status, attempt, quote FROM turns
         WHERE run_id = $1 AND index = $2
           AND ((status = 'queued' AND due_at <= clock_timestamp()) OR (status = 'running' AND lease_until < clock_timestamp()))
         FOR UPDATE
       )
       UPDATE turns t SET status = 'running', attempt = t.attempt + 1, claim_token = $3, quote = NULL,
         lease_until = clock_timestamp() + $4 * interval '1 millisecond', started_at = coalesce(t.started_at, now())
       FROM found WHERE t.run_id = found.run_id AND t.index = found.index
       RETURNING found.status AS was, found.attempt, found.quote`,
      [key.runId, key.turn, claimToken, leaseMs],
    )
    if (!taken) return null
    const turn = await tx.findOneByOrFail(turnEntity, { runId: key.runId, index: key.turn })
    return { turn, tookOver: taken.was === 'running' ? { attempt: taken.attempt, quote: taken.quote } : null }
  }

  /**
   * Takes a running turn whatever its lease: for a cancel that its worker did not answer; and one that waits, or waited, for people and
   * has said something. Null when it is neither.
   */
  async seize(key: TurnName, claimToken: string, leaseMs: number, tx: Tx): Promise<Turn | null> {
    const taken = await rows(
      tx,
      `UPDATE turns SET status = 'running', claim_token = $3, lease_until = clock_timestamp() + $4 * interval '1 millisecond'
       WHERE run_id = $1 AND index = $2 AND (status = 'running' OR (status = 'queued' AND waits > 0)) RETURNING index`,
      [key.runId, key.turn, claimToken, leaseMs],
    )
    return taken.length ? this.find(key, tx) : null
  }

  /** Milliseconds until a turn that cannot be claimed now may be; null when it is over. */
  async claimableInMs(key: TurnName): Promise<number | null> {
    const [turn] = await rows<{ ms: number }>(
      this.#db.manager,
      `SELECT greatest(ceil(extract(epoch FROM
           CASE status WHEN 'queued' THEN due_at ELSE lease_until END - clock_timestamp()) * 1000), 0)::int AS ms
       FROM turns WHERE run_id = $1 AND index = $2 AND status IN ('queued', 'running')`,
      [key.runId, key.turn],
    )
    return turn?.ms ?? null
  }

  /** Locks a turn that this token still holds; null when it does not. */
  lockClaimed(key: TurnName, claimToken: string, tx: Tx): Promise<Turn | null> {
    return tx.findOne(turnEntity, {
      where: { runId: key.runId, index: key.turn, claimToken, status: 'running' },
      lock: { mode: 'pessimistic_write' },
    })
  }

  /** Says why no supervisor chose a turn's speaker, as a code. */
  async giveNotice(key: TurnName, notice: string, tx: Tx): Promise<void> {
    await rows(tx, 'UPDATE turns SET notice = $3 WHERE run_id = $1 AND index = $2', [key.runId, key.turn, notice])
  }

  /**
   * Gives a claimed turn back to be tried again after `delayMs`. Without a delay it keeps its place and is to be enqueued;
   * with one it waits without a place, to be let in again once it is due.
   */
  async giveBack(key: TurnName, change: GivenBack, tx: Tx): Promise<Dispatch | undefined> {
    const [dispatch] = await rows<Dispatch>(
      tx,
      `UPDATE turns SET status = 'queued', claim_token = NULL, lease_until = NULL, quote = NULL, dispatch = dispatch + 1,
         dispatched_at = CASE WHEN $3 = 0 THEN clock_timestamp() END, due_at = clock_timestamp() + $3 * interval '1 millisecond',
         failures = CASE WHEN $7 THEN 0 ELSE failures + $4 END, on_fallback = on_fallback OR $7, error_code = $5, error_message = $6
       WHERE run_id = $1 AND index = $2 RETURNING ${DISPATCH}`,
      [
        key.runId,
        key.turn,
        change.delayMs,
        change.failed ? 1 : 0,
        change.error?.code ?? null,
        change.error?.message ?? null,
        change.fallsBack ?? false,
      ],
    )
    if (!dispatch) throw new Error(`turn ${key.runId}/${key.turn} vanished under its lock`)
    return change.delayMs === 0 ? dispatch : undefined
  }

  /** Ends the turns of a run that no worker has. */
  async cancelQueued(runId: string, tx: Tx): Promise<void> {
    await rows(
      tx,
      `WITH ended AS (UPDATE turns SET status = 'cancelled', finished_at = now() WHERE run_id = $1 AND status = 'queued' RETURNING index)
       SELECT tool_close($1, index) FROM ended`,
      [runId],
    )
  }

  /** Users who have turns that are due and wait for admission, not for a connection; at most 500, who waits longest first. */
  async usersWaiting(): Promise<string[]> {
    const found = await rows<{ userId: string }>(
      this.#db.manager,
      `WITH waiting AS MATERIALIZED (
         SELECT t.user_id, t.connection_id, t.model, t.fallback_id, t.fallback_model, min(t.created_at) AS since FROM turns t
         WHERE t.status = 'queued' AND t.dispatched_at IS NULL AND t.due_at <= clock_timestamp() GROUP BY 1, 2, 3, 4, 5
       )
       SELECT w.user_id AS "userId" FROM waiting w
       WHERE NOT EXISTS (SELECT FROM breakers) OR w.connection_id IS NULL OR EXISTS (
         SELECT FROM (VALUES (w.connection_id, w.model), (w.fallback_id, w.fallback_model)) AS used (id, model)
         WHERE used.id IS NOT NULL AND NOT call_held(w.user_id, used.id, used.model))
       GROUP BY w.user_id ORDER BY min(w.since) LIMIT 500`,
    )
    return found.map((row) => row.userId)
  }

  /**
   * Turns that were due and in the queue, as far as we know, for `afterMs` without being claimed: the queue may have lost
   * them. They keep their job id, so that putting them there again is harmless when it did not.
   */
  redispatchForgotten(afterMs: number): Promise<Dispatch[]> {
    return rows<Dispatch>(
      this.#db.manager,
      `UPDATE turns SET dispatched_at = clock_timestamp() WHERE (run_id, index) IN (
         SELECT run_id, index FROM turns WHERE status = 'queued'
           AND dispatched_at < clock_timestamp() - $1 * interval '1 millisecond'
           AND due_at < clock_timestamp() - $1 * interval '1 millisecond'
         ORDER BY dispatched_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
       RETURNING ${DISPATCH}`,
      [afterMs],
    )
  }

  /** Turns whose lease has lapsed; each under a new job id, since a hung processor may hold the old one. */
  redispatchLapsed(afterMs: number): Promise<Dispatch[]> {
    return rows<Dispatch>(
      this.#db.manager,
      `UPDATE turns SET dispatched_at = clock_timestamp(), dispatch = dispatch + 1 WHERE (run_id, index) IN (
         SELECT run_id, index FROM turns WHERE status = 'running' AND lease_until < clock_timestamp()
           AND coalesce(dispatched_at, '-infinity') < greatest(lease_until, clock_timestamp() - $1 * interval '1 millisecond')
         ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED)
       RETURNING ${DISPATCH}`,
      [afterMs],
    )
  }

  /** Ends all leases: those of a dead predecessor of the only process there is. */
  async voidLeases(): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE turns SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'running'`,
    )
  }
}
