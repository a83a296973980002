import { byLane } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import { Lately } from '../shared/lately.ts'
import type { Logger } from '../shared/logger.ts'
import type { EngineRepository } from './engine.repository.ts'
import type { Dispatch } from './turn.repository.ts'

/** What comes due later than this is left to the reconciler, which looks often enough for it. */
const FAR_MS = 60_000
/**
 * What was let in lately drains away at so many turns a second, and counts for so many at most. What is in the queue has a place
 * already (`turns_admit`), so this only says in which order a busy worker comes to it: nobody starves.
 */
const LATELY = { perSecond: 1, most: 60 }
/** After what it waits for, so that the database's clock has passed it too. */
const MARGIN_MS = 20

/** Puts turns that are committed into the queue. What fails here is put there later by the reconciler, from the rows. */
export class Dispatcher {
  readonly #engine: Pick<EngineRepository, 'admit'>
  readonly #queue: JobQueue
  readonly #userConcurrency: number
  readonly #logger: Logger
  readonly #letIn = new Lately(LATELY)
  /** Users who are looked at again soon, and when, by `performance.now()`. */
  readonly #later = new Map<string, { at: number; timer: NodeJS.Timeout }>()

  constructor(dependencies: {
    engine: Pick<EngineRepository, 'admit'>
    queue: JobQueue
    userConcurrency: number
    logger: Logger
  }) {
    this.#engine = dependencies.engine
    this.#queue = dependencies.queue
    this.#userConcurrency = dependencies.userConcurrency
    this.#logger = dependencies.logger
  }

  /** Lets the oldest waiting turns of a user in, up to the user's share. Never rejects: what waits is found again. */
  async admit(userId: string): Promise<void> {
    try {
      await this.enqueue(await this.#engine.admit(userId, this.#userConcurrency))
    } catch (error) {
      this.#logger.warn({ err: error, userId }, 'admission failed; the reconciler will repeat it')
    }
  }

  /** The same once `ms` have passed: a turn of the user comes due then. The reconciler comes by too, a little later. */
  admitIn(userId: string, ms: number): void {
    const at = performance.now() + ms + MARGIN_MS
    const known = this.#later.get(userId)
    if (ms > FAR_MS || (known && known.at <= at)) return
    clearTimeout(known?.timer)
    const timer = setTimeout(() => {
      this.#later.delete(userId)
      void this.admit(userId)
    }, ms + MARGIN_MS)
    timer.unref()
    this.#later.set(userId, { at, timer })
  }

  /** Looks at nobody any more. */
  close(): void {
    for (const { timer } of this.#later.values()) clearTimeout(timer)
    this.#later.clear()
  }

  /** Never rejects. */
  async enqueue(dispatches: Dispatch[]): Promise<void> {
    await Promise.all(
      dispatches.map(async ({ runId, turn, dispatch, lane, userId }) => {
        try {
          const rank = 1 + Math.floor(this.#letIn.of(userId))
          this.#letIn.note(userId, 1)
          const name = `${runId}-${turn}-${dispatch}`
          await this.#queue.enqueue(byLane.turnRun[lane], { runId, turn, userId }, { jobId: name, rank })
        } catch (error) {
          this.#logger.warn({ err: error, runId, turn }, 'enqueueing failed; the reconciler will repeat it')
        }
      }),
    )
  }
}
