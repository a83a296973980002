import { z } from 'zod'
import { REASONING_EFFORTS } from '../connections/provider.ts'
import { idInput } from '../contract/inputs.ts'

const level = z.enum(['low', 'medium', 'high'])

const chatStyle = z.strictObject({
  friendliness: level.default('medium'),
  humor: level.default('medium'),
  formality: level.default('medium'),
  verbosity: level.default('medium'),
})

const fields = {
  name: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(60)
    // Of whatever width: a label ends with the colon.
    .refine((name) => !/[\p{Cc}:@]/u.test(name.normalize('NFKC')), 'must not contain ":", "@" or control characters'),
  instructions: z.string().trim().min(1, 'must not be empty').max(8_000),
  characteristics: z.string().trim().max(2_000),
  chatStyle,
  connectionId: idInput.nullable(),
  model: z.string().trim().min(1).max(200).nullable(),
  /** Answers when the connection is in trouble; `fallbackModel` null: that connection's own model. */
  fallbackConnectionId: z.uuid().nullable(),
  fallbackModel: z.string().trim().min(1).max(200).nullable(),
  temperature: z.number().min(0).max(2).nullable(),
  maxOutputTokens: z.number().int().min(16).max(128_000).nullable(),
  reasoningEffort: z.enum(REASONING_EFFORTS).nullable(),
}

export const createAgentBody = z.strictObject({
  ...fields,
  characteristics: fields.characteristics.default(''),
  chatStyle: chatStyle.prefault({}),
  connectionId: fields.connectionId.default(null),
  model: fields.model.default(null),
  fallbackConnectionId: fields.fallbackConnectionId.default(null),
  fallbackModel: fields.fallbackModel.default(null),
  temperature: fields.temperature.default(null),
  maxOutputTokens: fields.maxOutputTokens.default(null),
  reasoningEffort: fields.reasoningEffort.default(null),
})
/** What is left out stays as it is. */
export const updateAgentBody = z.strictObject(fields).partial()

export type CreateAgentBody = z.output<typeof createAgentBody>
export type UpdateAgentBody = z.output<typeof updateAgentBody>
