import { type AnswerForm, answerFormInput, MOST_SCHEMA_BYTES } from '../contract/answer-form.ts'
import type { FieldIssue } from '../shared/errors.ts'
import { objectIn } from '../shared/json-in-text.ts'
import { storedJson } from '../tools/stored-text.ts'
import { judgeOf, MOST_OBJECTS, SchemaReader, schemaProblems } from '../tools/tool-arguments.ts'

/** UTF-16 units of an answer that are looked at. */
const MOST_CHARS = 524_288

/** Why a form cannot be asked for, by the path within the form; empty where it can. */
export function formIssues({ schema }: AnswerForm): FieldIssue[] {
  const refuse = (message: string) => [{ path: 'schema', message }]
  if (Buffer.byteLength(JSON.stringify(schema)) > MOST_SCHEMA_BYTES) {
    return refuse(`must have at most ${MOST_SCHEMA_BYTES} bytes of JSON`)
  }
  const reader = new SchemaReader(schema)
  try {
    judgeOf(schema, reader)
  } catch (error) {
    return refuse(`cannot be checked here: ${error instanceof Error ? error.message : 'it is no JSON Schema'}`)
  }
  if (reader.objects > MOST_OBJECTS) return refuse('is too large, with what its references stand for')
  if (reader.lost !== undefined) return refuse(`refers to what it does not have: ${reader.lost}`)
  return []
}

/** A form as it is kept: what PostgreSQL cannot keep is taken out of its texts. */
export const storedForm = (form: AnswerForm): AnswerForm => answerFormInput.parse(storedJson(form))

/** An answer that is as asked for, as its very JSON; or what is wrong with it, in words for its model. */
export type CheckedAnswer = { json: string } | { faults: string[] }

/** Reads the JSON out of an answer, whatever is around it, and checks it. */
export function checkAnswer({ schema }: AnswerForm, text: string): CheckedAnswer {
  const found = objectIn(text.slice(0, MOST_CHARS))
  if (!found) return { faults: ['There is no JSON object in it that can be read.'] }
  const faults = schemaProblems(schema, found.value, 'answer')
  return faults.length === 0 ? { json: found.json } : { faults }
}
