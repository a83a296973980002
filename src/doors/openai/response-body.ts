import { z } from 'zod'
import type { HistoryLine } from './chat-history.ts'
import { content, metadata, NO_TOOLS, nothing, role } from './wire-content.ts'
import { responseFormat } from './wire-format.ts'

/** Items of a history that agents have no use for: what tools of the client did, and a model's own thoughts. */
const isMessage = ({ type }: { type?: unknown }): boolean => type === undefined || type === 'message'
const item = z
  .looseObject({ type: z.string().max(100).nullish(), role: z.unknown().optional(), content: z.unknown().optional() })
  .transform((given, context): HistoryLine | null => {
    if (!isMessage({ type: given.type ?? undefined })) {
      if (given.type === 'reasoning') return null
      const message = 'must be a message: agents use tools of their own, and none of their clients'
      context.addIssue({ code: 'custom', path: ['type'], message })
      return null
    }
    const read = z.object({ role, content }).safeParse(given)
    if (read.success) return read.data
    for (const issue of read.error.issues) context.addIssue({ ...issue, code: 'custom', input: given })
    return null
  })

const input = z
  .union([z.string().min(1, 'must not be empty'), z.array(item).min(1, 'must have at least one message')])
  .transform((given): HistoryLine[] =>
    typeof given === 'string' ? [{ role: 'user', content: given }] : given.filter((line) => line !== null),
  )

/** The body of `POST /v1/responses`; what is refused, and what is passed over, is as in `completionBody`. */
export const responseBody = z
  .looseObject({
    model: z.string().min(1).max(300),
    input,
    instructions: z.string().max(32_000).nullish(),
    stream: z.boolean().nullish(),
    background: z.boolean().nullish(),
    store: z.boolean().nullish(),
    previous_response_id: z.string().max(100).nullish(),
    conversation: z
      .union([z.string().max(100), z.looseObject({ id: z.string().max(100) })])
      .nullish()
      .transform((given) => (typeof given === 'object' ? given?.id : given)),
    metadata,
    tools: nothing(NO_TOOLS),
    prompt: z.null('must be left out: an agent has its instructions').optional(),
    text: z.looseObject({ format: responseFormat.nullish() }).nullish(),
  })
  .refine(({ background, store }) => !background || store !== false, {
    path: ['store'],
    message: 'must not be false with background: what is fetched later is kept',
  })
  .refine((body) => !body.previous_response_id || !body.conversation, {
    path: ['conversation'],
    message: 'cannot be combined with previous_response_id',
  })
export type ResponseBody = z.output<typeof responseBody>

export const responseQuery = z.looseObject({
  stream: z.enum(['true', 'false']).optional(),
  starting_after: z.coerce.number().int().min(0).optional(),
})

/** What is kept of a request beside what is said, to be shown again with its response. */
export const givenOf = z.object({
  model: z.string(),
  instructions: z.string().nullable().catch(null),
  metadata: z.record(z.string(), z.string()).nullable().catch(null),
  background: z.boolean().catch(false),
  previous: z.string().nullable().catch(null),
  isParty: z.boolean().catch(false),
  /** Its text is JSON that was asked for. */
  isData: z.boolean().optional().catch(undefined),
})
export type Given = z.output<typeof givenOf>

const PREFIX = 'resp_'
/** A response is a run; so is its id. */
export const responseId = (runId: string): string => PREFIX + runId
/** Undefined for what is no id of a response. */
export function runIdOf(id: string): string | undefined {
  const runId = id.startsWith(PREFIX) ? id.slice(PREFIX.length) : ''
  return z.guid().safeParse(runId).success ? runId.toLowerCase() : undefined
}
