import { z } from 'zod'

/** What is answered on OpenAI's wire, as far as we promise it; its own reference says what the fields mean. */
const seconds = z
  .number()
  .int()
  .meta({ examples: [1_795_683_600] })

export const wireModelView = z
  .object({
    id: z.string().meta({ examples: ['Ada'] }),
    object: z.literal('model'),
    created: seconds,
    owned_by: z.string(),
    name: z.string(),
    kind: z.enum(['agent', 'party']),
  })
  .meta({ id: 'WireModel' })

export const wireModelsView = z
  .object({ object: z.literal('list'), data: z.array(wireModelView) })
  .meta({ id: 'WireModels' })

export const completionView = z
  .object({
    id: z.string(),
    created: seconds,
    model: z.string(),
    object: z.literal('chat.completion'),
    choices: z.array(
      z.object({
        index: z.number().int(),
        message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
        logprobs: z.null(),
        finish_reason: z.enum(['stop', 'length']),
      }),
    ),
    usage: z.object({
      prompt_tokens: z.number().int(),
      completion_tokens: z.number().int(),
      total_tokens: z.number().int(),
      /** What it cost. */
      credits: z.string(),
    }),
  })
  .meta({ id: 'Completion' })

/** Beside these it has the fields that clients of that wire look for and that mean nothing here. */
export const wireResponseView = z
  .looseObject({
    id: z.string().meta({ examples: ['resp_01990000-0000-7000-8000-0000000000a1'] }),
    object: z.literal('response'),
    created_at: seconds,
    status: z.enum(['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled']),
    model: z.string(),
    conversation: z.object({ id: z.string() }),
    previous_response_id: z.string().nullable(),
    output: z.array(
      z.looseObject({
        id: z.string(),
        type: z.literal('message'),
        role: z.literal('assistant'),
        status: z.enum(['in_progress', 'completed', 'incomplete']),
        content: z.array(z.looseObject({ type: z.literal('output_text'), text: z.string() })),
      }),
    ),
  })
  .meta({ id: 'WireResponse' })

/** An error as clients of that wire read it; `code` is ours, but where they know it by another name. */
export const wireErrorView = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  .meta({ id: 'WireError' })
