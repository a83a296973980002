import type { RunView, StopReason, ToolCallView } from '../../contract/views.ts'
import type { RunStep } from '../run-script.ts'
import { type Speech, SpeechOrder } from '../speech-order.ts'
import { type RunMetadata, runMetadata, type TurnData, turnData } from './ui-message.ts'
import { toolChunks, type UiToolChunk } from './ui-tool.ts'

/** The chunks of the AI SDK's UI message stream that a run is told in. */
export type UiChunk =
  | { type: 'start'; messageId: string; messageMetadata: RunMetadata }
  | { type: 'start-step' | 'finish-step' | 'reset-step' }
  | { type: 'data-turn'; id: string; data: TurnData }
  | { type: 'text-start' | 'text-end'; id: string }
  | { type: 'text-delta'; id: string; delta: string }
  | UiToolChunk
  | { type: 'abort'; reason: string }
  | { type: 'finish'; finishReason: FinishReason; messageMetadata: RunMetadata }
  | { type: 'error'; errorText: string }
type FinishReason = 'stop' | 'length' | 'error' | 'interrupted' | 'tool-calls'

/** How the reasons that a run has for its end are called there; any other is `stop`. */
const FINISH_REASONS: Partial<Record<StopReason, FinishReason>> = {
  max_credits: 'length',
  max_seconds: 'length',
  credits_exhausted: 'length',
  cancelled: 'interrupted',
  interrupted: 'interrupted',
  failed: 'error',
}

type Began = Extract<Speech, { type: 'speech.began' }>

/**
 * One run as one UIMessage, whose id is the run's. A turn is a step of it: `data-turn`, then its words, with the tools that it used between
 * them. A `reset-step` takes back all of the last step, so steps never overlap: turns that speak at the same time (a panel's) come in
 * the order of the run. Where somebody is to decide first, the stream ends, for its client says nothing while it reads; what it says then is
 * answered by a stream that goes on in the same message.
 */
export class UiStream {
  readonly #order = new SpeechOrder()
  readonly #from: number
  /** What the client shows of the turn that is gone on with is to be taken back, and said again. */
  #mustReset: boolean
  /** Whose step is open. */
  #turn: Began | undefined
  /** Texts of this step so far; the last one is open, or nothing was said since a call. */
  #texts = 0
  #isTextOpen = false
  /** Calls of this step, as they were told last. */
  #calls = new Map<string, ToolCallView>()

  /** `from`: a client that has answered has the turns before this one, and shows this one. */
  constructor(from?: number) {
    this.#from = from ?? 0
    this.#mustReset = from !== undefined
  }

  /** What a stream begins with; a client that has a message of this id begins it anew, but for one that has answered. */
  begin(run: RunView): UiChunk[] {
    return [{ type: 'start', messageId: run.id, messageMetadata: runMetadata(run) }]
  }

  take(step: RunStep): UiChunk[] {
    return this.#order.take(step).flatMap((speech) => this.#write(speech))
  }

  #write(speech: Speech): UiChunk[] {
    if ('turn' in speech && speech.turn < this.#from) return []
    switch (speech.type) {
      case 'speech.began':
        return [...this.#beginStep(speech), dataOf(speech)]
      case 'speech.text': {
        const opened: UiChunk[] = this.#isTextOpen ? [] : [{ type: 'text-start', id: this.#textId(this.#texts++) }]
        this.#isTextOpen = true
        return [...opened, { type: 'text-delta', id: this.#textId(this.#texts - 1), delta: speech.text }]
      }
      case 'speech.tool': {
        const before = this.#calls.get(speech.call.id)
        this.#calls.set(speech.call.id, speech.call)
        return [...(before ? [] : this.#endText()), ...toolChunks(speech.call, before)]
      }
      case 'speech.void':
        this.#forget()
        return [{ type: 'reset-step' }]
      case 'speech.ended': {
        const told: UiChunk[] = this.#turn ? [dataOf(this.#turn, speech)] : []
        return [...this.#endText(), ...told, ...this.#finishStep()]
      }
      case 'run.waits': {
        const messageMetadata = runMetadata(speech.run)
        return [...this.#finishStep(), { type: 'finish', finishReason: 'tool-calls', messageMetadata }]
      }
      case 'run.ended':
        return [...this.#finishStep(), ...endOf(speech.run)]
    }
  }

  #beginStep(began: Began): UiChunk[] {
    const isAgain = this.#turn?.turn === began.turn
    // The step that the client shows is gone on with.
    const isShown = this.#mustReset && began.turn === this.#from
    const before = isAgain ? [] : this.#finishStep()
    this.#turn = began
    this.#forget()
    return isAgain || isShown ? before : [...before, { type: 'start-step' }]
  }

  #textId(place: number): string {
    const { turn = 0, attempt = 1 } = this.#turn ?? {}
    return place === 0 ? `${turn}.${attempt}` : `${turn}.${attempt}.${place}`
  }

  #endText(): UiChunk[] {
    const isOpen = this.#isTextOpen
    this.#isTextOpen = false
    return isOpen ? [{ type: 'text-end', id: this.#textId(this.#texts - 1) }] : []
  }

  #forget(): void {
    this.#texts = 0
    this.#isTextOpen = false
    this.#calls = new Map()
  }

  #finishStep(): UiChunk[] {
    if (this.#mustReset) {
      this.#mustReset = false
      return [{ type: 'reset-step' }]
    }
    const ended = this.#endText()
    const isOpen = this.#turn !== undefined
    this.#turn = undefined
    return isOpen ? [...ended, { type: 'finish-step' }] : []
  }
}

function endOf(run: RunView): UiChunk[] {
  const finishReason = (run.stopReason && FINISH_REASONS[run.stopReason]) ?? 'stop'
  const messageMetadata = runMetadata(run)
  return [
    ...(finishReason === 'interrupted' ? [{ type: 'abort' as const, reason: run.stopReason ?? run.status }] : []),
    { type: 'finish', finishReason, messageMetadata },
    // Last: a client reads no further.
    ...(run.status === 'failed' ? [{ type: 'error' as const, errorText: run.error?.message ?? run.status }] : []),
  ]
}

const dataOf = (began: Began, ended?: Extract<Speech, { type: 'speech.ended' }>): UiChunk => ({
  type: 'data-turn',
  id: String(began.turn),
  data: turnData(began, ended?.message),
})
