import type { MessageView, RunView } from '../contract/views.ts'
import type { RunStep } from './run-script.ts'

/** What is said in a run, one speaker after the other: for protocols in which nobody speaks beside somebody else. */
export type Speech =
  | { type: 'speech.began'; turn: number; attempt: number; agentId: string; agentName: string }
  /** `offset` counts UTF-16 units since the speech began. */
  | { type: 'speech.text'; turn: number; attempt: number; offset: number; text: string }
  /** What this turn said since it began counts no more; it may begin again. */
  | { type: 'speech.void'; turn: number; attempt: number }
  | { type: 'speech.ended'; turn: number; attempt: number; message: MessageView }
  | { type: 'run.ended'; run: RunView }

interface Waiting {
  began: Extract<RunStep, { type: 'turn.began' }> | undefined
  /** What did not go out yet. */
  text: string
  /** UTF-16 units that went out; undefined before this speech was begun. */
  sent: number | undefined
  message: MessageView | undefined
  isOver: boolean
}

const nothing = (): Waiting => ({ began: undefined, text: '', sent: undefined, message: undefined, isOver: false })

/**
 * Puts the turns of a run into their order. Only the first turn that is not over is passed on as it speaks; what turns behind it say
 * meanwhile waits for its end. A turn says no more than was held for it, so that this is bounded.
 */
export class SpeechOrder {
  readonly #turns = new Map<number, Waiting>()
  #current = 0

  take(step: RunStep): Speech[] {
    if (step.type === 'run.updated') return []
    if (step.type === 'run.ended') return [...this.#rest(), { type: 'run.ended', run: step.run }]
    const turn = this.#turns.get(step.turn) ?? nothing()
    this.#turns.set(step.turn, turn)
    const out: Speech[] = []
    if (step.type === 'turn.began') {
      if (turn.sent !== undefined) out.push(voided(step.turn, turn))
      Object.assign(turn, { ...nothing(), began: step })
    } else if (step.type === 'turn.text') turn.text += step.text
    else if (step.type === 'turn.ended') {
      turn.isOver = true
      turn.message = step.message ?? undefined
    } else if (!step.willRetry) turn.isOver = true
    return [...out, ...this.#goOn()]
  }

  #goOn(): Speech[] {
    const out: Speech[] = []
    for (let turn = this.#turns.get(this.#current); turn; turn = this.#turns.get(this.#current)) {
      out.push(...spoken(this.#current, turn))
      if (!turn.isOver) break
      this.#turns.delete(this.#current)
      this.#current++
    }
    return out
  }

  /** At the run's end, what was not said to its end was not said. */
  #rest(): Speech[] {
    const out: Speech[] = []
    for (const [index, turn] of [...this.#turns].sort(([a], [b]) => a - b)) {
      if (turn.message || turn.sent !== undefined) out.push(...spoken(index, { ...turn, isOver: true }))
    }
    return out
  }
}

const voided = (turn: number, { began }: Waiting): Speech => ({
  type: 'speech.void',
  turn,
  attempt: began?.attempt ?? 1,
})

/** What of a turn has not gone out, with its end if it is over. */
function spoken(index: number, turn: Waiting): Speech[] {
  const { began, text, message, isOver } = turn
  const out: Speech[] = []
  // Of a turn that came to nothing, nothing is begun.
  if (began && (message || !isOver) && text !== '') {
    const { attempt, agentId, agentName } = began
    if (turn.sent === undefined) out.push({ type: 'speech.began', turn: index, attempt, agentId, agentName })
    const offset = turn.sent ?? 0
    out.push({ type: 'speech.text', turn: index, attempt, offset, text })
    turn.sent = offset + text.length
    turn.text = ''
  }
  if (!isOver || !began) return out
  if (message) out.push({ type: 'speech.ended', turn: index, attempt: began.attempt, message })
  else if (turn.sent !== undefined) out.push(voided(index, turn))
  return out
}
