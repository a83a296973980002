import type { MessageView, RunView } from '../../contract/views.ts'
import type { RunStep } from '../run-script.ts'

/** A message as AG-UI has it; those of the client are given back as they came. */
export interface AgUiMessage {
  id: string
  role: string
  [key: string]: unknown
}

interface Usage {
  inputTokens: number
  outputTokens: number
  totalTokens: number
}

/** The events of AG-UI that a run is told in: what version 1.0 and the versions before it have in common. */
export type AgUiEvent =
  | { type: 'RUN_STARTED'; threadId: string; runId: string; protocolVersion?: string; metadata: Record<string, string> }
  | { type: 'STEP_STARTED' | 'STEP_FINISHED'; stepName: string }
  | {
      type: 'TEXT_MESSAGE_START'
      messageId: string
      role: 'assistant'
      name: string
      metadata: Record<string, unknown>
    }
  | { type: 'TEXT_MESSAGE_CONTENT'; messageId: string; delta: string }
  | { type: 'TEXT_MESSAGE_END'; messageId: string; metadata?: Record<string, unknown> }
  | { type: 'MESSAGES_SNAPSHOT'; messages: AgUiMessage[] }
  | {
      type: 'RUN_FINISHED'
      threadId: string
      runId: string
      outcome?: { type: 'success' | 'cancelled' }
      result: Record<string, unknown>
      usage: Usage[]
    }
  | { type: 'RUN_ERROR'; message: string; code: string; usage: Usage[] }

/** How a client named its request. */
export interface AgUiRequest {
  threadId: string
  /** The client's own. */
  runId: string
  /** Versions before 1.0 do not say theirs. */
  protocolVersion: string | undefined
  /** All that the client has shown before, in order. */
  messages: AgUiMessage[]
}

/** A turn that has spoken, as the client shows it. */
interface Shown {
  began: Extract<RunStep, { type: 'turn.began' }>
  messageId: string
  text: string
  isOver: boolean
}

/**
 * One run as the events of AG-UI. A turn is a step, and a message of its speaker's name; those of turns that speak at the same time are
 * open at the same time. The protocol has no event that takes words back: the message of a turn that is tried again is ended, and a
 * MESSAGES_SNAPSHOT without it follows.
 */
export class AgUiStream {
  readonly #request: AgUiRequest
  /** By the turn's index. The run's words are kept until its end: a snapshot has all of them. */
  readonly #shown = new Map<number, Shown>()
  /** The run's id, with which ids of messages begin. */
  #runId = ''
  #editions = 0

  constructor(request: AgUiRequest) {
    this.#request = request
  }

  begin(run: RunView): AgUiEvent[] {
    const { threadId, runId, protocolVersion } = this.#request
    this.#runId = run.id
    const metadata = { conversationId: run.conversationId, runId: run.id }
    return [{ type: 'RUN_STARTED', threadId, runId, ...(protocolVersion && { protocolVersion: '1.0' }), metadata }]
  }

  take(step: RunStep): AgUiEvent[] {
    switch (step.type) {
      case 'turn.began':
        return this.#begin(step)
      case 'turn.text': {
        const shown = this.#shown.get(step.turn)
        if (!shown) return []
        shown.text += step.text
        return [{ type: 'TEXT_MESSAGE_CONTENT', messageId: shown.messageId, delta: step.text }]
      }
      case 'turn.ended':
        return this.#finish(step.turn, step.message)
      case 'turn.failed':
        return step.willRetry ? [] : this.#finish(step.turn, null)
      case 'run.updated':
        return []
      case 'run.ended': {
        // What was not said to its end was not said.
        const open = [...this.#shown].filter(([, { isOver }]) => !isOver)
        return [...open.flatMap(([turn]) => this.#finish(turn, null)), this.#end(step.run)]
      }
    }
  }

  #begin(began: Shown['began']): AgUiEvent[] {
    const { turn, agentId, agentName: name, attempt } = began
    const isAgain = this.#shown.has(turn)
    const takenBack = isAgain ? this.#takeBack(turn) : []
    const messageId = `${this.#runId}.${this.#editions++}`
    this.#shown.set(turn, { began, messageId, text: '', isOver: false })
    const opened: AgUiEvent[] = isAgain ? [] : [{ type: 'STEP_STARTED', stepName: stepName(began) }]
    const metadata = { turn, agentId, attempt }
    return [...takenBack, ...opened, { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant', name, metadata }]
  }

  /** Null: what was said is not part of the conversation. */
  #finish(turn: number, message: MessageView | null): AgUiEvent[] {
    const shown = this.#shown.get(turn)
    if (!shown || shown.isOver) return []
    const step: AgUiEvent = { type: 'STEP_FINISHED', stepName: stepName(shown.began) }
    if (!message) return [...this.#takeBack(turn), step]
    shown.isOver = true
    const metadata = { messageId: message.id, ...(message.credits !== undefined && { credits: message.credits }) }
    return [{ type: 'TEXT_MESSAGE_END', messageId: shown.messageId, metadata }, step]
  }

  #takeBack(turn: number): AgUiEvent[] {
    const shown = this.#shown.get(turn)
    this.#shown.delete(turn)
    return shown ? [{ type: 'TEXT_MESSAGE_END', messageId: shown.messageId }, this.#snapshot()] : []
  }

  /** Everything that the client shows: what it had before this run, and what is said in it. */
  #snapshot(): AgUiEvent {
    const said = [...this.#shown.values()].map(({ began, messageId, text }) => {
      const { turn, agentId, agentName: name, attempt } = began
      return { id: messageId, role: 'assistant', name, content: text, metadata: { turn, agentId, attempt } }
    })
    return { type: 'MESSAGES_SNAPSHOT', messages: [...this.#request.messages, ...said] }
  }

  #end(run: RunView): AgUiEvent {
    const { threadId, runId, protocolVersion } = this.#request
    const { inputTokens, outputTokens, credits } = run.receipt
    const usage = [{ inputTokens, outputTokens, totalTokens: inputTokens + outputTokens }]
    const { id, conversationId, status, stopReason, error } = run
    if (status === 'failed') {
      return { type: 'RUN_ERROR', message: error?.message ?? status, code: error?.code ?? 'run.failed', usage }
    }
    const result = { conversationId, runId: id, status, stopReason, credits }
    const isCancelled = status === 'cancelled'
    // Versions before 1.0 know of no run that was stopped, and refuse the word.
    const outcome = isCancelled && protocolVersion === undefined ? undefined : outcomeOf(isCancelled)
    return { type: 'RUN_FINISHED', threadId, runId, ...(outcome && { outcome }), result, usage }
  }
}

const outcomeOf = (isCancelled: boolean) => ({ type: isCancelled ? ('cancelled' as const) : ('success' as const) })

/** Steps that are open at the same time have different names. */
const stepName = ({ turn, agentName }: Shown['began']): string => `${turn + 1}. ${agentName}`
