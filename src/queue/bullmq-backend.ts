import type { Processor } from 'bullmq'
import type { RedisConnections } from '../redis/redis-connections.ts'
import { AppError, messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import {
  type BullMqDriver,
  type DriverQueue,
  type DriverWorker,
  type DriverWorkerOptions,
  troubleLogger,
} from './bullmq-driver.ts'
import { byQueue, type JobDefinition, QUEUES, type QueueName } from './job.ts'
import type { EnqueueOptions, JobQueue } from './job-queue.ts'
import { openPostgresDriver } from './postgres-driver.ts'
import { openRedisDriver } from './redis-driver.ts'

/** Nobody who enqueues waits longer than this, in milliseconds. */
const ANSWER_WITHIN_MS = 1_000

/** The queues, and for workers the other end of them. */
export interface QueueBackend extends JobQueue {
  /** BullMQ's own, for what shows them. */
  readonly queues: readonly DriverQueue[]
  /** Jobs of a queue that could run now if a worker took them. */
  waiting(queue: QueueName): Promise<number>
  /** One BullMQ worker on this queue; it must be closed before the backend. */
  openWorker(queue: QueueName, processor: Processor<unknown, void>, options: DriverWorkerOptions): DriverWorker
}

/**
 * Opens the queues on Redis or, without it, on PostgreSQL. Nothing but this knows which.
 * @throws Error in plain words when the server cannot be reached or is not fit for queues.
 */
export async function openQueues(
  where: { redis: RedisConnections } | { databaseUrl: string },
  logger: Logger,
): Promise<QueueBackend> {
  const driver =
    'redis' in where ? await openRedisDriver(where.redis, logger) : await openPostgresDriver(where.databaseUrl, logger)
  return new BullMqBackend(driver, logger)
}

class BullMqBackend implements QueueBackend {
  readonly #driver: BullMqDriver
  readonly #logger: Logger
  readonly #queues: Record<QueueName, DriverQueue>

  constructor(driver: BullMqDriver, logger: Logger) {
    const open = (name: QueueName): DriverQueue => {
      const queue = driver.openQueue(name)
      queue.on('error', troubleLogger(logger, `queue ${name}`))
      return queue
    }
    this.#driver = driver
    this.#logger = logger
    this.#queues = byQueue(open)
  }

  async enqueue<P>(job: JobDefinition<P>, payload: P, options: EnqueueOptions): Promise<void> {
    const { jobId, delayMs, rank } = options
    if (!jobId || jobId.includes(':')) throw invalidJob(job, `bad job id '${jobId}'`)
    const checked = job.payload.safeParse(payload)
    if (!checked.success) throw invalidJob(job, checked.error.message)
    // With the name before it, an id cannot meet another kind's in the same queue, a number of BullMQ's own, or one of
    // its Redis keys: a job called 'delayed' would break the queue.
    const id = `${job.name}.${jobId}`
    await answered(
      this.#queues[job.queue].add(job.name, checked.data, {
        jobId: id,
        delay: delayMs,
        ...(rank !== undefined && { priority: rank }),
      }),
    )
  }

  get queues(): readonly DriverQueue[] {
    return QUEUES.map((name) => this.#queues[name])
  }

  depth(queue: QueueName): Promise<number> {
    return answered(this.#queues[queue].getJobCountByTypes('wait', 'prioritized', 'delayed'))
  }

  waiting(queue: QueueName): Promise<number> {
    return answered(this.#queues[queue].getJobCountByTypes('wait', 'prioritized'))
  }

  ping(): Promise<void> {
    return answered(this.#driver.ping())
  }

  async obliterate(): Promise<void> {
    for (const name of QUEUES) await this.#queues[name].obliterate({ force: true })
  }

  openWorker(queue: QueueName, processor: Processor<unknown, void>, options: DriverWorkerOptions): DriverWorker {
    const worker = this.#driver.openWorker(queue, processor, options)
    worker.on('error', troubleLogger(this.#logger, `worker ${queue}`))
    return worker
  }

  async close(): Promise<void> {
    await Promise.all(QUEUES.map((name) => this.#queues[name].close()))
    await this.#driver.close()
  }
}

const invalidJob = (job: { name: string }, reason: string): AppError =>
  new AppError('queue.invalid_job', { words: { name: job.name, reason } })

/** The result, or `queue.unavailable` when it fails or takes too long. What comes later is let go. */
async function answered<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)), ANSWER_WITHIN_MS)
  })
  try {
    return await Promise.race([work, late])
  } catch (error) {
    throw new AppError('queue.unavailable', { words: { reason: messageOf(error) } })
  } finally {
    clearTimeout(timer)
  }
}
