/** What came of renewing one lease. `busy`: not now, but it still runs. */
export type Renewal = 'renewed' | 'busy' | 'lost'

export interface LeaseKeeperOptions<L> {
  /** Renews leases for so many ms and answers each. May throw while the database is away. */
  renew: (leases: L[], leaseMs: number) => Promise<Map<L, Renewal>>
  leaseMs: number
  /** Called with what a renewal threw. */
  onTrouble: (error: unknown) => void
}

interface Kept {
  /** When it runs out, by `performance.now()`. */
  until: number
  onLost: () => void
}

/** What a process stands still, it adds so many times to the leases that it asks for. */
const LAG_TIMES = 3
/** So many leases a process keeps at the usual length; more than these take it longer to look after. */
const USUAL_LEASES = 64
/** It asks for at most so many times the usual. */
const LONGEST = 8

/**
 * Keeps the leases of what this process works on: renews them together at a third of their time. A lease is lost when a renewal
 * says so, or when none was granted for as long as it lasts (another may have the work by now). A process that has more to do than
 * it can renews late; it asks for longer leases then, lest all of its work is taken from it, again and again, by others or itself.
 */
export class LeaseKeeper<L> {
  readonly #options: LeaseKeeperOptions<L>
  readonly #kept = new Map<L, Kept>()
  #timer: NodeJS.Timeout | undefined
  /** How late this process has been of late, in ms. */
  #lagMs = 0
  /** When the next renewal is due, by `performance.now()`. */
  #dueAt = Number.POSITIVE_INFINITY

  constructor(options: LeaseKeeperOptions<L>) {
    this.#options = options
  }

  /** How long a lease to ask for now, in ms: longer than usual while this process is late, or keeps very many. */
  get wantedMs(): number {
    const { leaseMs } = this.#options
    const lagMs = Math.max(this.#lagMs, performance.now() - this.#dueAt)
    const wantedMs = Math.max(leaseMs + LAG_TIMES * lagMs, (leaseMs * this.#kept.size) / USUAL_LEASES)
    return Math.round(Math.min(wantedMs, leaseMs * LONGEST))
  }

  /** Keeps a lease that was just taken for `leaseMs`, until it is released; calls `onLost` at most once. */
  keep(lease: L, leaseMs: number, onLost: () => void): { release: () => void } {
    this.#kept.set(lease, { until: performance.now() + leaseMs, onLost })
    this.#schedule()
    return { release: () => void this.#kept.delete(lease) }
  }

  #schedule(): void {
    if (this.#timer || this.#kept.size === 0) return
    const waitMs = this.#options.leaseMs / 3
    this.#dueAt = performance.now() + waitMs
    this.#timer = setTimeout(async () => {
      this.#lagMs = Math.max(performance.now() - this.#dueAt, this.#lagMs * 0.8)
      this.#dueAt = Number.POSITIVE_INFINITY
      await this.#renewAll()
      this.#timer = undefined
      this.#schedule()
    }, waitMs)
  }

  async #renewAll(): Promise<void> {
    if (this.#kept.size === 0) return
    const { renew, leaseMs, onTrouble } = this.#options
    const { wantedMs } = this
    const asked = [...this.#kept.entries()]
    const askedAt = performance.now()
    const renewed = new Set<L>()
    // A database that does not answer at all: what runs out meanwhile is lost, and the next renewal is not waited for. One that was
    // asked late, by a process that stood still, is given time to say that nobody else has the work.
    const first = Math.min(...asked.map(([, { until }]) => until))
    const late = new Lateness(Math.max(leaseMs / 3, first - askedAt))
    try {
      const renewing = renew(
        asked.map(([lease]) => lease),
        wantedMs,
      )
      renewing.catch(() => {})
      const answers = await Promise.race([renewing, late.promise])
      for (const [lease, kept] of asked) {
        const answer = answers && (answers.get(lease) ?? 'lost')
        if (answer === 'lost') this.#lose(lease, kept)
        if (answer !== 'renewed') continue
        kept.until = askedAt + wantedMs
        renewed.add(lease)
      }
    } catch (error) {
      onTrouble(error)
    } finally {
      late.cancel()
    }
    const now = performance.now()
    for (const [lease, kept] of asked) if (!renewed.has(lease) && now >= kept.until) this.#lose(lease, kept)
  }

  #lose(lease: L, { onLost }: Kept): void {
    if (this.#kept.delete(lease)) onLost()
  }
}

/** Resolves after so many ms, behind whatever has arrived by then and has not been read yet. */
class Lateness {
  readonly promise: Promise<undefined>
  readonly #timer: NodeJS.Timeout

  constructor(ms: number) {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.promise = promise
    this.#timer = setTimeout(() => setImmediate(() => setImmediate(resolve, undefined)), ms)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }
}
