import type { ErrorView, RunView } from '../../contract/views.ts'
import { AppError } from '../../shared/errors.ts'

/** An error as OpenAI's wire has it: its clients choose their error class by the status, and read `code`. */
export interface WireError {
  status: number
  body: {
    error: { message: string; type: string; param: string | null; code: string; details?: Record<string, unknown> }
  }
  headers: Record<string, string>
}

/** What clients of that wire know by another name than ours. */
const KNOWN: Record<string, { status?: number; type?: string; code: string }> = {
  'auth.unauthorized': { code: 'invalid_api_key' },
  'model.not_found': { code: 'model_not_found' },
  'request.rate_limited': { code: 'rate_limit_exceeded' },
  'chat.rate_limited': { code: 'rate_limit_exceeded' },
  'stream.too_many': { code: 'rate_limit_exceeded' },
  'provider.rate_limited': { status: 429, code: 'rate_limit_exceeded' },
  // 402 has no class of its own there, and this is how a lack of money looks on that wire.
  'credits.insufficient': { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  'provider.context_too_long': { status: 400, code: 'context_length_exceeded' },
  'provider.content_refused': { status: 400, code: 'content_filter' },
}

const typeOf = (status: number): string => {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** Official clients send a request that failed again, twice, if they are not told whether that can help. */
const RETRY = 'x-should-retry'

function wireError(
  { code, message, status }: ErrorView & { status: number },
  details: Record<string, unknown> | undefined,
  mayRetry: boolean | undefined,
): WireError {
  const known = KNOWN[code]
  const shown = known?.status ?? status
  const issues = details?.issues
  const param: unknown = Array.isArray(issues) ? issues[0]?.path : undefined
  return {
    status: shown,
    body: {
      error: {
        message,
        type: known?.type ?? typeOf(shown),
        param: typeof param === 'string' && param !== '' ? param : null,
        code: known?.code ?? code,
        ...(details && { details }),
      },
    },
    headers: mayRetry === undefined ? {} : { [RETRY]: String(mayRetry) },
  }
}

/** What was thrown before anything was accepted. Asking again helps where we are in trouble, or say when to come back. */
export const requestError = (error: AppError): WireError =>
  wireError(error, error.details, error.status >= 500 || error.details?.retryAfterSeconds !== undefined)

/** What went wrong while a run was read that goes on: asking again would only begin another. */
export function readingError(error: unknown): WireError {
  const known = error instanceof AppError ? error : new AppError('run.unread')
  return wireError(known, known.details, false)
}

/** How a run failed; undefined for one that did not. What can be tried again was, before it failed. */
export function runError({ status, error }: Pick<RunView, 'status' | 'error'>): WireError | undefined {
  if (status !== 'failed') return undefined
  const { code, message } = error ?? { code: 'run.failed', message: 'The run failed.' }
  const shown = code.startsWith('answer.') ? 422 : code.startsWith('provider.') ? 502 : 500
  return wireError({ code, message, status: shown }, undefined, false)
}
