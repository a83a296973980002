import type { JobDefinition, QueueName } from './job.ts'

export interface EnqueueOptions {
  /**
   * Names the job among those of its kind; may not contain ':'. While a job of this name exists (waiting, delayed or
   * active), adding it again does nothing.
   */
  jobId: string
  /** Milliseconds until it may run; at once by default. */
  delayMs?: number
  /** From 1: those with less come first, and among equals who came first; without one, before all of them. */
  rank?: number
}

/**
 * Delivers jobs, at least once, and remembers nothing: a job is gone when it ends, well or badly, and may be lost with
 * the whole queue. What must happen is written in PostgreSQL first; enqueueing follows the commit.
 */
export interface JobQueue {
  /**
   * @throws AppError 500 `queue.invalid_job` when the payload or the job id is not valid (a bug of the caller).
   * @throws AppError 503 `queue.unavailable` within about a second when the queue cannot be reached. The job may still
   *   have arrived; adding it again under its id is safe.
   */
  enqueue<P>(job: JobDefinition<P>, payload: P, options: EnqueueOptions): Promise<void>
  /** Jobs that wait or are delayed, without the active ones. */
  depth(queue: QueueName): Promise<number>
  /** For readiness. @throws AppError 503 `queue.unavailable` within about a second. */
  ping(): Promise<void>
  /** Deletes every job of every queue, active ones too. For tests. */
  obliterate(): Promise<void>
  close(): Promise<void>
}

/**
 * A handler throws this to have its job again after `delayMs`. It is not a failure and spends no attempt.
 *
 * @example if (lease.isAlive) throw new Postpone(2_000)
 */
export class Postpone extends Error {
  override name = 'Postpone'
  readonly delayMs: number

  constructor(delayMs: number) {
    super(`postponed by ${delayMs} ms`)
    this.delayMs = delayMs
  }
}

/** What a handler knows of its job besides the payload. */
export interface JobContext {
  /**
   * Aborted with the reason 'drain' when the worker must end. A handler that throws then has its job handed to another
   * worker at once. Losing the job's lock (a flushed Redis) aborts nothing: the rows' own leases are the fence.
   */
  signal: AbortSignal
}

/**
 * Does a job, at least once: the same job may come twice, even at the same time. What it throws is logged and ends the
 * job; the rows decide whether there is another one.
 */
export type JobHandler<P> = (payload: P, context: JobContext) => Promise<void>
