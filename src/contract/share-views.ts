/** Links to conversations, and what they show to whoever has one. Pure: browsers import this file too. */
import { z } from 'zod'
import {
  conversationView,
  idView,
  listOf,
  liveTurnView,
  messageView,
  runTurnView,
  runView,
  speakerView,
  timeView,
} from './views.ts'

/** A link to a conversation, as its owner sees it. */
export const shareView = z
  .object({
    id: idView,
    conversationId: idView,
    /** The conversation's. */
    title: z.string().nullable(),
    /** Whoever has it sees the conversation, without an account. */
    token: z.string(),
    /** Where the console shows it, on this server: `/s/TOKEN`. */
    path: z.string(),
    /** Null: until it is revoked. */
    expiresAt: timeView.nullable(),
    createdAt: timeView,
  })
  .meta({ id: 'Share' })
export type ShareView = z.infer<typeof shareView>

/** How a run ended: all was said; a limit was reached; somebody stopped it; something went wrong. */
export const sharedEnds = ['finished', 'limit', 'stopped', 'failed'] as const
export type SharedEnd = (typeof sharedEnds)[number]

/** Something said, as a link shows it; words that were taken back are left out. */
export const sharedMessageView = messageView
  .pick({
    ...{ id: true, seq: true, role: true, agentId: true, agentName: true, content: true, status: true },
    ...{ runId: true, turn: true, createdAt: true },
  })
  .extend({
    /** Files that came with it, which a link does not open. */
    fileCount: z.number().int().min(0),
  })
  .meta({ id: 'SharedMessage' })
export type SharedMessageView = z.infer<typeof sharedMessageView>

/** Without what it costs, and without what providers said. */
export const sharedRunView = runView
  .pick({ id: true, status: true, createdAt: true, startedAt: true, finishedAt: true })
  .extend({
    turns: z.array(runTurnView.pick({ index: true, agentId: true, status: true, attempt: true, messageId: true })),
    /** Null while it is not over. */
    end: z.enum(sharedEnds).nullable(),
  })
  .meta({ id: 'SharedRun' })
export type SharedRunView = z.infer<typeof sharedRunView>

/** Nothing of it says whose it is, what the agents are told, or what it costs. */
export const sharedConversationView = conversationView
  .pick({ title: true, strategy: true, version: true, createdAt: true })
  .extend({
    /** When something was last said. */
    activeAt: timeView,
    speakers: z.array(speakerView),
    activeRun: sharedRunView.nullable(),
    lastRun: sharedRunView.nullable(),
  })
  .meta({ id: 'SharedConversation' })
export type SharedConversationView = z.infer<typeof sharedConversationView>

/** The answer of `GET /api/shared/:token`. */
export const sharedPageView = sharedConversationView
  .extend({ messages: listOf(sharedMessageView) })
  .meta({ id: 'SharedPage' })
export type SharedPageView = z.infer<typeof sharedPageView>

const turn = { runId: idView, turn: z.number().int().min(0), attempt: z.number().int().min(1) }
const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ type: z.literal(type), ...shape })

/** The events of `GET /api/shared/:token/events`: those of the conversation, with less in them. */
export const sharedEvent = z.discriminatedUnion('type', [
  event('conversation.snapshot', {
    conversation: sharedConversationView,
    /** Ascending by `seq`. */
    messages: z.array(sharedMessageView),
    activeRun: sharedRunView.nullable(),
    live: z.array(liveTurnView),
    /** There are messages after these, which follow in another one. */
    more: z.boolean(),
  }),
  event('conversation.updated', { conversation: sharedConversationView }),
  event('message.created', { message: sharedMessageView }),
  event('run.updated', { run: sharedRunView }),
  event('run.completed', { run: sharedRunView }),
  event('run.failed', { run: sharedRunView }),
  event('run.cancelled', { run: sharedRunView }),
  event('turn.started', { ...turn, agentId: idView, agentName: z.string() }),
  event('turn.delta', { ...turn, offset: z.number().int().min(0), text: z.string() }),
  event('turn.completed', { ...turn, message: sharedMessageView.nullable() }),
  event('turn.failed', { ...turn, willRetry: z.boolean() }),
])
export type SharedEvent = z.infer<typeof sharedEvent>
