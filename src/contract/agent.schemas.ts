import { z } from 'zod'
import { idInput } from './inputs.ts'
import { REASONING_EFFORTS } from './providers.ts'
import { toolPolicies } from './tool-names.ts'

const level = z.enum(['low', 'medium', 'high'])

const chatStyle = z.strictObject({
  friendliness: level.default('medium'),
  humor: level.default('medium'),
  formality: level.default('medium'),
  verbosity: level.default('medium'),
})

/** The longest emoji are families of many joined parts. */
const AVATAR_CHARS = 40
const AVATAR_SIGNS = 2

/** An emoji or initials. No address of a picture: whoever looks at an agent would tell its server so. */
const avatar = z
  .string()
  .trim()
  .min(1)
  .max(AVATAR_CHARS)
  .refine((text) => text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}<>&"'`]/u.test(text), 'must be an emoji or letters')
  .refine(
    (text) => Array.from(new Intl.Segmenter().segment(text)).length <= AVATAR_SIGNS,
    'must be one emoji, or at most two letters',
  )

/** Tools of one agent. */
export const MOST_TOOLS = 32

/** A tool that an agent may use: a built-in by its name, or one of an MCP server of one's own. `policy` null: the usual one. */
const toolChoice = z.strictObject({
  serverId: idInput.nullable().default(null),
  name: z.string().min(1).max(200),
  policy: z.enum(toolPolicies).nullable().default(null),
})
const toolChoices = z
  .array(toolChoice)
  .max(MOST_TOOLS)
  .refine(
    (tools) => new Set(tools.map(({ serverId, name }) => `${serverId} ${name}`)).size === tools.length,
    'names a tool twice',
  )

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
  /** What it may do besides talking. */
  tools: toolChoices,
  /** Most calls of its model in one turn; null: as many as the installation allows. */
  maxSteps: z.number().int().min(1).max(50).nullable(),
  avatar: avatar.nullable(),
  color: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #4f46e5')
    .toLowerCase()
    .nullable(),
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
  tools: fields.tools.default([]),
  maxSteps: fields.maxSteps.default(null),
  avatar: fields.avatar.default(null),
  color: fields.color.default(null),
})
/** What is left out stays as it is. */
export const updateAgentBody = z.strictObject(fields).partial()

export type CreateAgentBody = z.output<typeof createAgentBody>
export type UpdateAgentBody = z.output<typeof updateAgentBody>
/** An agent as clients write it, and a change of one. */
export type AgentInput = z.input<typeof createAgentBody>
export type AgentChange = z.input<typeof updateAgentBody>
