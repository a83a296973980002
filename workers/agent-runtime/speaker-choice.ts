import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { StopReason } from '../../src/contract/views.ts'
import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import { DECISION_TOKENS } from '../../src/credits/estimate.ts'
import type { LedgerService } from '../../src/credits/ledger.service.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import { countTokens } from '../../src/credits/usage.ts'
import { leastRecent, type RoundState } from '../../src/rounds/strategy.ts'
import { decisionSchema, readDecision } from '../../src/rounds/supervisor.ts'
import type { TurnRepository } from '../../src/runs/turn.repository.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnClaims } from '../../src/runs/turn-claims.ts'
import type { TurnDecisions } from '../../src/runs/turn-decisions.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { type ModelTerms, type ModelTermsBook, onTerms, quoteOf } from './model-terms.ts'
import { supervisorPrompt } from './prompts.ts'
import { affordableTokens } from './run-budget.ts'
import { ask } from './small-call.ts'
import type { Room, TurnContexts } from './turn-context.ts'
import type { TurnStop } from './turn-stop.ts'

/**
 * What came of asking. With a `claim` its speaker is committed and the calls are paid; without one the turn ends, by
 * `endedBy` or by what stopped it, and its settlement pays.
 */
export interface SpeakerChosen {
  claim: TurnClaim | undefined
  endedBy: StopReason | null
  calls: MeteredCall[]
  seenSeq: number
  crowded: boolean
}

interface ChoiceDependencies {
  contexts: Pick<TurnContexts, 'room'>
  turns: Pick<TurnRepository, 'listOf'>
  terms: ModelTermsBook
  claims: Pick<TurnClaims, 'note'>
  decisions: TurnDecisions
  ledger: Pick<LedgerService, 'balance' | 'committedOf'>
  network: ProviderNetwork
  /** The provider may take this long to decide. */
  timeoutMs: number
  logger: Logger
}

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
  async choose(claim: TurnClaim, stop: TurnStop): Promise<SpeakerChosen> {
    const { contexts, turns, decisions } = this.#deps
    const room = await contexts.room(claim)
    if (room.run.cancelRequestedAt) stop.stop('cancel')
    const past = await turns.listOf([claim.runId])
    const state: Pick<RoundState, 'participants' | 'turns'> = {
      participants: room.participants,
      turns: past.flatMap(({ index, agentId, passed, status }) =>
        agentId && index < claim.turn && status === 'completed' ? [{ index, agentId, passed }] : [],
      ),
    }
    const fallback = leastRecent(state)
    const heardSeq = Math.max(0, ...past.map((turn) => turn.seenSeq ?? 0))
    const isOpen = ({ role, runId, seq }: TranscriptLine) => role === 'user' && runId === claim.runId && seq > heardSeq
    const { decision, calls } = await this.#ask(claim, room, state, room.transcript.some(isOpen), stop)
    const { seenSeq, crowded } = room
    if (stop.kind) return { claim: undefined, endedBy: null, calls, seenSeq, crowded }
    const agentId = decision === undefined ? fallback : decision.kind === 'speak' ? decision.agentId : null
    const decided = await decisions.decide(claim, { agentId, fallback, calls, seenSeq })
    if (decided) return { claim: decided, endedBy: null, calls: [], seenSeq, crowded }
    const endedBy = decision?.kind === 'done' ? 'supervisor_done' : 'finished'
    return { claim: undefined, endedBy, calls, seenSeq, crowded }
  }

  async #ask(
    claim: TurnClaim,
    room: Room,
    state: Pick<RoundState, 'participants' | 'turns'>,
    unanswered: boolean,
    stop: TurnStop,
  ) {
    const { terms: book, network, timeoutMs, logger } = this.#deps
    const nothing = { decision: undefined, calls: [] as MeteredCall[] }
    const [first] = room.participants
    if (!first || stop.kind) return nothing
    const ids = { runId: claim.runId, turn: claim.turn }
    const last = room.participants.find(({ id }) => id === state.turns.at(-1)?.agentId)
    const { system, prompt } = supervisorPrompt(room.participants, room.transcript, {
      lastSpeaker: last?.name,
      summary: room.summary,
    })
    const inputTokens = await countTokens(`${system}\n${prompt}`)
    const terms = await book.of(room.run.userId, first).catch(() => undefined)
    if (!terms || !(await this.#canPay(room, terms, inputTokens))) return nothing
    await this.#deps.claims.note(claim, quoteOf(terms, { call: DECISION_CALL, purpose: 'supervise', inputTokens }))
    const { text, calls, failure } = await ask(terms, network, {
      purpose: 'supervise',
      call: DECISION_CALL,
      system,
      prompt,
      responseFormat: { type: 'json', name: 'decision', schema: decisionSchema(room.participants) },
      maxOutputTokens: DECISION_TOKENS.high,
      timeoutMs,
      abortSignal: stop.signal,
    })
    const decision = readDecision(text, state, unanswered)
    if (!decision && !stop.kind) logger.info({ ...ids, code: failure?.code }, 'a supervisor gave no usable answer')
    return { decision, calls: onTerms(terms, calls, null) }
  }

  /** Decisions have no hold: they are only asked for while their price is at hand, and within the run's own limit. */
  async #canPay({ run }: Room, terms: ModelTerms, inputTokens: number): Promise<boolean> {
    const { ledger } = this.#deps
    const left = [(await ledger.balance(run.userId)).available]
    if (run.maxCredits !== null) left.push(run.maxCredits - (await ledger.committedOf(run.id)))
    return left.every((credits) => affordableTokens(terms, inputTokens, credits) >= DECISION_TOKENS.high)
  }
}
