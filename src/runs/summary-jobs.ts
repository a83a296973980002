import { byLane } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Logger } from '../shared/logger.ts'
import type { EngineRepository } from './engine.repository.ts'

/** Has long conversations summed up. A job that is lost is asked for again by the next turn, so nothing is written down. */
export class SummaryJobs {
  readonly #queue: JobQueue
  readonly #engine: Pick<EngineRepository, 'lanesOf'>
  readonly #logger: Logger

  constructor(dependencies: { queue: JobQueue; engine: Pick<EngineRepository, 'lanesOf'>; logger: Logger }) {
    this.#queue = dependencies.queue
    this.#engine = dependencies.engine
    this.#logger = dependencies.logger
  }

  /** Never rejects. */
  async enqueue(conversationId: string): Promise<void> {
    try {
      const lane = (await this.#engine.lanesOf([conversationId])).get(conversationId)
      const job = byLane.conversationSummarize[lane ?? 'platform']
      await this.#queue.enqueue(job, { conversationId }, { jobId: `summary-${conversationId}` })
    } catch (error) {
      this.#logger.warn({ err: error, conversationId }, 'a summary waits for the next turn')
    }
  }
}
