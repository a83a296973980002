import { AppError } from '../shared/errors.ts'

/** What a failed provider call means for the caller: try again later, or give up. */
export interface ProviderFailure {
  kind: 'retryable' | 'fatal'
  /** `provider.<reason>`, or the code of an AppError that was thrown on the way; part of the interface. */
  code: string
  /** Plain words for the user; never a key, an address or the provider's body. */
  message: string
  /** Milliseconds that the provider asked to wait, when it did. */
  retryAfterMs?: number
}

const FAILURES = {
  unauthorized: ['fatal', 'The model provider refused the API key of this connection.'],
  model_not_found: ['fatal', 'The model provider does not know this model, or the key may not use it.'],
  bad_request: ['fatal', 'The model provider refused the request as invalid.'],
  bad_response: ['fatal', 'The address answered, but not as this provider does. Check the base URL.'],
  content_refused: ['fatal', 'The model provider refused this content.'],
  context_too_long: ['fatal', 'The conversation is too long for this model.'],
  quota_exhausted: ['fatal', 'The account at the model provider has no credit or quota left.'],
  address_refused: ['fatal', 'This server may not connect to the address of this connection.'],
  rate_limited: ['retryable', 'The model provider asks to slow down.'],
  unavailable: ['retryable', 'The model provider has trouble right now.'],
  unreachable: ['retryable', 'The model provider could not be reached in time.'],
  stream_cut: ['retryable', 'The connection to the model provider broke off during the answer.'],
  failed: ['retryable', 'The call to the model provider failed in an unexpected way.'],
} as const satisfies Record<string, readonly [ProviderFailure['kind'], string]>
type Reason = keyof typeof FAILURES

/**
 * Decides about anything that a model call throws or puts into its stream: the AI SDK's errors, wrapped by Mastra or by
 * retries, plain objects of errors within a stream, network errors, refusals of the outbound guard, our own AppErrors.
 */
export function classifyProviderError(error: unknown, now: Date = new Date()): ProviderFailure {
  const facts = gather(error)
  if (facts.own) return { kind: 'fatal', code: facts.own.code, message: facts.own.message }
  const reason = reasonOf(facts)
  const [kind, message] = FAILURES[reason]
  const retryAfterMs = kind === 'retryable' ? retryAfter(facts, now) : undefined
  return { kind, code: `provider.${reason}`, message, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

interface Facts {
  own?: AppError
  /** The first HTTP status met, from the outside in. */
  status?: number
  headers: Record<string, string>
  /** Error names and codes, lower case. */
  codes: Set<string>
  /** All messages and bodies, lower case; to look for words in, never to show. */
  text: string
}

const MAX_DEPTH = 8
// Errors within errors. Never the request, whose words must not be taken for the provider's.
const NESTED = ['cause', 'error', 'errors', 'lastError', 'payload', 'data', 'details', 'originalError']
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function gather(error: unknown): Facts {
  const facts: Facts = { headers: {}, codes: new Set(), text: '' }
  const seen = new Set<unknown>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === 'string') facts.text += `${value.toLowerCase()}\n`
    if (!isRecord(value) || seen.has(value) || depth > MAX_DEPTH) return
    seen.add(value)
    if (value instanceof AppError) facts.own ??= value
    for (const key of ['name', 'code', 'type', 'status']) {
      const code = value[key]
      if (typeof code === 'string') facts.codes.add(code.toLowerCase())
    }
    const status = [value.statusCode, value.status, value.code].find(
      (n) => typeof n === 'number' && n >= 300 && n < 600,
    )
    if (typeof status === 'number') facts.status ??= status
    if (isRecord(value.responseHeaders)) {
      for (const [name, header] of Object.entries(value.responseHeaders))
        facts.headers[name.toLowerCase()] ??= String(header)
    }
    for (const key of ['message', 'responseBody']) visit(value[key], depth + 1)
    for (const key of NESTED) {
      const inner = value[key]
      for (const item of Array.isArray(inner) ? inner : [inner]) visit(item, depth + 1)
    }
  }
  visit(error, 0)
  return facts
}

const has = (facts: Facts, ...codes: string[]): boolean => codes.some((code) => facts.codes.has(code))

const QUOTA =
  /insufficient_quota|exceeded your current quota|credit balance is too low|billing_hard_limit|insufficient (balance|credits|funds)|payment required|billing_not_active/
const CONTEXT =
  /context_length_exceeded|maximum context length|context (length|window)|prompt is too long|too many (input )?tokens|input token count.*exceeds|request too large|reduce the length/
const REFUSED =
  /content_policy|content_filter|content management policy|safety (system|settings)|responsible ?ai|prohibited_content|flagged/
const BAD_KEY =
  /api[_ ]key[_ ](not valid|invalid)|invalid[_ ]api[_ ]key|incorrect api key|invalid x-api-key|api key expired/
const UNKNOWN_MODEL =
  /model_not_found|model.{0,80}(not found|does not exist|not exist|is not supported|not available)|unknown model|no such model/
const NETWORK_CODES = [
  'econnreset',
  'econnrefused',
  'econnaborted',
  'enotfound',
  'eai_again',
  'etimedout',
  'ehostunreach',
  'enetunreach',
  'epipe',
  'und_err_socket',
  'und_err_connect_timeout',
  'und_err_headers_timeout',
  'und_err_body_timeout',
  'timeouterror',
  'aborterror',
  'depth_zero_self_signed_cert',
  'cert_has_expired',
  'err_tls_cert_altname_invalid',
]
const NETWORK_WORDS = /fetch failed|cannot connect|socket hang up|network error|timed? ?out|other side closed/
const CUT = /terminated|failed to process successful response|premature close|stream (was )?(closed|ended|cut)/

function reasonOf(facts: Facts): Reason {
  const { status, text } = facts
  if (has(facts, 'err_address_refused', 'addressrefusederror')) return 'address_refused'
  if (status !== undefined) return ofStatus(status, facts)
  // Below here: nothing was answered, or it broke off, or the error came within a stream that began as a success.
  if (has(facts, 'ai_loadapikeyerror')) return 'unauthorized'
  if (has(facts, 'ai_nosuchmodelerror')) return 'model_not_found'
  if (has(facts, ...NETWORK_CODES)) return CUT.test(text) ? 'stream_cut' : 'unreachable'
  if (CUT.test(text)) return 'stream_cut'
  if (NETWORK_WORDS.test(text)) return 'unreachable'
  if (has(facts, 'ai_jsonparseerror', 'ai_typevalidationerror')) {
    return /invalid json response/.test(text) ? 'bad_response' : 'stream_cut'
  }
  if (has(facts, 'ai_emptyresponsebodyerror', 'ai_nocontentgeneratederror', 'ai_nooutputgeneratederror'))
    return 'stream_cut'
  return ofWords(facts) ?? 'failed'
}

function ofStatus(status: number, facts: Facts): Reason {
  if (status < 400) return 'address_refused'
  const words = ofWords(facts)
  if (status === 402 || words === 'quota_exhausted') return 'quota_exhausted'
  if (status === 408 || status === 409 || status === 425 || status === 429 || status === 498) {
    return 'rate_limited'
  }
  if (status >= 500) return 'unavailable'
  if (words === 'content_refused' || words === 'context_too_long') return words
  if (status === 401 || status === 403 || words === 'unauthorized') return 'unauthorized'
  if (status === 404 || words === 'model_not_found') return 'model_not_found'
  if (status === 413) return 'context_too_long'
  return 'bad_request'
}

function ofWords(facts: Facts): Reason | undefined {
  const { text } = facts
  const said = `${text}${[...facts.codes].join('\n')}`
  if (QUOTA.test(said)) return 'quota_exhausted'
  if (has(facts, 'rate_limit_error', 'rate_limit_exceeded', 'resource_exhausted', 'too_many_requests')) {
    return 'rate_limited'
  }
  if (has(facts, 'overloaded_error', 'api_error', 'server_error', 'internal_server_error', 'service_unavailable')) {
    return 'unavailable'
  }
  if (CONTEXT.test(said)) return 'context_too_long'
  if (REFUSED.test(said)) return 'content_refused'
  if (BAD_KEY.test(said) || has(facts, 'authentication_error', 'permission_error')) return 'unauthorized'
  if (UNKNOWN_MODEL.test(said)) return 'model_not_found'
  if (/rate limit|too many requests/.test(said)) return 'rate_limited'
  if (/overloaded|unavailable|internal (server )?error/.test(said)) return 'unavailable'
  if (has(facts, 'invalid_request_error')) return 'bad_request'
  return undefined
}

/** `retry-after-ms` (milliseconds), `retry-after` (seconds or an HTTP date), or the delay in Google's error details. */
function retryAfter({ headers, text }: Facts, now: Date): number | undefined {
  const exact = Number(headers['retry-after-ms'])
  if (headers['retry-after-ms'] && Number.isFinite(exact) && exact >= 0) return Math.ceil(exact)
  const header = headers['retry-after']?.trim()
  if (header) {
    const seconds = Number(header)
    const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now.getTime()
    if (Number.isFinite(ms)) return Math.max(0, Math.ceil(ms))
  }
  const google = /"retrydelay":\s*"(\d+(?:\.\d+)?)s"/.exec(text)?.[1]
  return google === undefined ? undefined : Math.ceil(Number(google) * 1_000)
}
