import { z } from 'zod'
import { type AnswerForm, answerFormInput } from '../../contract/answer-form.ts'
import { formIssues } from '../../runs/answer-forms.ts'
import { fieldIssues } from '../../shared/checked-input.ts'
import { invalidRequest } from '../../shared/errors.ts'
import type { Whom } from '../whom.ts'

const shape = {
  type: z.enum(['text', 'json_object', 'json_schema'], 'must be text, json_object or json_schema'),
}
const described = z.looseObject({ name: z.string().nullish(), schema: z.record(z.string(), z.unknown()) })

/** `response_format` of a chat completion. */
export const completionFormat = z.looseObject({ ...shape, json_schema: described.nullish() })
/** `text.format` of a response, which has its schema beside its type. */
export const responseFormat = z
  .looseObject({ ...shape, name: described.shape.name, schema: described.shape.schema.nullish() })
  .transform(({ type, name, schema }) => ({ type, json_schema: schema ? { name, schema } : undefined }))

type Format = Pick<z.output<typeof completionFormat>, 'type' | 'json_schema'>

/**
 * The form that an answer is asked to have on that wire; undefined for text. `path` is where the format stands in the request, and
 * `at` where its schema stands in that. @throws AppError 400 where it cannot be asked for
 */
export function formOf(
  format: Format | null | undefined,
  { kind }: Pick<Whom, 'kind'>,
  path: string,
  at: string,
): AnswerForm | undefined {
  if (!format || format.type === 'text') return undefined
  if (kind !== 'agent') {
    const message = 'must be text: several agents talk, and each in its own words'
    throw invalidRequest([{ path: `${path}.type`, message }])
  }
  if (format.type === 'json_object') return { schema: { type: 'object' } }
  const { schema, name } = format.json_schema ?? {}
  if (!schema) throw invalidRequest([{ path: `${path}.${at}schema`, message: 'is missing' }])
  const form = { schema, ...(name && { name }) }
  const read = answerFormInput.safeParse(form)
  const issues = read.success ? formIssues(read.data) : fieldIssues(read.error, form)
  if (read.success && issues.length === 0) return read.data
  throw invalidRequest(issues.map((issue) => ({ ...issue, path: `${path}.${at}${issue.path}` })))
}
