import type { RunView } from '../../contract/views.ts'
import { questionOf } from '../question.ts'
import type { RunStep } from '../run-script.ts'
import { doubtOf } from '../told-call.ts'
import type { AgUiEvent, AgUiMessage, Usage } from './ag-ui-events.ts'
import { AgUiTurn } from './ag-ui-turn.ts'

/** How a client named its request. */
export interface AgUiRequest {
  threadId: string
  /** The client's own. */
  runId: string
  /** Versions before 1.0 do not say theirs. */
  protocolVersion: string | undefined
  /** All that the client has shown before, in order. */
  messages: AgUiMessage[]
  /** What it says is an answer to what a run asked, which goes on. */
  isAnswer: boolean
}

/**
 * One run as the events of AG-UI. A turn is a step; what it says is messages of its speaker's name, a new one behind each use of tools; those
 * of turns that speak at the same time are open at the same time. A client that has some of it, because it has answered what was asked, is
 * told the rest. The protocol has no event that takes words back: the messages of a turn that is said otherwise are ended, and a
 * MESSAGES_SNAPSHOT without them follows.
 */
export class AgUiStream {
  readonly #request: AgUiRequest
  /** By the turn's index. The run's words are kept until its end: a snapshot has all of them. */
  readonly #turns = new Map<number, AgUiTurn>()
  #run: RunView | undefined

  constructor(request: AgUiRequest) {
    this.#request = request
  }

  begin(run: RunView): AgUiEvent[] {
    const { threadId, runId, protocolVersion } = this.#request
    this.#run = run
    const metadata = { conversationId: run.conversationId, runId: run.id }
    return [{ type: 'RUN_STARTED', threadId, runId, ...(protocolVersion && { protocolVersion: '1.0' }), metadata }]
  }

  take(step: RunStep): AgUiEvent[] {
    switch (step.type) {
      case 'turn.began':
        return this.#turn(step.turn).begin(step)
      case 'turn.text':
        return this.#turn(step.turn).say(step.text)
      case 'turn.tool':
        return this.#turn(step.turn).use(step.call)
      case 'turn.ended':
        return this.#turn(step.turn).end(step.message)
      case 'turn.failed':
        return step.willRetry ? [] : this.#turn(step.turn).end(null)
      case 'run.updated':
        return []
      case 'run.waits':
        return [...this.#all((turn) => turn.pause()), this.#asks(step)]
      case 'run.ended':
        // What was not said to its end was not said.
        return [...this.#all((turn) => turn.end(null)), this.#end(step.run)]
    }
  }

  #turn(index: number): AgUiTurn {
    const known = this.#turns.get(index)
    if (known) return known
    const prefix = `${this.#run?.id}.${index}.`
    const turn = new AgUiTurn(prefix, this.#request.messages, () => this.#snapshot())
    this.#turns.set(index, turn)
    return turn
  }

  #all(end: (turn: AgUiTurn) => AgUiEvent[]): AgUiEvent[] {
    return [...this.#turns.values()].flatMap(end)
  }

  /** Everything that the client shows: what it had before this run, and what is said and done in it. */
  #snapshot(): AgUiEvent {
    const turns = [...this.#turns.values()]
    const ids = new Set(turns.flatMap((turn) => turn.had))
    const before = this.#request.messages.filter(({ id }) => !ids.has(id))
    return { type: 'MESSAGES_SNAPSHOT', messages: [...before, ...turns.flatMap((turn) => turn.messages)] }
  }

  #asks({ run, asked }: Extract<RunStep, { type: 'run.waits' }>): AgUiEvent {
    const { threadId, runId } = this.#request
    const interrupts = asked.map(({ agentName, call }) => {
      const { id, title, expiresAt, isEditable } = call
      const doubt = doubtOf(call)
      return {
        id: questionOf(call),
        reason: 'tool_call' as const,
        message: `${agentName} asks to use ${title}.${doubt ? ` ${doubt}` : ''}`,
        toolCallId: id,
        responseSchema: isEditable ? EDITABLE : DECIDABLE,
        ...(expiresAt && { expiresAt }),
      }
    })
    const outcome = { type: 'interrupt' as const, interrupts }
    return { type: 'RUN_FINISHED', threadId, runId, outcome, result: resultOf(run), usage: this.#usage(run) }
  }

  #end(run: RunView): AgUiEvent {
    const { threadId, runId, protocolVersion } = this.#request
    const usage = this.#usage(run)
    const { status, error } = run
    if (status === 'failed') {
      return { type: 'RUN_ERROR', message: error?.message ?? status, code: error?.code ?? 'run.failed', usage }
    }
    const isCancelled = status === 'cancelled'
    // Versions before 1.0 know of no run that was stopped, and refuse the word.
    const outcome = isCancelled && protocolVersion === undefined ? undefined : outcomeOf(isCancelled)
    return { type: 'RUN_FINISHED', threadId, runId, ...(outcome && { outcome }), result: resultOf(run), usage }
  }

  /** Of a run that was asked for once more, to go on, what it used since. */
  #usage({ receipt }: RunView): Usage[] {
    const before = this.#request.isAnswer ? this.#run?.receipt : undefined
    const inputTokens = receipt.inputTokens - (before?.inputTokens ?? 0)
    const outputTokens = receipt.outputTokens - (before?.outputTokens ?? 0)
    return [{ inputTokens, outputTokens, totalTokens: inputTokens + outputTokens }]
  }
}

const approved = { type: 'boolean' }
/** What an answer is: as the protocol's documents recommend for calls of tools. */
const DECIDABLE = { type: 'object', properties: { approved }, required: ['approved'] }
const EDITABLE = { ...DECIDABLE, properties: { approved, editedArgs: { type: 'object' } } }

const resultOf = ({ id: runId, conversationId, status, stopReason, receipt }: RunView) => ({
  conversationId,
  runId,
  status,
  stopReason,
  credits: receipt.credits,
})

const outcomeOf = (isCancelled: boolean) => ({ type: isCancelled ? ('cancelled' as const) : ('success' as const) })
