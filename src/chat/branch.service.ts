import type { ConversationView } from '../contract/views.ts'
import type { BranchRepository } from '../conversations/branch.repository.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { Transactions } from '../database/transaction.ts'
import type { Announcer } from '../runs/announcer.ts'
import type { RunViews } from '../runs/run-views.ts'
import { AppError, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { MessageBudget } from './message-budget.ts'

/** A branch takes along so much at most: what one request writes is bounded. */
const MOST_MESSAGES = 10_000
const MOST_BYTES = 16 * 1_024 * 1_024

interface BranchDependencies {
  branches: BranchRepository
  conversations: ConversationRepository
  messages: MessageRepository
  views: RunViews
  announcer: Announcer
  transactions: Transactions
  /** USER_CONVERSATIONS. */
  mostConversations: number
  messageBudget: Pick<MessageBudget, 'take'>
}

/** Begins a conversation that goes on from a message of another one, which stays as it is. */
export class BranchService {
  readonly #deps: BranchDependencies

  constructor(dependencies: BranchDependencies) {
    this.#deps = dependencies
  }

  /**
   * The new conversation, with what stands up to the message and its files. From one that was superseded the branch goes on with the
   * old words.
   * @throws AppError 404; 409 `conversation.too_many`; 413 `conversation.too_long_to_branch`; 429 `chat.rate_limited`
   */
  async branch(userId: string, conversationId: string, messageId: string): Promise<ConversationView> {
    const { branches, conversations, messages, views, announcer, transactions, mostConversations, messageBudget } =
      this.#deps
    if (!(await conversations.findOwned(userId, conversationId))) throw notFound('conversation')
    const message = await messages.find(messageId)
    if (message?.conversationId !== conversationId) throw notFound('message')
    const size = await branches.sizeUpTo(message)
    if (size.messages > MOST_MESSAGES || size.bytes > MOST_BYTES) {
      const limits = { maxMessages: MOST_MESSAGES, maxBytes: MOST_BYTES }
      throw new AppError('conversation.too_long_to_branch', { words: limits, details: limits })
    }
    const id = newId()
    await transactions.run(async (tx) => {
      if (!(await conversations.hasRoom(userId, mostConversations, tx)))
        throw tooMany('conversation', mostConversations)
      // Before they are written, since they may be many: a copy takes as much room as what was sent.
      await messageBudget.take(userId, size, tx)
      if (!(await branches.copy(id, message, tx))) throw notFound('message')
    })
    const view = await views.conversation(userId, id)
    await announcer.listed(userId, view, 'conversation.created')
    return view
  }
}
