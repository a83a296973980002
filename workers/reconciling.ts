import type { Container } from '../src/container.ts'
import { withAdvisoryLock } from '../src/database/advisory-lock.ts'
import { Reconciler } from '../src/runs/reconciler.ts'
import { ReconcilerHealth } from '../src/runs/reconciler-health.ts'
import { messageOf } from '../src/shared/errors.ts'
import { repeat } from '../src/shared/repeat.ts'
import { reconcileFiles } from '../src/storage/processing/file-reconciler.ts'
import { dispatchWebhooks } from '../src/webhooks/webhook-dispatch.ts'

/** Messages whose words are noted by one round. */
const NOTED_WORDS = 500

/** Reconciles again and again, in one process at a time, until stopped. */
export function startReconciling(container: Container): { health: ReconcilerHealth; stop: () => Promise<void> } {
  const { env, db, storage, logger } = container
  const { REDISPATCH_AFTER_MS: redispatchAfterMs, CANCEL_GRACE_MS: cancelGraceMs } = env
  const reconciler = new Reconciler({ ...container, redispatchAfterMs, cancelGraceMs })
  const health = new ReconcilerHealth()
  container.metrics.watch(
    'reconciler_failing_seconds',
    'Since when every round of this process failed; 0 while they go well.',
    [],
    () => [{ labels: {}, value: health.failingForMs() / 1_000 }],
  )
  const round = async () => {
    try {
      const done = await withAdvisoryLock(db, 'reconciler', async () => {
        return reconciler.runOnce([
          ['welcome credits', () => container.signupGrants.giveWaiting()],
          ['mails', () => container.outbox.reconcile()],
          ['webhooks', () => dispatchWebhooks({ ...container, redispatchAfterMs })],
          ['words of messages', () => container.messageSearch.noteWords(null, NOTED_WORDS)],
          ['schedules', () => container.ticker.tick()],
          [
            'uploaded files',
            () => reconcileFiles({ ...storage, maxAttempts: env.FILE_MAX_ATTEMPTS, redispatchAfterMs }),
          ],
        ])
      })
      health.ended(done?.value.join(', ') || undefined)
    } catch (error) {
      health.ended(messageOf(error))
      throw error
    }
  }
  return { health, stop: repeat('reconcile', env.RECONCILE_INTERVAL_MS, round, logger).stop }
}
