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
  /** What of this turn went out. */
  #sent = ''
  /** UTF-16 units of what its attempt says now, all of which are as they went out. */
  #said = 0

  constructor(options: { namesSpeakers: boolean; wholeTurns: boolean }) {
    this.#namesSpeakers = options.namesSpeakers
    this.#wholeTurns = options.wholeTurns
  }

  /** What is to be sent now. @throws AppError `run.said_anew` */
  take(speech: Speech): string {
    switch (speech.type) {
      case 'speech.began': {
        if (speech.turn !== this.#turn) this.#requireAllKept()
        this.#said = 0
        if (speech.turn === this.#turn) return ''
        this.#turn = speech.turn
        this.#sent = ''
        return this.#wholeTurns ? '' : this.#opening(speech.agentName)
      }
      case 'speech.text':
        return this.#wholeTurns ? '' : this.#goOn(speech.text)
      case 'speech.ended': {
        const { content, agentName } = speech.message
        if (this.#wholeTurns) return this.#opening(agentName ?? '') + content
        this.#requireAllKept()
        return ''
      }
      case 'speech.tool':
      case 'run.waits':
        return ''
      case 'speech.void':
        this.#said = 0
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

  #goOn(text: string): string {
    const again = this.#sent.slice(this.#said, this.#said + text.length)
    if (!text.startsWith(again)) throw new AppError('run.said_anew')
    this.#said += text.length
    const rest = text.slice(again.length)
    this.#sent += rest
    return rest
  }

  /** What went out of the last turn is what it said. */
  #requireAllKept(): void {
    if (this.#sent.length !== this.#said) throw new AppError('run.said_anew')
  }
}
