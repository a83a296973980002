/** How long a provider may say nothing at all, in milliseconds. */
export interface SilenceLimits {
  /** Before the headers of its answer (PROVIDER_FIRST_BYTE_MS). Models that think send them at once. */
  PROVIDER_FIRST_BYTE_MS: number
  /** From then on (PROVIDER_IDLE_TIMEOUT_MS). */
  PROVIDER_IDLE_TIMEOUT_MS: number
}

/** Listens to one call, and says once when it has been silent for too long. */
export class Silence {
  readonly #limits: SilenceLimits
  readonly #onTooLong: () => void
  #timer: NodeJS.Timeout
  #isAnswered = false

  constructor(limits: SilenceLimits, onTooLong: () => void) {
    this.#limits = limits
    this.#onTooLong = onTooLong
    this.#timer = setTimeout(onTooLong, Math.min(limits.PROVIDER_FIRST_BYTE_MS, limits.PROVIDER_IDLE_TIMEOUT_MS))
  }

  /** The same fetch; each request that it sends (a dialect may need two) has the time that a first one has. */
  watch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (...request) => {
      if (this.#isAnswered) this.#restart(this.#limits.PROVIDER_FIRST_BYTE_MS)
      this.#isAnswered = false
      const response = await fetch(...request)
      this.broken()
      return response
    }
  }

  /** Something came. */
  broken(): void {
    if (this.#isAnswered) this.#timer.refresh()
    else this.#restart(this.#limits.PROVIDER_IDLE_TIMEOUT_MS)
    this.#isAnswered = true
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #restart(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#onTooLong, ms)
  }
}
