import { z } from 'zod'
import { defineJob } from './job.ts'

/** Every job there is. A worker has exactly one handler for each: a missing one does not compile. */
export const catalog = {
  /** One turn of a run. */
  turnRun: defineJob('turns.run', 'turns', z.strictObject({ runId: z.uuid(), turn: z.number().int().min(0) })),
  /** Reads an uploaded file and cuts it into chunks. */
  fileProcess: defineJob('files.process', 'files', z.strictObject({ fileId: z.uuid() })),
  /** Names a conversation after its first words. */
  conversationTitle: defineJob('conversations.title', 'chores', z.strictObject({ conversationId: z.uuid() })),
  /** Sums up what no longer fits into an agent's context. */
  conversationSummarize: defineJob('conversations.summarize', 'chores', z.strictObject({ conversationId: z.uuid() })),
} as const

export type Catalog = typeof catalog
