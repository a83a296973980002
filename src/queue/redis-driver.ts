import { createRedisBackend, withBackend } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import { SetupError } from '../database/setup-error.ts'
import type { Logger } from '../shared/logger.ts'
import { type BullMqDriver, QUEUE_OPTIONS, troubleLogger } from './bullmq-driver.ts'
import { within } from './deadline.ts'

const { Queue, Worker } = withBackend(createRedisBackend)

/** Before every key, so that a Redis may be shared with another application's BullMQ. */
const PREFIX = 'chatsparty'
/** How long a starting process waits for Redis before it gives up, in milliseconds. */
const BOOT_WAIT_MS = 10_000

const common: RedisOptions = {
  connectTimeout: 2_000,
  keepAlive: 10_000,
  retryStrategy: (times) => Math.min(times * 100, 1_000),
  // After a failover the old primary answers READONLY: find the new one.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
}

/** Somebody waits for each command: fail within about a second. The socket timeout finds dead connections. */
const producerOptions: RedisOptions = {
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
const consumerOptions: RedisOptions = {
  ...common,
  connectionName: 'chatsparty:consumer',
  maxRetriesPerRequest: null,
  socketTimeout: 15_000,
}

/**
 * BullMQ on Redis.
 * @throws SetupError when Redis cannot be reached within ten seconds or may evict keys.
 */
export async function openRedisDriver(url: string, logger: Logger): Promise<BullMqDriver> {
  const producer = new Redis(url, producerOptions)
  producer.on('error', troubleLogger(logger, 'redis producer'))
  let consumer: Redis | undefined
  try {
    await waitForReady(producer)
    checkEviction(await producer.info('memory'), logger)
  } catch (error) {
    producer.disconnect()
    throw error
  }

  return {
    openQueue: (name) =>
      new Queue(name, { ...QUEUE_OPTIONS, prefix: PREFIX, connection: producer, skipVersionCheck: true }),
    openWorker: (name, processor, options) => {
      if (!consumer) {
        consumer = new Redis(url, consumerOptions)
        consumer.on('error', troubleLogger(logger, 'redis consumer'))
      }
      return new Worker(name, processor, { ...options, prefix: PREFIX, connection: consumer })
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

async function waitForReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  let reason = 'no answer'
  const ready = new Promise<void>((resolve, reject) => {
    redis.once('ready', resolve)
    redis.on('error', (error: Error) => {
      reason = error.message || reason
      // Waiting makes a password no better.
      if (/^(NOAUTH|WRONGPASS)/.test(reason)) reject(error)
    })
  })
  const isReady = await within(BOOT_WAIT_MS, ready).catch(() => false)
  if (!isReady) throw new SetupError(`REDIS_URL: Redis cannot be reached: ${reason}`)
}

/** A Redis that evicts keys loses jobs and, worse, the locks of running ones, so that they run twice. */
function checkEviction(info: string, logger: Logger): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'unknown'
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0)
  if (policy === 'noeviction') return
  if (limit > 0) {
    throw new SetupError(
      `REDIS_URL: this Redis evicts keys when its memory is full (maxmemory-policy ${policy}, maxmemory ${limit} bytes), ` +
        'which loses jobs and their locks. Set maxmemory-policy noeviction, or use another Redis.',
    )
  }
  logger.warn(
    { policy },
    'Redis has no maxmemory, so it evicts nothing yet: set maxmemory-policy noeviction before it gets one',
  )
}
