import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import type { AnswerForm } from '../../src/contract/answer-form.ts'
import { isJsonObject } from '../../src/shared/json-object.ts'

/**
 * What a speaker is told whose answer is to have a form: also where its server is asked for it in its own way, for many take that and
 * do not heed it.
 */
export const answerRules = ({ name, schema }: AnswerForm): string =>
  [
    `Your answer${name ? ` ("${name}")` : ''} is read by a program. It must be one JSON object and nothing else: no other words, no code fence.`,
    'It must be valid by this JSON Schema:',
    JSON.stringify(schema),
  ].join('\n')

/** What a speaker is told whose answer was not as asked for. */
export const repairRules = (faults: readonly string[]): string =>
  [
    '(This was not as asked for:',
    ...faults.map((fault) => `- ${fault}`),
    'Answer once more, with the whole JSON object and nothing else.)',
  ].join('\n')

type Shaped = Pick<LanguageModelV4CallOptions, 'responseFormat' | 'providerOptions'>

/** The same as servers are asked that know of forms. Where the schema is of the strict kind, OpenAI and its followers keep to it. */
export function answerFormat({ name = 'answer', schema }: AnswerForm): Shaped {
  const strict = { strictJsonSchema: isStrict(schema) }
  return {
    responseFormat: { type: 'json', name, schema },
    providerOptions: { openai: strict, groq: strict, ollama: strict, 'openai-compatible': strict },
  }
}

/** Whether all of its objects name all of their members, and have no others, and nothing is in it that strict modes refuse. */
export function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict)
  if (!isJsonObject(schema)) return true
  const { properties, required, additionalProperties, type } = schema
  if (type === 'object' || properties !== undefined) {
    const names = isJsonObject(properties) ? Object.keys(properties) : []
    const named: unknown[] = Array.isArray(required) ? required : []
    if (additionalProperties !== false || names.some((name) => !named.includes(name))) return false
  }
  return Object.entries(schema).every(([key, one]) => {
    if (UNSTRICT.has(key)) return false
    if (VALUES.has(key)) return true
    return BY_NAME.has(key) && isJsonObject(one) ? Object.values(one).every(isStrict) : isStrict(one)
  })
}

/** Members that hold values, and no schemas; and those that hold schemas by names, which may be any words. */
const VALUES = new Set(['const', 'enum', 'examples', 'required'])
const BY_NAME = new Set(['properties', '$defs', 'definitions'])

/** What OpenAI's strict mode refuses a schema for. */
const UNSTRICT = new Set(['allOf', 'oneOf', 'default', 'propertyNames', 'patternProperties', 'prefixItems', 'contains'])
