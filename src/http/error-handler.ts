import type { ErrorRequestHandler } from 'express'
import { z } from 'zod'
import { AppError, invalidRequest } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { NOT_UTF8, TOO_MANY_VALUES } from './valid-utf8.ts'

/** Errors of Express' body parser (http-errors). */
const parserError = z.object({ type: z.string(), status: z.number() })

/** The one error format of the API. */
export const errorBody = (error: AppError) => ({
  error: { message: error.message, code: error.code, details: error.details ?? {} },
})

/** How a route says what went wrong, where a protocol of others has its own way. */
export type ErrorForm = (error: AppError) => { status: number; body: unknown; headers: Record<string, string> }

const apiForm: ErrorForm = (error) => ({ status: error.status, body: errorBody(error), headers: {} })

/** What an error of something behind the API means to clients; undefined when it means nothing to them. */
export type Explain = (error: unknown) => AppError | undefined

/**
 * What the client is told of anything that was thrown: an AppError as it is, everything else a 500 without internals.
 * Whoever calls this logs the original when `status` is 500.
 */
function toAppError(error: unknown, explain: Explain): AppError {
  if (error instanceof AppError) return error
  const explained = explain(error)
  if (explained) return explained
  if (error instanceof URIError) return new AppError('request.invalid/path')
  const parser = parserError.safeParse(error).data
  if (parser?.type === 'entity.too.large') return new AppError('request.too_large')
  if (parser?.type === 'entity.parse.failed')
    return invalidRequest([{ path: '', message: 'The body is not valid JSON.' }])
  if (parser?.type === NOT_UTF8) return invalidRequest([{ path: '', message: 'The body is not valid UTF-8.' }])
  if (parser?.type === TOO_MANY_VALUES) {
    return invalidRequest([{ path: '', message: 'The body is nested too deeply, or holds too many values.' }])
  }
  if (parser && parser.status < 500) return new AppError('request.invalid/body', { status: parser.status })
  return new AppError('server.error')
}

export const errorHandler =
  (logger: Logger, explain: Explain): ErrorRequestHandler =>
  (thrown, _request, response, _next) => {
    const error = toAppError(thrown, explain)
    const retryAfter = error.details?.retryAfterSeconds
    // Whoever of us says when to come back has expected it: a flood must not fill the log too.
    const isExpected = thrown instanceof AppError && retryAfter !== undefined
    if (error.status >= 500 && !isExpected) {
      logger.error(
        { err: thrown, requestId: response.locals.requestId, userId: response.locals.user?.id },
        'request failed',
      )
    }
    // Too late for words: the client sees that the answer is short.
    if (response.headersSent) return void response.destroy()
    if (typeof retryAfter === 'number') response.set('retry-after', String(retryAfter))
    if (error.status === 401) response.set('www-authenticate', 'Bearer')
    const form: ErrorForm = response.locals.errorForm ?? apiForm
    const { status, body, headers } = form(error)
    response.set(headers).status(status).json(body)
  }
