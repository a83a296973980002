/**
 * What clients see, as zod schemas and types. Pure: browsers import this file too.
 * Objects ignore keys they do not know, so that an older client reads a newer server.
 */
import { z } from 'zod'
import { toolCallStatuses } from './tool-names.ts'

/** UUID of any version; ours are v7. */
export const idView = z.guid().meta({ examples: ['01990000-0000-7000-8000-0000000000a1'] })
/** ISO 8601 in UTC. */
export const timeView = z.iso.datetime().meta({ examples: ['2026-11-26T09:00:00.000Z'] })
/** Exact decimal string of credits with six places, such as "9998.123456"; a charge may be negative. */
export const creditsAmount = z
  .string()
  .regex(/^-?\d+\.\d{6}$/)
  .meta({ examples: ['9998.123456'] })
const tokens = z.number().int().min(0)

export const strategies = ['round_robin', 'supervisor', 'mention', 'handoff', 'panel'] as const
export const strategyView = z.enum(strategies)
/** Who speaks next in a party. */
export type StrategyName = z.infer<typeof strategyView>

export const onBusyView = z.enum(['interject', 'enqueue', 'interrupt', 'reject'])
/** What a message does that arrives while a run is active. */
export type OnBusy = z.infer<typeof onBusyView>

/** Of a conversation's active run: at most one has such a status. */
export const activeRunStatuses = ['queued', 'running', 'waiting'] as const
/** Of a run that is not over. */
export const unfinishedRunStatuses = ['pending', ...activeRunStatuses] as const
export const runStatuses = [...unfinishedRunStatuses, 'completed', 'failed', 'cancelled'] as const
export const runStatusView = z.enum(runStatuses)
export type RunStatus = z.infer<typeof runStatusView>

/** Of a turn that is not over. */
export const openTurnStatuses = ['queued', 'running'] as const
export const turnStatuses = [...openTurnStatuses, 'completed', 'failed', 'cancelled'] as const
export const turnStatusView = z.enum(turnStatuses)
/** A turn whose speaker passed is `completed` without a message. */
export type TurnStatus = z.infer<typeof turnStatusView>

export const stopReasons = [
  'finished',
  'max_turns',
  'max_rounds',
  'max_credits',
  'max_seconds',
  'phrase',
  'supervisor_done',
  'all_passed',
  'credits_exhausted',
  'cancelled',
  'interrupted',
  'failed',
] as const
export const stopReasonView = z.enum(stopReasons)
export type StopReason = z.infer<typeof stopReasonView>

/** True when nothing can change this run any more. */
export const isTerminal = (status: RunStatus): boolean => !unfinishedRunStatuses.some((open) => open === status)

/** True of a turn that is not over. */
export const isOpenTurn = (status: TurnStatus): boolean => openTurnStatuses.some((open) => open === status)

/** A first snapshot brings at most this many of the latest messages. Of servers that do not say `more`, any with as many may not be the last. */
export const SNAPSHOT_MESSAGES = 100
/** Messages that are read again on coming back: their status may have changed without a new `seq`. */
export const SNAPSHOT_OVERLAP = 10

/** A page of a list, or all of one that has no more (`nextCursor` null). */
export const listOf = <S extends z.ZodType>(item: S) =>
  z.object({
    data: z.array(item),
    nextCursor: z
      .string()
      .nullable()
      .meta({ examples: [null] }),
  })

/** An error as clients see it: `code` is `domain.reason`. */
export const errorView = z.object({ code: z.string(), message: z.string() }).meta({ id: 'Error' })
export type ErrorView = z.infer<typeof errorView>

/**
 * The error of an answer or acknowledgement: with `details`, for a 400 `{ issues: [{ path, message }] }`. An acknowledgement has
 * the HTTP `status` that an answer would have.
 */
export const failureView = errorView
  .extend({
    details: z.record(z.string(), z.unknown()).optional(),
    status: z.number().int().optional(),
  })
  .meta({ id: 'Failure' })
export type FailureView = z.infer<typeof failureView>

/** What every error is answered with. */
export const errorAnswerView = z
  .object({ error: errorView.extend({ details: z.record(z.string(), z.unknown()) }) })
  .meta({ id: 'ErrorAnswer' })

/** Tokens of one turn or call; the classes are disjoint. */
export const usageView = z
  .object({
    inputTokens: tokens,
    outputTokens: tokens,
    cachedInputTokens: tokens,
    cacheWriteTokens: tokens,
    reasoningTokens: tokens,
    estimated: z.boolean(),
  })
  .meta({ id: 'Usage' })

/** What the user thinks of what an agent said. */
export const feedbackView = z
  .object({ value: z.enum(['up', 'down']), comment: z.string().nullable() })
  .meta({ id: 'Feedback' })
export type FeedbackView = z.infer<typeof feedbackView>

/** A call of a tool, as the conversation shows it. */
export const toolCallView = z
  .object({
    id: idView,
    /** 0, 1, 2... in its turn. */
    call: z.number().int().min(0),
    /** The turn's model call that asked for it. */
    step: z.number().int().min(0),
    /** As its model calls the tool. */
    name: z.string(),
    /** As whoever offers the tool names it: for people, who need no mark of its server. Older servers do not say. */
    sourceName: z.string().optional(),
    title: z.string(),
    status: z.enum(toolCallStatuses),
    /** JSON; a long one is cut, and then is none. */
    args: z.string(),
    /** What it gave back, or why it did not; a long one is cut. Null until it is over. */
    result: z.string().nullable(),
    /** Of one that failed. */
    errorCode: z.string().nullable(),
    /** What it gave back besides, or was too long for `result`, as files of the user's; one without an id was not kept, `problem` says why. */
    files: z
      .array(
        z.object({
          id: idView.nullable(),
          name: z.string(),
          contentType: z.string(),
          size: z.number().int().min(0),
          problem: z.string().nullable(),
        }),
      )
      .optional(),
    startedAt: timeView.nullable(),
    endedAt: timeView.nullable(),
    /** The call of an earlier run that this one stands for, in a run that goes on from that one: it was made there, and not here. Absent of all others. */
    inheritedFrom: idView.optional(),
    /** UTF-16 code units of its turn's text that were said before it. Approvals, and older servers, do not say. */
    offset: z.number().int().min(0).optional(),
  })
  .meta({ id: 'ToolCall' })
export type ToolCallView = z.infer<typeof toolCallView>

const messageObject = z
  .object({
    id: idView,
    /** 1, 2, 3... in its conversation. */
    seq: z.number().int().min(1),
    role: z.enum(['user', 'agent', 'system']),
    agentId: idView.nullable(),
    agentName: z.string().nullable(),
    content: z.string(),
    status: z.enum(['complete', 'cancelled', 'failed', 'superseded']),
    runId: idView.nullable(),
    /** The turn's index in its run; null for what no agent said, and in a branch for what was said before it. */
    turn: z.number().int().min(0).nullable(),
    fileIds: z.array(idView),
    createdAt: timeView,
    /** What the turn used and cost, as its `turn.completed` had it: of what an agent said. Older servers do not say. */
    usage: usageView.optional(),
    credits: creditsAmount.optional(),
    /** Where its user has given any. */
    feedback: feedbackView.optional(),
    /** What its turn did with tools, the first 16 calls; left out where that is nothing. */
    toolCalls: z.array(toolCallView).optional(),
    /** `content`, parsed, where it was asked to have a form and has it; left out where it has more than 65,536 UTF-16 units. */
    data: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Message' })
type MessageObject = typeof messageObject
/** By its name in declarations: else that of each event would spell it out. */
export interface MessageSchema extends MessageObject {}
export const messageView: MessageSchema = messageObject
export type MessageView = z.infer<typeof messageView>

export const runTurnView = z
  .object({
    index: z.number().int().min(0),
    /** Null until the speaker is picked. */
    agentId: idView.nullable(),
    status: turnStatusView,
    /** 0 until a worker claims it, then 1, 2... */
    attempt: z.number().int().min(0),
    messageId: idView.nullable(),
    /** True where its speaker's second connection answers: the first was in trouble. */
    onFallback: z.boolean().optional(),
  })
  .meta({ id: 'RunTurn' })
export type RunTurnView = z.infer<typeof runTurnView>

/** What a run cost so far: sums over its settled turns. */
export const receiptView = z
  .object({
    turns: z.number().int().min(0),
    inputTokens: tokens,
    outputTokens: tokens,
    credits: creditsAmount,
    released: creditsAmount,
    /** True when any of the usage had to be estimated. */
    estimated: z.boolean(),
    /** What tries that came to nothing cost the platform; the user pays none of it. Older servers do not say. */
    lost: creditsAmount.optional(),
    /** How often agents called tools before they spoke on, or gave an answer of a form once more. Older servers do not say. */
    steps: z.number().int().min(0).optional(),
    /** So many steps were made, and paid for, by the run that this one holds once more: it goes on from them. Older servers do not say. */
    inheritedSteps: z.number().int().min(0).optional(),
  })
  .meta({ id: 'Receipt' })
export type ReceiptView = z.infer<typeof receiptView>

/** Something that went otherwise than asked for, and did not end the run. */
export const runNoticeView = errorView
  .extend({
    /** The turn's index. */
    turn: z.number().int().min(0),
  })
  .meta({ id: 'RunNotice' })
export type RunNoticeView = z.infer<typeof runNoticeView>

const runObject = z
  .object({
    id: idView,
    conversationId: idView,
    status: runStatusView,
    strategy: strategyView,
    maxTurns: z.number().int().min(1),
    stopReason: stopReasonView.nullable(),
    error: errorView.nullable(),
    turns: z.array(runTurnView),
    receipt: receiptView,
    /** Such as that no supervisor could be used. Older servers do not say. */
    notices: z.array(runNoticeView).optional(),
    createdAt: timeView,
    startedAt: timeView.nullable(),
    finishedAt: timeView.nullable(),
  })
  .meta({ id: 'Run' })
type RunObject = typeof runObject
/** By its name in declarations, as that of a message. */
export interface RunSchema extends RunObject {}
export const runView: RunSchema = runObject
export type RunView = z.infer<typeof runView>

/** The beginning of the last words that stand, in one line. */
export const lastMessageView = messageView
  .pick({ id: true, seq: true, role: true, agentId: true, agentName: true, status: true, createdAt: true })
  .extend({ preview: z.string() })
  .meta({ id: 'LastMessage' })
export type LastMessageView = z.infer<typeof lastMessageView>

/** Somebody who is in a conversation. */
export const speakerView = z
  .object({
    id: idView,
    name: z.string(),
    /** An emoji or initials. */
    avatar: z.string().nullable(),
    /** `#rrggbb`. */
    color: z.string().nullable(),
  })
  .meta({ id: 'Speaker' })
export type SpeakerView = z.infer<typeof speakerView>

/** How far its user has read a conversation: `unread` are the agents' messages after that, not counted beyond 100. */
const readView = { readSeq: z.number().int().min(0), unread: z.number().int().min(0).max(100) }
export const readMarkView = z.object({ conversationId: idView, ...readView }).meta({ id: 'ReadMark' })
export type ReadMarkView = z.infer<typeof readMarkView>

export const conversationView = z
  .object({
    id: idView,
    title: z.string().nullable(),
    agentIds: z.array(idView),
    strategy: strategyView,
    archived: z.boolean(),
    /** Raised by every commit that changes what clients see of the conversation. */
    version: z.number().int().min(0),
    createdAt: timeView,
    updatedAt: timeView,
    activeRun: runView.nullable(),
    /** The newest run, whatever became of it: a failed one can be retried. Older servers say neither this nor the next. */
    lastRun: runView.nullable().optional(),
    /** When something was last said: lists are in this order, latest first. */
    activeAt: timeView.optional(),
    /** Listed before all others. Older servers say none of these. */
    pinned: z.boolean().optional(),
    lastMessage: lastMessageView.nullable().optional(),
    /** In the order of `agentIds`; one whose account was deleted is missing. */
    speakers: z.array(speakerView).optional(),
    readSeq: readView.readSeq.optional(),
    unread: readView.unread.optional(),
    /** What a branch goes on from; either may be deleted by now. Older servers do not say. */
    branchedFrom: z.object({ conversationId: idView, messageId: idView }).nullable().optional(),
  })
  .meta({ id: 'Conversation' })
export type ConversationView = z.infer<typeof conversationView>

/** A text in pieces, of which some are what was looked for. */
export const excerptView = z.array(z.object({ text: z.string(), isMatch: z.boolean() }))
export type ExcerptView = z.infer<typeof excerptView>

/** Where a search found its words in a conversation: in its title, and in the latest of the messages that have them. */
export const foundView = z
  .object({
    title: excerptView.nullable(),
    messages: z.array(
      messageView
        .pick({ id: true, seq: true, role: true, agentId: true, agentName: true, createdAt: true })
        .extend({ excerpt: excerptView }),
    ),
  })
  .meta({ id: 'Found' })
export type FoundView = z.infer<typeof foundView>

/** A conversation in a list; where words were looked for, with where they were found. */
export const listedConversationView = conversationView
  .extend({ found: foundView.optional() })
  .meta({ id: 'ListedConversation' })
export type ListedConversationView = z.infer<typeof listedConversationView>

/** A user's balance as events carry it. */
export const creditsView = z.object({ available: creditsAmount, held: creditsAmount }).meta({ id: 'Credits' })

export const fileView = z
  .object({
    id: idView,
    name: z.string(),
    contentType: z.string(),
    /** Bytes. */
    size: z.number().int().min(0),
    /** Null until a direct upload was read. */
    sha256: z.string().nullable(),
    status: z.enum(['processing', 'ready', 'failed']),
    error: errorView.nullable(),
    pages: z.number().int().min(0).nullable(),
    /** Characters of extracted text. */
    textLength: z.number().int().min(0).nullable(),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .meta({ id: 'File' })
export type FileView = z.infer<typeof fileView>

/** What one attempt at a turn has said so far. */
export const liveTurnView = z
  .object({
    runId: idView,
    turn: z.number().int().min(0),
    attempt: z.number().int().min(1),
    agentId: idView,
    text: z.string(),
  })
  .meta({ id: 'LiveTurn' })
export type LiveTurnView = z.infer<typeof liveTurnView>

/** All that a client needs to show a conversation from `afterSeq` on; the acknowledgement of a join. */
export const snapshotView = z
  .object({
    conversation: conversationView,
    /** Ascending by `seq`. */
    messages: z.array(messageView),
    activeRun: runView.nullable(),
    /** Of a long text the beginning; the rest follows as deltas. */
    live: z.array(liveTurnView),
    /**
     * There are messages after these, which did not fit: join again after the last of these. A `conversation.snapshot` with it is
     * followed by another. Older servers do not say.
     */
    more: z.boolean().optional(),
  })
  .meta({ id: 'Snapshot' })
export type SnapshotView = z.infer<typeof snapshotView>

/** A saved party. What is `null` or left out of `stop` is no limit of its own. */
export const partyView = z
  .object({
    id: idView,
    name: z.string(),
    /** In the order in which they speak; a request that names the party has all of them talk. */
    agentIds: z.array(idView),
    /** The same with their names. `gone`: deleted since, so that the party does not talk before it is changed. */
    agents: z.array(z.object({ id: idView, name: z.string(), gone: z.boolean() })),
    strategy: strategyView,
    /** Null: the usual number of the strategy. */
    maxTurns: z.number().int().min(1).nullable(),
    stop: z.object({
      maxRounds: z.number().int().min(1).optional(),
      maxCredits: creditsAmount.optional(),
      maxSeconds: z.number().int().min(1).optional(),
      phrase: z.string().optional(),
    }),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .meta({ id: 'Party' })
export type PartyView = z.infer<typeof partyView>

/** The 202 body of the chat POSTs. */
export const acceptedView = z
  .object({
    conversationId: idView,
    runId: idView,
    messageId: idView,
    status: runStatusView,
  })
  .meta({ id: 'Accepted' })
export type AcceptedView = z.infer<typeof acceptedView>

/** What the chat POSTs answer with `Prefer: wait=N` when the run ends in time: the run, and what was said in it. */
export const outcomeView = acceptedView.extend({ run: runView, messages: z.array(messageView) }).meta({ id: 'Outcome' })

export type OutcomeView = z.infer<typeof outcomeView>

/** A conversation with a page of its messages and its latest files. */
export const conversationPageView = conversationView
  .extend({ files: z.array(fileView), messages: listOf(messageView) })
  .meta({ id: 'ConversationPage' })
export type ConversationPageView = z.infer<typeof conversationPageView>
