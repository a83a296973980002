import { codeOf, ERROR_WORDS, type ErrorKey, type Missing, sentenceOf, type WordsFor } from './error-words.ts'

/** One field of a request that is wrong; `path` is dotted, as in `agentIds.0`. */
export interface FieldIssue {
  path: string
  message: string
}

/** What an error brings along: what its sentence has braces for, and what clients may want to know. */
interface Given {
  details?: Record<string, unknown>
  /** Where a library has found a better one than the catalogue's. */
  status?: number
}
type GivenFor<K extends ErrorKey> = keyof WordsFor<K> extends never
  ? [given?: Given]
  : [given: Given & { words: WordsFor<K> }]

/**
 * An error that is part of the interface: it becomes the answer `{"error": {"message", "code", "details"}}` with the status
 * and the sentence of the catalogue.
 *
 * @example throw new AppError('file.too_large', { words: { maxBytes }, details: { maxBytes } })
 */
export class AppError<K extends ErrorKey = ErrorKey> extends Error {
  readonly status: number
  readonly code: string
  readonly details: Record<string, unknown> | undefined

  constructor(key: K, ...rest: GivenFor<K>) {
    const [given = {}]: [given?: Given & { words?: Record<string, string | number> }] = rest
    super(sentenceOf(key, given.words))
    this.name = 'AppError'
    this.status = given.status ?? ERROR_WORDS[key][0]
    this.code = codeOf(key)
    this.details = given.details
  }
}

/** Issues that an answer names; of the rest it says how many they are. */
const SHOWN_ISSUES = 20
/** Characters of a path or message: paths come from the request, and an answer must not grow with it. */
const SHOWN_CHARS = 200

/** 400 with the path of each bad field, of as many as fit: `more` counts the others. */
export const invalidRequest = (issues: FieldIssue[]): AppError => {
  const shown = issues
    .slice(0, SHOWN_ISSUES)
    .map(({ path, message }) => ({ path: shortened(path), message: shortened(message) }))
  const more = issues.length - shown.length
  const sentences = shown.map((i) => (i.path ? `${i.path}: ${i.message}` : i.message))
  if (more > 0) sentences.push(`and ${more} more`)
  return new AppError('request.invalid', {
    words: { issues: sentences.join('; ') },
    details: { issues: shown, ...(more > 0 && { more }) },
  })
}

/** A text from outside for an answer or a log: its beginning, if it is long. */
export const shortened = (text: string, chars = SHOWN_CHARS): string =>
  text.length <= chars ? text : `${text.slice(0, chars - 1).toWellFormed()}…`

/** 404. Another user's object is answered with this too, so that ids reveal nothing. */
export const notFound = (what: Missing, details?: Record<string, unknown>): AppError =>
  new AppError(`${what}.not_found`, { details })

/** 409: a user has as many of these as one may have. */
export const tooMany = (
  what:
    | 'agent'
    | 'connection'
    | 'conversation'
    | 'key'
    | 'mcp'
    | 'party'
    | 'share'
    | 'webhook'
    | 'schedule'
    | 'gallery',
  limit: number,
): AppError => new AppError(`${what}.too_many`, { words: { limit }, details: { limit } })

/** No guest is taken in now: as many are there, or were given credits today, as may be. An hour may change that. */
export const tooManyGuests = (): AppError => new AppError('guest.too_many', { details: { retryAfterSeconds: 3_600 } })

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  // A host with several addresses fails with one error for each, and no words of its own.
  if (error instanceof AggregateError && !error.message) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
