import type { ZodOpenApiExampleObject, ZodOpenApiResponseObject } from 'zod-openapi'
import { errorAnswerView } from '../contract/views.ts'
import { codeOf, ERROR_WORDS, type ErrorKey, sentenceOf } from '../shared/error-words.ts'
import { AppError } from '../shared/errors.ts'
import { commonErrors, errorsOf } from './common-errors.ts'
import { type ErrorForm, errorBody } from './error-handler.ts'
import type { Route } from './route.ts'

/** Headers of answers. */
export const ANSWER_HEADERS = {
  'X-Request-Id': { description: 'What our logs call this request.', schema: { type: 'string' } },
  RateLimit: {
    description: 'Requests of this address that are left (`r`), and seconds until there are all of them again (`t`).',
    schema: { type: 'string' },
  },
  'RateLimit-Policy': {
    description: 'Requests of one address (`q`) within a window of seconds (`w`).',
    schema: { type: 'string' },
  },
  ETag: { description: 'Of this state, for `If-Match` and `If-None-Match`.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds until it is worth to try again.', schema: { type: 'integer' } },
} as const
const COMMON_HEADERS = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'] as const
export const headerRef = (name: keyof typeof ANSWER_HEADERS) => ({ $ref: `#/components/headers/${name}` })

/** On every answer. */
export const commonHeaders = Object.fromEntries(COMMON_HEADERS.map((name) => [name, headerRef(name)]))

/** Answers that are alike are one. */
export type Made = Map<string, ZodOpenApiResponseObject>
/** By code, what is shown of it. */
type Shown = Map<string, ZodOpenApiExampleObject | { $ref: string }>

const isKey = (key: string): key is ErrorKey => Object.hasOwn(ERROR_WORDS, key)
const KEYS = Object.keys(ERROR_WORDS).filter(isKey)

/** Errors by status, each with all codes that it may have there. Those that nothing is special about are one component. */
export function refusals(route: Route, made: Made): Record<string, ZodOpenApiResponseObject> {
  const schema = route.errorView ?? errorAnswerView
  const common = new Set<string>(route.errorForm ? [] : commonErrors(route))
  return Object.fromEntries(
    [...shownByStatus(route)].map(([status, shown]) => {
      const codes = [...shown.keys()]
      const id = `${status}_${codes.join('_')}`
      const known = route.errorForm ? undefined : made.get(id)
      const response = known ?? {
        ...(codes.every((code) => common.has(code)) && { id }),
        description: codes.map((code) => `\`${code}\``).join(', '),
        headers: {
          ...commonHeaders,
          ...((status === 429 || status === 503) && { 'Retry-After': headerRef('Retry-After') }),
        },
        content: { 'application/json': { schema, examples: Object.fromEntries(shown) } },
      }
      if (!route.errorForm) made.set(id, response)
      return [status, response]
    }),
  )
}

/** What a route may refuse, by the status that its form of errors gives it. */
function shownByStatus(route: Route): Map<number, Shown> {
  const codes = new Set<string>(errorsOf(route))
  const found = new Map<number, Shown>()
  for (const key of KEYS) {
    const code = codeOf(key)
    if (!codes.has(code)) continue
    const { status, body } = formed(key, route.errorForm)
    const shown = found.get(status) ?? new Map()
    if (!shown.has(code)) shown.set(code, route.errorForm ? { value: body } : { $ref: `#/components/examples/${code}` })
    found.set(status, shown)
  }
  return new Map([...found].sort(([a], [b]) => a - b))
}

/** An error as it is answered, with the braces of its sentence. */
function formed(key: ErrorKey, form: ErrorForm | undefined): { status: number; body: unknown } {
  const [status, message] = ERROR_WORDS[key]
  const error = Object.assign(new AppError('server.error'), { code: codeOf(key), status, message })
  return form ? form(error) : { status, body: errorBody(error) }
}

/** One for each code that a route may answer in our own form. */
export function errorExamples(routes: readonly Route[]): Record<string, ZodOpenApiExampleObject> {
  const codes = new Set<string>(routes.flatMap((route) => (route.errorForm ? [] : errorsOf(route))))
  return Object.fromEntries(
    KEYS.filter((key) => codes.delete(codeOf(key))).map((key) => [
      codeOf(key),
      { summary: sentenceOf(key), value: formed(key, undefined).body },
    ]),
  )
}
