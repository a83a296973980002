import { z } from 'zod'
import type { MockLlm, MockReply, MockRequest, MockToolCall } from '../support/mock-llm.ts'
import { isDecision } from '../workers/party-world.ts'

export const NAMES = ['Ada', 'Blaise', 'Clara'] as const
const WORDS = ['tea', 'coffee', 'naïve', '🫖', 'a 👩‍🚀 in 東京', 'übermorgen', 'why not', 'quite so,', 'ЧАЙ']

/** Of the speeches of an agent with tools, so many ask for some. */
const TOOL_SHARE = 0.3
/** The tools of a request on the wires of OpenAI, by name. */
const named = z.object({ name: z.string() })
const offer = z.object({
  tools: z
    .array(
      z
        .union([named, z.object({ function: named })])
        .transform((one) => ('name' in one ? one.name : one.function.name)),
    )
    .default([]),
  tool_choice: z.unknown().optional(),
})

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
      toolCalls: (request) => this.#calls(request),
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

  /** One or two of the tools that are offered, now and then. */
  #calls({ body }: MockRequest): MockToolCall[] | undefined {
    const { tools, tool_choice: choice } = offer.parse(body)
    if (tools.length === 0 || choice === 'none' || this.#random() > TOOL_SHARE) return undefined
    const count = this.#random() < 0.3 ? 2 : 1
    return Array.from({ length: count }, () => ({
      name: this.#one(tools) ?? '',
      arguments: { text: `note ${this.#serial++}` },
    }))
  }

  #decision(): string {
    return JSON.stringify({ done: false, handBackToUser: false, next: this.#one(NAMES), reason: 'It fits.' })
  }

  #one<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)]
  }
}
