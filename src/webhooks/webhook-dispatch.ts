import { catalog } from '../queue/catalog.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Logger } from '../shared/logger.ts'
import type { WebhookDeliveryRepository } from './webhook-delivery.repository.ts'

interface DispatchDependencies {
  webhookDeliveries: WebhookDeliveryRepository
  queue: JobQueue
  /** A dispatched delivery that nobody took for this long is put into the queue again. */
  redispatchAfterMs: number
  logger: Logger
}

/** Deliveries of one round. */
const BATCH = 200

/** Puts due deliveries into the queue, for a round of the reconciler: rows are written by triggers, which know of no queue. */
export async function dispatchWebhooks(dependencies: DispatchDependencies): Promise<void> {
  const { webhookDeliveries, queue, redispatchAfterMs, logger } = dependencies
  for (const deliveryId of await webhookDeliveries.dispatch(redispatchAfterMs, BATCH)) {
    await queue.enqueue(catalog.webhookDeliver, { deliveryId }, { jobId: deliveryId }).catch((error: unknown) => {
      logger.warn({ err: error, deliveryId }, 'a delivery was not enqueued; the next round will')
    })
  }
}
