import type { Env } from '../config/env.ts'
import type { Logger } from '../shared/logger.ts'
import { KEPT, type Kept, type RetentionRepository } from './retention.repository.ts'

/** Days that each is kept; 0: for ever. */
export type RetentionDays = Record<Kept | 'audit' | 'usage', number>

/** As the environment has it. */
export const retentionDays = (env: Env): RetentionDays => ({
  conversations: env.RETAIN_CONVERSATIONS_DAYS,
  runs: env.RETAIN_RUNS_DAYS,
  sessions: env.RETAIN_SESSIONS_DAYS,
  keys: env.RETAIN_SESSIONS_DAYS,
  idempotencyKeys: env.RETAIN_IDEMPOTENCY_KEYS_DAYS,
  mails: env.RETAIN_MAILS_DAYS,
  emailLinks: env.RETAIN_MAILS_DAYS,
  webhookDeliveries: env.RETAIN_WEBHOOK_DELIVERIES_DAYS,
  ticks: env.RETAIN_TICKS_DAYS,
  audit: env.RETAIN_AUDIT_DAYS,
  usage: env.RETAIN_USAGE_DAYS,
})

/** Rows of a batch. A conversation brings its messages along. */
const BATCH = 1_000
const CONVERSATIONS = 50
/** Batches of a kind in one round; what is left over waits for the next. */
const BATCHES = 200

/** Forgets what is too old, in rounds of bounded size; for the housekeeping of workers. */
export class RetentionService {
  readonly #rows: RetentionRepository
  readonly #days: RetentionDays
  readonly #logger: Logger
  /** Calls up to here were forgotten by this process. */
  #usageUntil: string | undefined

  constructor({ rows, days, logger }: { rows: RetentionRepository; days: RetentionDays; logger: Logger }) {
    this.#rows = rows
    this.#days = days
    this.#logger = logger
  }

  /** One round. What fails of it keeps nothing else from being done. `isStopped` ends it between two batches. */
  async round(isStopped: () => boolean = () => false): Promise<void> {
    for (const what of KEPT) {
      await this.#attempt(what, async (before) => {
        const most = what === 'conversations' ? CONVERSATIONS : BATCH
        return this.#batches(isStopped, async () => {
          const removed = await this.#rows.remove(what, before, most)
          return { removed, isLast: removed < most }
        })
      })
    }
    await this.#attempt('audit', (before) =>
      this.#batches(isStopped, async () => {
        const removed = await this.#rows.removeAuditDay(before)
        return { removed, isLast: removed === 0 }
      }),
    )
    await this.#attempt('usage', (before) =>
      this.#batches(isStopped, async () => {
        const last = await this.#rows.forgetUsage(before, this.#usageUntil, BATCH)
        this.#usageUntil = last ?? this.#usageUntil
        return { removed: last ? 1 : 0, isLast: last === undefined }
      }),
    )
  }

  async #attempt(what: keyof RetentionDays, work: (before: Date) => Promise<number>): Promise<void> {
    const days = this.#days[what]
    if (days === 0) return
    try {
      const removed = await work(await this.#rows.daysAgo(days))
      if (removed > 0) this.#logger.info({ what, days, removed }, 'what was kept long enough is gone')
    } catch (error) {
      this.#logger.error({ err: error, what }, 'what was kept long enough is still there')
    }
  }

  async #batches(
    isStopped: () => boolean,
    batch: () => Promise<{ removed: number; isLast: boolean }>,
  ): Promise<number> {
    let all = 0
    for (let count = 0; count < BATCHES && !isStopped(); count++) {
      const { removed, isLast } = await batch()
      all += removed
      if (isLast) break
    }
    return all
  }
}
