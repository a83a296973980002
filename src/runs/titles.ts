import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import { byLane } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Logger } from '../shared/logger.ts'
import type { EngineRepository } from './engine.repository.ts'

/** Has conversations named whose title is due. A lost job is put back from the rows; none of it ever fails a turn. */
export class Titles {
  readonly #conversations: ConversationRepository
  readonly #queue: JobQueue
  readonly #engine: Pick<EngineRepository, 'lanesOf'>
  readonly #logger: Logger

  constructor(dependencies: {
    conversations: ConversationRepository
    queue: JobQueue
    engine: Pick<EngineRepository, 'lanesOf'>
    logger: Logger
  }) {
    this.#conversations = dependencies.conversations
    this.#queue = dependencies.queue
    this.#engine = dependencies.engine
    this.#logger = dependencies.logger
  }

  /** After the commit that made it due. Never rejects. */
  async enqueue(conversationId: string): Promise<void> {
    await this.#enqueueAll([conversationId])
  }

  /** Titles that have been due for `afterMs`. */
  async requeue(afterMs: number): Promise<void> {
    await this.#enqueueAll(await this.#conversations.titlesDue(afterMs))
  }

  async #enqueueAll(conversationIds: string[]): Promise<void> {
    if (conversationIds.length === 0) return
    try {
      for (const [conversationId, lane] of await this.#engine.lanesOf(conversationIds)) {
        const job = byLane.conversationTitle[lane]
        await this.#queue.enqueue(job, { conversationId }, { jobId: `title-${conversationId}` })
      }
    } catch (error) {
      this.#logger.warn({ err: error, conversationIds }, 'titles wait for the reconciler')
    }
  }
}
