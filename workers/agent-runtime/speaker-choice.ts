import type { Agent } from '../../src/agents/agent.entity.ts'
import type { BreakerRepository } from '../../src/connections/breaker.repository.ts'
import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { StopReason } from '../../src/contract/views.ts'
import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import { DECISION_TOKENS } from '../../src/credits/estimate.ts'
import { affordableTokens, holdFor } from '../../src/credits/hold-size.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import { countTokens } from '../../src/credits/token-counting.ts'
import { leastRecent, type RoundState } from '../../src/rounds/strategy.ts'
import { decisionSchema, readDecision } from '../../src/rounds/supervisor.ts'
import type { Announcer } from '../../src/runs/announcer.ts'
import { heardSeq } from '../../src/runs/following.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnClaims } from '../../src/runs/turn-claims.ts'
import type { TurnDecisions } from '../../src/runs/turn-decisions.ts'
import { seenSeqOf, type TurnRoom } from '../../src/runs/turn-room.ts'
import { AppError } from '../../src/shared/errors.ts'
import type { Logger } from '../../src/shared/logger.ts'
import type { Tracing } from '../../src/shared/tracing.ts'
import { thinksUnseen } from './hidden-thoughts.ts'
import { type ModelTerms, type ModelTermsBook, onTerms, quoteOf } from './model-terms.ts'
import { supervisorPrompt } from './prompts.ts'
import { ask } from './small-call.ts'
import type { TurnStop } from './turn-stop.ts'

/**
 * What came of asking. With a `claim` its speaker is committed and the calls are paid; without one the turn ends, by
 * `endedBy` or by what stopped it, and its settlement pays.
 */
export interface SpeakerChosen {
  claim: TurnClaim | undefined
  endedBy: StopReason | null
  calls: MeteredCall[]
}

interface ChoiceDependencies {
  terms: ModelTermsBook
  claims: Pick<TurnClaims, 'reserve'>
  decisions: TurnDecisions
  network: ProviderNetwork
  breakers: Pick<BreakerRepository, 'failed'>
  announcer: Pick<Announcer, 'publish' | 'runEvent'>
  /** The provider may take this long to decide. */
  timeoutMs: number
  tracing: Tracing
  limits: { HIDDEN_TOKENS_PER_SECOND: number; LOSS_ALLOWANCE: bigint }
  logger: Logger
}

/** Beside a decision's words. */
const THOUGHT_TOKENS = 2_048

/** Decisions are numbered above the calls of speeches, which count from 0. */
const DECISION_CALL = 1_000

/**
 * Asks the supervisor, a model that reads the room, who speaks next. Its answer is never trusted: one that is unusable, or
 * does not come, is replaced by whoever has been silent for longest, so that a run neither dies nor becomes a monologue.
 */
export class SpeakerChoice {
  readonly #deps: ChoiceDependencies

  constructor(dependencies: ChoiceDependencies) {
    this.#deps = dependencies
  }

  /** @throws ClaimLost */
  async choose(claim: TurnClaim, room: TurnRoom, stop: TurnStop, traceParent?: string): Promise<SpeakerChosen> {
    if (room.run.isToStop) stop.stop('cancelled')
    const state: Pick<RoundState, 'participants' | 'turns'> = {
      participants: room.participants,
      turns: room.turns.flatMap(({ index, agentId, passed, status }) =>
        agentId && index < claim.turn && status === 'completed' ? [{ index, agentId, passed }] : [],
      ),
    }
    const fallback = leastRecent(state)
    const heard = heardSeq(room.turns)
    const isOpen = ({ role, runId, seq }: TranscriptLine) => role === 'user' && runId === claim.runId && seq > heard
    const { decision, calls, why } = await this.#ask(
      claim,
      room,
      state,
      room.transcript.some(isOpen),
      stop,
      traceParent,
    )
    if (stop.kind) return { claim: undefined, endedBy: null, calls }
    const agentId = decision === undefined ? fallback : decision.kind === 'speak' ? decision.agentId : null
    const notice = decision === undefined ? why : null
    const seenSeq = seenSeqOf(room)
    const decided = await this.#deps.decisions.decide(claim, { agentId, fallback, notice, calls, seenSeq })
    if (decided && notice) await this.#tell(claim)
    if (decided) return { claim: decided, endedBy: null, calls: [] }
    return { claim: undefined, endedBy: decision?.kind === 'done' ? 'supervisor_done' : 'finished', calls }
  }

  async #ask(
    claim: TurnClaim,
    room: TurnRoom,
    state: Pick<RoundState, 'participants' | 'turns'>,
    unanswered: boolean,
    stop: TurnStop,
    traceParent: string | undefined,
  ) {
    const { terms: book, claims, network, breakers, tracing, timeoutMs, limits, logger } = this.#deps
    const nothing = { decision: undefined, calls: [] as MeteredCall[], why: 'supervisor.not_asked' }
    const [first] = room.participants
    if (!first || stop.kind) return nothing
    const ids = { runId: claim.runId, turn: claim.turn }
    const last = room.participants.find(({ id }) => id === state.turns.at(-1)?.agentId)
    const { system, prompt } = supervisorPrompt(room.participants, room.transcript, {
      lastSpeaker: last?.name,
      summary: room.summary?.text,
    })
    const inputTokens = await countTokens(`${system}\n${prompt}`)
    const terms = termsOf(book, room, first)
    if (!terms) return nothing
    // Models that think first need room for it; where they do not, a decision is short all the same.
    const mostOutput = DECISION_TOKENS.high + THOUGHT_TOKENS
    const hiddenTokensPerSecond = thinksUnseen(terms) ? limits.HIDDEN_TOKENS_PER_SECOND : 0
    const placed = await claims.reserve(claim, {
      quote: quoteOf(terms, { call: DECISION_CALL, purpose: 'supervise', inputTokens, hiddenTokensPerSecond }),
      least: holdFor(terms, inputTokens, DECISION_TOKENS.high),
      amount: holdFor(terms, inputTokens, mostOutput),
      maxCredits: room.run.maxCredits,
      lossAllowance: terms.connection.scope === 'platform' ? limits.LOSS_ALLOWANCE : null,
    })
    if ('refused' in placed) return nothing
    const { text, thoughts, calls, failure } = await ask(terms, network, {
      purpose: 'supervise',
      call: DECISION_CALL,
      system,
      prompt,
      responseFormat: { type: 'json', name: 'decision', schema: decisionSchema(room.participants) },
      inputTokens,
      maxOutputTokens: Math.min(mostOutput, affordableTokens(terms, inputTokens, placed.amount)),
      hiddenTokensPerSecond,
      timeoutMs,
      abortSignal: stop.signal,
      trace: { tracing, parent: traceParent },
      breakers,
    })
    // Some servers take a short answer for a thought.
    const decision = readDecision(text.trim() || thoughts, state, unanswered)
    if (!decision && !stop.kind) logger.info({ ...ids, code: failure?.code }, 'a supervisor gave no usable answer')
    return { decision, calls: onTerms(terms, calls, null), why: failure?.code ?? 'supervisor.no_decision' }
  }

  /** Whoever watches the run sees that nobody chose. */
  async #tell({ conversationId, runId }: TurnClaim): Promise<void> {
    const { announcer } = this.#deps
    await announcer.publish(conversationId, undefined, [await announcer.runEvent(runId)])
  }
}

/** Undefined where the supervisor cannot be reached. */
function termsOf(book: ModelTermsBook, room: TurnRoom, first: Agent): ModelTerms | undefined {
  try {
    return book.inRoom(room, first)
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}
