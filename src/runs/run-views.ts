import { type ConversationView, type MessageView, type RunView, SNAPSHOT_MESSAGES } from '../contract/views.ts'
import type { Conversation } from '../conversations/conversation.entity.ts'
import { presentConversation, presentMessage } from '../conversations/conversation.presenter.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import { notFound } from '../shared/errors.ts'
import type { EngineRepository } from './engine.repository.ts'
import type { RunRepository } from './run.repository.ts'

/** A re-join gets at most this many of those it missed, and within `PAGE_BYTES`; it asks again for the rest. */
const MISSED_MESSAGES = 500

interface ViewDependencies {
  engine: Pick<EngineRepository, 'views' | 'ownedView'>
  runs: Pick<RunRepository, 'findActiveOf'>
  conversations: ConversationRepository
  messages: MessageRepository
}

/** Reads runs and conversations as clients see them; every read is scoped by its owner. */
export class RunViews {
  readonly #deps: ViewDependencies

  constructor(dependencies: ViewDependencies) {
    this.#deps = dependencies
  }

  async run(userId: string, runId: string): Promise<RunView> {
    const view = await this.#deps.engine.ownedView(userId, runId)
    if (!view) throw notFound('run')
    return view
  }

  /** Runs by id, in one query however many there are; those that are gone are missing. */
  ofRuns(runIds: string[]): Promise<Map<string, RunView>> {
    return this.#deps.engine.views(runIds)
  }

  async conversations(conversations: Conversation[]): Promise<ConversationView[]> {
    const active = conversations.length ? await this.#deps.runs.findActiveOf(conversations.map(({ id }) => id)) : []
    const views = await this.ofRuns(active.map(({ id }) => id))
    const byConversation = new Map(active.map((run) => [run.conversationId, views.get(run.id) ?? null]))
    return conversations.map((conversation) =>
      presentConversation(conversation, byConversation.get(conversation.id) ?? null),
    )
  }

  async conversation(userId: string, id: string): Promise<ConversationView> {
    return (await this.numbered(userId, id)).conversation
  }

  /** The same, with the `seq` of its last message at that time: they are numbered from 1, without a gap. */
  async numbered(userId: string, id: string): Promise<{ conversation: ConversationView; lastSeq: number }> {
    const found = await this.#deps.conversations.findOwned(userId, id)
    const [conversation] = found ? await this.conversations([found]) : []
    if (!found || !conversation) throw notFound('conversation')
    return { conversation, lastSeq: found.lastSeq }
  }

  /**
   * What a client that joins needs of the rows. The version is read first: a commit in between is then seen as a newer
   * version, and healed, rather than missed. `more`: there are messages after these that did not fit.
   */
  async snapshot(
    userId: string,
    conversationId: string,
    afterSeq?: number,
  ): Promise<{ conversation: ConversationView; messages: MessageView[]; activeRun: RunView | null; more: boolean }> {
    const { conversation, lastSeq } = await this.numbered(userId, conversationId)
    const messages =
      afterSeq === undefined
        ? await this.#deps.messages.listBefore(conversationId, undefined, SNAPSHOT_MESSAGES)
        : await this.#deps.messages.listAfter(conversationId, afterSeq, MISSED_MESSAGES)
    const more = (messages.at(-1)?.seq ?? lastSeq) < lastSeq
    return { conversation, messages: messages.map(presentMessage), activeRun: conversation.activeRun, more }
  }
}
