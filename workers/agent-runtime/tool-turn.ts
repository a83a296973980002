import type { Trait } from '../../src/connections/dialects/traits.ts'
import { classifyProviderError, type ProviderFailure, providerFailure } from '../../src/connections/provider-errors.ts'
import { traitsOf, withTraits } from '../../src/connections/provider-factory.ts'
import { isOpenCall } from '../../src/contract/tool-names.ts'
import { sumUsage } from '../../src/credits/usage.ts'
import type { Announcer } from '../../src/runs/announcer.ts'
import type { ToolFiles } from '../../src/runs/tool-files.ts'
import type { ToolTurns } from '../../src/runs/tool-turns.ts'
import { ClaimLost, type TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnResult } from '../../src/runs/turn-result.ts'
import type { TurnRoom } from '../../src/runs/turn-room.ts'
import { AppError } from '../../src/shared/errors.ts'
import { estimateTokens } from '../../src/shared/token-estimate.ts'
import { presentToolCall } from '../../src/tools/tool-call.presenter.ts'
import type { StoredCall, ToolState } from '../../src/tools/tool-call.repository.ts'
import { STEP_GAP, saidIn } from '../../src/tools/tool-step.entity.ts'
import { backoffMs } from '../backoff.ts'
import { planCalls } from '../tools/plan-calls.ts'
import { ToolRuns } from '../tools/tool-runs.ts'
import type { BoundTool, ToolSource } from '../tools/tool-source.ts'
import { isRepairing, type Judgement, judge, repairOf } from './answer-judging.ts'
import { answerFormat, answerRules } from './answer-rules.ts'
import { DeltaCoalescer } from './delta-coalescer.ts'
import { stepMessages, TOOL_RULES, tokensOfTools, toolsFor } from './step-prompt.ts'
import { ToolModel } from './tool-model.ts'
import { type AttemptOptions, type AttemptOutcome, attemptSpeech, NOTHING_SAID } from './turn-attempt.ts'
import type { TurnContext } from './turn-context.ts'
import type { TurnStop } from './turn-stop.ts'

export interface ToolOptions {
  toolTurns: ToolTurns
  toolFiles: Pick<ToolFiles, 'keep'>
  toolSources: readonly ToolSource[]
  announcer: Pick<Announcer, 'tool' | 'approvalRequested'>
  limits: {
    /** Model calls of one turn at most. */
    TOOL_STEPS_MAX: number
    TOOL_PARALLEL: number
    TOOL_CALLS_PER_MINUTE: number
    TOOL_RESULT_CHARS: number
    /** Tokens of results in one prompt. */
    TOOL_CONTEXT_TOKENS: number
    TURN_BACKOFF_MS: number
    TURN_BACKOFF_MAX_MS: number
  }
}

const NO_STATE: ToolState = {
  steps: [],
  calls: [],
  paid: {
    credits: 0n,
    usage: sumUsage([]),
  },
}

/** Asked again, it would go on like that. */
const ONLY_CALLS = providerFailure('only_calls')
/** It goes on from what its tools have done by then; its provider has nothing to do with it. */
const TOOLS_TIMEOUT: ProviderFailure = {
  kind: 'retryable',
  code: 'turn.tools_timeout',
  message: 'The tools of this turn took longer than a turn may. Use faster tools, or ask for less at once.',
}
/** Steps in a row of which no call could be made: a model that goes on like that has no more. */
const MOST_VAIN_STEPS = 3
/** Calls of one turn. */
const MOST_CALLS = 64

/** True of a turn that is spoken step by step: its agent has tools, or had them when the turn began, or its answer is to have a form. */
export const usesSteps = ({ agent, room }: TurnContext): boolean =>
  room.hasSteps || agent.tools.length > 0 || room.run.answer !== null

/**
 * Speaks with tools, or in a form. The loop is ours, a Mastra call a step, because each step is committed before its tools start: its
 * posting, its words, and a row for each call. Whoever takes the turn over goes on from the rows: model calls that are committed are not
 * made again, nor are tools that have ended. While people are asked the turn is nobody's.
 *
 * An answer that has not the form that was asked for is a step as well, one without calls: its model is told what is wrong, and answers
 * once more, once.
 * @throws ClaimLost
 */
export async function speakInSteps(
  claim: TurnClaim,
  context: TurnContext,
  stop: TurnStop,
  options: AttemptOptions & ToolOptions,
): Promise<AttemptOutcome> {
  const { toolTurns, toolFiles, announcer, limits, feed, pace, logger, onStep } = options
  const { agent, room } = context
  const form = room.run.answer
  let { connection } = context
  let state = room.hasSteps ? await toolTurns.resume(claim) : NO_STATE
  // Of what has ended by now maybe nobody was told: whoever ended it may have died, or it was a decision that did.
  await tellEnded(announcer, claim, state.calls)
  const bound = agent.deletedAt === null ? await boundTools(options.toolSources, context, claim) : new Map()
  const offered = toolsFor([...bound.values()].flatMap(({ tool }) => (tool.policy === 'deny' ? [] : [tool])))
  const agentTools = new Map([...bound].map(([name, { tool }]) => [name, tool]))
  const runs = new ToolRuns({ toolTurns, toolFiles, announcer, limits, onStep, logger })
  const mostSteps = Math.min(limits.TOOL_STEPS_MAX, agent.maxSteps ?? limits.TOOL_STEPS_MAX)
  const ref = { ...claim, agentId: agent.id }
  const live = new DeltaCoalescer({ feed, ref, pace, onStale: () => stop.stop('lost'), logger })
  live.push(saidIn(state.steps))
  const beganAt = performance.now()
  let toolMs = 0
  try {
    for (;;) {
      const open = state.calls.filter(isToRun)
      if (open.length > 0) {
        // Tools may take long, and nobody else is to wait behind them.
        options.onHeld()
        const calledAt = performance.now()
        const { inDoubt, laterMs } = await runs.run(claim, open, bound, stop)
        toolMs += performance.now() - calledAt
        if (stop.kind === 'turn_timeout') return { ...(await broken()), outOfTime: TOOLS_TIMEOUT }
        if (!stop.kind) state = inDoubt ? await resume() : await toolTurns.state(claim)
        const pauseMs = Math.max(laterMs ?? 0, inDoubt ? pauseBefore(state.calls, limits) : 0)
        if (!stop.kind && pauseMs > 0 && state.calls.some(isToRun)) {
          await ask(announcer, claim, state.calls)
          if (await waits(pauseMs)) return { ...NOTHING_SAID, waits: { ms: pauseMs } }
          continue
        }
        if (!stop.kind && inDoubt) continue
      }
      if (stop.kind) return await broken()
      if (state.calls.some(({ status }) => status === 'awaiting')) {
        await ask(announcer, claim, state.calls)
        onStep?.('tool.waits')
        if (await waits()) return { ...NOTHING_SAID, waits: { ms: 0 } }
        if (!stop.kind) state = await resume()
        continue
      }
      const outcome = await speakStep().catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error
        // What earlier steps said and did stays.
        return { ...NOTHING_SAID, failure: classifyProviderError(error), written: [], thoughts: null }
      })
      const { written, thoughts } = outcome
      const isCut = stop.kind === 'length'
      const isWhole = !outcome.failure && (isCut || !stop.kind) && (isCut || written.length === 0)
      const judged: Judgement | undefined = form && isWhole ? judge(form, outcome, state, isCut) : undefined
      if (judged && 'json' in judged) {
        // What was said before it, and around it, was not asked for.
        const data = { text: judged.json, passed: false, isData: true }
        return { ...outcome, ...data, tools: await lastState(toolTurns, claim, state) }
      }
      const isToRepair = judged && 'isToRepair' in judged
      if (!isToRepair && (stop.kind || outcome.failure || written.length === 0)) {
        // Of a call that failed only its own words say whether its provider was there; those of steps before it are in `tools`.
        const isOutOfTime = stop.kind === 'timeout' || stop.kind === 'turn_timeout'
        const isFailed = isOutOfTime || (outcome.failure && !stop.kind)
        const said = saidIn(state.steps)
        const text = [isFailed ? '' : said, outcome.text].filter((words) => words !== '').join(STEP_GAP)
        const passed = outcome.passed && said === ''
        const outOfTime = toolMs > (performance.now() - beganAt) / 2 ? TOOLS_TIMEOUT : undefined
        return { ...outcome, text, passed, ...judged, outOfTime, tools: await lastState(toolTurns, claim, state) }
      }
      const planned = planCalls(written, agentTools, state.calls)
      const { holdId, calls, text } = outcome
      const step = { step: state.steps.length, text, thoughts, planned, holdId, calls }
      await toolTurns.commit(claim, step, onStep && (() => onStep('step.written')))
      onStep?.('step.committed')
      const { calls: before } = state
      state = await toolTurns.state(claim)
      await tellEnded(announcer, claim, state.calls, before)
    }
  } finally {
    await live.close()
  }

  /** What was said and done by now. */
  async function broken(): Promise<AttemptOutcome> {
    return { ...NOTHING_SAID, text: saidIn(state.steps), tools: await lastState(toolTurns, claim, state) }
  }

  /** True where the turn is nobody's from now on. */
  async function waits(laterMs: number | null = null): Promise<boolean> {
    const outcome = await toolTurns.wait(claim, laterMs)
    if (outcome === 'stopping') stop.stop('cancelled')
    return outcome === 'waits'
  }

  /** What is decided on here is told. */
  async function resume(): Promise<ToolState> {
    const resumed = await toolTurns.resume(claim)
    await tellEnded(announcer, claim, resumed.calls, state.calls)
    return resumed
  }

  /** One model call, with all that the turn has said and been given. */
  async function speakStep() {
    const isLast = state.steps.length + 1 >= mostSteps || isInVain(state) || isRepairing(state)
    const repair = (text: string) => (form ? repairOf(form, text) : '')
    const canSearch = offered.some(({ name }) => name === 'search_files')
    const words = { budget: limits.TOOL_CONTEXT_TOKENS, isLast, canSearch, repair }
    const { messages, tokens } = stepMessages(state, words)
    // What stands in the prompt must be declared, also when no more of it is called.
    const toolChoice = { type: isLast ? ('none' as const) : ('auto' as const) }
    const traits = traitsOf(connection, context.modelId)
    const keepsThoughts = traits.includes('thoughts_back')
    const format = form && answerFormat(form)
    const model = new ToolModel({ tools: offered, toolChoice, messages, keepsThoughts, format })
    const formRules = form ? [answerRules(form)] : []
    const more = tokens + tokensOfTools(offered) + estimateTokens(formRules.join())
    const system = [context.system, ...(offered.length > 0 ? [TOOL_RULES] : []), ...formRules].join('\n\n')
    const asked = { ...context, connection, system, inputTokens: context.inputTokens + more }
    const onLearnt = (learnt: Trait[]) => {
      connection = withTraits(connection, context.modelId, learnt)
    }
    const step = { step: state.steps.length, said: saidIn(state.steps), live, model, onLearnt }
    const outcome = await attemptSpeech(claim, asked, stop, options, step)
    // Whoever gave the agent tools would wonder why it uses none.
    if (model.isToolless && offered.length > 0 && !stop.kind && !outcome.failure) {
      await toolTurns.notice(claim, 'tools.not_taken').catch((error: unknown) => {
        if (error instanceof ClaimLost) throw error
        // The answer is worth more than what is said about it.
        logger.warn({ err: error, runId: claim.runId, turn: claim.turn }, 'a notice was not written')
      })
    }
    const isMute = isLast && model.calls.length > 0 && outcome.text === '' && step.said === '' && !stop.kind
    const failure = outcome.failure ?? (isMute ? ONLY_CALLS : undefined)
    return { ...outcome, failure, written: isLast ? [] : model.calls, thoughts: model.thoughts }
  }
}

const isToRun = ({ status }: StoredCall): boolean => status === 'planned' || status === 'approved'

/** For how long a turn is given up before it makes calls once more that got no answer, in ms; 0 where there are none. */
function pauseBefore(
  calls: readonly StoredCall[],
  { TURN_BACKOFF_MS: baseMs, TURN_BACKOFF_MAX_MS: maxMs }: ToolOptions['limits'],
): number {
  const tries = Math.max(0, ...calls.filter(isToRun).map(({ unanswered }) => unanswered))
  return tries > 0 ? backoffMs(tries - 1, { baseMs, maxMs }) : 0
}

/** What the turn's end tells; as it is known here where the database cannot be asked now. */
const lastState = (toolTurns: ToolTurns, claim: TurnClaim, known: ToolState): Promise<ToolState | undefined> =>
  known.steps.length === 0 ? Promise.resolve(undefined) : toolTurns.state(claim).catch(() => known)

/** What is committed of a turn whose attempt tells nothing of it: of before it began, or before it broke off. Its words are paid, and stay. */
export async function stepsOf(
  toolTurns: Pick<ToolTurns, 'state'>,
  claim: TurnClaim,
  { hasSteps, participants, run }: TurnRoom,
  status: TurnResult['status'],
): Promise<ToolState | undefined> {
  const hasTools = participants.some(({ id, tools }) => id === claim.agentId && tools.length > 0)
  const mayHaveSteps = hasSteps || (status === 'failed' && (hasTools || run.answer !== null))
  return mayHaveSteps ? toolTurns.state(claim) : undefined
}

/** The tools of all sources by the names that the model knows them by; of two with one name, the first. */
async function boundTools(
  sources: readonly ToolSource[],
  { agent, room }: TurnContext,
  { userId, conversationId }: TurnClaim,
): Promise<Map<string, BoundTool>> {
  const userWords = room.transcript.flatMap(({ role, content }) => (role === 'user' ? [content] : []))
  const found = await Promise.all(sources.map((source) => source.toolsOf(agent, { userId, conversationId, userWords })))
  return new Map(
    found
      .flat()
      .toReversed()
      .map((bound) => [bound.tool.name, bound]),
  )
}

/** True when no more is to be expected of more calls. */
function isInVain({ steps, calls }: ToolState): boolean {
  const last = steps.at(-1)
  if (!last) return false
  if (calls.length >= MOST_CALLS) return true
  if (calls.some(({ step, errorCode }) => step === last.step && errorCode === 'tool.repeated')) return true
  const lately = steps.slice(-MOST_VAIN_STEPS).map(({ step }) => step)
  const VAIN = ['tool.unknown', 'tool.bad_arguments', 'tool.too_many', 'tool.denied']
  return (
    lately.length === MOST_VAIN_STEPS &&
    calls.filter(({ step }) => lately.includes(step)).every(({ errorCode }) => VAIN.includes(errorCode ?? ''))
  )
}

/** Tells how calls ended that had not before. To be told of one again changes nothing for watchers. */
async function tellEnded(
  announcer: Pick<Announcer, 'tool'>,
  claim: TurnClaim,
  calls: readonly StoredCall[],
  before: readonly StoredCall[] = [],
): Promise<void> {
  const known = new Set(before.filter((call) => !isOpenCall(call)).map(({ call }) => call))
  for (const call of calls) {
    if (isOpenCall(call) || known.has(call.call)) continue
    await announcer.tool(claim, presentToolCall(call))
  }
}

async function ask(
  announcer: Pick<Announcer, 'approvalRequested'>,
  claim: TurnClaim,
  calls: readonly StoredCall[],
): Promise<void> {
  for (const call of calls) {
    if (call.status === 'awaiting' && call.expiresAt) {
      await announcer.approvalRequested(claim, presentToolCall(call), new Date(call.expiresAt).toISOString())
    }
  }
}
