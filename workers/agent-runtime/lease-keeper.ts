import { ClaimLost, type TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnClaims } from '../../src/runs/turn-claims.ts'
import type { Logger } from '../../src/shared/logger.ts'
import type { TurnStop } from './turn-stop.ts'

interface LeaseOptions {
  claims: Pick<TurnClaims, 'renew'>
  claim: TurnClaim
  stop: TurnStop
  leaseMs: number
  /** Called with each renewal. */
  onRenewed: () => void
  logger: Logger
}

/**
 * Renews a turn's lease at a third of its time until released. Stops the turn when the claim was lost, when it could not be
 * renewed for as long as the lease lasts (another may have the turn by now), or when the user asked to cancel.
 */
export function keepLease({ claims, claim, stop, leaseMs, onRenewed, logger }: LeaseOptions): { release: () => void } {
  let renewedAt = performance.now()
  let timer: NodeJS.Timeout
  const renew = async () => {
    const askedAt = performance.now()
    // A database that does not answer at all.
    const lapse = setTimeout(() => stop.stop('lost'), Math.max(leaseMs / 3, renewedAt + leaseMs - askedAt))
    try {
      const { cancelRequested } = await claims.renew(claim)
      renewedAt = askedAt
      onRenewed()
      if (cancelRequested) stop.stop('cancel')
    } catch (error) {
      if (error instanceof ClaimLost) stop.stop('lost')
      else logger.warn({ err: error, runId: claim.runId, turn: claim.turn }, 'a lease could not be renewed')
      if (performance.now() - renewedAt > leaseMs) stop.stop('lost')
    } finally {
      clearTimeout(lapse)
    }
    if (!released) timer = setTimeout(renew, leaseMs / 3)
  }
  let released = false
  timer = setTimeout(renew, leaseMs / 3)
  return {
    release: () => {
      released = true
      clearTimeout(timer)
    },
  }
}
