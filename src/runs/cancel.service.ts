import { randomUUID } from 'node:crypto'
import type { TurnName } from '../contract/attempt.ts'
import { isTerminal, type RunView } from '../contract/views.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { MeteredCall } from '../credits/metered-call.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { notFound } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { ToolCallRepository, ToolState } from '../tools/tool-call.repository.ts'
import { saidIn } from '../tools/tool-step.entity.ts'
import type { Announcer } from './announcer.ts'
import type { Dispatcher } from './dispatcher.ts'
import { cancelledEnd, type RunEnd } from './following.ts'
import type { LostAttempts } from './lost-attempts.ts'
import type { Run } from './run.entity.ts'
import type { RunRepository } from './run.repository.ts'
import type { RunSteps } from './run-steps.ts'
import type { RunViews } from './run-views.ts'
import { tellWaiting } from './tool-turns.ts'
import type { Turn } from './turn.entity.ts'
import type { TurnRepository } from './turn.repository.ts'
import type { TurnClaim } from './turn-claim.ts'
import type { Settled, TurnSettlement } from './turn-settlement.ts'

interface CancelDependencies {
  runs: RunRepository
  turns: TurnRepository
  conversations: ConversationRepository
  ledger: Pick<LedgerService, 'pendingHold'>
  lostAttempts: LostAttempts
  settlement: TurnSettlement
  steps: RunSteps
  toolCalls: Pick<ToolCallRepository, 'waiting'>
  views: RunViews
  announcer: Announcer
  dispatcher: Dispatcher
  feed: LiveFeed
  transactions: Transactions
  graceMs: number
  leaseMs: number
  logger: Logger
}

/** The rows are asked this often whether the worker has settled: its event may be lost. Milliseconds. */
const LOOK_MS = 200

/** A turn that was taken from its worker, and its hold. */
interface SeizedTurn {
  turn: Turn
  claimToken: string
  holdId: string | null
}

/** A turn that was taken from its worker and settled. */
interface ForcedTurn {
  claim: TurnClaim
  calls: MeteredCall[]
  tools: ToolState | undefined
  settled: Settled
}

/**
 * Stopping runs. The wish is committed first; then the worker is signalled, and settles what it has. A worker that does
 * not answer in time loses its claim, and its live text is settled here, estimated.
 */
export class CancelService {
  readonly #deps: CancelDependencies

  constructor(dependencies: CancelDependencies) {
    this.#deps = dependencies
  }

  /** Stops a run and answers it with its receipt. One that is over is answered as it is. */
  async cancel(userId: string, runId: string): Promise<RunView> {
    const run = await this.#deps.runs.findOwned(userId, runId)
    if (!run) throw notFound('run')
    if (!isTerminal(run.status)) {
      await this.#deps.transactions.run(async (tx) => {
        const locked = await this.#lock(run, tx)
        if (locked) await this.#deps.runs.requestCancel(run.id, 'cancelled', tx)
      })
      await this.stop(run.id)
    }
    return this.#deps.views.run(userId, runId)
  }

  /** Carries out a stop that was requested: by its worker within the grace period, else here. */
  async stop(runId: string): Promise<void> {
    const run = await this.#deps.runs.find(runId)
    if (!run || isTerminal(run.status)) return
    const turns = await this.#deps.turns.listOf([runId])
    if (turns.some((turn) => turn.status === 'running')) await this.#awaitWorker(run)
    await this.force(runId, cancelledEnd)
  }

  /** Ends a run now, whoever works on it, unless it is over. */
  async force(runId: string, end: (run: Run) => RunEnd): Promise<void> {
    const { runs, transactions, announcer, dispatcher } = this.#deps
    const known = await runs.find(runId)
    if (!known || isTerminal(known.status)) return
    const forced = await transactions.run(async (tx) => {
      const run = await this.#lock(known, tx)
      if (!run || isTerminal(run.status)) return undefined
      const turns = await this.forceLocked(run, end(run), tx)
      return { turns, version: await this.#deps.conversations.advance(run.conversationId, tx) }
    })
    if (!forced) return
    await dispatcher.admit(known.userId)
    const turnEvents = forced.turns.map(({ claim, settled, calls, tools }) =>
      announcer.turnCompleted(claim, settled, calls, tools),
    )
    const run = { runId, conversationId: known.conversationId }
    await announcer.runTold(known.userId, run, forced.version, turnEvents)
    const wasAsking = forced.turns.some(({ tools }) => tools?.calls.some(({ status }) => status === 'awaiting'))
    if (wasAsking) await tellWaiting(this.#deps, known.userId)
    for (const { claim, settled } of forced.turns) {
      await this.#deps.feed.end({ ...claim, agentId: claim.agentId ?? '' }).catch(() => {})
      await announcer.balance(claim.userId, settled.money)
    }
  }

  /** As `force`, in a transaction that has locked the conversation and the run. */
  async forceLocked(run: Run, end: RunEnd, tx: Tx): Promise<ForcedTurn[]> {
    const seized: SeizedTurn[] = []
    for (const turn of await this.#deps.turns.listOf([run.id], tx)) {
      const isOpened = turn.status === 'running' || (turn.status === 'queued' && turn.waits > 0)
      const taken = isOpened && (await this.#seize({ runId: run.id, turn: turn.index }, tx))
      if (taken) seized.push(taken)
    }
    // The first settlement locks the account, and behind that no turn and no hold may be waited for: siblings' extensions
    // wait for the account with their holds locked.
    const forced: ForcedTurn[] = []
    for (const taken of seized) forced.push(await this.#settleSeized(run, taken, end, tx))
    await this.#deps.steps.end(run, end, tx)
    return forced
  }

  /**
   * Ends all unfinished runs of a user or conversation that is about to be deleted, in the deleting transaction. Answers
   * the turns that were taken from their workers; `forget` them after the commit.
   */
  async abandon(where: { userId: string } | { conversationId: string }, tx: Tx): Promise<TurnClaim[]> {
    const taken: TurnClaim[] = []
    // A run that is accepted after the search would be deleted with its hold unresolved.
    if ('userId' in where) await this.#deps.conversations.lockAllOf(where.userId, tx)
    for (const known of await this.#deps.runs.findUnfinished(where, tx)) {
      const run = await this.#lock(known, tx)
      if (!run || isTerminal(run.status)) continue
      taken.push(...(await this.forceLocked(run, cancelledEnd(run), tx)).map(({ claim }) => claim))
    }
    return taken
  }

  /** Stops the workers of turns that were taken from them, and drops what these showed. Never rejects. */
  async forget(taken: TurnClaim[]): Promise<void> {
    const { feed } = this.#deps
    for (const claim of taken) {
      await feed.signal({ type: 'run.cancel', runId: claim.runId }).catch(() => {})
      await feed.end({ ...claim, agentId: claim.agentId ?? '' }).catch(() => {})
    }
  }

  async #lock(run: Pick<Run, 'id' | 'conversationId'>, tx: Tx): Promise<Run | null> {
    const conversation = await this.#deps.conversations.lock(run.conversationId, tx)
    return conversation && this.#deps.runs.lock(run.id, tx)
  }

  /** Takes a turn from its worker, with its hold; null when it is over by now. */
  async #seize(key: TurnName, tx: Tx): Promise<SeizedTurn | null> {
    const { turns, ledger, leaseMs } = this.#deps
    const claimToken = randomUUID()
    // As it is under the lock: its worker may have noted the terms of its call a moment ago.
    const turn = await turns.seize(key, claimToken, leaseMs, tx)
    return turn && { turn, claimToken, holdId: await ledger.pendingHold(key, tx) }
  }

  /** Settles what the worker of a seized turn had streamed. */
  async #settleSeized(run: Run, { turn, claimToken, holdId }: SeizedTurn, end: RunEnd, tx: Tx): Promise<ForcedTurn> {
    const { lostAttempts, settlement } = this.#deps
    const { conversationId, userId } = run
    const { agentId, kind, step, attempt, failures, waits } = turn
    const key = { runId: run.id, turn: turn.index }
    const tools = await lostAttempts.toolsOf(key, tx)
    const text = await lostAttempts.textOf(run, turn, saidIn(tools?.steps ?? []))
    const calls = await lostAttempts.estimate(turn, text, tx)
    const claim = { ...key, conversationId, userId, agentId, kind, step, attempt, failures, waits, claimToken }
    const result = {
      status: 'cancelled' as const,
      agentId,
      text,
      passed: false,
      calls,
      lostCalls: [],
      holdId,
      seenSeq: turn.seenSeq ?? 0,
      promptVersion: turn.promptVersion,
      error: end.error,
      endedBy: end.stopReason,
    }
    return { claim, calls, tools, settled: await settlement.settleLocked(claim, result, tx) }
  }

  /** Resolves when the run is over, as watchers hear or the rows say, or after the grace period. */
  async #awaitWorker(run: Run): Promise<void> {
    const { feed, graceMs, logger } = this.#deps
    const over = Promise.withResolvers<void>()
    const grace = setTimeout(over.resolve, graceMs)
    const look = async () => {
      const now = await this.#deps.runs.find(run.id)
      if (!now || isTerminal(now.status)) over.resolve()
    }
    const looking = setInterval(() => void look().catch(() => {}), LOOK_MS)
    try {
      const unsubscribe = await feed.subscribe(run.conversationId, (event) => {
        if ('run' in event && event.run.id === run.id && isTerminal(event.run.status)) over.resolve()
      })
      try {
        await feed.signal({ type: 'run.cancel', runId: run.id })
        await over.promise
      } finally {
        await unsubscribe()
      }
    } catch (error) {
      // Workers also see the wish at their next lease renewal.
      logger.warn({ err: error, runId: run.id }, 'the cancel signal was not sent')
      await over.promise
    } finally {
      clearTimeout(grace)
      clearInterval(looking)
    }
  }
}
