import type { DataSource } from 'typeorm'
import type { Env } from '../config/env.ts'
import { rows } from '../database/query.ts'
import type { Breaker } from './breaker.entity.ts'
import { troubleOf } from './breaker.policy.ts'
import type { ProviderFailure } from './provider-errors.ts'

/** When breakers open, and for how long. Milliseconds. */
export interface BreakerLimits {
  /** Failures in a row that open a connection; connections in a row that open their host (BREAKER_FAILURES). */
  failures: number
  /** The first time (BREAKER_OPEN_MS); twice as long each further time, up to `openMaxMs` (BREAKER_OPEN_MAX_MS). */
  openMs: number
  openMaxMs: number
  /** The longest wait that a provider may ask for (TURN_BACKOFF_MAX_MS). */
  waitMaxMs: number
  /** True: turns wait for what is open. False: they fail at once (PROVIDER_OUTAGE). A rate limit is always waited for. */
  waits: boolean
}

export const breakerLimits = (
  env: Pick<
    Env,
    'BREAKER_FAILURES' | 'BREAKER_OPEN_MS' | 'BREAKER_OPEN_MAX_MS' | 'TURN_BACKOFF_MAX_MS' | 'PROVIDER_OUTAGE'
  >,
): BreakerLimits => ({
  failures: env.BREAKER_FAILURES,
  openMs: env.BREAKER_OPEN_MS,
  openMaxMs: env.BREAKER_OPEN_MAX_MS,
  waitMaxMs: env.TURN_BACKOFF_MAX_MS,
  waits: env.PROVIDER_OUTAGE === 'wait',
})

/** Whom a call asks. */
export interface Called {
  connectionId: string
  model: string
}

/** A breaker as it is looked at. */
export type BreakerState = Pick<Breaker, 'subject' | 'failures' | 'opens' | 'openUntil' | 'code'>

const STATE = `subject, failures, opens, open_until AS "openUntil", code`
/** What has been well for so long, or is not called any more, is forgotten. A model may be called anything, and its limit has no past. */
const FORGOTTEN_AFTER = `CASE WHEN code = 'provider.rate_limited' THEN interval '1 hour' ELSE interval '1 day' END`

/** The breakers of connections, hosts and models: rows, so that all processes share them and none forgets. */
export class BreakerRepository {
  readonly #db: DataSource
  readonly #limits: BreakerLimits

  constructor(db: DataSource, limits: BreakerLimits) {
    this.#db = db
    this.#limits = limits
  }

  /**
   * Notes that a call failed, where that says something about its connection or its model; answers until when this may not be called,
   * if it may not. `waitMs`: so long is what was asked too often to be left alone, whoever says so at most `waitMaxMs`.
   */
  async failed(
    { connectionId, model }: Called,
    failure: Pick<ProviderFailure, 'code'>,
    waitMs: number,
  ): Promise<Date | undefined> {
    const trouble = troubleOf(failure)
    if (!trouble) return undefined
    const { failures, openMs, openMaxMs, waitMaxMs, waits } = this.#limits
    const isLimit = trouble === 'limit'
    const wait = Math.min(Math.ceil(waitMs), waitMaxMs)
    const [row] = await rows<{ until: Date | null }>(
      this.#db.manager,
      'SELECT breaker_failed($1, $2, $3, $4, $5, $6, $7, $8, $9) AS until',
      [connectionId, model, failure.code, isLimit, wait, failures, openMs, openMaxMs, waits || isLimit],
    )
    return row?.until ?? undefined
  }

  /** Notes that a call was answered. */
  async answered({ connectionId, model }: Called): Promise<void> {
    await rows(this.#db.manager, 'SELECT breaker_closed($1, $2)', [connectionId, model])
  }

  /** True while the connection, its host or the model is open. */
  async isOpen({ connectionId, model }: Called): Promise<boolean> {
    const [row] = await rows<{ open: boolean }>(
      this.#db.manager,
      `SELECT EXISTS (SELECT FROM connections c JOIN breakers b
         ON b.subject = ANY(call_subjects(c.id, c.user_id, c.provider, c.base_url, $2))
         WHERE c.id = $1 AND b.open_until > clock_timestamp()) AS open`,
      [connectionId, model],
    )
    return row?.open ?? false
  }

  /** The worst of the breakers that a call of each of these connections' own model knows, by the connection's id; what is well is not among them. */
  async ofConnections(ids: string[]): Promise<Map<string, BreakerState>> {
    if (ids.length === 0) return new Map()
    const found = await rows<BreakerState & { id: string }>(
      this.#db.manager,
      `SELECT DISTINCT ON (c.id) c.id, ${STATE} FROM connections c JOIN breakers b
         ON b.subject = ANY(call_subjects(c.id, c.user_id, c.provider, c.base_url, c.model))
       WHERE c.id = ANY($1) ORDER BY c.id, b.open_until DESC NULLS LAST`,
      [ids],
    )
    return new Map(found.map(({ id, ...state }) => [id, state]))
  }

  /** What is in trouble, the latest first. */
  list(limit: number): Promise<BreakerState[]> {
    return rows(this.#db.manager, `SELECT ${STATE} FROM breakers ORDER BY changed_at DESC LIMIT $1`, [limit])
  }

  /** Forgets what nobody has called for long. */
  async prune(): Promise<void> {
    await rows(
      this.#db.manager,
      `DELETE FROM breakers WHERE greatest(changed_at, open_until) < now() - ${FORGOTTEN_AFTER}`,
    )
  }
}
