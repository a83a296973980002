import type { ConversationEvent, UserEvent } from '../contract/events.ts'
import { isOpenCall, toolEventOf } from '../contract/tool-names.ts'
import {
  type ConversationView,
  isTerminal,
  type ReadMarkView,
  type RunView,
  type ToolCallView,
} from '../contract/views.ts'
import { presentMessage } from '../conversations/conversation.presenter.ts'
import type { MessageCost, ShownMessage } from '../conversations/message.entity.ts'
import type { MeteredCall } from '../credits/metered-call.ts'
import { sumUsage } from '../credits/usage.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import type { Logger } from '../shared/logger.ts'
import { formatCredits } from '../shared/money.ts'
import { presentToolCall, SHOWN_CALLS } from '../tools/tool-call.presenter.ts'
import type { StoredCall, ToolState } from '../tools/tool-call.repository.ts'
import type { EngineRepository } from './engine.repository.ts'
import type { TurnClaim } from './turn-claim.ts'
import type { TurnResult } from './turn-result.ts'
import type { Settled } from './turn-settlement.ts'

const RUN_EVENT = { completed: 'run.completed', failed: 'run.failed', cancelled: 'run.cancelled' } as const

/** How events name an attempt. */
export const turnRef = ({ conversationId, runId, turn, attempt }: TurnClaim) => ({
  conversationId,
  runId,
  turn,
  attempt,
})

/**
 * Tells watchers what was committed. Always after the commit, never instead of it: a lost event is healed by the
 * conversation's version, so failures here are logged and change nothing. The last event of a commit carries its version.
 */
export class Announcer {
  readonly #feed: LiveFeed
  readonly #engine: Pick<EngineRepository, 'views' | 'shown'>
  readonly #logger: Logger

  constructor(dependencies: { feed: LiveFeed; engine: Pick<EngineRepository, 'views' | 'shown'>; logger: Logger }) {
    this.#feed = dependencies.feed
    this.#engine = dependencies.engine
    this.#logger = dependencies.logger
  }

  /**
   * Events in order; the version goes onto the last. Where one is missing (null) it is kept back: watchers then find the
   * difference themselves.
   */
  async publish(
    conversationId: string,
    version: number | undefined,
    events: Array<ConversationEvent | null>,
  ): Promise<void> {
    const known = events.filter((event) => event !== null)
    const shown = known.length === events.length ? version : undefined
    // All on their way at once: a connection keeps their order.
    await Promise.all(
      known.map((event, position) => {
        const last = position === known.length - 1
        return this.#quietly(this.#feed.publish(conversationId, last ? { ...event, version: shown } : event))
      }),
    )
  }

  messageCreated(message: ShownMessage): ConversationEvent {
    return { type: 'message.created', conversationId: message.conversationId, message: presentMessage(message) }
  }

  /** The start of an attempt; with the version that its claim's commit made, if clients see a difference. */
  turnStarted(claim: TurnClaim, { id: agentId, name: agentName }: { id: string; name: string }): ConversationEvent {
    return { type: 'turn.started', ...turnRef(claim), agentId, agentName, version: claim.version }
  }

  /** The end of a turn as it was committed; `calls` are those that the user paid. */
  turnCompleted(claim: TurnClaim, settled: Settled, calls: MeteredCall[], tools?: ToolState): ConversationEvent {
    const cost = costOf(settled, calls, tools)
    const message = settled.message && presentMessage(shownOf(settled.message, cost, calls, tools))
    const { usage, credits } = cost
    return { type: 'turn.completed', ...turnRef(claim), message, usage, credits: formatCredits(credits) }
  }

  /** The end of a turn that its worker has settled: of one that failed with what it had said before, between calls of tools. */
  turnEnded(
    claim: TurnClaim,
    settled: Settled,
    { error, calls }: Pick<TurnResult, 'error' | 'calls'>,
    tools?: ToolState,
  ): ConversationEvent[] {
    if (!error) return [this.turnCompleted(claim, settled, calls, tools)]
    const { message } = settled
    const shown = message && shownOf(message, costOf(settled, calls, tools), calls, tools)
    const said = shown ? [this.messageCreated(shown)] : []
    return [...said, { type: 'turn.failed', ...turnRef(claim), error, willRetry: false }]
  }

  /** What a call of a tool has come to: it runs, or is over. */
  tool(claim: TurnClaim, call: ToolCallView): Promise<void> {
    const event = { type: toolEventOf(call.status), ...turnRef(claim), agentId: claim.agentId ?? '', call }
    return this.publish(claim.conversationId, undefined, [event])
  }

  /** Somebody is to decide on a call before this moment. */
  approvalRequested(claim: TurnClaim, call: ToolCallView, expiresAt: string): Promise<void> {
    const event = {
      type: 'tool.approval_requested' as const,
      ...turnRef(claim),
      agentId: claim.agentId ?? '',
      call,
      expiresAt,
    }
    return this.publish(claim.conversationId, undefined, [event])
  }

  /** The event that shows a run as it is in the rows now; null when the run is gone, or cannot be read. Never rejects. */
  async runEvent(runId: string): Promise<ConversationEvent | null> {
    try {
      const view = (await this.#engine.views([runId])).get(runId)
      return view ? this.runChanged(view) : null
    } catch (error) {
      this.#logger.warn({ err: error, runId }, 'a run could not be read for its event')
      return null
    }
  }

  /** The event that shows a run as it is here. */
  runChanged(view: RunView): ConversationEvent {
    const type = isTerminal(view.status) ? RUN_EVENT[view.status as keyof typeof RUN_EVENT] : 'run.updated'
    return { type, conversationId: view.conversationId, run: view }
  }

  /** Tells all of a user's sockets of a conversation as it is here, so that lists show it: those who watch it are told by its own events. */
  async listed(
    userId: string,
    conversation: ConversationView,
    type: 'conversation.created' | 'conversation.updated' = 'conversation.updated',
  ): Promise<void> {
    const event: UserEvent = { type, conversationId: conversation.id, conversation }
    await this.#quietly(this.#feed.publishToUser(userId, event))
  }

  /** The same, and whoever watches it. */
  async conversationUpdated(userId: string, conversation: ConversationView): Promise<void> {
    const { id: conversationId, version } = conversation
    await this.publish(conversationId, version, [{ type: 'conversation.updated', conversationId, conversation }])
    await this.listed(userId, conversation)
  }

  /**
   * Tells of a run that a commit changed, behind that commit's other events, and all of its user's sockets of its conversation: as both
   * are in the rows now. Never rejects.
   */
  async runTold(
    userId: string,
    { runId, conversationId }: { runId: string; conversationId: string },
    version: number,
    events: ConversationEvent[],
  ): Promise<void> {
    const shown = await this.#engine.shown(runId, conversationId).catch((error: unknown) => {
      this.#logger.warn({ err: error, runId }, 'a run could not be read for its event')
    })
    await this.publish(conversationId, version, [...events, shown ? this.runChanged(shown.run) : null])
    if (shown) await this.listed(userId, shown.conversation)
  }

  async deleted(userId: string, conversationId: string): Promise<void> {
    await this.#quietly(this.#feed.publishToUser(userId, { type: 'conversation.deleted', conversationId }))
  }

  async read(userId: string, mark: ReadMarkView): Promise<void> {
    await this.#quietly(this.#feed.publishToUser(userId, { type: 'conversation.read', ...mark }))
  }

  async balance(userId: string, balance: { available: bigint; held: bigint }): Promise<void> {
    const event: UserEvent = {
      type: 'credits.updated',
      available: formatCredits(balance.available),
      held: formatCredits(balance.held),
    }
    await this.#quietly(this.#feed.publishToUser(userId, event))
  }

  /** All of a user's sockets: so many calls of tools wait for a decision now. */
  async waiting(userId: string, waiting: number): Promise<void> {
    await this.#quietly(this.#feed.publishToUser(userId, { type: 'approvals.updated', waiting }))
  }

  async #quietly(publishing: Promise<void>): Promise<void> {
    await publishing.catch((error: unknown) => this.#logger.warn({ err: error }, 'an event was not published'))
  }
}

/** What a turn cost: its last calls, and those of steps before them. */
const costOf = ({ money }: Settled, calls: MeteredCall[], tools?: ToolState): MessageCost => ({
  usage: sumUsage([...calls.map((call) => call.usage), ...(tools ? [tools.paid.usage] : [])]),
  credits: money.charged + (tools?.paid.credits ?? 0n),
})

/** A turn's message as it will be read: with what the turn cost, where anything was asked for, and did with tools. */
const shownOf = (message: ShownMessage, cost: MessageCost, calls: MeteredCall[], tools?: ToolState): ShownMessage => ({
  ...message,
  cost: calls.length > 0 || tools?.steps.length ? cost : undefined,
  toolCalls: tools?.calls.slice(0, SHOWN_CALLS).map((call) => presentToolCall(closed(call))),
})

/** A call as the end of its turn leaves it (`tool_close`). */
function closed(call: StoredCall): StoredCall {
  if (!isOpenCall(call)) return call
  const status = call.starts > 0 && call.effect === 'writes' ? 'unknown' : 'cancelled'
  return { ...call, status }
}
