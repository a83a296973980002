import type { ToolFailureCode } from '../../src/contract/tool-failures.ts'
import type { Announcer } from '../../src/runs/announcer.ts'
import type { MadeFile, ToolFiles } from '../../src/runs/tool-files.ts'
import type { ToolTurns } from '../../src/runs/tool-turns.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { storedText } from '../../src/tools/stored-text.ts'
import { defaultPolicyOf } from '../../src/tools/tool.ts'
import { presentToolCall } from '../../src/tools/tool-call.presenter.ts'
import type { CallEnd, StoredCall } from '../../src/tools/tool-call.repository.ts'
import { readResult } from './tool-results.ts'
import { type BoundTool, ToolBusy, ToolFailed, ToolOutcomeUnknown } from './tool-source.ts'

/** What stops a turn from outside. */
interface Stop {
  readonly signal: AbortSignal
  readonly kind: string | undefined
  stop(kind: 'cancelled'): void
}

interface ToolRunDependencies {
  toolTurns: Pick<ToolTurns, 'start' | 'skip' | 'putOff' | 'end'>
  toolFiles: Pick<ToolFiles, 'keep'>
  announcer: Pick<Announcer, 'tool'>
  limits: {
    /** Calls of one turn that run at once. */
    TOOL_PARALLEL: number
    /** Calls of one tool that a user's agents make within a minute. */
    TOOL_CALLS_PER_MINUTE: number
    /** UTF-16 units that are kept of a result. */
    TOOL_RESULT_CHARS: number
  }
  onStep?: ((step: 'tool.planned' | 'tool.started' | 'tool.ran' | 'tool.ended' | 'tool.kept') => void) | undefined
  logger: Logger
}

/** How a call ended that was made; `busyMs` where a limit of ours was in the way, and will be for so long. */
type MadeCall = CallEnd & { files: MadeFile[]; busyMs?: number }

/** What is left of calls that were to be run: whether nobody knows how one ended, and in how many ms those go on that limits of ours are in the way of. */
interface RunsLeft {
  inDoubt: boolean
  laterMs: number | undefined
}

/** Why a call is not made, in words for its model. */
const REFUSALS = {
  gone: { errorCode: 'tool.gone', result: 'The tool cannot be had any more.' },
  changed: {
    errorCode: 'tool.changed',
    result: 'The tool has changed since it was asked for: its owner has to look at it first.',
  },
  denied: { errorCode: 'tool.denied', result: 'The user does not allow this tool.' },
  limited: {
    errorCode: 'tool.rate_limited',
    result: 'This tool was called too often within a minute. Go on without it.',
  },
} as const satisfies Record<string, { errorCode: ToolFailureCode; result: string }>
const isRefusal = (outcome: string): outcome is keyof typeof REFUSALS => Object.hasOwn(REFUSALS, outcome)

/** Runs what a turn has planned. Each call is noted as started before it is made, and its end as soon as it is known. */
export class ToolRuns {
  readonly #deps: ToolRunDependencies

  constructor(dependencies: ToolRunDependencies) {
    this.#deps = dependencies
  }

  /**
   * Runs calls that are planned or approved, some at once, each to its end, or as far as it may come now.
   * @throws ClaimLost
   */
  async run(
    claim: TurnClaim,
    calls: readonly StoredCall[],
    tools: ReadonlyMap<string, BoundTool>,
    stop: Stop,
  ): Promise<RunsLeft> {
    const waiting = [...calls]
    const left: RunsLeft = { inDoubt: false, laterMs: undefined }
    const work = async () => {
      for (let call = waiting.shift(); call && !stop.kind; call = waiting.shift()) {
        const { inDoubt, laterMs } = await this.#one(claim, call, tools.get(call.name), stop)
        if (inDoubt) left.inDoubt = true
        // By then all of them can be made that are put off.
        if (laterMs !== undefined) left.laterMs = Math.max(left.laterMs ?? 0, laterMs)
      }
    }
    const lanes = Array.from({ length: Math.min(this.#deps.limits.TOOL_PARALLEL, waiting.length) }, work)
    // All to their ends: one that fails must not leave others running behind the turn's back.
    const ended = await Promise.allSettled(lanes)
    for (const lane of ended) if (lane.status === 'rejected') throw lane.reason
    return left
  }

  async #one(claim: TurnClaim, call: StoredCall, bound: BoundTool | undefined, stop: Stop): Promise<Partial<RunsLeft>> {
    const { toolTurns, limits, onStep } = this.#deps
    onStep?.('tool.planned')
    if (!bound) return this.#skip(claim, call, 'gone')
    if (bound.tool.definitionHash !== call.definitionHash) return this.#skip(claim, call, 'changed')
    const { outcome, retryInMs } = await toolTurns.start(claim, call.call, {
      perMinute: limits.TOOL_CALLS_PER_MINUTE,
      defaultPolicy: defaultPolicyOf(bound.tool, call.args),
    })
    if (outcome === 'stopping') stop.stop('cancelled')
    if (outcome === 'later') return { laterMs: retryInMs }
    if (isRefusal(outcome)) return this.#skip(claim, call, outcome)
    if (outcome !== 'started') return {}
    const made = { ...call, attempt: claim.attempt, startedAt: new Date().toISOString() }
    onStep?.('tool.started')
    await this.#deps.announcer.tool(claim, presentToolCall({ ...made, status: 'started' }))
    const end = await this.#make(claim, call, bound, stop)
    onStep?.('tool.ran')
    if (!end) return { inDoubt: true }
    const { busyMs: laterMs } = end
    const isPutOff = laterMs !== undefined && call.status === 'approved' && (await toolTurns.putOff(claim, call.call))
    if (isPutOff) return { laterMs }
    // That it was not made this time says nothing of the time before.
    if (laterMs !== undefined && isInDoubt(call)) return { inDoubt: true, laterMs }
    await this.#end(claim, made, end, stop)
    return {}
  }

  /** Undefined where it may have done its deed, and somebody has to decide on it. */
  async #make(claim: TurnClaim, call: StoredCall, { tool, run }: BoundTool, stop: Stop): Promise<MadeCall | undefined> {
    const { userId, conversationId, runId, turn } = claim
    const timeout = AbortSignal.timeout(tool.timeoutMs)
    const signal = AbortSignal.any([stop.signal, timeout])
    const gone = Promise.withResolvers<never>()
    const onAbort = () => gone.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      signal.throwIfAborted()
      const made = run(call.args, {
        userId,
        conversationId,
        runId,
        turn,
        call: call.call,
        idempotencyKey: call.inheritedFrom ?? call.id,
        signal,
      })
      // What comes after its time is nobody's.
      made.catch(() => {})
      const { content, isError, errorCode = 'tool.failed' } = await Promise.race([made, gone.promise])
      const { text: result, files } = readResult(content, call.sourceName, this.#deps.limits.TOOL_RESULT_CHARS)
      return isError
        ? { status: 'failed', result, errorCode, files }
        : { status: 'done', result, errorCode: null, files }
    } catch (error) {
      if (error instanceof ToolBusy && (call.status === 'approved' || isInDoubt(call))) {
        return { ...this.#failed(error.message, error.code), busyMs: error.retryInMs }
      }
      // That nothing was done this time says nothing of the time before.
      if (error instanceof ToolFailed && isInDoubt(call)) return undefined
      if (error instanceof ToolFailed) return this.#failed(error.message, error.code)
      const isKnown = tool.effect === 'reads' && !(error instanceof ToolOutcomeUnknown)
      if (stop.kind && GOES_ON.has(stop.kind)) return undefined
      if (stop.kind) return { status: isKnown ? 'cancelled' : 'unknown', result: null, errorCode: null, files: [] }
      if (!timeout.aborted) this.#deps.logger.warn({ err: error, runId, turn, tool: call.name }, 'a tool failed')
      if (!isKnown) return undefined
      return timeout.aborted
        ? this.#failed(`It did not answer within ${tool.timeoutMs / 1_000} s.`, 'tool.timeout')
        : this.#failed('It could not be used at this moment.', 'tool.unavailable')
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #failed(text: string, errorCode: string): MadeCall {
    return { status: 'failed', result: storedText(text, this.#deps.limits.TOOL_RESULT_CHARS), errorCode, files: [] }
  }

  /** Ends a call that may not be made. */
  async #skip(claim: TurnClaim, call: StoredCall, why: keyof typeof REFUSALS): Promise<Partial<RunsLeft>> {
    // That it is not made now says nothing of the time before.
    const end: CallEnd = { status: isInDoubt(call) ? 'unknown' : 'failed', ...REFUSALS[why] }
    if (await this.#deps.toolTurns.skip(claim, call.call, end)) await this.#tell(claim, call, end)
    return {}
  }

  async #end(claim: TurnClaim, call: StoredCall, { files: made, ...end }: MadeCall, stop: Stop): Promise<void> {
    const { toolTurns, toolFiles, onStep } = this.#deps
    const isOurs = await toolTurns.end(claim, call.call, end)
    onStep?.('tool.ended')
    // Of what a later attempt has decided on that one tells.
    if (!isOurs) return
    const files = made.length > 0 ? await toolFiles.keep(claim, call.call, made, stop.signal) : null
    onStep?.('tool.kept')
    await this.#tell(claim, { ...call, files }, end)
  }

  async #tell(claim: TurnClaim, call: StoredCall, end: CallEnd): Promise<void> {
    const shown = presentToolCall({ ...call, ...end, endedAt: new Date().toISOString() })
    await this.#deps.announcer.tool(claim, shown)
  }
}

/** The turn is tried again: what then becomes of a call that has no end `tool_resume` says. */
const GOES_ON: ReadonlySet<string> = new Set(['lost', 'drain', 'timeout', 'turn_timeout'])

/** It was started before, and nobody knows what came of that. */
const isInDoubt = ({ effect, starts }: StoredCall): boolean => effect === 'writes' && starts > 0
