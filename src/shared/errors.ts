/** One field of a request that is wrong; `path` is dotted, as in `agentIds.0`. */
export interface FieldIssue {
  path: string
  message: string
}

/**
 * An error that is part of the interface: it becomes the answer
 * `{"error": {"message", "code", "details"}}` with this HTTP status. `code` is `domain.reason`.
 *
 * @example throw new AppError(409, 'auth.email_taken', 'This e-mail address is already registered.')
 */
export class AppError extends Error {
  readonly status: number
  readonly code: string
  readonly details: Record<string, unknown> | undefined

  constructor(status: number, code: string, message: string, details?: Record<string, unknown>) {
    super(message)
    this.name = 'AppError'
    this.status = status
    this.code = code
    this.details = details
  }
}

/** 400 with the path of each bad field. */
export const invalidRequest = (issues: FieldIssue[]): AppError =>
  new AppError(400, 'request.invalid', issues.map((i) => (i.path ? `${i.path}: ${i.message}` : i.message)).join('; '), {
    issues,
  })

/** 404. Another user's object is answered with this too, so that ids reveal nothing. */
export const notFound = (what: string): AppError =>
  new AppError(404, `${what}.not_found`, `There is no such ${what.replaceAll('_', ' ')}.`)

/** 403: signed in, but not allowed. */
export const forbidden = (message = 'You may not do this.'): AppError => new AppError(403, 'auth.forbidden', message)

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  // A host with several addresses fails with one error for each, and no words of its own.
  if (error instanceof AggregateError && !error.message) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
