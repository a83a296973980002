import type { FeedbackView } from '../contract/views.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { ShownMessage } from '../conversations/message.entity.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { Transactions } from '../database/transaction.ts'
import type { Announcer } from '../runs/announcer.ts'
import { AppError, notFound } from '../shared/errors.ts'

interface FeedbackDependencies {
  conversations: ConversationRepository
  messages: MessageRepository
  announcer: Announcer
  transactions: Transactions
}

/** What users think of what agents said. It stands beside the message, and goes with it. */
export class FeedbackService {
  readonly #deps: FeedbackDependencies

  constructor(dependencies: FeedbackDependencies) {
    this.#deps = dependencies
  }

  /** In the place of what was thought before; null takes it back. @throws AppError 404; 409 `message.not_of_agent` */
  async give(userId: string, messageId: string, feedback: FeedbackView | null): Promise<ShownMessage> {
    const { conversations, messages, announcer, transactions } = this.#deps
    const { id, seq, version } = await transactions.run(async (tx) => {
      const message = await messages.find(messageId, tx)
      const conversation = message && (await conversations.lock(message.conversationId, tx))
      if (!message || conversation?.userId !== userId) throw notFound('message')
      if (message.role !== 'agent') throw new AppError('message.not_of_agent')
      await messages.judge(messageId, feedback, tx)
      const version = await conversations.advance(conversation.id, tx)
      return { id: conversation.id, seq: message.seq, version }
    })
    // With what it cost, as it is shown everywhere.
    const [judged] = await messages.listAfter(id, seq - 1, 1)
    if (judged?.id !== messageId) throw notFound('message')
    await announcer.publish(id, version, [announcer.messageCreated(judged)])
    return judged
  }
}
