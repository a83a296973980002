/** Sends of this process are counted over windows of this length, in ms. */
const WINDOW_MS = 100
/** Below so many sends in a window the process has time to spare: words go out as they come. */
const QUIET_SENDS = 10
/** Above so many, each pause doubles: what waits is merged, and all of it goes out together. */
const CROWDED_SENDS = 120

/**
 * When live words go out: at once while few are speaking, else at the next tick, which all speakers of a process share, so that
 * what they send at a tick is one write to the feed's connection.
 */
export class LivePace {
  readonly #tickMs: number
  readonly #now: () => number
  #window = 0
  #sends = 0
  #sendsBefore = 0

  /** `tickMs`: LIVE_TICK_MS. `now` is in ms. */
  constructor(tickMs: number, now: () => number = () => performance.now()) {
    this.#tickMs = tickMs
    this.#now = now
  }

  /** Notes that something goes out. */
  sent(): void {
    this.#turn()
    this.#sends += 1
  }

  /** Milliseconds until words that have come now should go out; 0 is at once. */
  delayMs(): number {
    this.#turn()
    const sends = Math.max(this.#sends, this.#sendsBefore)
    if (sends < QUIET_SENDS) return 0
    const tickMs = sends > CROWDED_SENDS ? this.#tickMs * 2 : this.#tickMs
    return tickMs - (this.#now() % tickMs)
  }

  #turn(): void {
    const window = Math.floor(this.#now() / WINDOW_MS)
    if (window === this.#window) return
    this.#sendsBefore = window === this.#window + 1 ? this.#sends : 0
    this.#sends = 0
    this.#window = window
  }
}
