import type { z } from 'zod'

/**
 * The queues. A queue of its own keeps long turns, file work and small chores from waiting for each other, and what calls a
 * user's own server or a mail server, which may never answer, from keeping anybody else waiting.
 */
export const QUEUES = [
  'turns',
  'turns-own',
  'files',
  'files-small',
  'chores',
  'chores-own',
  'mails',
  'webhooks',
] as const
export type QueueName = (typeof QUEUES)[number]

/** Whose connections a job calls: the platform's alone, or users' own too. */
export const LANES = ['platform', 'own'] as const
export type Lane = (typeof LANES)[number]

/** Something of each queue. */
export const byQueue = <T>(make: (queue: QueueName) => T): Record<QueueName, T> => ({
  turns: make('turns'),
  'turns-own': make('turns-own'),
  files: make('files'),
  'files-small': make('files-small'),
  chores: make('chores'),
  'chores-own': make('chores-own'),
  mails: make('mails'),
  webhooks: make('webhooks'),
})

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
