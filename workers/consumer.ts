import { DelayedError, type Processor, WaitingError } from 'bullmq'
import { Activity, type Liveness, StuckDetector } from '../src/queue/activity.ts'
import type { QueueBackend } from '../src/queue/bullmq-backend.ts'
import { type Catalog, catalog } from '../src/queue/catalog.ts'
import { within } from '../src/queue/deadline.ts'
import { type JobDefinition, type PayloadOf, QUEUES, type QueueName } from '../src/queue/job.ts'
import { type JobContext, type JobHandler, Postpone } from '../src/queue/job-queue.ts'
import type { Places } from '../src/queue/worker-places.repository.ts'
import type { Logger } from '../src/shared/logger.ts'

type JobKey = keyof Catalog
type Payloads = { [K in JobKey]: PayloadOf<Catalog[K]> }

/** One handler for each job of the catalog. */
export type JobHandlers = { [K in JobKey]: JobHandler<Payloads[K]> }

export interface ConsumerOptions {
  backend: QueueBackend
  handlers: JobHandlers
  /** Jobs of each queue that this process does at once. */
  concurrency: Record<QueueName, number>
  /** A job whose worker died runs elsewhere after one to two times this long, in milliseconds. */
  lockMs?: number
  logger: Logger
}

export interface Consumer {
  liveness(): Liveness
  /** What this process has for each queue, and has given away. */
  places(): Places[]
  /**
   * Milliseconds since which a queue has had jobs to run and this process had room for them and took none; 0 when all
   * is well. It compares with the call before, so it is to be called every few seconds. A few lock times are normal trouble,
   * a minute is a wedged worker.
   * @throws AppError 503 `queue.unavailable`
   */
  stuckForMs(): Promise<number>
  /**
   * Takes no more jobs, lets the active ones run for up to `ms`, then aborts their signals with the reason 'drain', waits
   * a second for them to hand back their work, and closes. What is still running then is left to the lock's end.
   */
  drain(ms: number): Promise<void>
  /** `drain` without waiting for jobs to end by themselves. */
  close(): Promise<void>
}

/** After the abort, handlers have this long to hand back their work, in milliseconds. */
const HAND_BACK_MS = 1_000
/** A backend that does not answer does not keep the process from ending: closing takes this long at most. */
const CLOSE_MS = 2_000

/**
 * Starts to do jobs: one BullMQ worker for each queue.
 * @throws Error when the handlers are not exactly those of the catalog.
 */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { backend, concurrency, logger } = options
  const lockMs = options.lockMs ?? 10_000
  const tasks = bindHandlers(options.handlers)
  const activity = new Activity()
  let draining: Promise<void> | undefined

  const processorOf = (queue: QueueName): Processor<unknown, void> => {
    // BullMQ makes a signal only for a processor that declares three parameters.
    return async (job, token, signal) => {
      const ids = { job: job.name, jobId: job.id }
      const handBack = async () => {
        await job.moveToWait(token)
        throw new WaitingError()
      }
      // A fetch that was under way when the drain began may still bring a job.
      if (draining) return handBack()
      const task = tasks.get(job.name)
      if (!task || task.queue !== queue) return logger.error(ids, 'unknown job dropped')
      activity.start(queue)
      try {
        const problem = await task.run(job.data, { signal: signal ?? new AbortController().signal })
        if (problem) logger.error({ ...ids, problem }, 'job with a bad payload dropped')
      } catch (error) {
        if (error instanceof Postpone) {
          await job.moveToDelayed(Date.now() + error.delayMs, token)
          throw new DelayedError()
        }
        if (signal?.aborted) return handBack()
        logger.error({ ...ids, payload: job.data, err: error }, 'job failed')
        throw error
      } finally {
        activity.end(queue)
      }
    }
  }

  const workers = QUEUES.map((queue) => {
    const worker = backend.openWorker(queue, processorOf(queue), {
      concurrency: concurrency[queue],
      lockDuration: lockMs,
      stalledInterval: Math.ceil(lockMs / 2),
      // However often workers die on it: the rows know when a job is hopeless.
      maxStalledCount: 1_000_000,
      // After 'connection refused' BullMQ would wait 15 s before it fetches again.
      runRetryDelay: 1_000,
    })
    worker.on('stalled', (jobId) => logger.warn({ queue, jobId }, 'job of a lost worker taken back'))
    return worker
  })
  await Promise.all(workers.map((worker) => worker.waitUntilReady()))

  const drain = async (ms: number) => {
    await Promise.all(workers.map((worker) => worker.pause(true)))
    if (!(await within(ms, activity.whenIdle()))) {
      for (const worker of workers) worker.cancelAllJobs('drain')
      await within(HAND_BACK_MS, activity.whenIdle())
    }
    const { active } = activity.liveness()
    if (active > 0) logger.warn({ active }, 'jobs did not end when told to; others take them when their locks end')
    const closing = workers.map(async (worker) => {
      if (active > 0) await worker.getBackend().disconnectBlocking(false)
      await worker.close(active > 0)
    })
    if (!(await within(CLOSE_MS, Promise.allSettled(closing)))) logger.warn('the queue did not answer while closing')
  }

  const stuck = new StuckDetector(backend, activity, concurrency)
  return {
    liveness: () => activity.liveness(),
    places: () => QUEUES.map((queue) => ({ queue, places: concurrency[queue], taken: activity.active[queue] })),
    stuckForMs: async () => (draining ? 0 : stuck.forMs()),
    drain: (ms) => {
      draining ??= drain(ms)
      return draining
    },
    close: () => {
      draining ??= drain(0)
      return draining
    },
  }
}

interface Task {
  queue: QueueName
  /** Runs the handler; answers what is wrong with the payload, if anything is. */
  run(data: unknown, context: JobContext): Promise<string | undefined>
}

/** The type of the handlers says that they are complete; this says it of a catalog whose names clash, and at run time. */
function bindHandlers(handlers: JobHandlers): Map<string, Task> {
  const definitions: { [K in JobKey]: JobDefinition<Payloads[K]> } = catalog
  const tasks = new Map<string, Task>()
  const bind = <K extends JobKey>(key: K) => {
    const definition: JobDefinition<Payloads[K]> = definitions[key]
    const handler: JobHandler<Payloads[K]> | undefined = handlers[key]
    if (!handler) throw new Error(`The job ${definition.name} has no handler.`)
    if (tasks.has(definition.name)) throw new Error(`Two jobs are called ${definition.name}.`)
    tasks.set(definition.name, {
      queue: definition.queue,
      run: async (data, context) => {
        const payload = definition.payload.safeParse(data)
        if (!payload.success) return payload.error.issues.map((i) => `${i.path.join('.')}: ${i.code}`).join(', ')
        await handler(payload.data, context)
        return undefined
      },
    })
  }
  for (const key of Object.keys(catalog)) if (isJobKey(key)) bind(key)
  const unknown = Object.keys(handlers).filter((key) => !isJobKey(key))
  if (unknown.length > 0) throw new Error(`There are no such jobs: ${unknown.join(', ')}.`)
  return tasks
}

const isJobKey = (key: string): key is JobKey => Object.hasOwn(catalog, key)
