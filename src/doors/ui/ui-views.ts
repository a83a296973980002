import { z } from 'zod'
import { creditsAmount, idView } from '../../contract/views.ts'

/** Whose turn it is that the parts behind it belong to. */
const turnData = z.object({
  turn: z.number().int().min(0),
  agentId: z.string(),
  name: z.string(),
  attempt: z.number().int(),
  messageId: z.string().optional(),
  credits: creditsAmount.optional(),
})

const tool = {
  type: z.literal('dynamic-tool'),
  toolName: z.string(),
  toolCallId: idView,
  title: z.string(),
  providerExecuted: z.literal(true),
  /** What it was given; text where that is long, and was cut. */
  input: z.unknown(),
}
/** Somebody's word on a call, by the call's id: what is asked for, and a no. */
const asked = z.object({ id: idView, requestReason: z.string().optional() })
const refused = z.object({ id: idView, approved: z.literal(false), reason: z.string().optional() })

/** A `UIMessage` of the AI SDK. */
const uiMessageView = z
  .object({
    id: z.string(),
    role: z.enum(['user', 'assistant', 'system']),
    /** What is known of its run, or when it was said. */
    metadata: z.unknown(),
    parts: z.array(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('step-start') }),
        z.object({ type: z.literal('data-turn'), id: z.string(), data: turnData }),
        z.object({ type: z.literal('text'), text: z.string(), state: z.literal('done') }),
        z.discriminatedUnion('state', [
          z.object({ ...tool, state: z.literal('input-available') }),
          z.object({ ...tool, state: z.literal('approval-requested'), approval: asked }),
          z.object({ ...tool, state: z.literal('output-denied'), approval: refused }),
          z.object({ ...tool, state: z.literal('output-available'), output: z.string() }),
          z.object({ ...tool, state: z.literal('output-error'), errorText: z.string() }),
        ]),
      ]),
    ),
  })
  .meta({ id: 'UiMessage' })

/** A chat as `useChat` takes it: a page of its messages, the latest first page. `conversationId` is null while nothing was said. */
export const uiHistoryView = z
  .object({
    conversationId: idView.nullable(),
    data: z.array(uiMessageView),
    nextCursor: z
      .string()
      .nullable()
      .meta({ examples: [null] }),
  })
  .meta({ id: 'UiHistory' })
