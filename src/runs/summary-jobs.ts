import { catalog } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Logger } from '../shared/logger.ts'

/** Has long conversations summed up. A job that is lost is asked for again by the next turn, so nothing is written down. */
export class SummaryJobs {
  readonly #queue: JobQueue
  readonly #logger: Logger

  constructor(dependencies: { queue: JobQueue; logger: Logger }) {
    this.#queue = dependencies.queue
    this.#logger = dependencies.logger
  }

  /** Never rejects. */
  async enqueue(conversationId: string): Promise<void> {
    try {
      await this.#queue.enqueue(
        catalog.conversationSummarize,
        { conversationId },
        { jobId: `summary-${conversationId}` },
      )
    } catch (error) {
      this.#logger.warn({ err: error, conversationId }, 'a summary waits for the next turn')
    }
  }
}
