/**
 * Every event that a server sends and every command that a client may send, as zod schemas and types.
 * Pure: browsers import this file too.
 *
 * All events are idempotent: messages by `id` and `seq`, runs by their terminal state, live text by (attempt, offset).
 */
import { z } from 'zod'
import { answerFormInput } from './answer-form.ts'
import { waitingView } from './approval-views.ts'
import { idInput, saysWho, seqInput } from './inputs.ts'
import {
  acceptedView,
  conversationView,
  creditsAmount,
  creditsView,
  errorView,
  fileView,
  idView,
  messageView,
  onBusyView,
  readMarkView,
  runView,
  snapshotView,
  strategyView,
  timeView,
  toolCallView,
  usageView,
} from './views.ts'

/**
 * `version` is the conversation's version that the commit behind an event made. Whoever publishes several events of one
 * commit sets it on the last one: who received that one received them all, and needs no snapshot.
 */
const inConversation = { conversationId: idView, version: z.number().int().min(0).optional() }
const turn = { runId: idView, turn: z.number().int().min(0), attempt: z.number().int().min(1) }
const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ type: z.literal(type), ...shape })

export const serverEvent = z.discriminatedUnion('type', [
  event('message.created', { ...inConversation, message: messageView }),
  event('run.updated', { ...inConversation, run: runView }),
  event('turn.started', { ...inConversation, ...turn, agentId: idView, agentName: z.string() }),
  /** `offset` counts UTF-16 code units of this attempt's text. */
  event('turn.delta', { ...inConversation, ...turn, offset: z.number().int().min(0), text: z.string() }),
  /** `message` is null when the speaker passed. `credits` is what the turn cost. */
  event('turn.completed', {
    ...inConversation,
    ...turn,
    message: messageView.nullable(),
    usage: usageView,
    credits: creditsAmount,
  }),
  /** `retryAt`: from when on the turn is tried again, where it will be. */
  event('turn.failed', {
    ...inConversation,
    ...turn,
    error: errorView,
    willRetry: z.boolean(),
    retryAt: timeView.optional(),
  }),
  /** A tool runs; has ended; did not do it (also: nobody allowed it, nobody knows); or its turn waits until somebody has decided on the call. */
  event('tool.started', { ...inConversation, ...turn, agentId: idView, call: toolCallView }),
  event('tool.completed', { ...inConversation, ...turn, agentId: idView, call: toolCallView }),
  event('tool.failed', { ...inConversation, ...turn, agentId: idView, call: toolCallView }),
  event('tool.approval_requested', {
    ...inConversation,
    ...turn,
    agentId: idView,
    /** Its id is the approval's. */
    call: toolCallView,
    expiresAt: timeView,
  }),
  event('run.completed', { ...inConversation, run: runView }),
  event('run.failed', { ...inConversation, run: runView }),
  event('run.cancelled', { ...inConversation, run: runView }),
  /** Like the acknowledgement of a join: sent when the server found that something was missed. */
  event('conversation.snapshot', { ...inConversation, ...snapshotView.shape }),
  event('conversation.updated', { ...inConversation, conversation: conversationView }),
  /** To all sockets of the user, as the next, and `conversation.updated` when something is said, a run ends or it is named. */
  event('conversation.created', { ...inConversation, conversation: conversationView }),
  event('conversation.deleted', inConversation),
  /** The user has read it so far, in whatever window. */
  event('conversation.read', readMarkView.shape),
  event('credits.updated', creditsView.shape),
  event('file.updated', { file: fileView }),
  /** What waits for the user's decision is other than it was. */
  event('approvals.updated', waitingView.shape),
])

/**
 * `server.draining` on a socket: this server is about to end. A client connects anew at a random moment within so many milliseconds,
 * so that not all come to the others at once; one that does not is disconnected after that, and comes again by itself.
 */
export const drainingNotice = z.object({ reconnectWithinMs: z.number().min(0).max(600_000) })
export type DrainingNotice = z.infer<typeof drainingNotice>

/** `{ type, ...payload }`; on a socket the type is the event's name and the payload goes without it. */
export type ServerEvent = z.infer<typeof serverEvent>
export type ServerEventType = ServerEvent['type']
/** One kind of event: `EventOf<'turn.delta'>`. */
export type EventOf<T extends ServerEventType> = Extract<ServerEvent, { type: T }>
/** An event that goes to all of a user's sockets. */
export type UserEvent = EventOf<
  | 'credits.updated'
  | 'file.updated'
  | 'approvals.updated'
  | 'conversation.created'
  | 'conversation.updated'
  | 'conversation.deleted'
  | 'conversation.read'
>
/** An event that goes to those who watch its conversation. */
export type ConversationEvent = Exclude<
  Extract<ServerEvent, { conversationId: string }>,
  { type: 'conversation.created' | 'conversation.deleted' | 'conversation.read' }
>

const OF_USERS: readonly string[] = [
  'credits.updated',
  'file.updated',
  'approvals.updated',
  'conversation.created',
  'conversation.updated',
  'conversation.deleted',
  'conversation.read',
] satisfies Array<UserEvent['type']>
/** `conversation.updated` is of both kinds. */
export const isUserEvent = (event: ServerEvent): event is UserEvent => OF_USERS.includes(event.type)
export const isConversationEvent = (event: ServerEvent): event is ConversationEvent =>
  event.type === 'conversation.updated' || !isUserEvent(event)

/** Types of all events. */
export const eventTypes: readonly ServerEventType[] = serverEvent.options.map(({ shape }) => shape.type.value)
/** Types of events that those are told who watch a conversation. */
export const conversationEventTypes: readonly ServerEventType[] = eventTypes.filter(
  (type) => type === 'conversation.updated' || !OF_USERS.includes(type),
)

/** An event's payload without its type, as sockets carry it. */
export type PayloadOf<T extends ServerEventType> = Omit<EventOf<T>, 'type'>

const chatShape = {
  message: z.string().min(1),
  conversationId: idInput.optional(),
  onBusy: onBusyView.optional(),
  fileIds: z.array(idInput).max(50).optional(),
  /** At most 255 characters; the same key and body answer the same run again. */
  idempotencyKey: z.string().min(1).max(255).optional(),
}

/** One agent: the body of `POST /api/chat`, with the idempotency key beside it. */
export const singleSend = z.strictObject({ agentId: idInput, answer: answerFormInput.optional(), ...chatShape })
/** A party: the body of `POST /api/chat/multi-agent`, with the idempotency key beside it. */
export const partySend = saysWho(
  z.strictObject({
    agentIds: z.array(idInput).min(2).max(10).optional(),
    /** A saved party, in place of `agentIds`. */
    partyId: idInput.optional(),
    strategy: strategyView.optional(),
    maxTurns: z.number().int().min(1).optional(),
    stop: z
      .strictObject({
        maxRounds: z.number().int().min(1).optional(),
        maxCredits: z.string().optional(),
        maxSeconds: z.number().min(1).optional(),
        phrase: z.string().min(1).optional(),
      })
      .optional(),
    ...chatShape,
  }),
)
export type SingleSend = z.infer<typeof singleSend>
export type PartySend = z.infer<typeof partySend>
/** The two kinds are told apart by `agentId`, which parties have none of. */
export type SendCommand = SingleSend | PartySend

/** What a client may ask over a socket, by name. Unknown keys are refused. */
export const clientCommands = {
  'conversation.join': z.strictObject({ conversationId: idInput, afterSeq: seqInput.optional() }),
  'conversation.leave': z.strictObject({ conversationId: idInput }),
  'message.send': z.union([singleSend, partySend]),
  'run.cancel': z.strictObject({ runId: idInput }),
  'auth.refresh': z.strictObject({ token: z.string().min(1).max(8_192) }),
}

/** What each is acknowledged with, beside `ok: true`. One that fails is acknowledged with `ok: false` and `error`, a `failureView`. */
export const commandReplies = {
  'conversation.join': snapshotView,
  'conversation.leave': z.object({}),
  'message.send': acceptedView,
  'run.cancel': z.object({ run: runView }),
  'auth.refresh': z.object({ expiresAt: timeView }),
} satisfies Record<keyof typeof clientCommands, z.ZodObject>
