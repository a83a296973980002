import type { z } from 'zod'

/** The queues. A queue of its own keeps long turns, file work and small chores from waiting for each other. */
export const QUEUES = ['turns', 'files', 'chores'] as const
export type QueueName = (typeof QUEUES)[number]

/** A kind of job. `payload` holds ids, never content: what is in a queue may be lost and is put back from the rows. */
export interface JobDefinition<P = unknown, N extends string = string> {
  readonly name: N
  readonly queue: QueueName
  readonly payload: z.ZodType<P>
}

/** @example defineJob('files.process', 'files', z.strictObject({ fileId: z.uuid() })) */
export const defineJob = <P, const N extends string>(
  name: N,
  queue: QueueName,
  payload: z.ZodType<P>,
): JobDefinition<P, N> => ({ name, queue, payload })

/** What a definition's handler is given. */
export type PayloadOf<D> = D extends JobDefinition<infer P> ? P : never
