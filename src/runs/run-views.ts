import {
  type ConversationView,
  isTerminal,
  type MessageView,
  type RunView,
  SNAPSHOT_MESSAGES,
} from '../contract/views.ts'
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
  runs: Pick<RunRepository, 'glances' | 'idsOf'>
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

  /** Runs of a conversation, newest first, before that one. @throws AppError 404 when it is not this user's */
  async list(userId: string, conversationId: string, limit: number, before?: string): Promise<RunView[]> {
    if (!(await this.#deps.conversations.findOwned(userId, conversationId))) throw notFound('conversation')
    const ids = await this.#deps.runs.idsOf(conversationId, limit, before)
    const views = await this.ofRuns(ids)
    return ids.flatMap((id) => views.get(id) ?? [])
  }

  async conversations(conversations: Conversation[]): Promise<Array<ConversationView & { activeAt: string }>> {
    if (conversations.length === 0) return []
    const glances = await this.#deps.runs.glances(conversations.map(({ id }) => id))
    const ids = [...glances.values()].flatMap(({ active, last }) => [active, last])
    const views = await this.ofRuns([...new Set(ids.filter((id) => id !== null))])
    const viewOf = (id: string | null | undefined) => (id ? (views.get(id) ?? null) : null)
    return conversations.flatMap((conversation) => {
      const glance = glances.get(conversation.id)
      // It was deleted between the queries.
      if (!glance) return []
      const active = viewOf(glance.active)
      // Or its run has ended.
      const open = active && isTerminal(active.status) ? null : active
      return [presentConversation(conversation, open, viewOf(glance.last), glance)]
    })
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
