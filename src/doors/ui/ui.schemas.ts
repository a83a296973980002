import { z } from 'zod'
import { idInput } from '../../contract/inputs.ts'
import type { Answer } from '../door.service.ts'
import { askedBy, questionInput } from '../question.ts'
import { whomShape } from '../whom.ts'

/** What a client calls a chat; its bytes are checked where one begins. */
const threadInput = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => name.isWellFormed() && !name.includes('\0'), 'must be valid text without NUL characters')

/** Somebody's word on a call of a tool that an agent asks for, in the part of the message that asks. */
const toolAnswer = z.looseObject({
  state: z.literal('approval-responded'),
  approval: z.looseObject({ id: questionInput, approved: z.boolean() }),
})
/** Those of a message, which has no more calls than a run may wait for. */
export function answersIn({ parts }: UiMessageInput): Answer[] {
  return parts.flatMap((part) => {
    const { id, approved } = toolAnswer.safeParse(part).data?.approval ?? {}
    return id === undefined ? [] : [{ ...askedBy(id), decision: approved ? ('approve' as const) : ('deny' as const) }]
  })
}

/** Loose, as what comes with it is the client's own: parts, tools and metadata of other versions too. */
const uiPart = z.looseObject({ type: z.string(), text: z.string().optional() })
const uiMessage = z.looseObject({
  id: z.string().optional(),
  role: z.enum(['user', 'assistant', 'system']),
  parts: z.array(uiPart),
})
export type UiMessageInput = z.output<typeof uiMessage>
/** Of a `data-turn` part, whose turn it is. */
export const turnName = z.looseObject({ data: z.looseObject({ name: z.string().max(200) }) })

/** What `DefaultChatTransport` sends, with what an app adds by its `body`. */
export const uiChatBody = z.looseObject({
  id: threadInput,
  messages: z.array(uiMessage).min(1),
  trigger: z.enum(['submit-message', 'regenerate-message']).default('submit-message'),
  messageId: z.string().nullish(),
  ...whomShape,
  fileIds: z.array(idInput).max(50).optional(),
})
export type UiChatBody = z.output<typeof uiChatBody>

export const uiChatParams = z.strictObject({ id: threadInput })
export const uiStreamQuery = z.strictObject({ runId: idInput.optional() })
