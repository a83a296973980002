/**
 * Lets so many through at once, in their order. Many turns that begin at one moment would else keep the event loop from anything
 * else, the renewal of the leases of those that began before among it.
 *
 * @example
 * const leave = await turnstile.pass()
 * try { await begin() } finally { leave() }
 */
export class Turnstile {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(places: number) {
    this.#free = places
  }

  /** Resolves with how to leave, which may be called more than once. */
  async pass(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
  }
}
