import { isDeepStrictEqual } from 'node:util'
import type { RequestHandler } from 'express'
import { z } from 'zod'
import { errorAnswerView } from '../contract/views.ts'
import { AppError } from '../shared/errors.ts'
import { errorsOf } from './common-errors.ts'
import { errorBody } from './error-handler.ts'
import { isOther, type Route } from './route.ts'

/**
 * For tests: a JSON answer that the route does not promise, by its status, a field or an error's code, becomes a 500 that says what
 * is wrong. Checking costs as much again as answering, so nobody pays for it in production.
 */
export const checkAnswers =
  (route: Route, tell: (why: string) => void): RequestHandler =>
  (_request, response, next) => {
    const send = response.json.bind(response)
    response.json = (body: unknown) => {
      response.json = send
      const why = unpromised(route, response.statusCode, body)
      if (why === undefined) return send(body)
      const said = `${route.method.toUpperCase()} ${route.path} answers ${response.statusCode}: ${why}`
      tell(said)
      return response
        .status(500)
        .set('content-type', 'application/json')
        .send(JSON.stringify(errorBody(new AppError('server.error/unpromised', { words: { said } }))))
    }
    next()
  }

/** What of an answer was not promised, in words; undefined when all of it was. */
export function unpromised(
  route: Pick<Route, 'answers' | 'errors' | 'access' | 'params' | 'errorView' | 'guests' | 'method'>,
  status: number,
  body: unknown,
): string | undefined {
  const sent: unknown = JSON.parse(JSON.stringify(body))
  if (status >= 400 && route.errorView) return deviation(route.errorView, sent)
  if (status >= 400) {
    const why = deviation(errorAnswerView, sent)
    if (why) return `no error as errors are: ${why}`
    const { code } = errorAnswerView.parse(sent).error
    return errorsOf(route).some((known) => known === code) ? undefined : `its contract does not name the error ${code}`
  }
  const shape = route.answers[status]
  if (!shape || isOther(shape)) return 'its contract has no JSON for this status'
  return deviation(shape, sent)
}

/** What of this JSON a schema does not say, in words, fields that it does not know included; undefined when it says all of it. */
export function deviation(schema: z.ZodType, sent: unknown): string | undefined {
  const read = schema.safeParse(sent)
  if (!read.success) return z.prettifyError(read.error)
  return isDeepStrictEqual(read.data, sent) ? undefined : `unknown fields: ${strangers(sent, read.data).join(', ')}`
}

/** Paths of what was sent and not read. */
function strangers(sent: unknown, read: unknown, path = ''): string[] {
  if (typeof sent !== 'object' || sent === null || typeof read !== 'object' || read === null) {
    return Object.is(sent, read) ? [] : [path]
  }
  return Object.entries(sent).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key
    return Object.hasOwn(read, key) ? strangers(value, Reflect.get(read, key), at) : [at]
  })
}
