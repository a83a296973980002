import { type CallPrice, holdForMore } from '../../src/credits/hold-size.ts'

/** Words take fewer bytes of UTF-8 for each token, near enough: what is beyond is of a provider that keeps no limit. */
const MOST_BYTES_PER_TOKEN = 6

/** Whose end was reached: that of the user's credits, or of what the run may spend (`maxCredits`). */
export type Exhausted = 'credits_exhausted' | 'max_credits'

interface RollingHoldOptions {
  terms: CallPrice
  /** Output tokens that are held already: those that the provider was allowed. */
  limitTokens: number
  /** Each extension adds as many at least. */
  sliceTokens: number
  /** Raises the hold; counts from 1. */
  extend: (step: number, amount: bigint) => Promise<'held' | 'resolved' | Exhausted>
  /** Credits do not reach any further: the turn is to stop. Not called once the speech has ended. */
  onExhausted: (what: Exhausted) => void
}

/**
 * What an answer may cost is held before its request, and the request allows the provider no more. A provider that goes on
 * beyond that is seen to: the hold rolls along with its words as far as credits reach, and then they are cut off. Extensions are
 * never awaited by the stream.
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
    this.#covered = options.limitTokens
  }

  /** Output tokens that are held by now: nothing is believed, and nothing charged, beyond them. */
  get coveredTokens(): number {
    return this.#covered
  }

  /** Notes output as it comes. */
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
    const missing = Math.ceil(this.#bytes / MOST_BYTES_PER_TOKEN) - this.#covered
    if (missing > 0) this.#extend(missing)
  }

  #extend(missing: number): void {
    if (this.#extending || this.#isOver) return
    const { terms, sliceTokens } = this.#options
    const tokens = Math.max(missing, sliceTokens)
    const amount = holdForMore(terms, tokens)
    const extension = amount === 0n ? Promise.resolve('held' as const) : this.#options.extend(++this.#steps, amount)
    let isHeld = false
    this.#extending = extension
      .then((outcome) => {
        isHeld = outcome === 'held'
        if (outcome === 'held') this.#covered += tokens
        else if (outcome === 'resolved') this.#isOver = true
        else if (!this.#isOver) this.#options.onExhausted(outcome)
      })
      // An extension that failed for another reason is tried again with the next words.
      .catch(() => {})
      .finally(() => {
        this.#extending = undefined
        // Words may have come faster than they were held for.
        if (isHeld) this.#reach()
      })
  }
}
