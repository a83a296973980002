import { classifyProviderError, type ProviderFailure } from '../../src/connections/provider-errors.ts'
import type { TurnName } from '../../src/contract/attempt.ts'
import { unavailable } from '../../src/database/trouble.ts'
import type { Lane } from '../../src/queue/job.ts'
import { type JobContext, Postpone } from '../../src/queue/job-queue.ts'
import { ClaimLost, isTooOften, type TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnClaims } from '../../src/runs/turn-claims.ts'
import { AppError } from '../../src/shared/errors.ts'
import type { SpeakerChoice } from '../agent-runtime/speaker-choice.ts'
import { speakInSteps, type ToolOptions, usesSteps } from '../agent-runtime/tool-turn.ts'
import { type AttemptOptions, type AttemptStep, attemptSpeech, NOTHING_SAID } from '../agent-runtime/turn-attempt.ts'
import type { TurnContext, TurnContexts } from '../agent-runtime/turn-context.ts'
import { limitTime, TurnStop } from '../agent-runtime/turn-stop.ts'
import type { CancelSignals } from '../cancel-signals.ts'
import { ConnectionHealth, type HealthDependencies } from '../connection-health.ts'
import { LeaseKeeper, type Renewal } from '../lease-keeper.ts'
import { type Attempting, type EndDependencies, type EndStep, TurnEnds } from '../turn-ends.ts'
import { TurnWatch, type WatchDependencies } from '../turn-watch.ts'
import { Turnstile } from '../turnstile.ts'

/** The steps of a turn, in order; a process may die at any of them, and nothing is lost or done twice. */
export type TurnStep = 'claimed' | 'decided' | 'context.loaded' | 'started.published' | AttemptStep | EndStep

interface TurnProcessorDependencies
  extends Omit<
      AttemptOptions & ToolOptions,
      'trace' | 'onHeld' | 'onAnswered' | 'onStep' | 'claims' | 'limits' | 'announcer'
    >,
    Omit<EndDependencies, 'health' | 'limits' | 'onStep'> {
  claims: TurnClaims
  contexts: TurnContexts
  speakers: SpeakerChoice
  cancelSignals: CancelSignals
  breakers: HealthDependencies['breakers']
  metrics: WatchDependencies['metrics']
  tracing: WatchDependencies['tracing']
  limits: AttemptOptions['limits'] &
    ToolOptions['limits'] &
    EndDependencies['limits'] & {
      TURN_LEASE_MS: number
      TURN_TIMEOUT_MS: number
      LIVE_TEXT_TTL_MS: number
    }
  onStep?: (step: TurnStep, claim: TurnClaim) => void
}

/** A turn that somebody else has is looked at again a little after its lease or backoff ends. */
const POSTPONE_MARGIN_MS = 50

/** Turns of this process between their claim and the provider's call. Those of users' own servers leave room for the others. */
const BEGINNING_AT_ONCE: Record<Lane, number> = { platform: 24, own: 12 }

const GAVE_UP = { code: 'turn.gave_up', message: 'This turn broke off too many times and was given up.' }

/** A claim that is kept, with what stops its work. `touchedAt`: when its live text was last given more time. */
interface TurnLease {
  claim: TurnClaim
  stop: TurnStop
  touchedAt: number
}

/** Does one turn: claim, speak, settle, tell, enqueue what follows. */
export class TurnProcessor {
  readonly #deps: TurnProcessorDependencies
  readonly #leases: LeaseKeeper<TurnLease>
  readonly #health: ConnectionHealth
  readonly #ends: TurnEnds
  readonly #turnstiles: Record<Lane, Turnstile> = {
    platform: new Turnstile(BEGINNING_AT_ONCE.platform),
    own: new Turnstile(BEGINNING_AT_ONCE.own),
  }

  constructor(dependencies: TurnProcessorDependencies) {
    this.#deps = dependencies
    this.#health = new ConnectionHealth(dependencies)
    this.#ends = new TurnEnds({ ...dependencies, health: this.#health })
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
    if ('waitsMs' in outcome) return this.#ends.letOthersIn(outcome.userId, outcome.waitsMs)
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
    const timeout = setTimeout(() => stop.stop('turn_timeout'), limits.TURN_TIMEOUT_MS)
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
      return this.#ends.settle(attempting, NOTHING_SAID, { status: 'failed', error: GAVE_UP, endedBy: null })
    }
    const named = claim.agentId === null ? await this.#chooseSpeaker(attempting, stop) : attempting
    if (named) await this.#speak(named, stop)
  }

  /** Has the supervisor name the speaker, who is committed before speaking; undefined when the turn is over with that. */
  async #chooseSpeaker(attempting: Attempting, stop: TurnStop): Promise<Attempting | undefined> {
    const { claim, room } = attempting
    if (room.trouble?.isOpen) {
      await this.#ends.standBack(attempting)
      return undefined
    }
    attempting.onBegun()
    const choice = await this.#deps.speakers
      .choose(claim, room, stop, attempting.watch.traceParent)
      .catch((error: unknown) => this.#classify(error, claim))
    if ('kind' in choice) {
      await this.#ends.fail(attempting, { ...NOTHING_SAID, failure: choice }, choice)
      return undefined
    }
    if (choice.claim) {
      this.#step('decided', choice.claim)
      // Read again: the speaker has terms of its own, and the user may have said something meanwhile.
      const read = await this.#deps.claims.room(choice.claim).catch((error: unknown) => this.#classify(error, claim))
      const { onBegun, watch } = attempting
      const decided = { claim: choice.claim, isRead: false, onBegun, watch }
      if (!('code' in read)) return { ...decided, room: read }
      await this.#ends.fail({ ...decided, room }, { ...NOTHING_SAID, failure: read }, read)
      return undefined
    }
    const asked = { ...attempting, isRead: true }
    const outcome = { ...NOTHING_SAID, passed: choice.endedBy !== null, calls: choice.calls }
    if (stop.kind) await this.#ends.conclude(asked, outcome, stop.kind)
    else await this.#ends.settle(asked, outcome, { status: 'completed', endedBy: choice.endedBy })
    return undefined
  }

  async #speak(attempting: Attempting, stop: TurnStop): Promise<void> {
    const { claim, room } = attempting
    if (room.trouble?.isOpen) return this.#ends.standBack(attempting)
    const context = await this.#deps.contexts.load(claim, room).catch((error: unknown) => this.#classify(error, claim))
    if ('code' in context) return this.#ends.fail(attempting, { ...NOTHING_SAID, failure: context }, context)
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
      if (outcome.waits) await this.#ends.letOthersIn(claim.userId, outcome.waits.ms)
      else await this.#ends.conclude({ ...attempting, isRead: true }, outcome, stop.kind)
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

  #step(step: TurnStep, claim: TurnClaim): void {
    this.#deps.onStep?.(step, claim)
  }
}
