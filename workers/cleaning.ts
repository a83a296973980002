import type { Container } from '../src/container.ts'
import { withAdvisoryLock } from '../src/database/advisory-lock.ts'
import { repeat } from '../src/shared/repeat.ts'
import { takeSteps } from '../src/shared/steps.ts'

/** What has become useless is deleted this often, in ms. */
const CLEANING_INTERVAL_MS = 3_600_000
/** Cleaning that takes longer has lost its lock to a process that does the same, in ms. */
const CLEANING_MS = 600_000

/** Deletes what has become useless, each kind by itself. Answers what failed; it is tried again an hour later. */
export function clean(container: Container, isStopped: () => boolean = () => false): Promise<string[]> {
  const { retention, guestService, erasures, breakers, storage, webhookDeliveries, logger } = container
  return takeSteps(
    [
      ['what was kept long enough', () => retention.round(isStopped)],
      ['guests who are not seen any more', () => guestService.sweep(isStopped)],
      ['networks of erased users', () => erasures.eraseNetworks()],
      ['breakers', () => breakers.prune()],
      ['effort with files', () => storage.work.pruneEffort()],
      ['deliveries of webhooks that are off', () => webhookDeliveries.endOfDisabled()],
    ],
    (error, what) => logger.error({ err: error, what }, 'cleaning failed'),
  )
}

/** Cleans again and again, in one process at a time, until stopped: between two batches, or else after the step under way. */
export function startCleaning(container: Container): { stop: () => Promise<void> } {
  const { db, logger } = container
  let isStopped = false
  const cleaning = repeat(
    'cleaning',
    CLEANING_INTERVAL_MS,
    () => withAdvisoryLock(db, 'cleaning', () => clean(container, () => isStopped), CLEANING_MS),
    logger,
  )
  return {
    stop: () => {
      isStopped = true
      return cleaning.stop()
    },
  }
}
