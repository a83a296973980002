/** How a lease on work is kept while the work goes on. */
export interface LeaseOptions {
  /** Renews it; false says that it was lost. May throw while the database is away. */
  renew: () => Promise<boolean>
  leaseMs: number
  /** Called once the lease is lost, or could not be renewed for as long as it lasts: another may have the work by now. */
  onLost: () => void
  /** Called with what a renewal threw. */
  onTrouble: (error: unknown) => void
}

/** Renews a lease at a third of its time until released. */
export function keepLease({ renew, leaseMs, onLost, onTrouble }: LeaseOptions): { release: () => void } {
  let renewedAt = performance.now()
  let timer: NodeJS.Timeout
  let released = false
  const next = async () => {
    const askedAt = performance.now()
    // A database that does not answer at all.
    const lapse = setTimeout(onLost, Math.max(leaseMs / 3, renewedAt + leaseMs - askedAt))
    try {
      if (await renew()) renewedAt = askedAt
      else onLost()
    } catch (error) {
      onTrouble(error)
      if (performance.now() - renewedAt > leaseMs) onLost()
    } finally {
      clearTimeout(lapse)
    }
    if (!released) timer = setTimeout(next, leaseMs / 3)
  }
  timer = setTimeout(next, leaseMs / 3)
  return {
    release: () => {
      released = true
      clearTimeout(timer)
    },
  }
}
