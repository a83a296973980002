import { Lately } from '../src/shared/lately.ts'

/** Who was let in is remembered for about as many seconds as times, up to so many. */
const REMEMBERED = { perSecond: 1, most: 60 }

/**
 * Lets so many through at once; of those who wait, whoever has the fewest inside comes next, among them who was let in the least
 * lately, and then who has waited longest. Many turns that begin at one moment would else keep the event loop from anything else, the renewal of the leases of
 * those that began before among it; and a user's many turns would keep another's one waiting.
 *
 * @example
 * const leave = await turnstile.pass(userId)
 * try { await begin() } finally { leave() }
 */
export class Turnstile {
  /** By who waits, in the order of who was let in longest ago. */
  readonly #waiting = new Map<string, (() => void)[]>()
  readonly #inside = new Map<string, number>()
  readonly #entered: Lately
  #free: number

  constructor(places: number, now?: () => number) {
    this.#free = places
    this.#entered = new Lately({ ...REMEMBERED, ...(now && { now }) })
  }

  /** Resolves with how to leave, which may be called more than once. */
  async pass(who = ''): Promise<() => void> {
    if (this.#free > 0) {
      this.#free -= 1
      this.#enter(who)
    } else await this.#wait(who)
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      this.#leave(who)
    }
  }

  #wait(who: string): Promise<void> {
    return new Promise<void>((resolve) => {
      const queue = this.#waiting.get(who)
      if (queue) queue.push(resolve)
      else this.#waiting.set(who, [resolve])
    })
  }

  #enter(who: string): void {
    this.#inside.set(who, (this.#inside.get(who) ?? 0) + 1)
    this.#entered.note(who, 1)
  }

  #leave(who: string): void {
    const left = (this.#inside.get(who) ?? 1) - 1
    if (left > 0) this.#inside.set(who, left)
    else this.#inside.delete(who)
    const next = this.#next()
    if (next === undefined) {
      this.#free += 1
      return
    }
    const queue = this.#waiting.get(next) ?? []
    const resolve = queue.shift()
    this.#waiting.delete(next)
    if (queue.length > 0) this.#waiting.set(next, queue)
    this.#enter(next)
    resolve?.()
  }

  #next(): string | undefined {
    let best: { who: string; inside: number; entered: number } | undefined
    for (const who of this.#waiting.keys()) {
      const inside = this.#inside.get(who) ?? 0
      const entered = this.#entered.of(who)
      if (!best || inside < best.inside || (inside === best.inside && entered < best.entered)) {
        best = { who, inside, entered }
      }
    }
    return best?.who
  }
}
