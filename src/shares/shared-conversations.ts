import type { ConversationService, MessageWindow } from '../chat/conversation.service.ts'
import type { SharedPageView } from '../contract/share-views.ts'
import type { RunView } from '../contract/views.ts'
import { presentMessage } from '../conversations/conversation.presenter.ts'
import type { ConversationRows } from '../realtime/socket-ports.ts'
import type { RunViews } from '../runs/run-views.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { OpenShare, ShareRepository } from './share.repository.ts'
import { readShare, shareKeyOf } from './share-token.ts'
import { asItStands, presentSharedConversation, presentSharedMessage } from './shared.presenter.ts'

interface SharedDependencies {
  shares: Pick<ShareRepository, 'findOpen' | 'open'>
  conversations: Pick<ConversationService, 'get'>
  views: Pick<RunViews, 'snapshot' | 'run'>
  jwtSecret: string
}

/**
 * What links show, to whoever has one. A link that never was, is over, or whose conversation is archived or gone is answered the same:
 * AppError 404 `share.not_found`.
 */
export class SharedConversations {
  readonly #deps: SharedDependencies
  readonly #key: Buffer

  constructor(dependencies: SharedDependencies) {
    this.#deps = dependencies
    this.#key = shareKeyOf(dependencies.jwtSecret)
  }

  /** The link of this token. What is no token of ours is told without the database. */
  async find(token: string): Promise<OpenShare> {
    const id = readShare(this.#key, token)
    return this.#opened(id)
  }

  /** The conversation with a page of its messages, ascending by `seq`. */
  async page(token: string, window: MessageWindow): Promise<SharedPageView> {
    const { userId, conversationId } = await this.find(token)
    const { conversation, messages, nextCursor } = await asShare(
      this.#deps.conversations.get(userId, conversationId, window),
    )
    const data = messages.map((message) => presentSharedMessage(presentMessage(message)))
    return { ...presentSharedConversation(conversation), messages: { data, nextCursor } }
  }

  /** What a stream of a link begins with, or goes on with: the words that stand. */
  async snapshot(shareId: string, afterSeq?: number): Promise<ConversationRows> {
    const { userId, conversationId } = await this.#opened(shareId)
    const rows = await asShare(this.#deps.views.snapshot(userId, conversationId, afterSeq))
    return { ...rows, messages: rows.messages.map(asItStands) }
  }

  /** A run of the link's conversation. @throws AppError 404 `run.not_found` for any other */
  async run(shareId: string, runId: string): Promise<RunView> {
    const share = await this.#deps.shares.findOpen(shareId, runId)
    if (!share) throw notFound('run')
    return this.#deps.views.run(share.userId, runId)
  }

  /** Those of these links that open something now. */
  open(shareIds: string[]): Promise<Set<string>> {
    return this.#deps.shares.open(shareIds)
  }

  async #opened(id: string | undefined): Promise<OpenShare> {
    const share = id === undefined ? undefined : await this.#deps.shares.findOpen(id)
    if (!share) throw notFound('share')
    return share
  }
}

/** It was deleted between the queries. */
const asShare = <T>(reading: Promise<T>): Promise<T> =>
  reading.catch((error: unknown) => {
    throw error instanceof AppError && error.code === notFound('conversation').code ? notFound('share') : error
  })
