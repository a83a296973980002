import { setTimeout as sleep } from 'node:timers/promises'
import { type ProviderFailure, providerFailure } from '../src/connections/provider-errors.ts'
import { type Announcer, turnRef } from '../src/runs/announcer.ts'
import type { Dispatcher } from '../src/runs/dispatcher.ts'
import type { SummaryJobs } from '../src/runs/summary-jobs.ts'
import type { Titles } from '../src/runs/titles.ts'
import type { GivenBack } from '../src/runs/turn.repository.ts'
import { ClaimLost, type TurnClaim } from '../src/runs/turn-claim.ts'
import type { TurnResult } from '../src/runs/turn-result.ts'
import { seenSeqOf, type TurnRoom } from '../src/runs/turn-room.ts'
import type { Settled, TurnSettlement } from '../src/runs/turn-settlement.ts'
import { AppError } from '../src/shared/errors.ts'
import { saidIn } from '../src/tools/tool-step.entity.ts'
import { PROMPT_VERSION } from './agent-runtime/prompts.ts'
import { isCrowded } from './agent-runtime/summary-policy.ts'
import { stepsOf, type ToolOptions } from './agent-runtime/tool-turn.ts'
import { type AttemptOptions, type AttemptOutcome, NOTHING_SAID, TIMEOUT } from './agent-runtime/turn-attempt.ts'
import type { StopKind } from './agent-runtime/turn-stop.ts'
import { backoffMs } from './backoff.ts'
import type { ConnectionHealth } from './connection-health.ts'
import type { TurnWatch } from './turn-watch.ts'

/** The steps of an attempt's end, in order. */
export type EndStep = 'settle.began' | 'settle.written' | 'settled' | 'completed.published' | 'next.enqueued'

export interface EndDependencies extends Pick<AttemptOptions, 'feed' | 'logger'>, Pick<ToolOptions, 'toolTurns'> {
  settlement: TurnSettlement
  announcer: Announcer
  dispatcher: Dispatcher
  titles: Titles
  summaryJobs: SummaryJobs
  health: ConnectionHealth
  limits: {
    TURN_MAX_ATTEMPTS: number
    TURN_BACKOFF_MS: number
    TURN_BACKOFF_MAX_MS: number
    PROVIDER_OUTAGE: 'wait' | 'fail'
    CONTEXT_TOKEN_BUDGET: number
  }
  onStep?: (step: EndStep, claim: TurnClaim) => void
}

/** A settlement that the database did not take is tried again after these, in ms: together well within a lease. */
const SETTLE_PAUSES_MS = [100, 400, 1_600]

/** Its connection is open, and turns are not to wait for it. */
const CIRCUIT_OPEN = providerFailure('circuit_open')

/** An attempt under way, with the room as it was read. */
export interface Attempting {
  claim: TurnClaim
  room: TurnRoom
  /** Whether a model has been told what is in the room. */
  isRead: boolean
  onBegun: () => void
  watch: TurnWatch
}

/** Ends attempts: settled, or given back to be tried again; tells of it, and lets in what follows. */
export class TurnEnds {
  readonly #deps: EndDependencies

  constructor(dependencies: EndDependencies) {
    this.#deps = dependencies
  }

  /** Ends an attempt by what stopped it, if anything did. */
  async conclude(attempting: Attempting, outcome: AttemptOutcome, stopped: StopKind | undefined): Promise<void> {
    switch (stopped) {
      case 'lost':
        throw new ClaimLost(attempting.claim)
      case 'drain':
        return this.#giveBack(attempting, outcome, { delayMs: 0, failed: false, error: null })
      case 'cancelled':
      case 'credits_exhausted':
      case 'max_credits':
      case 'max_seconds':
        return this.settle(attempting, outcome, { status: 'cancelled', endedBy: stopped })
      case 'timeout':
        return this.fail(attempting, outcome, TIMEOUT)
      case 'turn_timeout':
        return this.fail(attempting, outcome, outcome.outOfTime ?? TIMEOUT)
      default:
        if (outcome.failure) return this.fail(attempting, outcome, outcome.failure)
        return outcome.fault
          ? this.settle(attempting, outcome, { status: 'failed', error: outcome.fault, endedBy: null })
          : this.settle(attempting, outcome, { status: 'completed', endedBy: null })
    }
  }

  /** Retryable trouble is tried again after a backoff, a few times; anything else fails the turn. */
  async fail(attempting: Attempting, outcome: AttemptOutcome, failure: ProviderFailure): Promise<void> {
    const { limits, announcer } = this.#deps
    const { claim, watch } = attempting
    const error = { code: failure.code, message: failure.message }
    const hasTries = failure.kind === 'retryable' && claim.failures + 1 < limits.TURN_MAX_ATTEMPTS
    // Another provider makes no tool faster.
    const isProviders = failure.code.startsWith('provider.')
    const fallsBack = failure.kind === 'retryable' && !hasTries && isProviders && hasFallback(attempting)
    const willRetry = hasTries || fallsBack
    watch.failed(claim, failure, willRetry)
    const failed = { type: 'turn.failed' as const, ...turnRef(claim), error, willRetry }
    if (willRetry) {
      const { TURN_BACKOFF_MS: baseMs, TURN_BACKOFF_MAX_MS: maxMs } = limits
      const delayMs = backoffMs(claim.failures, { baseMs, maxMs }, failure.retryAfterMs)
      await this.#deps.health.failed(attempting.room, outcome, failure, delayMs)
      const waitMs = fallsBack ? 0 : delayMs
      await this.#giveBack(attempting, outcome, { delayMs: waitMs, failed: true, error, fallsBack })
      const retryAt = new Date(Date.now() + waitMs).toISOString()
      await announcer.publish(claim.conversationId, undefined, [{ ...failed, retryAt }])
      return
    }
    await this.#deps.health.failed(attempting.room, outcome, failure, failure.retryAfterMs ?? 0)
    const lost = { ...outcome, text: '', calls: [], lostCalls: outcome.calls }
    await this.settle(attempting, lost, { status: 'failed', error, endedBy: null })
  }

  /** The connection is open, which was only seen after the claim: the turn waits for it, or ends, without a call. */
  async standBack(attempting: Attempting): Promise<void> {
    if (this.#deps.limits.PROVIDER_OUTAGE === 'fail') return this.fail(attempting, NOTHING_SAID, CIRCUIT_OPEN)
    await this.#giveBack(attempting, NOTHING_SAID, { delayMs: 0, failed: false, error: null })
  }

  async #giveBack({ claim, watch }: Attempting, outcome: AttemptOutcome, change: GivenBack): Promise<void> {
    const dispatch = await this.#deps.settlement.giveBack(claim, { ...change, lostCalls: outcome.calls })
    watch.gaveBack(outcome.calls, change.failed ? 'retried' : 'given back', change.error?.code ?? 'none')
    if (dispatch) await this.#deps.dispatcher.enqueue([dispatch])
    else await this.letOthersIn(claim.userId, change.delayMs)
  }

  /** A turn has lost its place: another of the user's may have it, and this one again after so many ms. */
  async letOthersIn(userId: string, ms: number): Promise<void> {
    const { dispatcher } = this.#deps
    dispatcher.admitIn(userId, ms)
    await dispatcher.admit(userId)
  }

  async settle(
    attempting: Attempting,
    outcome: AttemptOutcome & { lostCalls?: TurnResult['lostCalls'] },
    end: Pick<TurnResult, 'status' | 'endedBy'> & { error?: TurnResult['error'] },
  ): Promise<void> {
    const { announcer, dispatcher, feed } = this.#deps
    const { claim, room, isRead, watch } = attempting
    this.#step('settle.began', claim)
    const tools = outcome.tools ?? (await stepsOf(this.#deps.toolTurns, claim, room, end.status))
    const result: TurnResult = {
      error: null,
      ...end,
      agentId: claim.agentId,
      text: outcome.text || saidIn(tools?.steps ?? []),
      passed: outcome.passed,
      isData: outcome.isData,
      calls: outcome.calls,
      lostCalls: outcome.lostCalls ?? [],
      holdId: outcome.holdId,
      seenSeq: isRead ? seenSeqOf(room) : 0,
      promptVersion: isRead ? PROMPT_VERSION : null,
    }
    const settled = await this.#commit(attempting, result)
    this.#step('settled', claim)
    watch.settled(claim, result, settled)
    const turnEvents = announcer.turnEnded(claim, settled, result, tools)
    const runEvents = settled.runView ? [announcer.runChanged(settled.runView)] : []
    await Promise.all([
      announcer.publish(claim.conversationId, settled.version, [...turnEvents, ...runEvents]),
      announcer.balance(claim.userId, settled.money),
      settled.conversation && announcer.listed(claim.userId, settled.conversation),
    ])
    this.#step('completed.published', claim)
    await Promise.all([
      dispatcher.enqueue(settled.dispatches),
      claim.agentId && feed.end({ ...claim, agentId: claim.agentId }).catch(() => {}),
    ])
    this.#step('next.enqueued', claim)
    if (settled.titleWanted) await this.#deps.titles.enqueue(claim.conversationId)
    if (isRead && isCrowded(room.transcript, this.#deps.limits.CONTEXT_TOKEN_BUDGET)) {
      await this.#deps.summaryJobs.enqueue(claim.conversationId)
    }
  }

  /**
   * Commits the end of an attempt, again and again for a moment while the database does not take it: what was said has cost
   * something. The claim makes a second commit impossible, also where the answer to the first one was lost.
   * @throws ClaimLost then, too: watchers and the queue find out from the rows
   */
  async #commit({ claim, room }: Attempting, result: TurnResult): Promise<Settled> {
    const { settlement, onStep, logger } = this.#deps
    const beforeCommit = onStep && (() => this.#step('settle.written', claim))
    for (const [tried, pauseMs] of SETTLE_PAUSES_MS.entries()) {
      try {
        // Should it be what was foreseen that cannot be written, the second try looks for itself.
        return await settlement.settle(claim, result, { room: tried === 0 ? room : undefined, beforeCommit })
      } catch (error) {
        if (error instanceof ClaimLost || error instanceof AppError) throw error
        logger.warn({ err: error, runId: claim.runId, turn: claim.turn }, 'a settlement is tried again')
        await sleep(pauseMs)
      }
    }
    return settlement.settle(claim, result, { beforeCommit })
  }

  #step(step: EndStep, claim: TurnClaim): void {
    this.#deps.onStep?.(step, claim)
  }
}

/** True when the speaker has a second connection, and it was not this one that failed. */
const hasFallback = ({ claim, room }: Attempting): boolean =>
  !room.onFallback &&
  room.participants.some(({ id, fallbackConnectionId }) => id === claim.agentId && fallbackConnectionId !== null)
