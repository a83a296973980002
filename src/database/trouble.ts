import { AppError } from '../shared/errors.ts'

/** The server is one that only reads: a standby, or a primary that became one. */
const READ_ONLY = '25006'
/** Shutting down, crashed, starting, dropped, idle for too long; and the whole class of broken connections. */
const LEAVING = /^(57P0[1-5]|08...)$/
/** Too many connections, none accepted, or a statement, a lock or a transaction that took too long. */
const BUSY = /^(53300|55000|55P03|57014|25P03)$/
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])
/** What pg says without a code. */
const NO_ANSWER = /^Query read timeout$/
const NO_CONNECTION =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|Client has encountered a connection error|Client was closed)/

/** No connection was had: the pool is at its limit, or nobody answers. */
export class NoConnection extends Error {
  override name = 'NoConnection'
}

/** The error of pg itself: TypeORM and the pool wrap it. */
function original(error: unknown): unknown {
  if (error instanceof NoConnection) return original(error.cause)
  if (typeof error === 'object' && error !== null && 'driverError' in error) return original(error.driverError)
  // A host with several addresses fails with one error for each.
  return error instanceof AggregateError ? error.errors[0] : error
}

/** SQLSTATE of PostgreSQL, or the system's code; empty when there is none. */
function codeOf(error: unknown): string {
  const inner = original(error)
  return typeof inner === 'object' && inner !== null && 'code' in inner && typeof inner.code === 'string'
    ? inner.code
    : ''
}

function textOf(error: unknown): string {
  const inner = original(error)
  return inner instanceof Error ? inner.message : ''
}

/** True for an answer of a server that only reads. Nothing was written. */
export const isReadOnly = (error: unknown): boolean => codeOf(error) === READ_ONLY

/** True when a statement was given up because no answer came, not even that it took too long. */
export const gaveNoAnswer = (error: unknown): boolean => NO_ANSWER.test(textOf(error))

/** True when the connection that answered this (or did not answer) is not to be used again. */
export const isSickness = (error: unknown): boolean =>
  isReadOnly(error) || LEAVING.test(codeOf(error)) || gaveNoAnswer(error)

/** True when waiting may help: nobody answers there yet, or the server is on its way up or to another place. */
export const mayPass = (error: unknown): boolean => {
  const code = codeOf(error)
  const isNamed = NETWORK.has(code) || LEAVING.test(code) || code === READ_ONLY || code === '53300' || code === '55000'
  return isNamed || NO_CONNECTION.test(textOf(error))
}

/** After so many seconds whoever was refused may ask again. */
const RETRY_AFTER_S = 2

/**
 * What the trouble of a database means to whoever asked for something: 503 `database.unavailable`; undefined for every other
 * error. What was asked may have been done if the connection broke during its COMMIT: an Idempotency-Key makes asking again safe.
 */
export function unavailable(error: unknown): AppError | undefined {
  const isOurs = error instanceof NoConnection || (error instanceof Error && 'driverError' in error)
  const isAway = error instanceof NoConnection || isSickness(error) || mayPass(error) || BUSY.test(codeOf(error))
  if (!isOurs || !isAway) return undefined
  return new AppError('database.unavailable', { details: { retryAfterSeconds: RETRY_AFTER_S } })
}
