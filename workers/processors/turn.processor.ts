import { setTimeout as sleep } from 'node:timers/promises'
import { classifyProviderError, type ProviderFailure, providerFailure } from '../../src/connections/provider-errors.ts'
import type { TurnName } from '../../src/contract/attempt.ts'
import { unavailable } from '../../src/database/trouble.ts'
import type { Lane } from '../../src/queue/job.ts'
import { type JobContext, Postpone } from '../../src/queue/job-queue.ts'
import { type Announcer, turnRef } from '../../src/runs/announcer.ts'
import type { Dispatcher } from '../../src/runs/dispatcher.ts'
import type { SummaryJobs } from '../../src/runs/summary-jobs.ts'
import type { Titles } from '../../src/runs/titles.ts'
import type { GivenBack } from '../../src/runs/turn.repository.ts'
import { ClaimLost, isTooOften, type TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnClaims } from '../../src/runs/turn-claims.ts'
import type { TurnResult } from '../../src/runs/turn-result.ts'
import { seenSeqOf, type TurnRoom } from '../../src/runs/turn-room.ts'
import type { Settled, TurnSettlement } from '../../src/runs/turn-settlement.ts'
import { AppError } from '../../src/shared/errors.ts'
import { saidIn } from '../../src/tools/tool-step.entity.ts'
import { PROMPT_VERSION } from '../agent-runtime/prompts.ts'
import type { SpeakerChoice } from '../agent-runtime/speaker-choice.ts'
import { isCrowded } from '../agent-runtime/summary-policy.ts'
import { speakInSteps, stepsOf, type ToolOptions, usesSteps } from '../agent-runtime/tool-turn.ts'
import {
  type AttemptOptions,
  type AttemptOutcome,
  type AttemptStep,
  attemptSpeech,
  NOTHING_SAID,
  TIMEOUT,
} from '../agent-runtime/turn-attempt.ts'
import type { TurnContext, TurnContexts } from '../agent-runtime/turn-context.ts'
import { limitTime, type StopKind, TurnStop } from '../agent-runtime/turn-stop.ts'
import { backoffMs } from '../backoff.ts'
import type { CancelSignals } from '../cancel-signals.ts'
import { ConnectionHealth, type HealthDependencies } from '../connection-health.ts'
import { LeaseKeeper, type Renewal } from '../lease-keeper.ts'
import { TurnWatch, type WatchDependencies } from '../turn-watch.ts'
import { Turnstile } from '../turnstile.ts'

/** The steps of a turn, in order; a process may die at any of them, and nothing is lost or done twice. */
export type TurnStep =
  | 'claimed'
  | 'decided'
  | 'context.loaded'
  | 'started.published'
  | AttemptStep
  | 'settle.began'
  | 'settle.written'
  | 'settled'
  | 'completed.published'
  | 'next.enqueued'

interface TurnProcessorDependencies
  extends Omit<
    AttemptOptions & ToolOptions,
    'trace' | 'onHeld' | 'onAnswered' | 'onStep' | 'claims' | 'limits' | 'announcer'
  > {
  claims: TurnClaims
  contexts: TurnContexts
  speakers: SpeakerChoice
  titles: Titles
  summaryJobs: SummaryJobs
  settlement: TurnSettlement
  announcer: Announcer
  dispatcher: Dispatcher
  cancelSignals: CancelSignals
  breakers: HealthDependencies['breakers']
  metrics: WatchDependencies['metrics']
  tracing: WatchDependencies['tracing']
  limits: AttemptOptions['limits'] &
    ToolOptions['limits'] & {
      TURN_LEASE_MS: number
      TURN_TIMEOUT_MS: number
      TURN_MAX_ATTEMPTS: number
      TURN_BACKOFF_MS: number
      TURN_BACKOFF_MAX_MS: number
      PROVIDER_OUTAGE: 'wait' | 'fail'
      CONTEXT_TOKEN_BUDGET: number
      LIVE_TEXT_TTL_MS: number
    }
  onStep?: (step: TurnStep, claim: TurnClaim) => void
}

/** A turn that somebody else has is looked at again a little after its lease or backoff ends. */
const POSTPONE_MARGIN_MS = 50

/** Turns of this process between their claim and the provider's call. Those of users' own servers leave room for the others. */
const BEGINNING_AT_ONCE: Record<Lane, number> = { platform: 24, own: 12 }

/** A settlement that the database did not take is tried again after these, in ms: together well within a lease. */
const SETTLE_PAUSES_MS = [100, 400, 1_600]

/** Its connection is open, and turns are not to wait for it. */
const CIRCUIT_OPEN = providerFailure('circuit_open')

const GAVE_UP = { code: 'turn.gave_up', message: 'This turn broke off too many times and was given up.' }

/** A claim that is kept, with what stops its work. `touchedAt`: when its live text was last given more time. */
interface TurnLease {
  claim: TurnClaim
  stop: TurnStop
  touchedAt: number
}

/** An attempt under way, with the room as it was read. */
interface Attempting {
  claim: TurnClaim
  room: TurnRoom
  /** Whether a model has been told what is in the room. */
  isRead: boolean
  onBegun: () => void
  watch: TurnWatch
}

/** Does one turn: claim, speak, settle, tell, enqueue what follows. */
export class TurnProcessor {
  readonly #deps: TurnProcessorDependencies
  readonly #leases: LeaseKeeper<TurnLease>
  readonly #health: ConnectionHealth
  readonly #turnstiles: Record<Lane, Turnstile> = {
    platform: new Turnstile(BEGINNING_AT_ONCE.platform),
    own: new Turnstile(BEGINNING_AT_ONCE.own),
  }

  constructor(dependencies: TurnProcessorDependencies) {
    this.#deps = dependencies
    this.#health = new ConnectionHealth(dependencies)
    this.#leases = new LeaseKeeper({
      renew: (leases, leaseMs) => this.#renew(leases, leaseMs),
      leaseMs: dependencies.limits.TURN_LEASE_MS,
      onTrouble: (error) => dependencies.logger.warn({ err: error }, 'leases could not be renewed'),
    })
  }

  /** Renews the leases of all turns of this process; with them goes the time that live text stays, and comes the wish to stop. */
  async #renew(leases: TurnLease[], leaseMs: number): Promise<Map<TurnLease, Renewal>> {
    const { claims, feed, limits } = this.#deps
    const answers = await claims.renew(
      leases.map(({ claim }) => claim),
      leaseMs,
    )
    return new Map(
      leases.map((lease) => {
        const { claim, stop } = lease
        const answer = answers.get(claim.claimToken)
        if (answer?.isToStop) stop.stop('cancelled')
        if (answer && claim.agentId && performance.now() - lease.touchedAt > limits.LIVE_TEXT_TTL_MS / 4) {
          lease.touchedAt = performance.now()
          feed.touch({ ...claim, agentId: claim.agentId }).catch(() => {})
        }
        return [lease, answer ? (answer.busy ? 'busy' : 'renewed') : 'lost']
      }),
    )
  }

  /** The handler of `turns.run` and `turns-own.run`. */
  async handle(
    { userId, ...key }: TurnName & { userId?: string | undefined },
    job: Pick<JobContext, 'signal'>,
    lane: Lane = 'platform',
  ): Promise<void> {
    const leave = await this.#turnstiles[lane].pass(userId)
    try {
      await this.#claimAndAttempt(key, { ...job, lane }, leave)
    } finally {
      leave()
    }
  }

  /** `onBegun` is called once the turn waits for its provider. */
  async #claimAndAttempt(
    key: TurnName,
    job: Pick<JobContext, 'signal'> & { lane: Lane },
    onBegun: () => void,
  ): Promise<void> {
    const leaseMs = this.#leases.wantedMs
    const outcome = await this.#deps.claims.claim(key, leaseMs)
    if ('retryInMs' in outcome) throw new Postpone(outcome.retryInMs + POSTPONE_MARGIN_MS)
    if ('over' in outcome) return
    if ('waitsMs' in outcome) return this.#letOthersIn(outcome.userId, outcome.waitsMs)
    const { claim, room } = outcome
    this.#step('claimed', claim)
    const watch = new TurnWatch(this.#deps, job.lane, claim, room)
    const stop = new TurnStop()
    const release = this.#watch(claim, leaseMs, stop, job.signal)
    try {
      await this.#attempt({ claim, room, isRead: false, onBegun, watch }, stop)
    } catch (error) {
      if (!(error instanceof ClaimLost)) throw error
      this.#deps.logger.info(
        { runId: claim.runId, turn: claim.turn, attempt: claim.attempt },
        'a late attempt wrote nothing',
      )
    } finally {
      release()
      watch.end()
    }
  }

  /** Everything that may stop the attempt from outside; answers how to stop watching. */
  #watch(claim: TurnClaim, leaseMs: number, stop: TurnStop, jobSignal: AbortSignal): () => void {
    const { limits, cancelSignals } = this.#deps
    const lease = this.#leases.keep({ claim, stop, touchedAt: performance.now() }, leaseMs, () => stop.stop('lost'))
    const forget = cancelSignals.on(claim.runId, () => stop.stop('cancelled'))
    const timeout = setTimeout(() => stop.stop('timeout'), limits.TURN_TIMEOUT_MS)
    const drain = () => stop.stop('drain')
    jobSignal.addEventListener('abort', drain, { once: true })
    if (jobSignal.aborted) drain()
    return () => {
      lease.release()
      forget()
      clearTimeout(timeout)
      jobSignal.removeEventListener('abort', drain)
    }
  }

  async #attempt(attempting: Attempting, stop: TurnStop): Promise<void> {
    const { claim } = attempting
    if (isTooOften(claim)) {
      return this.#settle(attempting, NOTHING_SAID, { status: 'failed', error: GAVE_UP, endedBy: null })
    }
    const named = claim.agentId === null ? await this.#chooseSpeaker(attempting, stop) : attempting
    if (named) await this.#speak(named, stop)
  }

  /** Has the supervisor name the speaker, who is committed before speaking; undefined when the turn is over with that. */
  async #chooseSpeaker(attempting: Attempting, stop: TurnStop): Promise<Attempting | undefined> {
    const { claim, room } = attempting
    if (room.trouble?.isOpen) {
      await this.#standBack(attempting)
      return undefined
    }
    attempting.onBegun()
    const choice = await this.#deps.speakers
      .choose(claim, room, stop, attempting.watch.traceParent)
      .catch((error: unknown) => this.#classify(error, claim))
    if ('kind' in choice) {
      await this.#fail(attempting, { ...NOTHING_SAID, failure: choice }, choice)
      return undefined
    }
    if (choice.claim) {
      this.#step('decided', choice.claim)
      // Read again: the speaker has terms of its own, and the user may have said something meanwhile.
      const read = await this.#deps.claims.room(choice.claim).catch((error: unknown) => this.#classify(error, claim))
      const { onBegun, watch } = attempting
      const decided = { claim: choice.claim, isRead: false, onBegun, watch }
      if (!('code' in read)) return { ...decided, room: read }
      await this.#fail({ ...decided, room }, { ...NOTHING_SAID, failure: read }, read)
      return undefined
    }
    const asked = { ...attempting, isRead: true }
    const outcome = { ...NOTHING_SAID, passed: choice.endedBy !== null, calls: choice.calls }
    if (stop.kind) await this.#conclude(asked, outcome, stop.kind)
    else await this.#settle(asked, outcome, { status: 'completed', endedBy: choice.endedBy })
    return undefined
  }

  async #speak(attempting: Attempting, stop: TurnStop): Promise<void> {
    const { claim, room } = attempting
    if (room.trouble?.isOpen) return this.#standBack(attempting)
    const context = await this.#deps.contexts.load(claim, room).catch((error: unknown) => this.#classify(error, claim))
    if ('code' in context) return this.#fail(attempting, { ...NOTHING_SAID, failure: context }, context)
    this.#step('context.loaded', claim)
    if (room.run.isToStop) stop.stop('cancelled')
    await this.#begin(claim, context)
    this.#step('started.published', claim)
    const release = limitTime(room, stop)
    try {
      const outcome = stop.kind
        ? NOTHING_SAID
        : await (usesSteps(context) ? speakInSteps : attemptSpeech)(claim, context, stop, {
            ...this.#deps,
            trace: { tracing: this.#deps.tracing, parent: attempting.watch.traceParent },
            onHeld: attempting.onBegun,
            onAnswered: () => {
              attempting.watch.heard()
              this.#health.answered(room, claim.userId)
            },
            onStep: this.#deps.onStep && ((step) => this.#step(step, claim)),
          }).catch((error: unknown) => ({ ...NOTHING_SAID, failure: this.#classify(error, claim) }))
      if (outcome.waits) await this.#letOthersIn(claim.userId, outcome.waits.ms)
      else await this.#conclude({ ...attempting, isRead: true }, outcome, stop.kind)
    } finally {
      release()
    }
  }

  /**
   * Tells that the turn has started. From here on an older attempt's text is refused, and nobody who joins sees it any more.
   * @throws ClaimLost when a later attempt has begun
   */
  async #begin(claim: TurnClaim, { agent }: TurnContext): Promise<void> {
    const { feed, announcer } = this.#deps
    const started = announcer.turnStarted(claim, agent)
    const begun = await feed.begin({ ...claim, agentId: agent.id }, started).catch(() => 'away' as const)
    if (begun === 'stale') throw new ClaimLost(claim)
  }

  /**
   * What keeps a turn from its call; what is no known trouble is logged whole.
   * @throws ClaimLost when it is that; and trouble of the database, which says nothing about the turn: its lease ends, and it is tried again
   */
  #classify(error: unknown, { runId, turn }: TurnClaim): ProviderFailure {
    if (error instanceof ClaimLost || unavailable(error)) throw error
    if (!(error instanceof AppError))
      this.#deps.logger.error({ err: error, runId, turn }, 'a turn could not be prepared')
    return classifyProviderError(error)
  }

  /** Ends an attempt by what stopped it, if anything did. */
  async #conclude(attempting: Attempting, outcome: AttemptOutcome, stopped: StopKind | undefined): Promise<void> {
    switch (stopped) {
      case 'lost':
        throw new ClaimLost(attempting.claim)
      case 'drain':
        return this.#giveBack(attempting, outcome, { delayMs: 0, failed: false, error: null })
      case 'cancelled':
      case 'credits_exhausted':
      case 'max_credits':
      case 'max_seconds':
        return this.#settle(attempting, outcome, { status: 'cancelled', endedBy: stopped })
      case 'timeout':
        return this.#fail(attempting, outcome, TIMEOUT)
      default:
        if (outcome.failure) return this.#fail(attempting, outcome, outcome.failure)
        return outcome.fault
          ? this.#settle(attempting, outcome, { status: 'failed', error: outcome.fault, endedBy: null })
          : this.#settle(attempting, outcome, { status: 'completed', endedBy: null })
    }
  }

  /** Retryable trouble is tried again after a backoff, a few times; anything else fails the turn. */
  async #fail(attempting: Attempting, outcome: AttemptOutcome, failure: ProviderFailure): Promise<void> {
    const { limits, announcer } = this.#deps
    const { claim, watch } = attempting
    const error = { code: failure.code, message: failure.message }
    const hasTries = failure.kind === 'retryable' && claim.failures + 1 < limits.TURN_MAX_ATTEMPTS
    const fallsBack = failure.kind === 'retryable' && !hasTries && hasFallback(attempting)
    const willRetry = hasTries || fallsBack
    watch.failed(claim, failure, willRetry)
    const failed = { type: 'turn.failed' as const, ...turnRef(claim), error, willRetry }
    if (willRetry) {
      const { TURN_BACKOFF_MS: baseMs, TURN_BACKOFF_MAX_MS: maxMs } = limits
      const delayMs = backoffMs(claim.failures, { baseMs, maxMs }, failure.retryAfterMs)
      await this.#health.failed(attempting.room, outcome, failure, delayMs)
      const waitMs = fallsBack ? 0 : delayMs
      await this.#giveBack(attempting, outcome, { delayMs: waitMs, failed: true, error, fallsBack })
      const retryAt = new Date(Date.now() + waitMs).toISOString()
      await announcer.publish(claim.conversationId, undefined, [{ ...failed, retryAt }])
      return
    }
    await this.#health.failed(attempting.room, outcome, failure, failure.retryAfterMs ?? 0)
    const lost = { ...outcome, text: '', calls: [], lostCalls: outcome.calls }
    await this.#settle(attempting, lost, { status: 'failed', error, endedBy: null })
  }

  /** The connection is open, which was only seen after the claim: the turn waits for it, or ends, without a call. */
  async #standBack(attempting: Attempting): Promise<void> {
    if (this.#deps.limits.PROVIDER_OUTAGE === 'fail') return this.#fail(attempting, NOTHING_SAID, CIRCUIT_OPEN)
    await this.#giveBack(attempting, NOTHING_SAID, { delayMs: 0, failed: false, error: null })
  }

  async #giveBack({ claim, watch }: Attempting, outcome: AttemptOutcome, change: GivenBack): Promise<void> {
    const dispatch = await this.#deps.settlement.giveBack(claim, { ...change, lostCalls: outcome.calls })
    watch.gaveBack(outcome.calls, change.failed ? 'retried' : 'given back', change.error?.code ?? 'none')
    if (dispatch) await this.#deps.dispatcher.enqueue([dispatch])
    else await this.#letOthersIn(claim.userId, change.delayMs)
  }

  /** A turn has lost its place: another of the user's may have it, and this one again after so many ms. */
  async #letOthersIn(userId: string, ms: number): Promise<void> {
    const { dispatcher } = this.#deps
    dispatcher.admitIn(userId, ms)
    await dispatcher.admit(userId)
  }

  async #settle(
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

  #step(step: TurnStep, claim: TurnClaim): void {
    this.#deps.onStep?.(step, claim)
  }
}

/** True when the speaker has a second connection, and it was not this one that failed. */
const hasFallback = ({ claim, room }: Attempting): boolean =>
  !room.onFallback &&
  room.participants.some(({ id, fallbackConnectionId }) => id === claim.agentId && fallbackConnectionId !== null)
