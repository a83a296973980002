import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import { catalog } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Logger } from '../shared/logger.ts'

/** Has conversations named whose title is due. A lost job is put back from the rows; none of it ever fails a turn. */
export class Titles {
  readonly #conversations: ConversationRepository
  readonly #queue: JobQueue
  readonly #logger: Logger

  constructor(dependencies: { conversations: ConversationRepository; queue: JobQueue; logger: Logger }) {
    this.#conversations = dependencies.conversations
    this.#queue = dependencies.queue
    this.#logger = dependencies.logger
  }

  /** After the commit that made it due. Never rejects. */
  async enqueue(conversationId: string): Promise<void> {
    try {
      await this.#queue.enqueue(catalog.conversationTitle, { conversationId }, { jobId: `title-${conversationId}` })
    } catch (error) {
      this.#logger.warn({ err: error, conversationId }, 'a title waits for the reconciler')
    }
  }

  /** Titles that have been due for `afterMs`. */
  async requeue(afterMs: number): Promise<void> {
    for (const id of await this.#conversations.titlesDue(afterMs)) await this.enqueue(id)
  }
}
