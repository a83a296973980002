import type { Agent } from '../agents/agent.entity.ts'
import type { AgentService } from '../agents/agent.service.ts'
import type { ConnectionService } from '../connections/connection.service.ts'
import type { PartyBody, SingleBody } from '../contract/chat.schemas.ts'
import { type AcceptedView, acceptedView, type OnBusy, type StrategyName } from '../contract/views.ts'
import type { Conversation } from '../conversations/conversation.entity.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { Message } from '../conversations/message.entity.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { PriceBook } from '../credits/price-book.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { Announcer } from '../runs/announcer.ts'
import type { Dispatcher } from '../runs/dispatcher.ts'
import type { Run } from '../runs/run.entity.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import type { RunSteps } from '../runs/run-steps.ts'
import { AppError, invalidRequest, notFound } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { FileService } from '../storage/file.service.ts'
import type { IdempotencyRepository, IdempotentRequest } from './idempotency.repository.ts'

interface ChatDependencies {
  agents: AgentService
  connections: Pick<ConnectionService, 'resolve'>
  prices: Pick<PriceBook, 'priceOf'>
  ledger: Pick<LedgerService, 'requireAvailable'>
  files: Pick<FileService, 'assertUsable'>
  conversations: ConversationRepository
  messages: MessageRepository
  runs: RunRepository
  steps: RunSteps
  idempotency: IdempotencyRepository
  transactions: Transactions
  announcer: Announcer
  dispatcher: Dispatcher
  /** Carries out, in the background, a stop that was committed. */
  stop: (runId: string) => void
  runDeadlineMs: number
  maxTurnsDefault: number
  maxTurnsCap: number
}

/** A request to speak, its agents found and everything checked that can be checked before the transaction. */
interface Request {
  userId: string
  message: string
  fileIds: string[]
  conversationId: string | undefined
  agents: Agent[]
  /** Undefined: the one that the conversation remembers. */
  strategy: StrategyName | undefined
  onBusy: OnBusy
  limits: Pick<Run, 'maxRounds' | 'maxCredits' | 'maxSeconds' | 'stopPhrase'>
  /** Undefined: the usual number for the strategy. */
  maxTurns: number | undefined
}

/** What the accepting transaction wrote; `interrupted` is the run that is to stop for this one. */
interface Acceptance {
  accepted: AcceptedView
  message: Message
  interrupted: Run | null
  version: number
}

/**
 * Accepts messages. Accepted means durable: the answer is given after the commit of message, run and first turn; the
 * queue hears of it afterwards, and from the reconciler if that fails.
 */
export class ChatService {
  readonly #deps: ChatDependencies

  constructor(dependencies: ChatDependencies) {
    this.#deps = dependencies
  }

  /** One agent answers. */
  async single(userId: string, body: SingleBody, idempotencyKey?: string): Promise<AcceptedView> {
    const idempotent = idempotencyKey ? { userId, route: 'chat', key: idempotencyKey, body } : undefined
    const before = idempotent && (await this.#acceptedBefore(idempotent))
    if (before) return before
    const agents = await this.#deps.agents.resolve(userId, [body.agentId], () => 'agentId')
    const limits = { maxRounds: null, maxCredits: null, maxSeconds: null, stopPhrase: null }
    const { message, conversationId, fileIds = [], onBusy = 'enqueue' } = body
    const request = {
      userId,
      message,
      conversationId,
      fileIds,
      agents,
      strategy: 'round_robin' as const,
      onBusy,
      limits,
      maxTurns: 1,
    }
    return this.#accept(request, idempotent)
  }

  /** Several agents talk. */
  async party(userId: string, body: PartyBody, idempotencyKey?: string): Promise<AcceptedView> {
    const hashed = { ...body, stop: body.stop && { ...body.stop, maxCredits: body.stop.maxCredits?.toString() } }
    const idempotent = idempotencyKey
      ? { userId, route: 'chat/multi-agent', key: idempotencyKey, body: hashed }
      : undefined
    const before = idempotent && (await this.#acceptedBefore(idempotent))
    if (before) return before
    const agents = await this.#deps.agents.resolve(userId, body.agentIds, (position) => `agentIds.${position}`)
    const { message, conversationId, fileIds = [], onBusy = 'interject', strategy, maxTurns, stop } = body
    requireDistinctNames(agents)
    const limits = {
      maxRounds: stop?.maxRounds ?? null,
      maxCredits: stop?.maxCredits ?? null,
      maxSeconds: stop?.maxSeconds ?? null,
      stopPhrase: stop?.phrase ?? null,
    }
    const request = { userId, message, conversationId, fileIds, agents, strategy, onBusy, limits, maxTurns }
    return this.#accept(request, idempotent)
  }

  /** The answer to a request that was accepted before, whatever has become of its agents since. */
  async #acceptedBefore(request: IdempotentRequest): Promise<AcceptedView | undefined> {
    const response = await this.#deps.idempotency.find(request)
    return response === undefined ? undefined : acceptedView.parse(response)
  }

  async #accept(request: Request, idempotent: IdempotentRequest | undefined): Promise<AcceptedView> {
    const { transactions, idempotency, ledger, files, announcer, dispatcher } = this.#deps
    await this.#requirePriced(request.userId, request.agents)
    const outcome = await transactions.run(async (tx): Promise<Acceptance | AcceptedView> => {
      const before = idempotent && (await idempotency.reserve(idempotent, tx))
      if (before) return acceptedView.parse(before)
      await ledger.requireAvailable(request.userId, tx)
      await files.assertUsable(request.userId, request.fileIds, tx)
      const acceptance = await this.#write(request, tx)
      if (idempotent) await idempotency.complete(idempotent, acceptance.accepted, tx)
      return acceptance
    })
    if (!('accepted' in outcome)) return outcome
    const { accepted, message, interrupted, version } = outcome
    await dispatcher.admit(request.userId)
    const events = [announcer.messageCreated(message), await announcer.runEvent(accepted.runId)]
    await announcer.publish(accepted.conversationId, version, events)
    if (interrupted) this.#deps.stop(interrupted.id)
    return accepted
  }

  async #write(request: Request, tx: Tx): Promise<Acceptance> {
    const { conversations, messages, runs, steps } = this.#deps
    const conversation = await this.#conversation(request, tx)
    const strategy = request.strategy ?? conversation.strategy
    const active = await runs.findActive(conversation.id, tx)
    if (active && request.onBusy === 'reject') {
      throw new AppError(409, 'chat.busy', 'The agents are still talking; wait, interject or interrupt.', {
        runId: active.id,
      })
    }
    const joins = active !== null && request.onBusy === 'interject' && active.cancelRequestedAt === null
    const run = joins
      ? active
      : await this.#createRun(request, conversation.id, strategy, active ? 'pending' : 'queued', tx)
    // A word with one agent alone does not change how its party talks.
    const isParty = request.agents.length > 1
    const remembered = joins ? {} : { agentIds: run.agentIds, ...(isParty && { strategy }) }
    const { lastSeq, version } = await conversations.advance(conversation.id, { messages: 1, ...remembered }, tx)
    const message = await messages.add(
      {
        id: newId(),
        conversationId: conversation.id,
        seq: lastSeq,
        role: 'user',
        agentId: null,
        agentName: null,
        content: request.message,
        status: 'complete',
        runId: run.id,
        turn: null,
        fileIds: request.fileIds,
      },
      tx,
    )
    const interrupts = active !== null && request.onBusy === 'interrupt'
    if (interrupts) await runs.requestCancel(active.id, 'interrupted', tx)
    const begins = run.status === 'queued' && !joins
    const status = begins && (await steps.begin(run, tx)) === 'waiting' ? 'waiting' : run.status
    const accepted = { conversationId: conversation.id, runId: run.id, messageId: message.id, status }
    return { accepted, message, interrupted: interrupts ? active : null, version }
  }

  /** The conversation of the request, locked, or a new one. */
  async #conversation(request: Request, tx: Tx): Promise<Conversation> {
    const { conversations } = this.#deps
    const { userId, conversationId, agents, strategy = 'round_robin' } = request
    if (conversationId === undefined) {
      return conversations.create(
        { id: newId(), userId, title: null, agentIds: agents.map(({ id }) => id), strategy },
        tx,
      )
    }
    const conversation = await conversations.lock(conversationId, tx)
    if (conversation?.userId !== userId) throw notFound('conversation')
    return conversation
  }

  #createRun(
    request: Request,
    conversationId: string,
    strategy: StrategyName,
    status: 'pending' | 'queued',
    tx: Tx,
  ): Promise<Run> {
    const { userId, agents, limits } = request
    const { maxTurnsDefault, maxTurnsCap } = this.#deps
    // Everybody on a panel answers, and the moderator sums up.
    const usual = strategy === 'panel' ? Math.max(maxTurnsDefault, agents.length + 1) : maxTurnsDefault
    const maxTurns = request.maxTurns ?? Math.min(usual, maxTurnsCap)
    const deadlineAt = new Date(Date.now() + this.#deps.runDeadlineMs)
    const agentIds = agents.map((agent) => agent.id)
    return this.#deps.runs.create(
      { id: newId(), conversationId, userId, status, strategy, agentIds, deadlineAt, maxTurns, ...limits },
      tx,
    )
  }

  /** Every agent's model must be reachable and have a price before anything runs. */
  async #requirePriced(userId: string, agents: Agent[]): Promise<void> {
    await Promise.all(
      agents.map(async (agent) => {
        const connection = await this.#deps.connections.resolve(userId, agent.connectionId)
        await this.#deps.prices.priceOf(connection.provider, agent.model ?? connection.model)
      }),
    )
  }
}

/** Speakers are told apart by name, by models and by people. @throws AppError 400 that names the path of the second one */
function requireDistinctNames(agents: Agent[]): void {
  const issues = agents.flatMap(({ name }, position) => {
    const first = agents.findIndex((other) => other.name.trim().toLowerCase() === name.trim().toLowerCase())
    return first < position
      ? [{ path: `agentIds.${position}`, message: `has the same name as agentIds.${first}: "${name}"` }]
      : []
  })
  if (issues.length) throw invalidRequest(issues)
}
