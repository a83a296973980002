import { ThoughtFilter, withoutThoughts } from '../../src/connections/dialects/thoughts.ts'
import type { Trait } from '../../src/connections/dialects/traits.ts'
import { classifyProviderError, type ProviderFailure, providerFailure } from '../../src/connections/provider-errors.ts'
import { languageModel } from '../../src/connections/provider-factory.ts'
import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import type { LiveFeed } from '../../src/realtime/live-feed.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnClaims } from '../../src/runs/turn-claims.ts'
import type { Logger } from '../../src/shared/logger.ts'
import type { ToolState } from '../../src/tools/tool-call.repository.ts'
import { STEP_GAP } from '../../src/tools/tool-step.entity.ts'
import type { FinishReason, UsedCall } from './call-meter.ts'
import { CallSpan, type CallTrace } from './call-span.ts'
import { DeltaCleaner } from './delta-cleaner.ts'
import { DeltaCoalescer } from './delta-coalescer.ts'
import type { LivePace } from './live-pace.ts'
import { onTerms } from './model-terms.ts'
import { type PayLimits, payAhead } from './paid-ahead.ts'
import { Silence } from './silence.ts'
import { speak } from './speech.ts'
import type { ToolModel } from './tool-model.ts'
import type { TurnContext } from './turn-context.ts'
import type { TurnStop } from './turn-stop.ts'

/** How an attempt at speaking went. `failure` is set when it came to nothing by the provider's or the setup's fault. */
export interface AttemptOutcome {
  text: string
  passed: boolean
  calls: MeteredCall[]
  holdId: string | null
  failure: ProviderFailure | undefined
  /** Why its provider ended, in the SDK's words. */
  finish?: FinishReason | undefined
  /** It is the JSON that was asked for. */
  isData?: boolean
  /** Why it is not, and no more is tried: the turn fails with this, and is paid. */
  fault?: { code: string; message: string }
  /** Why its time is over, where it was not its provider that took it. */
  outOfTime?: ProviderFailure | undefined
  /** Of a turn that uses tools: what it has done with them. */
  tools?: ToolState
  /** It waits, for people to decide or for so many ms, and is somebody else's then: there is nothing to settle. */
  waits?: { ms: number }
}

/** What a step of a turn with tools has besides. */
export interface SpeechStep {
  /** The number of its model call in the turn. */
  step: number
  /** What steps before it have said, and paid. */
  said: string
  /** The turn's words, of all its steps. */
  live: DeltaCoalescer
  model: ToolModel
  /** What its call taught about the server: the next step is to know. */
  onLearnt: (traits: Trait[]) => void
}

export const NOTHING_SAID: AttemptOutcome = { text: '', passed: false, calls: [], holdId: null, failure: undefined }

export interface AttemptOptions {
  claims: Pick<TurnClaims, 'reserve' | 'extend'>
  feed: LiveFeed
  network: ProviderNetwork
  pace: LivePace
  trace: CallTrace
  limits: PayLimits & {
    PROVIDER_FIRST_BYTE_MS: number
    PROVIDER_IDLE_TIMEOUT_MS: number
    DEMO_WORDS_PER_MINUTE: number
  }
  /** Called at the steps between claim and settlement, in order; for tests that kill the process there. */
  onStep?: ((step: AttemptStep) => void) | undefined
  /** Called once the hold is placed and the provider is about to be asked. */
  onHeld: () => void
  /** Called once the provider says something. */
  onAnswered: () => void
  logger: Logger
}

export type AttemptStep =
  | 'hold.written'
  | 'hold.placed'
  | 'stream.began'
  | 'stream.ended'
  | 'step.written'
  | 'step.committed'
  | 'tool.planned'
  | 'tool.started'
  | 'tool.ran'
  | 'tool.ended'
  | 'tool.kept'
  | 'tool.waits'

/** No language comes near this for each token: what is beyond it is of a provider that keeps no limit, and is cut off. */
const MOST_CHARS_PER_TOKEN = 16
/** The longest message, whatever the limit: 128,000 tokens of English. */
const MESSAGE_CHARS = 524_288
/** Limits of few tokens are not taken at their word. */
const LEAST_MOST_CHARS = 65_536
/** Output may run ahead of the words that are shown, and thoughts never are: beyond this many times the limit it is a flood. */
const FLOOD = 8

const EMPTY_ANSWER = providerFailure('empty_answer')
/** Asked again, it would flood again, and be paid for by its account's owner each time. */
const FLOODED = providerFailure('flooded')
export const TIMEOUT = providerFailure('timeout')

/** Speaks once: takes the hold, streams the agent, meters its calls and shows its words live. Writes no result. */
export async function attemptSpeech(
  claim: TurnClaim,
  context: TurnContext,
  stop: TurnStop,
  { claims, feed, network, pace, trace, limits, onHeld, onAnswered, onStep, logger }: AttemptOptions,
  step?: SpeechStep,
): Promise<AttemptOutcome> {
  const { room, agent, connection, modelId } = context
  const purpose = claim.kind === 'moderate' ? 'moderate' : 'speak'
  const call = {
    ...context,
    purpose,
    effort: agent.reasoningEffort,
    maxCredits: room.run.maxCredits,
    ...(step && { call: step.step, said: step.live.text.length }),
  } as const
  const beforeCommit = onStep && (() => onStep('hold.written'))
  const paid = await payAhead(claim, call, stop, { claims, limits, beforeCommit })
  if (!paid) return NOTHING_SAID
  const { holdId, maxOutputTokens } = paid
  onStep?.('hold.placed')
  onHeld()

  const ref = { ...claim, agentId: agent.id }
  const live = step?.live ?? new DeltaCoalescer({ feed, ref, pace, onStale: () => stop.stop('lost'), logger })
  // Steps are paragraphs of one message.
  let gap = step?.said ? STEP_GAP : ''
  const show = (words: string) => {
    if (words === '') return
    live.push(gap + words)
    gap = ''
  }
  // JSON has no speakers: a member that is called as one is not to end it.
  const anew = () => (room.run.answer ? new DeltaCleaner('') : new DeltaCleaner(agent.name, context.otherNames))
  const cleaner = anew()
  // A model that writes its name first has its thoughts behind that.
  const behindName = new ThoughtFilter()
  const silence = new Silence(limits, () => stop.stop('timeout'))
  let answered = false
  let began = false
  let bytes = 0
  const mostChars = Math.min(MESSAGE_CHARS, Math.max(LEAST_MOST_CHARS, maxOutputTokens * MOST_CHARS_PER_TOKEN))
  let chars = 0
  const meter = paid.meter({
    onOutput: (output) => {
      silence.broken()
      if (!answered) onAnswered()
      answered = true
      bytes += Buffer.byteLength(output)
      if (bytes > mostChars * FLOOD) stop.stop('length')
    },
    onText: (text) => {
      // What comes after the end was decided is not said any more.
      if (stop.kind) return
      show(behindName.push(cleaner.push(text.slice(0, Math.max(0, mostChars - chars)))).words)
      chars += text.length
      if (chars > mostChars || cleaner.over) stop.stop('length')
      if (!began) onStep?.('stream.began')
      began = true
    },
  })
  const { temperature } = agent
  const span = new CallSpan(trace, context, { purpose, maxOutputTokens, temperature })
  const remember = network.learnerFor(connection, modelId)
  let errorCode: string | undefined
  let used: UsedCall[] | undefined
  try {
    const model = languageModel(connection, modelId, {
      fetch: silence.watch(meter.watch(network.fetchFor(connection))),
      demoWordsPerMinute: limits.DEMO_WORDS_PER_MINUTE,
      demoSeed: claim.runId,
      learn: (traits) => {
        step?.onLearnt(traits)
        return remember(traits)
      },
      reasoning: agent.reasoningEffort,
      onLife: () => silence.broken(),
      mayRead: network.readerFor(claim.userId),
      takesSchemas: room.run.answer !== null,
    })
    const end = await speak({
      agent,
      model: step ? step.model.wrap(meter.wrap(model, purpose)) : meter.wrap(model, purpose),
      system: context.system,
      messages: context.messages,
      temperature: agent.temperature,
      maxOutputTokens,
      abortSignal: stop.signal,
    })
    const hasCalls = step !== undefined && step.model.calls.length > 0
    show(behindName.push(cleaner.end({ hasMore: hasCalls })).words + behindName.end().words)
    onStep?.('stream.ended')
    await Promise.all([step ? live.flush() : live.close(), paid.ended()])
    const failure = end.kind === 'failed' ? classifyProviderError(end.error) : undefined
    errorCode = failure?.code ?? (end.kind === 'aborted' ? (stop.kind ?? 'aborted') : undefined)
    const { text, passed: saidSo } = bareOf(cleaner, anew)
    // Who had words for others alone had none of its own: asked again it would have them again.
    const passed = saidSo || (cleaner.over && text.trim() === '')
    used = (await meter.used()).map((one) => ({ ...one, call: (step?.step ?? 0) + one.call }))
    const calls = onTerms(context, used, agent)
    const outcome = { text: text.toWellFormed(), passed, calls, holdId, finish: meter.lastFinish }
    const isWhole = end.kind === 'finished' || stop.kind === 'length'
    const hasMore = hasCalls || (step !== undefined && step.said !== '')
    if (isWhole && !passed && !hasMore && text.trim() === '') {
      return { ...outcome, failure: stop.kind === 'length' ? FLOODED : EMPTY_ANSWER }
    }
    return { ...outcome, failure }
  } finally {
    silence.end()
    if (!step) await live.close()
    await span.end(() => used ?? meter.used(), errorCode, meter.lastFinish)
  }
}

/** Thoughts of which only the closing tag came are known as such once that came: what is kept is cleaned anew. */
function bareOf(cleaner: DeltaCleaner, anew: () => DeltaCleaner): Pick<DeltaCleaner, 'text' | 'passed'> {
  const bare = withoutThoughts(cleaner.text)
  if (bare === cleaner.text) return cleaner
  const again = anew()
  again.push(bare)
  again.end()
  return again
}
