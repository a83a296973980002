import { isJsonObject } from '../../shared/json-object.ts'

/** The wires that providers' servers speak: the OpenAI SDKs', Groq's dialect of it, Anthropic's and Gemini's. */
export type WireName = 'openai' | 'groq' | 'anthropic' | 'google'

/** Why an answer is none. Codes of `PROVIDER_FAILURES`; `error` says that the server told of one, in `responseBody`. */
export type WireReason =
  | 'error'
  | 'stream_cut'
  | 'bad_response'
  | 'broken_call'
  | 'content_refused'
  | 'limit_reached'
  | 'unavailable'
  | 'timeout'

/** An answer that came, or ended, as none should. `code` survives serialisation, which the class does not. */
export class WireError extends Error {
  override name = 'WireError'
  readonly code: `wire.${WireReason}`
  /** The HTTP status that the server named within its answer. */
  readonly statusCode: number | undefined
  /** What the server said, to look for words in; never shown. */
  readonly responseBody: string | undefined
  /** The error's own members, for their codes. */
  readonly data: unknown
  /** A fact that the message to the user names, such as the limit that was reached. */
  readonly detail: string | undefined

  constructor(
    reason: WireReason,
    {
      statusCode,
      responseBody,
      data,
      detail,
      cause,
    }: {
      statusCode?: number | undefined
      responseBody?: string | undefined
      data?: unknown
      detail?: string
      cause?: unknown
    } = {},
  ) {
    super(`The provider's answer: ${reason}.`, cause === undefined ? undefined : { cause })
    this.code = `wire.${reason}`
    this.statusCode = statusCode
    this.responseBody = responseBody
    this.data = data
    this.detail = detail
  }
}

export type Json = Record<string, unknown>
export const isJson: (value: unknown) => value is Json = isJsonObject
/** The members of a value that is an object, none of any other. */
export const json = (value: unknown): Json => (isJson(value) ? value : {})
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
export const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** A count of tokens, also where it is written as a string; undefined for what is none. */
export function count(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.length < 16 && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** The first of them that is a count. */
export const firstCount = (...values: unknown[]): number | undefined =>
  values.map(count).find((value) => value !== undefined)

/** All of the words of any row. */
export const saysAny = (text: string, rows: readonly (readonly string[])[]): boolean =>
  rows.some((words) => words.every((word) => text.includes(word)))

const BROKEN_CALL = [
  'tool_use_failed',
  'failed to call a function',
  'error parsing tool call',
  'failed to parse tool call',
  'malformed_function_call',
]

/**
 * Whether a server's words, in lower case, tell of a call of a tool that its model wrote and that it could not read: the next time the
 * model may do better. What the model wrote stands in them, so no other word of them is looked for.
 */
export const tellsOfBrokenCall = (words: string): boolean => BROKEN_CALL.some((one) => words.includes(one))

/** What of a server's words is kept, in characters. */
export const MOST_ERROR_CHARS = 16_384

/**
 * The error that a body or an event tells of, whatever its shape: `{error: ...}`, `{object|type: "error", message}`,
 * `{detail: ...}`, `{code, message}` (not in events of kinds that nobody knows). `error: null`, `false`, `""` and `{}` are none.
 */
export function errorIn(value: Json, raw: string, name?: string): WireError | undefined {
  const { error } = value
  const nested = isJson(error) && Object.keys(error).length > 0
  const told =
    nested || (typeof error === 'string' && error.trim() !== '')
      ? { ...value, ...json(error) }
      : value.object === 'error' || value.type === 'error' || (PLAIN_EVENTS.has(name ?? '') && isPlainError(value))
        ? value
        : undefined
  if (!told) return undefined
  const statusCode = [told.code, told.status, told.status_code, told.http_status, value.code, value.status]
    .map(count)
    .find((status) => status !== undefined && status >= 400 && status < 600)
  return new WireError('error', {
    statusCode,
    responseBody: raw.slice(0, MOST_ERROR_CHARS),
    data: nested ? error : value,
  })
}

/** Names of events that carry answers or errors. */
const PLAIN_EVENTS = new Set(['', 'message', 'error'])

const isPlainError = (value: Json): boolean =>
  value.choices === undefined &&
  value.candidates === undefined &&
  ((typeof value.detail === 'string' && value.detail !== '') ||
    (Array.isArray(value.detail) && value.detail.length > 0) ||
    (typeof value.message === 'string' && ('code' in value || 'status' in value || 'statusCode' in value)))

/** Words within the name of an end that say that the server broke off. */
const BREAKAGE = ['error', 'abort', 'insufficient', 'timeout', 'overload', 'cancel', 'interrupt', 'fail', 'unavailable']

/** The failure that an end's name tells of; undefined for ends. */
export function breakageOf(reason: string): WireError | undefined {
  const name = reason.slice(0, 100).toLowerCase()
  if (tellsOfBrokenCall(name)) return new WireError('broken_call')
  if (!BREAKAGE.some((word) => name.includes(word))) return undefined
  return new WireError(
    name.includes('insufficient') || name.includes('overload') || name.includes('unavailable')
      ? 'unavailable'
      : 'stream_cut',
    { responseBody: name },
  )
}

/** Words (or thoughts) that may go on in the next event: neighbours of one `key` are written as one. */
export interface Delta {
  key: string
  words: string
  write: (words: string) => string
}

/** What an SDK is to read, in order: text of server-sent events, and what can be joined before it becomes that. */
export type Written = Array<string | Delta>

/** How one wire's answers are read, whatever they look like, and written again as its SDK expects them. */
export interface WireReader {
  /** What the SDK is to read of this value, which tells of no error (`errorIn`). @throws WireError */
  read(value: Json, event: { name: string | undefined; isWhole: boolean }): Written
  /** `[DONE]`, where the wire has it. */
  done(): void
  /** An end mark was seen: whatever follows can only be usage. */
  readonly isEnded: boolean
  /** Nothing more can come. */
  readonly isFinal: boolean
  /** Anything of this wire was read at all. */
  readonly isHeard: boolean
  /** The answer's last events. */
  close(): string
}

/** A server-sent event. */
export const sse = (value: unknown, name?: string): string =>
  `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(value)}\n\n`
