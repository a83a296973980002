import type { MessageView, RunView } from '../contract/views.ts'
import type { AskedCall, RunStep } from './run-script.ts'
import type { TurnCall } from './turn-calls.ts'

/** What is said in a run, one speaker after the other: for protocols in which nobody speaks beside somebody else. */
export type Speech =
  | { type: 'speech.began'; turn: number; attempt: number; agentId: string; agentName: string }
  /** `offset` counts UTF-16 units since the speech began. */
  | { type: 'speech.text'; turn: number; attempt: number; offset: number; text: string }
  | { type: 'speech.tool'; turn: number; attempt: number; call: TurnCall }
  /** What this turn said since it began, and its calls, count no more; it may begin again. */
  | { type: 'speech.void'; turn: number; attempt: number }
  | { type: 'speech.ended'; turn: number; attempt: number; message: MessageView }
  | { type: 'run.waits'; run: RunView; asked: AskedCall[] }
  | { type: 'run.ended'; run: RunView }

interface Waiting {
  began: Extract<RunStep, { type: 'turn.began' }> | undefined
  /** What did not go out yet: words, and calls between them. */
  rest: Array<string | TurnCall>
  /** UTF-16 units that went out; undefined before this speech was begun. */
  sent: number | undefined
  message: MessageView | undefined
  isOver: boolean
}

const nothing = (): Waiting => ({ began: undefined, rest: [], sent: undefined, message: undefined, isOver: false })

/**
 * Puts the turns of a run into their order. Only the first turn that is not over is passed on as it speaks; what turns behind it say
 * meanwhile waits for its end. A turn says no more than was held for it, so that this is bounded.
 */
export class SpeechOrder {
  readonly #turns = new Map<number, Waiting>()
  #current = 0

  take(step: RunStep): Speech[] {
    if (step.type === 'run.updated') return []
    if (step.type === 'run.waits') return [step]
    if (step.type === 'run.ended') return [...this.#rest(), { type: 'run.ended', run: step.run }]
    const turn = this.#turns.get(step.turn) ?? nothing()
    this.#turns.set(step.turn, turn)
    const out: Speech[] = []
    if (step.type === 'turn.began') {
      if (turn.sent !== undefined) out.push(voided(step.turn, turn))
      Object.assign(turn, { ...nothing(), began: step })
    } else if (step.type === 'turn.text') addText(turn.rest, step.text)
    else if (step.type === 'turn.tool') turn.rest.push(step.call)
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
  const { began, message, isOver } = turn
  const out: Speech[] = []
  // Of a turn that came to nothing, nothing is begun.
  if (began && (message || !isOver) && turn.rest.length > 0) {
    const { attempt, agentId, agentName } = began
    if (turn.sent === undefined) out.push({ type: 'speech.began', turn: index, attempt, agentId, agentName })
    let offset = turn.sent ?? 0
    for (const one of turn.rest.splice(0)) {
      if (typeof one !== 'string') out.push({ type: 'speech.tool', turn: index, attempt, call: one })
      else {
        out.push({ type: 'speech.text', turn: index, attempt, offset, text: one })
        offset += one.length
      }
    }
    turn.sent = offset
  }
  if (!isOver || !began) return out
  if (message) out.push({ type: 'speech.ended', turn: index, attempt: began.attempt, message })
  else if (turn.sent !== undefined) out.push(voided(index, turn))
  return out
}

/** Puts words behind words, so that what waits is as long as what was said. */
function addText(rest: Waiting['rest'], text: string): void {
  const last = rest.at(-1)
  if (typeof last === 'string') rest[rest.length - 1] = last + text
  else rest.push(text)
}
