/** Calls of tools that somebody is to decide on, as clients see and write them. Pure: browsers import this file too. */
import { z } from 'zod'
import { momentInput } from './inputs.ts'
import { idView, timeView, toolCallView } from './views.ts'

export const approvalView = z
  .object({
    /** The call's, too. */
    id: idView,
    conversationId: idView,
    /** Null for one that has none yet. Older servers do not say. */
    conversationTitle: z.string().nullable().optional(),
    runId: idView,
    turn: z.number().int().min(0),
    agentId: idView.nullable(),
    agentName: z.string().nullable(),
    /** The MCP server whose tool it is; null for what is built in. Older servers do not say. */
    serverId: idView.nullable().optional(),
    /** With all of its arguments. */
    call: toolCallView,
    /** What other arguments must be; null: they are not to be changed. */
    inputSchema: z.record(z.string(), z.unknown()).nullable(),
    /** It was started once, and nobody knows whether it did its work: it is asked whether to start it again. */
    inDoubt: z.boolean(),
    /** Nobody's decision by then is a no. */
    expiresAt: timeView,
    createdAt: timeView,
  })
  .meta({ id: 'Approval' })
export type ApprovalView = z.infer<typeof approvalView>

/** So many are counted; of more it is only known that there are. */
export const MOST_WAITING = 100

/** How many calls wait for the user's decision: 100 are that many or more. */
export const waitingView = z.object({ waiting: z.number().int().min(0).max(MOST_WAITING) }).meta({ id: 'Waiting' })
export type WaitingView = z.infer<typeof waitingView>

export const decisionBody = z
  .strictObject({
    decision: z.enum(['approve', 'deny']),
    /** What the tool is to be called with instead of what the agent asked for. */
    arguments: z.record(z.string(), z.unknown()).optional(),
    /**
     * Whether the call had been started before (it had a `startedAt`) when whoever decides saw it. Where that is not so any more, another question
     * is asked by now, whether to start it again, and this is no word on it: `approval.over`. Without this a yes is none either
     * (`approval.asked_again`); a no is one on any question.
     */
    wasStarted: z.boolean().optional(),
    /**
     * The call's `startedAt`, where it had one when whoever decides saw it: the question is the one that was asked then, and where the call was started
     * again since, and is asked about once more, this is no word on that: `approval.over`.
     */
    startedAt: momentInput.transform((when) => when.toISOString()).optional(),
  })
  .refine(({ decision, arguments: args }) => decision === 'approve' || args === undefined, {
    path: ['arguments'],
    message: 'belongs to an approval',
  })
export type DecisionInput = z.input<typeof decisionBody>

/** A call of a tool in a run's list, with its turn. */
export const runToolCallView = toolCallView
  .extend({
    turn: z.number().int().min(0),
    /** By its owner's word, or its server's. What has written is not made again by a retry, and is by a regeneration. Older servers do not say. */
    effect: z.enum(['reads', 'writes']).optional(),
  })
  .meta({ id: 'RunToolCall' })
export type RunToolCallView = z.infer<typeof runToolCallView>
