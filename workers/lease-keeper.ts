/** What came of renewing one lease. `busy`: not now, but it still runs. */
export type Renewal = 'renewed' | 'busy' | 'lost'

export interface LeaseKeeperOptions<L> {
  /** Renews leases and answers each. May throw while the database is away. */
  renew: (leases: L[]) => Promise<Map<L, Renewal>>
  leaseMs: number
  /** Called with what a renewal threw. */
  onTrouble: (error: unknown) => void
}

interface Kept {
  /** By `performance.now()`, when the renewal was asked for that was granted last. */
  renewedAt: number
  onLost: () => void
}

/**
 * Keeps the leases of what this process works on: renews them together at a third of their time. A lease is lost when a renewal
 * says so, or when none was granted for as long as it lasts (another may have the work by now).
 */
export class LeaseKeeper<L> {
  readonly #options: LeaseKeeperOptions<L>
  readonly #kept = new Map<L, Kept>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: LeaseKeeperOptions<L>) {
    this.#options = options
  }

  /** Keeps a lease that was just taken, until it is released; calls `onLost` at most once. */
  keep(lease: L, onLost: () => void): { release: () => void } {
    this.#kept.set(lease, { renewedAt: performance.now(), onLost })
    this.#schedule()
    return { release: () => void this.#kept.delete(lease) }
  }

  #schedule(): void {
    if (this.#timer || this.#kept.size === 0) return
    this.#timer = setTimeout(async () => {
      await this.#renewAll()
      this.#timer = undefined
      this.#schedule()
    }, this.#options.leaseMs / 3)
  }

  async #renewAll(): Promise<void> {
    if (this.#kept.size === 0) return
    const { renew, leaseMs, onTrouble } = this.#options
    const asked = [...this.#kept.entries()]
    const askedAt = performance.now()
    // A database that does not answer at all: what runs out meanwhile is lost, and the next renewal is not waited for. One that was
    // asked late, by a process that stood still, is given time to say that nobody else has the work.
    const late = Promise.withResolvers<undefined>()
    const first = Math.min(...asked.map(([, { renewedAt }]) => renewedAt))
    const timer = setTimeout(late.resolve, Math.max(leaseMs / 3, first + leaseMs - askedAt), undefined)
    try {
      const renewing = renew(asked.map(([lease]) => lease))
      renewing.catch(() => {})
      const answers = await Promise.race([renewing, late.promise])
      for (const [lease, kept] of asked) {
        const answer = answers && (answers.get(lease) ?? 'lost')
        if (answer === 'renewed') kept.renewedAt = askedAt
        if (answer === 'lost') this.#lose(lease, kept)
      }
    } catch (error) {
      onTrouble(error)
    } finally {
      clearTimeout(timer)
    }
    for (const [lease, kept] of asked) if (performance.now() - kept.renewedAt >= leaseMs) this.#lose(lease, kept)
  }

  #lose(lease: L, { onLost }: Kept): void {
    if (this.#kept.delete(lease)) onLost()
  }
}
