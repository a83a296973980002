import { AppError } from '../../shared/errors.ts'
import type { Speech } from '../speech-order.ts'
import { BETWEEN_SPEAKERS, speakerLabel } from './chat-history.ts'

/**
 * What is said in a run as one text that can only grow, as chat completions have it.
 *
 * While an agent speaks, its words go out at once. Should it have to begin anew (its worker died, its provider broke off), the new
 * words are compared with those that went out: while they are the same nothing is sent, and behind them it goes on. Where they differ,
 * no client could be told; then it is said that they do, so that nobody keeps a text that the conversation does not have. With
 * `wholeTurns`, words go out when their turn is settled: later, and never to be taken back.
 */
export class GrowingText {
  readonly #namesSpeakers: boolean
  readonly #wholeTurns: boolean
  #turn = -1
  #isFirst = true
  /** What of this turn went out, and what it says now. */
  #sent = ''
  #said = ''

  constructor(options: { namesSpeakers: boolean; wholeTurns: boolean }) {
    this.#namesSpeakers = options.namesSpeakers
    this.#wholeTurns = options.wholeTurns
  }

  /** What is to be sent now. @throws AppError `run.said_anew` */
  take(speech: Speech): string {
    switch (speech.type) {
      case 'speech.began': {
        if (speech.turn === this.#turn) {
          this.#said = ''
          return ''
        }
        this.#requireAllKept()
        this.#turn = speech.turn
        this.#sent = ''
        this.#said = ''
        return this.#wholeTurns ? '' : this.#opening(speech.agentName)
      }
      case 'speech.text':
        this.#said += speech.text
        return this.#wholeTurns ? '' : this.#goOn()
      case 'speech.ended': {
        this.#said = speech.message.content
        if (this.#wholeTurns) return this.#opening(speech.message.agentName ?? '') + this.#goOn()
        const rest = this.#goOn()
        this.#requireAllKept()
        return rest
      }
      case 'speech.void':
        this.#said = ''
        return ''
      case 'run.ended':
        if (speech.run.status !== 'failed') this.#requireAllKept()
        return ''
    }
  }

  #opening(name: string): string {
    const between = this.#isFirst ? '' : BETWEEN_SPEAKERS
    this.#isFirst = false
    return between + (this.#namesSpeakers ? speakerLabel(name) : '')
  }

  #goOn(): string {
    if (this.#sent.startsWith(this.#said)) return ''
    if (!this.#said.startsWith(this.#sent)) throw new AppError('run.said_anew')
    const rest = this.#said.slice(this.#sent.length)
    this.#sent = this.#said
    return rest
  }

  /** What went out of the last turn is what it said. */
  #requireAllKept(): void {
    if (this.#sent !== this.#said) throw new AppError('run.said_anew')
  }
}
