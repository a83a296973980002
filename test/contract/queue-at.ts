import { openQueues, type QueueBackend } from '../../src/queue/bullmq-backend.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { connectionsTo } from '../support/redis.ts'

/** Where a queue is, as it can be told to another process. */
export type QueuePlace = { redisUrl: string } | { databaseUrl: string }

export const openQueuesAt = (place: QueuePlace, logger = silentLogger): Promise<QueueBackend> =>
  openQueues('redisUrl' in place ? { redis: connectionsTo(place.redisUrl) } : place, logger)
