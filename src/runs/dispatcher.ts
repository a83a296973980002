import { catalog } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Logger } from '../shared/logger.ts'
import type { EngineRepository } from './engine.repository.ts'
import type { Dispatch } from './turn.repository.ts'

/** Puts turns that are committed into the queue. What fails here is put there later by the reconciler, from the rows. */
export class Dispatcher {
  readonly #engine: Pick<EngineRepository, 'admit'>
  readonly #queue: JobQueue
  readonly #userConcurrency: number
  readonly #logger: Logger

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

  /** Never rejects. */
  async enqueue(dispatches: Dispatch[]): Promise<void> {
    await Promise.all(
      dispatches.map(async ({ runId, turn, dispatch, delayMs }) => {
        try {
          await this.#queue.enqueue(
            catalog.turnRun,
            { runId, turn },
            { jobId: `${runId}-${turn}-${dispatch}`, delayMs },
          )
        } catch (error) {
          this.#logger.warn({ err: error, runId, turn }, 'enqueueing failed; the reconciler will repeat it')
        }
      }),
    )
  }
}
