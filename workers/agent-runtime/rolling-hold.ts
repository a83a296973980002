import { costOf, type PriceVersion } from '../../src/credits/pricing.ts'
import type { TokenUsage } from '../../src/credits/usage.ts'

/** Bytes of UTF-8 that make a token at the most, near enough: English has about four, so this reserves a little early. */
const BYTES_PER_TOKEN = 3

const NO_USAGE: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: true,
}

/** Whose end was reached: that of the user's credits, or of what the run may spend (`maxCredits`). */
export type Exhausted = 'credits_exhausted' | 'max_credits'

interface RollingHoldOptions {
  price: PriceVersion
  ratePpm: bigint
  inputTokens: number
  /** Output tokens that the first hold covers, and each extension adds. */
  sliceTokens: number
  maxOutputTokens: number
  /** Raises the hold; counts from 1. */
  extend: (step: number, amount: bigint) => Promise<'held' | 'resolved' | Exhausted>
  /** Credits do not reach any further: the turn is to stop. Not called once the speech has ended. */
  onExhausted: (what: Exhausted) => void
}

/**
 * A hold that starts small and is extended ahead of need while the text streams, so that neither a worst case that never
 * comes blocks a turn, nor a long answer overruns the balance. Extensions are never awaited by the stream.
 */
export class RollingHold {
  readonly #options: RollingHoldOptions
  #covered: number
  #bytes = 0
  #steps = 0
  #extending: Promise<void> | undefined
  #isOver = false

  constructor(options: RollingHoldOptions) {
    this.#options = options
    this.#covered = Math.min(options.sliceTokens, options.maxOutputTokens)
  }

  /** What the first hold must cover: the prompt and the first slice. */
  get firstAmount(): bigint {
    const { price, inputTokens } = this.#options
    return this.#cost(price, { inputTokens, outputTokens: this.#covered })
  }

  /** Notes output as it comes; asks for more when half a slice is left. */
  spoke(text: string): void {
    this.#bytes += Buffer.byteLength(text)
    this.#reach()
  }

  /** Ends the extending; resolves when none is under way, so settle after it. Never rejects. */
  async settled(): Promise<void> {
    this.#isOver = true
    await this.#extending
  }

  #reach(): void {
    const left = this.#covered - this.#bytes / BYTES_PER_TOKEN
    if (left < this.#options.sliceTokens / 2 && this.#covered < this.#options.maxOutputTokens) this.#extend()
  }

  #extend(): void {
    if (this.#extending || this.#isOver) return
    const { price, sliceTokens } = this.#options
    // The fee per call is in the first hold.
    const amount = this.#cost({ ...price, perCall: 0n }, { outputTokens: sliceTokens })
    const extension = amount === 0n ? Promise.resolve('held' as const) : this.#options.extend(++this.#steps, amount)
    let isHeld = false
    this.#extending = extension
      .then((outcome) => {
        isHeld = outcome === 'held'
        if (outcome === 'held') this.#covered += this.#options.sliceTokens
        else if (outcome === 'resolved') this.#isOver = true
        else if (!this.#isOver) this.#options.onExhausted(outcome)
      })
      // An extension that failed for another reason is tried again with the next words; settlement takes what is missing.
      .catch(() => {})
      .finally(() => {
        this.#extending = undefined
        // Words may have come faster than one slice.
        if (isHeld) this.#reach()
      })
  }

  #cost(price: PriceVersion, part: Partial<TokenUsage>): bigint {
    const usage = { ...NO_USAGE, ...part }
    // Reasoning may cost more than words, and nobody knows yet which of them will come.
    const asReasoning = { ...usage, outputTokens: 0, reasoningTokens: usage.outputTokens }
    const asWords = costOf(price, usage, this.#options.ratePpm)
    const asThoughts = costOf(price, asReasoning, this.#options.ratePpm)
    return asWords > asThoughts ? asWords : asThoughts
  }
}
