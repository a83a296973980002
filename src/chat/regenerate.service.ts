import type { ConnectionService } from '../connections/connection.service.ts'
import type { AcceptedView } from '../contract/views.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { PriceBook } from '../credits/price-book.ts'
import type { Tx } from '../database/transaction.ts'
import type { Run } from '../runs/run.entity.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import type { TurnRepository } from '../runs/turn.repository.ts'
import { AppError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { runOrigin } from '../shared/request-origin.ts'
import type { AcceptRepository } from './accept.repository.ts'
import { type Anew, type AnewDependencies, acceptAnew } from './accept-anew.ts'
import { leastHolds, leastOf } from './least-hold.ts'
import { requestKey } from './request-key.ts'
import { lockMessage } from './standing-message.ts'

interface RegenerateDependencies extends AnewDependencies {
  runs: RunRepository
  turns: TurnRepository
  conversations: ConversationRepository
  messages: MessageRepository
  accepts: Pick<AcceptRepository, 'look'>
  connections: Pick<ConnectionService, 'open'>
  prices: Pick<PriceBook, 'require'>
  ownKeyRatePpm: bigint
  ledger: Pick<LedgerService, 'requireAvailable'>
  runDeadlineMs: number
}

/** Has the last thing that an agent said said anew. What was said stays, marked as superseded. */
export class RegenerateService {
  readonly #deps: RegenerateDependencies

  constructor(dependencies: RegenerateDependencies) {
    this.#deps = dependencies
  }

  /**
   * Accepts a new run in which the same agent speaks again; `messageId` of the answer is the superseded message.
   * @throws AppError 404; 409 `chat.busy` while agents talk, `chat.not_last` when an agent has spoken since
   */
  regenerate(userId: string, messageId: string, idempotencyKey?: string): Promise<AcceptedView> {
    const key = requestKey('chat/regenerate', idempotencyKey, { messageId })
    return acceptAnew(userId, key, (tx) => this.#write(userId, messageId, tx), this.#deps)
  }

  async #write(userId: string, messageId: string, tx: Tx): Promise<Anew> {
    const { runs, turns, conversations, messages } = this.#deps
    const { conversation, message } = await lockMessage(userId, messageId, this.#deps, tx)
    if (message.role !== 'agent' || (await messages.lastStanding(conversation.id, 'agent', tx)) !== message.id) {
      throw new AppError('chat.not_last')
    }
    await this.#requireCredits(userId, message.agentId, tx)
    const { runId, turn: index } = message
    const run = runId === null ? null : await runs.find(runId, tx)
    const turn = runId === null || index === null ? null : await turns.find({ runId, turn: index }, tx)
    const like = { agentIds: run?.agentIds ?? conversation.agentIds, answer: run?.answer ?? null }
    const next = await this.#createRun(like, conversation, message.id, tx)
    const kind = turn?.kind === 'moderate' ? ('moderate' as const) : ('speak' as const)
    await turns.create({ runId: next.id, index: 0, step: 0, userId, agentId: message.agentId, kind }, tx)
    const superseded = await messages.supersede(message.id, tx)
    const version = await conversations.advance(conversation.id, tx)
    const accepted = { conversationId: conversation.id, runId: next.id, messageId, status: next.status }
    return { accepted, superseded: [superseded], version }
  }

  /** An agent that was deleted meanwhile speaks all the same; what that needs is not known here. @throws AppError 402 */
  async #requireCredits(userId: string, agentId: string | null, tx: Tx): Promise<void> {
    const { accepts, ledger } = this.#deps
    const agentIds = agentId === null ? [] : [agentId]
    const keyId = runOrigin()?.keyId
    const asked = { userId, agentIds, conversationId: undefined, fileIds: [], key: undefined, keyId }
    const { agents, available, budgetLeft } = await accepts.look(asked, tx)
    const holds = leastHolds(agents, { words: '', isParty: false }, this.#deps)
    ledger.requireAvailable(available, leastOf(holds, [agentId], undefined), budgetLeft)
  }

  /** The others of the first run are in the room again, so that the prompt is the same. */
  #createRun(
    like: Pick<Run, 'agentIds' | 'answer'>,
    conversation: { id: string; userId: string },
    regenerates: string,
    tx: Tx,
  ): Promise<Run> {
    return this.#deps.runs.create(
      {
        id: newId(),
        conversationId: conversation.id,
        userId: conversation.userId,
        status: 'queued',
        strategy: 'round_robin',
        ...like,
        maxTurns: 1,
        regenerates,
        origin: runOrigin(),
        deadlineAt: new Date(Date.now() + this.#deps.runDeadlineMs),
      },
      tx,
    )
  }
}
