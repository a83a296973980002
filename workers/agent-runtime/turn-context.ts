import type { Agent } from '../../src/agents/agent.entity.ts'
import { systemPrompt } from '../../src/contract/speaker-prompt.ts'
import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import { affordableTokens } from '../../src/credits/hold-size.ts'
import { countTokens } from '../../src/credits/token-counting.ts'
import { IMAGE_TOKENS } from '../../src/credits/usage.ts'
import type { TurnKind } from '../../src/rounds/strategy.ts'
import { isOpen } from '../../src/runs/states.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnRoom } from '../../src/runs/turn-room.ts'
import { AppError } from '../../src/shared/errors.ts'
import type { FileReading } from './file-reading.ts'
import { seesImages } from './model-sight.ts'
import type { ModelTerms, ModelTermsBook } from './model-terms.ts'
import { joinNeighbours, type PromptMessage, promptMessages, USER_LABEL, withFiles } from './prompts.ts'
import { thoughtRoom } from './thought-room.ts'

/** All that a turn needs to speak. */
export interface TurnContext extends ModelTerms {
  room: TurnRoom
  agent: Agent
  /** Names of everybody else in the transcript, and the user's label: what the speaker must not begin a line by. */
  otherNames: string[]
  system: string
  messages: PromptMessage[]
  /** At most what the run's own limit of credits still allows; 0 when it allows nothing. */
  maxOutputTokens: number
  /** Estimated, for the hold. */
  inputTokens: number
}

/** A moderator reads all that the panel said, and then has to speak. */
const MODERATOR_SHARES = 2

interface ContextDependencies {
  terms: ModelTermsBook
  fileReading: Pick<FileReading, 'read'>
  maxOutputTokensDefault: number
}

export class TurnContexts {
  readonly #deps: ContextDependencies

  constructor(dependencies: ContextDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError when the speaker cannot speak: its connection is gone, its model has no price */
  async load(claim: TurnClaim, room: TurnRoom): Promise<TurnContext> {
    const { kind } = claim
    const { run, participants, transcript, summary, fileIds } = room
    const agent = participants.find(({ id }) => id === claim.agentId)
    if (!agent) throw new AppError('agent.gone')
    const terms = this.#deps.terms.inRoom(room, agent)
    const system = systemPrompt(agent, participants, { strategy: run.strategy, kind, summary: summary?.text })
    const files = await this.#deps.fileReading.read({
      fileIds,
      query: wordsToMatch(transcript),
      sees: seesImages(terms.connection.provider, terms.modelId),
    })
    const messages = joinNeighbours(withFiles(promptMessages(agent, participants, transcript, kind), files))
    const text = [system, ...messages.map((message) => message.content)].join('\n')
    const inputTokens = (await countTokens(text)) + (files?.images.length ?? 0) * IMAGE_TOKENS
    const wanted =
      (agent.maxOutputTokens ?? this.#deps.maxOutputTokensDefault) + thoughtRoom(terms, agent.reasoningEffort)
    const left = shareOf(room, claim)
    const maxOutputTokens = left === null ? wanted : Math.min(wanted, affordableTokens(terms, inputTokens, left))
    return {
      ...terms,
      room,
      agent,
      otherNames: otherNames(agent, room, kind),
      system,
      messages,
      maxOutputTokens,
      inputTokens,
    }
  }
}

/** What this turn may cost by the run's own limit, in micro-credits: siblings share, and leave two shares to the moderator. */
function shareOf({ run, spent, turns }: TurnRoom, claim: TurnClaim): bigint | null {
  if (run.maxCredits === null) return null
  const left = run.maxCredits > (spent ?? 0n) ? run.maxCredits - (spent ?? 0n) : 0n
  if (run.strategy !== 'panel' || claim.kind !== 'speak') return left
  const open = turns.filter((turn) => turn.step === claim.step && isOpen(turn))
  return left / BigInt(open.length + MODERATOR_SHARES)
}

/** A moderator sums up by name, so only the user's label ends its words. */
function otherNames(speaker: Agent, { participants, transcript }: TurnRoom, kind: TurnKind): string[] {
  if (kind === 'moderate') return [USER_LABEL]
  const said = transcript.flatMap(({ agentId, agentName }) => (agentId !== speaker.id && agentName ? [agentName] : []))
  const others = participants.filter(({ id }) => id !== speaker.id).map(({ name }) => name)
  return [...new Set([...others, ...said, USER_LABEL])]
}

/** What passages of files should match: what the user said last, and what was said last by anybody else. */
const wordsToMatch = (transcript: readonly TranscriptLine[]): string =>
  (['user', 'agent'] as const)
    .map((role) => transcript.findLast((line) => line.role === role)?.content ?? '')
    .join('\n')
