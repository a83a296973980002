import type { Processor, WorkerOptions } from 'bullmq'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { QueueName } from './job.ts'

/** What is used of BullMQ's Queue; it is the same on both backends. */
export interface DriverQueue {
  on(event: 'error', listener: (error: Error) => void): unknown
  add(name: string, data: unknown, options: { jobId: string; delay?: number; priority?: number }): Promise<unknown>
  getJobCountByTypes(...types: ('wait' | 'prioritized' | 'delayed')[]): Promise<number>
  obliterate(options: { force: boolean }): Promise<void>
  close(): Promise<void>
}

/** What is used of BullMQ's Worker; it is the same on both backends. */
export interface DriverWorker {
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'stalled', listener: (jobId: string) => void): unknown
  waitUntilReady(): Promise<unknown>
  pause(doNotWaitActive: boolean): Promise<void>
  cancelAllJobs(reason: string): void
  close(force?: boolean): Promise<void>
  getBackend(): { disconnectBlocking(wait?: boolean): Promise<void> }
}

export type DriverWorkerOptions = Omit<WorkerOptions, 'connection'>

/** BullMQ on one of its backends, with the connections that it needs. */
export interface BullMqDriver {
  openQueue(name: QueueName): DriverQueue
  /** Workers share the driver's connections: close them before the driver. */
  openWorker(name: QueueName, processor: Processor<unknown, void>, options: DriverWorkerOptions): DriverWorker
  ping(): Promise<void>
  /** Drops the connections; never waits for a server that does not answer. */
  close(): Promise<void>
}

/** Options of every queue: nothing is kept of a job that ended, and the rows decide about retries, not BullMQ. */
export const QUEUE_OPTIONS = {
  defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true, stackTraceLimit: 0 },
  // Nobody reads BullMQ's events (they get lost on PostgreSQL), so few are kept.
  streams: { events: { maxLen: 100 } },
}

/**
 * A listener for 'error' events. A server that is away makes several a second: the same one is logged once in ten
 * seconds. Only the message is logged, because errors of ioredis carry the command (and AUTH its password).
 */
export function troubleLogger(logger: Logger, part: string): (error: unknown) => void {
  const lastLogged = new Map<string, number>()
  return (error) => {
    const reason = messageOf(error)
    const now = Date.now()
    if (now - (lastLogged.get(reason) ?? 0) < 10_000) return
    lastLogged.clear()
    lastLogged.set(reason, now)
    logger.warn({ part, reason }, 'queue trouble')
  }
}
