import { z } from 'zod'
import { defineJob } from './job.ts'

/** `userId`: whose turn it is, for the order in which turns begin; jobs of older versions do not say. */
const turn = z.strictObject({ runId: z.uuid(), turn: z.number().int().min(0), userId: z.uuid().optional() })
const conversation = z.strictObject({ conversationId: z.uuid() })

/** Every job there is. A worker has exactly one handler for each: a missing one does not compile. */
export const catalog = {
  /** One turn of a run, on the platform's connections. */
  turnRun: defineJob('turns.run', 'turns', turn),
  /** One that may call a user's server. */
  ownTurnRun: defineJob('turns-own.run', 'turns-own', turn),
  /** Reads an uploaded file and cuts it into chunks. */
  fileProcess: defineJob('files.process', 'files', z.strictObject({ fileId: z.uuid() })),
  /** The same for one that is small, and has little time. */
  smallFileProcess: defineJob('files-small.process', 'files-small', z.strictObject({ fileId: z.uuid() })),
  /** Names a conversation after its first words. */
  conversationTitle: defineJob('conversations.title', 'chores', conversation),
  ownConversationTitle: defineJob('conversations-own.title', 'chores-own', conversation),
  /** Sums up what no longer fits into an agent's context. */
  conversationSummarize: defineJob('conversations.summarize', 'chores', conversation),
  ownConversationSummarize: defineJob('conversations-own.summarize', 'chores-own', conversation),
  /** Sends a mail of the outbox. */
  mailSend: defineJob('mails.send', 'mails', z.strictObject({ mailId: z.uuid() })),
  /** Tells a webhook of an event. */
  webhookDeliver: defineJob('webhooks.deliver', 'webhooks', z.strictObject({ deliveryId: z.uuid() })),
} as const

export type Catalog = typeof catalog

/** The same job in each lane. */
export const byLane = {
  turnRun: { platform: catalog.turnRun, own: catalog.ownTurnRun },
  conversationTitle: { platform: catalog.conversationTitle, own: catalog.ownConversationTitle },
  conversationSummarize: { platform: catalog.conversationSummarize, own: catalog.ownConversationSummarize },
} as const
