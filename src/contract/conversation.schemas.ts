import { z } from 'zod'
import { idInput, seqInput } from './inputs.ts'

/** What changes of a conversation; what is left out stays as it is. */
export const conversationChangeBody = z
  .strictObject({
    title: z.string().trim().min(1).max(200).optional(),
    archived: z.boolean().optional(),
    pinned: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'must name something to change')

/** The last message that the user has seen. */
export const readBody = z.strictObject({ seq: seqInput })

export const branchBody = z.strictObject({ messageId: idInput })

export const feedbackBody = z.strictObject({
  value: z.enum(['up', 'down']),
  comment: z
    .string()
    .trim()
    .min(1)
    .max(2_000)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be valid text without NUL characters')
    .nullable()
    .default(null),
})

/** As clients write them. */
export type ConversationChange = z.input<typeof conversationChangeBody>
export type FeedbackInput = z.input<typeof feedbackBody>
