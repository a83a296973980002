/** So many names are kept before those that nothing is left of are forgotten. */
const SWEPT_AT = 1_000

/**
 * How much each had lately: what is noted drains away at a steady rate, and never counts for more than `most`, so that nobody pays
 * for long.
 */
export class Lately {
  readonly #perSecond: number
  readonly #most: number
  readonly #now: () => number
  readonly #levels = new Map<string, { level: number; at: number }>()
  #sweptAt = SWEPT_AT

  /** `perSecond` is what drains away, `most` the most that counts; `now` is in ms. */
  constructor({
    perSecond,
    most,
    now = () => performance.now(),
  }: { perSecond: number; most: number; now?: () => number }) {
    this.#perSecond = perSecond
    this.#most = most
    this.#now = now
  }

  of(who: string): number {
    const known = this.#levels.get(who)
    return known ? Math.max(0, known.level - ((this.#now() - known.at) / 1_000) * this.#perSecond) : 0
  }

  note(who: string, amount: number): void {
    this.#levels.set(who, { level: Math.min(this.#most, this.of(who) + amount), at: this.#now() })
    if (this.#levels.size < this.#sweptAt) return
    for (const name of this.#levels.keys()) if (this.of(name) === 0) this.#levels.delete(name)
    this.#sweptAt = Math.max(SWEPT_AT, this.#levels.size * 2)
  }
}
