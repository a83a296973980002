import type { RunView, StopReason } from '../../contract/views.ts'
import type { RunStep } from '../run-script.ts'
import { type Speech, SpeechOrder } from '../speech-order.ts'
import { type RunMetadata, runMetadata, type TurnData, turnData } from './ui-message.ts'

/** The chunks of the AI SDK's UI message stream that a run is told in. */
export type UiChunk =
  | { type: 'start'; messageId: string; messageMetadata: RunMetadata }
  | { type: 'start-step' | 'finish-step' | 'reset-step' }
  | { type: 'data-turn'; id: string; data: TurnData }
  | { type: 'text-start' | 'text-end'; id: string }
  | { type: 'text-delta'; id: string; delta: string }
  | { type: 'abort'; reason: string }
  | { type: 'finish'; finishReason: FinishReason; messageMetadata: RunMetadata }
  | { type: 'error'; errorText: string }
type FinishReason = 'stop' | 'length' | 'error' | 'interrupted'

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
 * One run as one UIMessage, whose id is the run's. A turn is a step of it: `data-turn`, then its text. A `reset-step` takes back all of
 * the last step, so steps never overlap: turns that speak at the same time (a panel's) come in the order of the run.
 */
export class UiStream {
  readonly #order = new SpeechOrder()
  /** Whose step is open. */
  #turn: Began | undefined

  /** What a stream begins with; a client that has a message of this id begins it anew. */
  begin(run: RunView): UiChunk[] {
    return [{ type: 'start', messageId: run.id, messageMetadata: runMetadata(run) }]
  }

  take(step: RunStep): UiChunk[] {
    return this.#order.take(step).flatMap((speech) => this.#write(speech))
  }

  #write(speech: Speech): UiChunk[] {
    switch (speech.type) {
      case 'speech.began': {
        const isAgain = this.#turn?.turn === speech.turn
        const before = isAgain ? [] : this.#finishStep()
        this.#turn = speech
        const opened: UiChunk[] = isAgain ? [] : [{ type: 'start-step' }]
        return [...before, ...opened, dataOf(speech), { type: 'text-start', id: textId(speech) }]
      }
      case 'speech.text':
        return [{ type: 'text-delta', id: textId(speech), delta: speech.text }]
      case 'speech.void':
        return [{ type: 'reset-step' }]
      case 'speech.ended': {
        const told: UiChunk[] = this.#turn ? [dataOf(this.#turn, speech)] : []
        return [{ type: 'text-end', id: textId(speech) }, ...told, ...this.#finishStep()]
      }
      case 'run.ended':
        return [...this.#finishStep(), ...endOf(speech.run)]
    }
  }

  #finishStep(): UiChunk[] {
    const isOpen = this.#turn !== undefined
    this.#turn = undefined
    return isOpen ? [{ type: 'finish-step' }] : []
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

const textId = ({ turn, attempt }: { turn: number; attempt: number }): string => `${turn}.${attempt}`

const dataOf = (began: Began, ended?: Extract<Speech, { type: 'speech.ended' }>): UiChunk => ({
  type: 'data-turn',
  id: String(began.turn),
  data: turnData(began, ended?.message),
})
