import type { Announcer } from '../../src/runs/announcer.ts'
import type { CallEnd, ToolTurns } from '../../src/runs/tool-turns.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { storedText } from '../../src/tools/stored-text.ts'
import { defaultPolicyOf } from '../../src/tools/tool.ts'
import { presentToolCall } from '../../src/tools/tool-call.presenter.ts'
import type { StoredCall } from '../../src/tools/tool-call.repository.ts'
import { type BoundTool, ToolBusy, type ToolContent, ToolFailed, ToolOutcomeUnknown } from './tool-source.ts'

/** What stops a turn from outside. */
interface Stop {
  readonly signal: AbortSignal
  readonly kind: string | undefined
  stop(kind: 'cancelled'): void
}

interface ToolRunDependencies {
  toolTurns: Pick<ToolTurns, 'start' | 'skip' | 'putOff' | 'end'>
  announcer: Pick<Announcer, 'tool'>
  limits: {
    /** Calls of one turn that run at once. */
    TOOL_PARALLEL: number
    /** Calls of one tool that a user's agents make within a minute. */
    TOOL_CALLS_PER_MINUTE: number
    /** UTF-16 units that are kept of a result. */
    TOOL_RESULT_CHARS: number
  }
  onStep?: ((step: 'tool.planned' | 'tool.started' | 'tool.ran' | 'tool.ended') => void) | undefined
  logger: Logger
}

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
} as const
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
    const unfit = !bound ? 'gone' : bound.tool.definitionHash === call.definitionHash ? undefined : 'changed'
    if (!bound || unfit) return this.#skip(claim, call, unfit ?? 'gone')
    const { outcome, retryInMs } = await toolTurns.start(claim, call.call, {
      perMinute: limits.TOOL_CALLS_PER_MINUTE,
      defaultPolicy: defaultPolicyOf(bound.tool, call.args),
    })
    if (outcome === 'stopping') stop.stop('cancelled')
    if (outcome === 'later') return { laterMs: retryInMs }
    if (isRefusal(outcome)) return this.#skip(claim, call, outcome)
    if (outcome !== 'started') return {}
    const startedAt = new Date().toISOString()
    onStep?.('tool.started')
    await this.#deps.announcer.tool(claim, 'tool.started', presentToolCall({ ...call, status: 'started', startedAt }))
    const end = await this.#make(claim, call, bound, stop)
    onStep?.('tool.ran')
    if (!end) return { inDoubt: true }
    if ('busyMs' in end) {
      if (await toolTurns.putOff(claim, call.call)) return { laterMs: end.busyMs }
      await this.#end(claim, { ...call, startedAt }, end.instead)
      return {}
    }
    await this.#end(claim, { ...call, startedAt }, end)
    return {}
  }

  /** Undefined where it may have done its deed, and somebody has to decide on it; `busyMs` where a limit of ours was in the way for so long. */
  async #make(
    claim: TurnClaim,
    call: StoredCall,
    { tool, run }: BoundTool,
    stop: Stop,
  ): Promise<CallEnd | { busyMs: number; instead: CallEnd } | undefined> {
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
        idempotencyKey: call.id,
        signal,
      })
      // What comes after its time is nobody's.
      made.catch(() => {})
      const { content, isError } = await Promise.race([made, gone.promise])
      return this.#result(isError ? 'failed' : 'done', wordsIn(content), isError ? 'tool.failed' : null)
    } catch (error) {
      if (error instanceof ToolBusy && call.status === 'approved') {
        return { busyMs: error.retryInMs, instead: this.#result('failed', error.message, error.code) }
      }
      // That nothing was done this time says nothing of the time before.
      if (error instanceof ToolFailed && isInDoubt(call)) return undefined
      if (error instanceof ToolFailed) return this.#result('failed', error.message, error.code)
      const isKnown = tool.effect === 'reads' && !(error instanceof ToolOutcomeUnknown)
      if (stop.kind && GOES_ON.has(stop.kind)) return undefined
      if (stop.kind) return { status: isKnown ? 'cancelled' : 'unknown', result: null, errorCode: null }
      if (!timeout.aborted) this.#deps.logger.warn({ err: error, runId, turn, tool: call.name }, 'a tool failed')
      if (!isKnown) return undefined
      return timeout.aborted
        ? this.#result('failed', `It did not answer within ${tool.timeoutMs / 1_000} s.`, 'tool.timeout')
        : this.#result('failed', 'It could not be used at this moment.', 'tool.failed')
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #result(status: 'done' | 'failed', text: string, errorCode: string | null): CallEnd {
    return { status, result: storedText(text, this.#deps.limits.TOOL_RESULT_CHARS), errorCode }
  }

  /** Ends a call that may not be made. */
  async #skip(claim: TurnClaim, call: StoredCall, why: keyof typeof REFUSALS): Promise<Partial<RunsLeft>> {
    // That it is not made now says nothing of the time before.
    const end: CallEnd = { status: isInDoubt(call) ? 'unknown' : 'failed', ...REFUSALS[why] }
    if (await this.#deps.toolTurns.skip(claim, call.call, end)) await this.#tell(claim, call, end)
    return {}
  }

  async #end(claim: TurnClaim, call: StoredCall, end: CallEnd): Promise<void> {
    const isOurs = await this.#deps.toolTurns.end(claim, call.call, end)
    this.#deps.onStep?.('tool.ended')
    // Of what a later attempt has decided on that one tells.
    if (isOurs) await this.#tell(claim, call, end)
  }

  async #tell(claim: TurnClaim, call: StoredCall, end: CallEnd): Promise<void> {
    const shown = presentToolCall({ ...call, ...end, endedAt: new Date().toISOString() })
    await this.#deps.announcer.tool(claim, end.status === 'done' ? 'tool.completed' : 'tool.failed', shown)
  }
}

/** The turn is tried again: what then becomes of a call that has no end `tool_resume` says. */
const GOES_ON: ReadonlySet<string> = new Set(['lost', 'drain', 'timeout'])

/** It was started before, and nobody knows what came of that. */
const isInDoubt = ({ effect, starts }: StoredCall): boolean => effect === 'writes' && starts > 0

/** What a tool gave back, as text: files are named, and not shown. */
const wordsIn = (content: readonly ToolContent[]): string =>
  content
    .map((part) =>
      part.type === 'text'
        ? part.text
        : `(A file, ${part.name.slice(0, 200)}, ${part.contentType.slice(0, 100)}, ${part.data.byteLength} bytes, which is not shown.)`,
    )
    .join('\n')
