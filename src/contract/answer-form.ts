/** The form that an agent's answer is asked to have. Pure: browsers import this file too. */
import { z } from 'zod'
import { TOOL_NAME } from './tool-names.ts'

/** A schema in JSON has so many bytes at most: it stands in the prompt. */
export const MOST_SCHEMA_BYTES = 16_384

/** Answers of more UTF-16 units are shown as their text alone, without `data` beside it. */
export const MOST_DATA_CHARS = 65_536

/**
 * What an answer is to be like: JSON, by a JSON Schema (draft 2020-12, 7 or 4) of an object. `pattern`, `format` and the like are told to
 * the model, and not checked.
 */
export const answerFormInput = z.strictObject({
  schema: z.record(z.string(), z.unknown()).refine(({ type }) => type === 'object', {
    path: ['type'],
    message: 'must be "object": an answer of a form is a JSON object',
  }),
  /** What the object is called, for the model. */
  name: z.string().regex(TOOL_NAME, 'must be 1 to 64 letters, digits, _ or -').optional(),
})
export type AnswerForm = z.output<typeof answerFormInput>
