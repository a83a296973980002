import type { ConversationView, FileView, FoundView, ReadMarkView } from '../contract/views.ts'
import type { Conversation } from '../conversations/conversation.entity.ts'
import type { ConversationChange, ConversationRepository, ListPlace } from '../conversations/conversation.repository.ts'
import type { ShownMessage } from '../conversations/message.entity.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { Transactions } from '../database/transaction.ts'
import type { Announcer } from '../runs/announcer.ts'
import type { CancelService } from '../runs/cancel.service.ts'
import type { RunViews } from '../runs/run-views.ts'
import { notFound } from '../shared/errors.ts'
import type { FileService } from '../storage/file.service.ts'
import type { ConversationSearch } from './conversation-search.ts'

/** A conversation shows so many of its files, the latest first. */
const SHOWN_FILES = 100

/** Which messages of a conversation to show: those before or after a `seq`, or the latest. */
export interface MessageWindow {
  limit: number
  beforeSeq?: number
  afterSeq?: number
}

interface ConversationDependencies {
  conversations: ConversationRepository
  messages: MessageRepository
  search: ConversationSearch
  views: RunViews
  files: Pick<FileService, 'viewsOf'>
  cancels: CancelService
  announcer: Announcer
  transactions: Transactions
}

/** Conversations with their run in progress. It lives beside runs because a conversation is shown, and deleted, with its run. */
export class ConversationService {
  readonly #deps: ConversationDependencies

  constructor(dependencies: ConversationDependencies) {
    this.#deps = dependencies
  }

  async list(
    userId: string,
    filter: { archived?: boolean },
    limit: number,
    before: ListPlace | undefined,
  ): Promise<Array<ConversationView & { activeAt: string }>> {
    return this.#deps.views.conversations(await this.#deps.conversations.list(userId, filter, limit, before))
  }

  /**
   * Those in whose messages or title all of these words are, in the same order, each with where.
   * @throws AppError 429 `search.too_many`, 503 `server.busy`
   */
  async find(
    userId: string,
    words: string,
    filter: { archived?: boolean },
    limit: number,
    before: ListPlace | undefined,
  ): Promise<Array<ConversationView & { activeAt: string; found: FoundView }>> {
    const { search, conversations, views } = this.#deps
    return search.of(userId, words, async (query) => {
      const listed = await conversations.list(userId, { ...filter, found: query }, limit, before)
      const shown = await views.conversations(listed)
      const found = await search.places(query, shown)
      return shown.map((view) => ({ ...view, found: found.get(view.id) ?? { title: null, messages: [] } }))
    })
  }

  /** Notes how far its user has read it, and tells the user's other windows. @throws AppError 404 */
  async read(userId: string, id: string, seq: number): Promise<ReadMarkView> {
    const mark = await this.#deps.conversations.markRead(userId, id, seq)
    if (!mark) throw notFound('conversation')
    const { isMoved, ...view } = mark
    if (isMoved) await this.#deps.announcer.read(userId, view)
    return view
  }

  /** The latest files of a conversation that are not deleted; `get` has checked whose it is. */
  async files(id: string): Promise<FileView[]> {
    return this.#deps.files.viewsOf(await this.#deps.messages.fileIds(id, SHOWN_FILES))
  }

  /** Messages ascending by `seq`, at most `limit` and within `PAGE_BYTES`; `nextCursor` is the seq to go on from: backwards by default, forwards after `afterSeq`. */
  async get(
    userId: string,
    id: string,
    { limit, beforeSeq, afterSeq }: MessageWindow,
  ): Promise<{ conversation: ConversationView; messages: ShownMessage[]; nextCursor: string | null }> {
    const { conversation, lastSeq } = await this.#deps.views.numbered(userId, id)
    const { messages } = this.#deps
    if (afterSeq !== undefined) {
      const shown = await messages.listAfter(id, afterSeq, limit)
      const last = shown.at(-1)?.seq
      return { conversation, messages: shown, nextCursor: last && last < lastSeq ? String(last) : null }
    }
    const shown = await messages.listBefore(id, beforeSeq, limit)
    const [first] = shown
    return { conversation, messages: shown, nextCursor: first && first.seq > 1 ? String(first.seq) : null }
  }

  /** `check` is told what there is, before it is changed. */
  async change(
    userId: string,
    id: string,
    change: ConversationChange,
    check: (current: Conversation) => void = () => {},
  ): Promise<ConversationView> {
    const { conversations, transactions, views, announcer } = this.#deps
    await transactions.run(async (tx) => {
      const conversation = await conversations.lock(id, tx)
      if (conversation?.userId !== userId) throw notFound('conversation')
      check(conversation)
      await conversations.change(id, change, tx)
    })
    const view = await views.conversation(userId, id)
    await announcer.conversationUpdated(userId, view)
    return view
  }

  /** Deletes it with its messages; a run in progress is settled first, in the same transaction. */
  async delete(userId: string, id: string): Promise<void> {
    const { conversations, cancels, transactions, announcer } = this.#deps
    const taken = await transactions.run(async (tx) => {
      const conversation = await conversations.lock(id, tx)
      if (conversation?.userId !== userId) throw notFound('conversation')
      const turns = await cancels.abandon({ conversationId: id }, tx)
      await conversations.delete(id, tx)
      return turns
    })
    await cancels.forget(taken)
    await announcer.deleted(userId, id)
  }
}
