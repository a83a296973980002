import { createRedisBackend, withBackend } from 'bullmq'
import type { ConnectionOptions, RedisClient, RedisConnections } from '../redis/redis-connections.ts'
import { requireFit, untilReady } from '../redis/redis-fitness.ts'
import type { Logger } from '../shared/logger.ts'
import { type BullMqDriver, QUEUE_OPTIONS, troubleLogger } from './bullmq-driver.ts'

const { Queue, Worker } = withBackend(createRedisBackend)

const common: ConnectionOptions = {
  connectTimeout: 2_000,
  keepAlive: 10_000,
  retryStrategy: (times) => Math.min(times * 100, 1_000),
  // After a failover the old primary answers READONLY: find the new one.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
}

/** Somebody waits for each command: fail within about a second. The socket timeout finds dead connections. */
const producerOptions: ConnectionOptions = {
  ...common,
  connectionName: 'chatsparty:producer',
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 1_000,
  socketTimeout: 2_000,
}

/**
 * Nobody waits: commands wait for Redis and are sent again. BullMQ copies these options for the blocking
 * connections, where one command waits up to 10 s for a job, hence the long socket timeout.
 */
const consumerOptions: ConnectionOptions = {
  ...common,
  connectionName: 'chatsparty:consumer',
  maxRetriesPerRequest: null,
  socketTimeout: 15_000,
}

/**
 * BullMQ on Redis.
 * @throws SetupError when Redis cannot be reached within ten seconds, or is not fit for it
 */
export async function openRedisDriver(redis: RedisConnections, logger: Logger): Promise<BullMqDriver> {
  const producer = redis.commands(producerOptions)
  producer.on('error', troubleLogger(logger, 'redis producer'))
  let consumer: RedisClient | undefined
  try {
    await untilReady(producer)
    await requireFit(redis, producer, logger)
  } catch (error) {
    producer.disconnect()
    throw error
  }

  return {
    openQueue: (name) =>
      new Queue(name, {
        ...QUEUE_OPTIONS,
        prefix: redis.names.queuePrefix(name),
        connection: producer,
        skipVersionCheck: true,
      }),
    openWorker: (name, processor, options) => {
      if (!consumer) {
        consumer = redis.commands(consumerOptions)
        consumer.on('error', troubleLogger(logger, 'redis consumer'))
      }
      return new Worker(name, processor, { ...options, prefix: redis.names.queuePrefix(name), connection: consumer })
    },
    ping: async () => {
      await producer.ping()
    },
    close: async () => {
      producer.disconnect()
      consumer?.disconnect()
    },
  }
}
