import type { MockLlm, MockReply } from '../support/mock-llm.ts'
import { isDecision } from '../workers/party-world.ts'

export const NAMES = ['Ada', 'Blaise', 'Clara'] as const
const WORDS = ['tea', 'coffee', 'naïve', '🫖', 'a 👩‍🚀 in 東京', 'übermorgen', 'why not', 'quite so,', 'ЧАЙ']

/** What the provider does for a while. */
export const OUTAGES = ['429', '503', 'cut', 'in-band', 'silence'] as const
export type Outage = (typeof OUTAGES)[number]

/** Has the provider speak: each speech is another one, with characters of every width, and hands over to somebody. */
export class Speech {
  readonly #llm: MockLlm
  readonly #random: () => number
  #serial = 0

  constructor(llm: MockLlm, random: () => number) {
    this.#llm = llm
    this.#random = random
    this.#speak()
  }

  /** @returns what ends it */
  breakDown(outage: Outage): () => void {
    const speaking = this.#speaking()
    const hold = outage === 'silence' ? this.#llm.hold(3) : undefined
    if (outage === '429') this.#llm.reply({ status: 429, retryAfter: 1 })
    if (outage === '503') this.#llm.reply({ status: 503 })
    if (outage === 'cut') this.#llm.reply({ ...speaking, cutAfter: 4 })
    if (outage === 'in-band') this.#llm.reply({ ...speaking, errorAfter: 4 })
    if (hold) this.#llm.reply({ ...speaking, hold })
    return () => {
      hold?.release()
      this.#speak()
    }
  }

  #speak(): void {
    this.#llm.reply(this.#speaking())
  }

  #speaking(): MockReply {
    return {
      text: (request) => (isDecision(request) ? this.#decision() : this.#text()),
      paceMs: 15,
      chunkSize: 24,
    }
  }

  #text(): string {
    let said = `Speech ${this.#serial++}:`
    const length = 150 + 300 * this.#random()
    while (said.length < length) said += ` ${this.#one(WORDS)}`
    return `${said}. ${this.#one(NAMES)}, what do you say?`
  }

  #decision(): string {
    return JSON.stringify({ done: false, handBackToUser: false, next: this.#one(NAMES), reason: 'It fits.' })
  }

  #one<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)]
  }
}
