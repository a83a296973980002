import { AddressRefusedError, RedirectRefusedError } from '../connections/outbound-guard.ts'
import { wasNeverSent } from '../connections/unsent-request.ts'
import { messageOf, shortened } from '../shared/errors.ts'
import { retryAfterMs } from '../shared/retry-after.ts'
import { AnswerLostError, AnswerTooLargeError, type WireCall } from './mcp-wire.ts'

/** What can be wrong with a server, with its words for the owner; `{said}` is what is known besides. */
export const FAULTS = {
  'mcp.address_refused': 'This server may not connect to that address.',
  'mcp.unreachable': 'The MCP server could not be reached: {said}',
  'mcp.timeout': 'The MCP server did not answer in time.',
  'mcp.stopped': 'The request was stopped.',
  'mcp.lost': 'The connection to the MCP server was lost before it answered.',
  'mcp.needs_sign_in': 'The MCP server asks who you are: sign in to it again, or check its headers.',
  'mcp.refused': 'The MCP server refused the request (HTTP {said}).',
  'mcp.broken': 'The MCP server failed (HTTP {said}).',
  'mcp.error': 'The MCP server answered with an error: {said}',
  'mcp.too_large': 'The MCP server answered with more than is read.',
  'mcp.unreadable': 'What answers at that address does not speak the Model Context Protocol as it should: {said}',
} as const
export type McpFaultCode = keyof typeof FAULTS

/** Characters that are kept of what a server, or the network, says. */
const MOST_SAID = 300
const MOST_CAUSES = 5

/**
 * Statuses by which a server says that it has not begun with a request (RFC 9110, 15.5 and 15.6). Others, 408 and 409 of something between us as
 * much as all that servers fail with, say nothing of whether the tool has run: time that ran out there, or a first try that is still at work.
 */
const NOT_BEGUN = new Set([
  400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 425, 426, 428, 429, 431,
  451, 501, 505, 511,
])
/** Of redirects those by which the same is to be asked elsewhere (15.4); with others it may be done, and what came of it is told there. */
const SENT_ON = new Set([307, 308])
/** Words of servers about a session that they do not know, in answers with status 400; a piece of the answer is looked at. */
const SESSION_WORDS = ['session', 'not initialized']
const MOST_WORDS = 1_000

/** Why nothing came of what was asked. */
export class McpFault extends Error {
  override name = 'McpFault'
  readonly code: McpFaultCode
  /** Whether a tool may have done its deed. `none`: it was not started; `known`: it ran, and this is its answer. */
  readonly outcome: 'none' | 'known' | 'unknown'
  /** Of the answer, if there was one. */
  readonly status: number | undefined
  /** The server does not know the session that it was asked in: nothing was begun, and the same may be asked in a new one. */
  isSessionGone = false
  /** In so many ms the server wants to be asked again, where it has said so. */
  retryInMs: number | undefined

  constructor(code: McpFaultCode, outcome: McpFault['outcome'], said = '', status?: number, options?: ErrorOptions) {
    super(
      FAULTS[code].replace('{said}', () => shortened(said.toWellFormed().replaceAll('\0', ''), MOST_SAID)),
      options,
    )
    this.code = code
    this.outcome = outcome
    this.status = status
  }

  /** The server is in trouble, and not what was asked of it. */
  get isTrouble(): boolean {
    return ['mcp.unreachable', 'mcp.timeout', 'mcp.lost', 'mcp.broken', 'mcp.unreadable'].includes(this.code)
  }
}

/**
 * What an error of the SDK, of the network or of ours means. `signal` is what may have stopped the request; `call`, for a call of a tool, what
 * is known of it.
 */
export function faultOf(error: unknown, signal: AbortSignal, call?: WireCall): McpFault {
  if (error instanceof McpFault) return error
  const unsure = call?.isSent ? 'unknown' : 'none'
  const fault = (code: McpFaultCode, outcome: McpFault['outcome'], said?: string, status?: number) =>
    new McpFault(code, outcome, said, status, { cause: error })
  if (signal.aborted) return fault(causesOf(signal.reason).some(isTimeout) ? 'mcp.timeout' : 'mcp.stopped', unsure)
  const causes = causesOf(error)
  if (call?.isTooLarge || causes.some((cause) => cause instanceof AnswerTooLargeError)) {
    return fault('mcp.too_large', call?.isSent ? 'known' : 'none')
  }
  if (causes.some((cause) => cause instanceof McpFault)) {
    return causes.find((cause) => cause instanceof McpFault) ?? fault('mcp.lost', unsure)
  }
  const status = causes.map(statusOf).find((found) => found !== undefined)
  if (status === 401 || causes.some(({ name }) => name === 'UnauthorizedError')) {
    return fault('mcp.needs_sign_in', 'none', undefined, 401)
  }
  const refusal = (status: number) => {
    const outcome = NOT_BEGUN.has(status) ? 'none' : unsure
    const refused = fault(status >= 500 ? 'mcp.broken' : 'mcp.refused', outcome, String(status), status)
    refused.isSessionGone = saysSessionGone(status, causes)
    refused.retryInMs = retryAfterMs(call?.retryAfter, Date.now())
    return refused
  }
  if (status !== undefined) return refusal(status)
  const redirect = causes.find((cause) => cause instanceof RedirectRefusedError)
  if (redirect) return fault('mcp.address_refused', SENT_ON.has(redirect.redirect) ? 'none' : unsure)
  if (causes.some((cause) => cause instanceof AddressRefusedError)) return fault('mcp.address_refused', 'none')
  if (wasNeverSent(error)) return fault('mcp.unreachable', 'none', codeOf(causes))
  if (causes.some(isProtocolError)) return fault('mcp.error', call?.isSent ? 'known' : 'none', messageOf(error))
  if (causes.some(isTimeout)) return fault('mcp.timeout', unsure)
  if (causes.some((cause) => cause instanceof AnswerLostError || cause instanceof TypeError))
    return fault('mcp.lost', unsure)
  // Not every error of the SDK says with which status it was refused.
  if (call?.status !== undefined && call.status >= 400) return refusal(call.status)
  return fault('mcp.unreadable', unsure, messageOf(error))
}

/**
 * By the protocol (2025-11-25, transports, session management) a session that is over is answered with 404, and the client MUST begin a new one.
 * 400 is for requests without one, and for whatever else does not fit; some servers, those of its own examples among them, say it of sessions that they
 * have forgotten. So their words decide.
 */
function saysSessionGone(status: number, causes: readonly Error[]): boolean {
  if (status === 404) return true
  if (status !== 400) return false
  // The SDK's messages end with what was answered.
  const said = causes.map(({ message }) => message.slice(0, MOST_WORDS).toLowerCase())
  return said.some((words) => SESSION_WORDS.some((word) => words.includes(word)))
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = []
  for (let cause = error; cause instanceof Error && causes.length < MOST_CAUSES; cause = cause.cause) causes.push(cause)
  return causes
}

/** Of the SDK's errors about HTTP. */
function statusOf(error: Error): number | undefined {
  const status = 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 ? status : undefined
}

/** An error of JSON-RPC has a number, all others have words. */
const isProtocolError = (error: Error): boolean => 'code' in error && typeof error.code === 'number' && error.code < 0

const isTimeout = (error: Error): boolean =>
  error.name === 'TimeoutError' ||
  ('code' in error && /^(REQUEST_TIMEOUT|UND_ERR_(HEADERS|BODY)_TIMEOUT)$/.test(String(error.code)))

const codeOf = (causes: Error[]): string => {
  const last = causes.findLast((cause) => 'code' in cause && typeof cause.code === 'string')
  return last && 'code' in last ? String(last.code) : 'no connection'
}
