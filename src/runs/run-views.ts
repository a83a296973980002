import type { ConversationView, MessageView, RunView } from '../contract/views.ts'
import type { Conversation } from '../conversations/conversation.entity.ts'
import { presentConversation, presentMessage } from '../conversations/conversation.presenter.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import { notFound } from '../shared/errors.ts'
import { formatCredits } from '../shared/money.ts'
import type { Run } from './run.entity.ts'
import { presentRun } from './run.presenter.ts'
import type { RunRepository } from './run.repository.ts'
import type { TurnRepository } from './turn.repository.ts'

/** A join without `afterSeq` gets this many of the latest messages. */
const SNAPSHOT_MESSAGES = 100
/** A re-join gets at most this many of those it missed; it asks again for the rest. */
const MISSED_MESSAGES = 500

interface ViewDependencies {
  runs: RunRepository
  turns: TurnRepository
  conversations: ConversationRepository
  messages: MessageRepository
  ledger: Pick<LedgerService, 'receiptsOf'>
}

/** Reads runs and conversations as clients see them; every read is scoped by its owner. */
export class RunViews {
  readonly #deps: ViewDependencies

  constructor(dependencies: ViewDependencies) {
    this.#deps = dependencies
  }

  async run(userId: string, runId: string): Promise<RunView> {
    const run = await this.#deps.runs.findOwned(userId, runId)
    if (!run) throw notFound('run')
    return this.present(run)
  }

  async present(run: Run): Promise<RunView> {
    const views = await this.presentAll([run])
    const view = views.get(run.id)
    if (!view) throw notFound('run')
    return view
  }

  /** Runs by id, in two queries however many there are. */
  async presentAll(runs: Run[]): Promise<Map<string, RunView>> {
    if (runs.length === 0) return new Map()
    const ids = runs.map((run) => run.id)
    const [turns, receipts] = await Promise.all([this.#deps.turns.listOf(ids), this.#deps.ledger.receiptsOf(ids)])
    return new Map(
      runs.map((run) => {
        const receipt = receipts.get(run.id)
        const view = presentRun(
          run,
          turns.filter((turn) => turn.runId === run.id),
          {
            inputTokens: receipt?.inputTokens ?? 0,
            outputTokens: receipt?.outputTokens ?? 0,
            credits: formatCredits(receipt?.credits ?? 0n),
            released: formatCredits(receipt?.released ?? 0n),
            estimated: receipt?.estimated ?? false,
          },
        )
        return [run.id, view]
      }),
    )
  }

  async conversations(conversations: Conversation[]): Promise<ConversationView[]> {
    const active = conversations.length ? await this.#deps.runs.findActiveOf(conversations.map(({ id }) => id)) : []
    const views = await this.presentAll(active)
    const byConversation = new Map(active.map((run) => [run.conversationId, views.get(run.id) ?? null]))
    return conversations.map((conversation) =>
      presentConversation(conversation, byConversation.get(conversation.id) ?? null),
    )
  }

  async conversation(userId: string, id: string): Promise<ConversationView> {
    const conversation = await this.#deps.conversations.findOwned(userId, id)
    const [view] = conversation ? await this.conversations([conversation]) : []
    if (!view) throw notFound('conversation')
    return view
  }

  /**
   * What a client that joins needs of the rows. The version is read first: a commit in between is then seen as a newer
   * version, and healed, rather than missed.
   */
  async snapshot(
    userId: string,
    conversationId: string,
    afterSeq?: number,
  ): Promise<{ conversation: ConversationView; messages: MessageView[]; activeRun: RunView | null }> {
    const conversation = await this.conversation(userId, conversationId)
    const messages =
      afterSeq === undefined
        ? await this.#deps.messages.listBefore(conversationId, undefined, SNAPSHOT_MESSAGES)
        : await this.#deps.messages.listAfter(conversationId, afterSeq, MISSED_MESSAGES)
    return { conversation, messages: messages.map(presentMessage), activeRun: conversation.activeRun }
  }
}
