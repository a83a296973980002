/** How many may be in at once: of one key (a user, a network), and in all; as many as want to where that is not said. */
export interface SeatLimits {
  each: number
  all?: number
}

/** Why there is no seat: this key has all of its own, or there is none left for anybody. */
export type NoSeat = 'each' | 'all'

/** Counts what is under way in this process, by who asked for it. */
export class Seats {
  readonly #limits: Required<SeatLimits>
  readonly #taken = new Map<string, number>()
  #all = 0

  constructor(limits: SeatLimits) {
    this.#limits = { all: Number.POSITIVE_INFINITY, ...limits }
  }

  /** Seats that are taken. */
  get size(): number {
    return this.#all
  }

  /** Whether `take` would find one. */
  isFree(key: string): boolean {
    return this.#all < this.#limits.all && (this.#taken.get(key) ?? 0) < this.#limits.each
  }

  /** A function that gives the seat back (once, however often it is called), or why there is none. */
  take(key: string): (() => void) | NoSeat {
    const taken = this.#taken.get(key) ?? 0
    if (taken >= this.#limits.each) return 'each'
    if (this.#all >= this.#limits.all) return 'all'
    this.#taken.set(key, taken + 1)
    this.#all++
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#all--
      const left = (this.#taken.get(key) ?? 1) - 1
      if (left > 0) this.#taken.set(key, left)
      else this.#taken.delete(key)
    }
  }
}
