import { z } from 'zod'
import { answerFormInput } from './answer-form.ts'
import { positiveCreditsInput } from './credits-input.ts'
import { idInput, saysWho } from './inputs.ts'
import { onBusyView, strategyView } from './views.ts'

/** The bodies of the chat POSTs, within the server's limits. */
export function chatSchemas(limits: { MESSAGE_MAX_CHARS: number; MAX_TURNS_CAP: number }) {
  const shared = {
    message: z
      .string()
      .max(limits.MESSAGE_MAX_CHARS)
      .refine((text) => text.trim() !== '', 'must not be empty')
      .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be valid text without NUL characters'),
    conversationId: idInput.optional(),
    onBusy: onBusyView.optional(),
    fileIds: z.array(idInput).max(50).optional(),
  }
  /** What may be said of a party: who talks, how, and until when. */
  const terms = {
    agentIds: z
      .array(idInput)
      .min(2, 'must name at least two agents')
      .max(10, 'must name at most ten agents')
      .refine((ids) => new Set(ids).size === ids.length, 'must not name an agent twice'),
    strategy: strategyView,
    maxTurns: z.number().int().min(1).max(limits.MAX_TURNS_CAP),
    stop: z.strictObject({
      maxRounds: z.number().int().min(1).max(limits.MAX_TURNS_CAP).optional(),
      maxCredits: positiveCreditsInput.optional(),
      maxSeconds: z.number().int().min(1).max(3_600).optional(),
      phrase: z.string().trim().min(1).max(200).optional(),
    }),
  }
  return {
    terms,
    /** Without files: those that the message had, as far as they are still there. */
    edit: z.strictObject({ message: shared.message, fileIds: shared.fileIds }),
    single: z
      .strictObject({ agentId: idInput, ...shared, answer: answerFormInput.optional() })
      .refine(({ answer, onBusy }) => answer === undefined || onBusy !== 'interject', {
        path: ['onBusy'],
        message: 'cannot be interject with answer: it needs a run of its own',
      }),
    /** With `partyId` the rest of the terms stands for what the saved party says of it. */
    party: saysWho(z.strictObject({ ...z.object(terms).partial().shape, partyId: idInput.optional(), ...shared })),
  }
}

export type ChatSchemas = ReturnType<typeof chatSchemas>
export type SingleBody = z.output<ChatSchemas['single']>
export type EditBody = z.output<ChatSchemas['edit']>
export type PartyBody = z.output<ChatSchemas['party']>
/** Other words as clients write them. */
export type EditInput = z.input<ChatSchemas['edit']>
/** A party's request as clients write it. */
export type PartyInput = z.input<ChatSchemas['party']>
