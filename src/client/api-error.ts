/** What the server said besides an error's code and words. */
export interface ErrorFacts {
  details?: Record<string, unknown> | undefined
  retryAfter?: number | undefined
  requestId?: string | undefined
}

/** An error that the server answered (or `client.*` when it did not answer): `code` is `domain.reason`. */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly code: string
  /** Facts of this code: of a 400 `{ issues: [{ path, message }] }`, of a 402 what is available and required. */
  readonly details: Record<string, unknown>
  /** When to try again at the earliest, in seconds from now, where the server says so (429, 503). */
  readonly retryAfter: number | undefined
  /** Names the request in the server's log. */
  readonly requestId: string | undefined

  constructor(status: number, code: string, message: string, facts: ErrorFacts = {}) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.details = facts.details ?? {}
    const inDetails = this.details.retryAfterSeconds
    this.retryAfter = facts.retryAfter ?? (typeof inDetails === 'number' ? inDetails : undefined)
    this.requestId = facts.requestId
  }
}
