import { createHash } from 'node:crypto'
import { AppError } from '../shared/errors.ts'

const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16)

/**
 * `"STATE.WHOLE"`, for an ETag: STATE stands for what somebody may change of an object, and is what `If-Match` is held to; WHOLE for
 * all that was answered, so that what else moves (a breaker, the words of a conversation) is a new answer, and no conflict.
 */
export const entityTag = (state: unknown, whole: unknown): string => `"${digest(state)}.${digest(whole)}"`

/** Lets pass what is still as the client saw it. @throws AppError 412 `request.precondition_failed` */
export type IfMatch = (state: unknown) => void

/** What an `If-Match` header asks for; without one, nothing. A tag that a proxy has made weak (W/) means the same here. */
export function ifMatchOf(header: string | undefined): IfMatch {
  if (header === undefined || header.trim() === '*') return () => {}
  const seen = new Set(header.split(',').map((tag) => /"([^".]*)/.exec(tag)?.[1]))
  return (state) => {
    if (!seen.has(digest(state))) throw new AppError('request.precondition_failed')
  }
}
