import { z } from 'zod'

/** Kinds of content parts that are text, in either of OpenAI's APIs. */
const TEXTS = ['text', 'input_text', 'output_text']
/** Parts of earlier answers that are left out: the agents' own thoughts, and refusals. */
const SILENT = ['refusal', 'reasoning_text', 'summary_text']

const part = z.looseObject({ type: z.string().max(100) }).superRefine((given, context) => {
  if (SILENT.includes(given.type)) return
  if (!TEXTS.includes(given.type)) {
    context.addIssue({
      code: 'custom',
      path: ['type'],
      message: 'must be text: of files and pictures, agents read what was uploaded by POST /api/storage/upload',
    })
  } else if (typeof given.text !== 'string') {
    context.addIssue({ code: 'custom', path: ['text'], message: 'must be a text' })
  }
})

/** The content of a message, as one text: of parts, those that are text, a blank line between. */
export const content = z
  .union([z.string(), z.array(part).max(500)])
  .nullish()
  .transform((given) => {
    if (typeof given === 'string') return given
    return (given ?? [])
      .flatMap(({ type, text }) => (TEXTS.includes(type) && typeof text === 'string' ? [text] : []))
      .join('\n\n')
  })

/** Who says a message on that wire; what only tools would say is refused by its name. */
export const role = z
  .string()
  .refine((given) => !['tool', 'function'].includes(given), 'must not be a tool: agents use tools of their own')
  .pipe(z.enum(['system', 'developer', 'user', 'assistant']))

/** A list that asks for nothing while it is empty. */
export const nothing = (message: string) =>
  z
    .unknown()
    .refine((given) => given === undefined || given === null || (Array.isArray(given) && given.length === 0), message)
    .optional()

export const NO_TOOLS = 'must be left out: agents use tools of their own, and none of their clients'

/** `metadata` of a request, which is shown again. */
export const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((given) => Object.keys(given).length <= 16, 'must not have more than 16 keys')
  .nullish()
