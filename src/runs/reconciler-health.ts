/** How the reconciler of this process fares. */
export class ReconcilerHealth {
  /** Rounds that failed, in all, since the process began: for a metric. */
  failures = 0
  /** What the last failed round failed at; undefined while the last one went well. */
  reason: string | undefined
  #failingSince: number | undefined

  /** A round ended; `reason` says what of it failed, if anything did. */
  ended(reason: string | undefined): void {
    this.reason = reason
    if (reason === undefined) {
      this.#failingSince = undefined
      return
    }
    this.failures += 1
    this.#failingSince ??= performance.now()
  }

  /** Since when every round failed, in ms; 0 when the last one went well. A round that another worker did went well. */
  failingForMs(): number {
    return this.#failingSince === undefined ? 0 : performance.now() - this.#failingSince
  }
}
