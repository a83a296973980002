import type { Agent } from '../../src/agents/agent.entity.ts'
import type { AgentService } from '../../src/agents/agent.service.ts'
import type { MessageRepository, TranscriptLine } from '../../src/conversations/message.repository.ts'
import type { SummaryRepository } from '../../src/conversations/summary.repository.ts'
import type { LedgerService } from '../../src/credits/ledger.service.ts'
import { countTokens, IMAGE_TOKENS } from '../../src/credits/usage.ts'
import type { Run } from '../../src/runs/run.entity.ts'
import type { RunRepository } from '../../src/runs/run.repository.ts'
import type { TurnRepository } from '../../src/runs/turn.repository.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import { AppError } from '../../src/shared/errors.ts'
import type { FileReading } from './file-reading.ts'
import { seesImages } from './model-sight.ts'
import type { ModelTerms, ModelTermsBook } from './model-terms.ts'
import { type PromptMessage, promptMessages, systemPrompt, withFiles } from './prompts.ts'
import { affordableTokens } from './run-budget.ts'
import { isCrowded } from './summary-policy.ts'

/** What is said in the room before a turn. */
export interface Room {
  run: Run
  participants: Agent[]
  transcript: TranscriptLine[]
  /** Runs whose messages are not read yet. */
  waitingRunIds: string[]
  summary: string | undefined
  /** The last `seq` that the speaker reads: all that the user said to this run up to it counts as heard, whatever fitted. */
  seenSeq: number
  /** So much is said that the oldest of it should be summed up. */
  crowded: boolean
}

/** All that a turn needs to speak. */
export interface TurnContext extends ModelTerms {
  run: Run
  agent: Agent
  system: string
  messages: PromptMessage[]
  seenSeq: number
  crowded: boolean
  /** At most what the run's own limit of credits still allows; 0 when it allows nothing. */
  maxOutputTokens: number
  /** Estimated, for the hold. */
  inputTokens: number
}

/** A moderator reads all that the panel said, and then has to speak. */
const MODERATOR_SHARES = 2

interface ContextDependencies {
  runs: RunRepository
  turns: TurnRepository
  agents: AgentService
  messages: MessageRepository
  summaries: SummaryRepository
  ledger: Pick<LedgerService, 'receiptsOf'>
  terms: ModelTermsBook
  fileReading: Pick<FileReading, 'read'>
  contextTokenBudget: number
  maxOutputTokensDefault: number
}

export class TurnContexts {
  readonly #deps: ContextDependencies

  constructor(dependencies: ContextDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError when the run is gone */
  async room(claim: TurnClaim): Promise<Room> {
    const { runs, turns, agents, messages, summaries, contextTokenBudget } = this.#deps
    const run = await runs.find(claim.runId)
    if (!run) throw new AppError(409, 'run.gone', 'The run does not exist any more.')
    const [participants, waitingRunIds, unheardTurns, summary] = await Promise.all([
      agents.participants(run.agentIds),
      runs.pendingIds(run.conversationId),
      run.strategy === 'panel' ? turns.siblingsOf(claim, claim.step) : [],
      summaries.latest(run.conversationId),
    ])
    const { conversationId } = run
    const request = { conversationId, runId: run.id, waitingRunIds, unheardTurns, afterSeq: summary?.upToSeq }
    const transcript = await messages.transcript(request, contextTokenBudget)
    const seenSeq = Math.max(0, ...transcript.map((line) => line.seq))
    const crowded = isCrowded(transcript, contextTokenBudget)
    return { run, participants, transcript, waitingRunIds, summary: summary?.text, seenSeq, crowded }
  }

  /** @throws AppError when the speaker cannot speak: its connection is gone, its model has no price */
  async load(claim: TurnClaim): Promise<TurnContext> {
    const { kind } = claim
    const { run, participants, transcript, waitingRunIds, summary, seenSeq, crowded } = await this.room(claim)
    const agent = participants.find(({ id }) => id === claim.agentId)
    if (!agent) throw new AppError(409, 'agent.gone', 'The agent whose turn it was does not exist any more.')
    const terms = await this.#deps.terms.of(run.userId, agent)
    const system = systemPrompt(agent, participants, { strategy: run.strategy, kind, summary })
    const files = await this.#deps.fileReading.read({
      conversationId: run.conversationId,
      waitingRunIds,
      query: wordsToMatch(transcript),
      sees: seesImages(terms.connection.provider, terms.modelId),
    })
    const messages = withFiles(promptMessages(agent, participants, transcript, kind), files)
    const text = [system, ...messages.map((message) => message.content)].join('\n')
    const inputTokens = (await countTokens(text)) + (files?.images.length ?? 0) * IMAGE_TOKENS
    const wanted = agent.maxOutputTokens ?? this.#deps.maxOutputTokensDefault
    const left = await this.#share(run, claim)
    const maxOutputTokens = left === null ? wanted : Math.min(wanted, affordableTokens(terms, inputTokens, left))
    return { ...terms, run, agent, system, messages, seenSeq, crowded, maxOutputTokens, inputTokens }
  }

  /** What this turn may cost by the run's own limit, in micro-credits: siblings share, and leave two shares to the moderator. */
  async #share(run: Run, claim: TurnClaim): Promise<bigint | null> {
    if (run.maxCredits === null) return null
    const spent = (await this.#deps.ledger.receiptsOf([run.id])).get(run.id)?.credits ?? 0n
    const left = run.maxCredits > spent ? run.maxCredits - spent : 0n
    if (run.strategy !== 'panel' || claim.kind !== 'speak') return left
    const turns = await this.#deps.turns.listOf([run.id])
    const open = turns.filter(
      ({ step, status }) => step === claim.step && (status === 'queued' || status === 'running'),
    )
    return left / BigInt(open.length + MODERATOR_SHARES)
  }
}

/** What passages of files should match: what the user said last, and what was said last by anybody else. */
const wordsToMatch = (transcript: readonly TranscriptLine[]): string =>
  (['user', 'agent'] as const)
    .map((role) => transcript.findLast((line) => line.role === role)?.content ?? '')
    .join('\n')
