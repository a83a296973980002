import {
  type FailureFacts,
  failureMessage,
  PROVIDER_FAILURES,
  type ProviderFailureCode,
} from '../contract/provider-failures.ts'
import { AppError } from '../shared/errors.ts'
import { retryAfterMs } from '../shared/retry-after.ts'
import { PARAMETER_HEADER } from './dialects/dialect-fetch.ts'
import { saysAny, tellsOfBrokenCall } from './dialects/wire.ts'

/** What a failed provider call means for the caller: try again later, or give up. */
export interface ProviderFailure {
  kind: 'retryable' | 'fatal'
  /** `provider.<reason>`, or a code of ours for what was in the way of a call; part of the interface. */
  code: string
  /** Plain words for the user; never a key, an address or the provider's body. */
  message: string
  /** Milliseconds that the provider asked to wait, when it did. */
  retryAfterMs?: number
  /** For operators: the HTTP status, and the network's or the wire's own code of the trouble. Of few values, and no words. */
  status?: number
  cause?: string
}

type Reason = ProviderFailureCode

/** The failure of this code, for what is noticed here and told by nobody. */
export const providerFailure = (reason: Reason, facts: FailureFacts = {}): ProviderFailure => ({
  kind: PROVIDER_FAILURES[reason].isRetryable ? 'retryable' : 'fatal',
  code: `provider.${reason}`,
  message: failureMessage(reason, facts),
})

/**
 * Decides about anything that a model call throws or puts into its stream: the AI SDK's errors, wrapped by Mastra or by
 * retries, plain objects of errors within a stream, network errors, refusals of the outbound guard, our own AppErrors.
 */
export function classifyProviderError(error: unknown, now: Date = new Date()): ProviderFailure {
  const facts = gather(error)
  if (facts.own) return { kind: 'fatal', code: facts.own.code, message: facts.own.message }
  const reason = reasonOf(facts)
  const failure = providerFailure(reason, {
    limit: facts.detail,
    parameter: facts.headers[PARAMETER_HEADER],
    certificate: certificateTrouble(facts),
  })
  const retryAfterMs = failure.kind === 'retryable' ? retryAfter(facts, now) : undefined
  const { status } = facts
  const cause = causeOf(facts)
  return {
    ...failure,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status !== undefined && { status }),
    ...(cause !== undefined && { cause }),
  }
}

/** A code that is ours or the network's; those of servers are their words. */
const causeOf = ({ codes }: Facts): string | undefined =>
  [...NETWORK_CODES, ...NO_TLS, ...CERTIFICATES.map(([code]) => code)].find((code) => codes.has(code)) ??
  [...codes].find((code) => code.startsWith('wire.') || code === 'err_address_refused')

interface Facts {
  own?: AppError
  /** The first HTTP status met, from the outside in. */
  status?: number
  headers: Record<string, string>
  /** Error names and codes, lower case. */
  codes: Set<string>
  /** All messages and bodies, lower case and capped; to look for words in, never to show. */
  text: string
  /** What a `WireError` adds. */
  detail?: string
}

/** More of an error's words is not looked at. */
const MOST_CHARS = 32_768

const MAX_DEPTH = 8
// Errors within errors. Never the request, whose words must not be taken for the provider's.
const NESTED = ['cause', 'error', 'errors', 'lastError', 'payload', 'data', 'details', 'originalError']
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function gather(error: unknown): Facts {
  const facts: Facts = { headers: {}, codes: new Set(), text: '' }
  const seen = new Set<unknown>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      const room = MOST_CHARS - facts.text.length
      if (room > 0) facts.text += `${value.slice(0, room).toLowerCase()}\n`
    }
    if (!isRecord(value) || seen.has(value) || depth > MAX_DEPTH) return
    seen.add(value)
    if (value instanceof AppError) facts.own ??= value
    for (const key of ['name', 'code', 'type', 'status']) {
      const code = value[key]
      if (typeof code === 'string') facts.codes.add(code.toLowerCase())
    }
    if (value.name === 'WireError' && typeof value.detail === 'string') facts.detail ??= value.detail
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

const rows = (...phrases: string[]): string[][] => phrases.map((phrase) => [phrase])

const QUOTA = rows(
  'insufficient_quota',
  'exceeded your current quota',
  'credit balance is too low',
  'billing_hard_limit',
  'insufficient balance',
  'insufficient credits',
  'insufficient funds',
  'payment required',
  'billing_not_active',
  'requires more credits',
  'out of credits',
)
const CONTEXT = [
  ...rows(
    'context_length_exceeded',
    'context_window_exceeded',
    'context length',
    'context window',
    'context size',
    'context limit',
    'maximum context',
    'prompt is too long',
    'prompt too long',
    'input is too long',
    'too many input tokens',
    'too many tokens',
    'request too large',
    'reduce the length',
    'reduce your prompt',
    'string_above_max_length',
    'exceeds the maximum number of tokens',
  ),
  ['input token count', 'exceeds'],
  ['prompt', 'tokens', 'exceeds'],
  ['request (', 'tokens) exceeds'],
  ['tokens to keep', 'context'],
  ['n_keep', 'n_ctx'],
  ['inputs tokens', 'must be <='],
]
const REFUSED = rows(
  'content_policy',
  'content_filter',
  'content management policy',
  'safety system',
  'safety settings',
  'responsible ai',
  'responsibleai',
  'prohibited_content',
  'flagged',
)
const BAD_KEY = rows(
  'api key not valid',
  'api_key_not_valid',
  'api_key_invalid',
  'api key invalid',
  'invalid api key',
  'invalid_api_key',
  'incorrect api key',
  'invalid x-api-key',
  'api key expired',
  'no api key',
  'missing api key',
)
const UNKNOWN_MODEL = [
  ...rows('model_not_found', 'unknown model', 'no such model', 'deploymentnotfound', 'no endpoints found for'),
  ['model', 'not found'],
  ['model', 'does not exist'],
  ['model', 'not exist'],
  ['model', 'is not supported'],
  ['model', 'not available'],
]
/** A server that says so does not know the address, whatever the model. */
const NOT_HERE = [
  ...rows(
    'page not found',
    'unexpected endpoint',
    'invalid url',
    'no route',
    'route not found',
    'cannot post',
    '(no body, status',
    '<html',
    '<!doctype',
    'unknown request url',
    'method not allowed',
    'no static resource',
    'endpoint not found',
    'path not found',
    '"detail":"not found"',
    '"detail": "not found"',
    '"error":"not found"',
    '"error": "not found"',
    '"message":"not found"',
    '"message": "not found"',
    'resource not found',
    'no handler',
    'file not found',
  ),
]
/** Pages of servers that stand before, or in the place of, a model's. */
const PAGES = rows(
  '<html',
  '<!doctype',
  'plain http request was sent to https',
  'client sent an http request to an https',
)

/** A 404 that speaks of no model is about the address. */
const isNotHere = (text: string): boolean =>
  saysAny(text, NOT_HERE) || (text.includes('not found') && !text.includes('model') && !text.includes('deployment'))

const CERTIFICATES: ReadonlyArray<readonly [code: string, trouble: string]> = [
  ['depth_zero_self_signed_cert', 'is signed by itself'],
  ['self_signed_cert_in_chain', 'is signed by an authority that nobody knows'],
  ['unable_to_verify_leaf_signature', 'is signed by an authority that is not known here'],
  ['unable_to_get_issuer_cert_locally', 'is signed by an authority that is not known here'],
  ['unable_to_get_issuer_cert', 'is signed by an authority that is not known here'],
  ['cert_untrusted', 'is not trusted'],
  ['cert_rejected', 'is not trusted'],
  ['cert_has_expired', 'has expired'],
  ['cert_not_yet_valid', 'is not valid yet'],
  ['cert_revoked', 'has been revoked'],
  ['cert_signature_failure', 'has a broken signature'],
  ['cert_chain_too_long', 'comes with too long a chain'],
  ['invalid_ca', 'is signed by what is no authority'],
  ['invalid_purpose', 'is not made for servers'],
  ['hostname_mismatch', 'is for another host'],
  ['err_tls_cert_altname_invalid', 'is for another host'],
]
const certificateTrouble = ({ codes }: Facts): string | undefined => CERTIFICATES.find(([code]) => codes.has(code))?.[1]
/** The server at this address speaks no TLS, or none of ours. */
const NO_TLS = ['err_ssl_wrong_version_number', 'eproto', 'err_ssl_packet_length_too_long', 'hpe_invalid_constant']
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
]
const NETWORK_WORDS = rows(
  'fetch failed',
  'cannot connect',
  'socket hang up',
  'network error',
  'timeout',
  'timed out',
  'time out',
  'other side closed',
)
const CUT = rows(
  'terminated',
  'failed to process successful response',
  'premature close',
  'stream was closed',
  'stream was ended',
  'stream was cut',
  'stream closed',
  'stream ended',
  'stream cut',
)

function reasonOf(facts: Facts): Reason {
  const { status, text, codes } = facts
  if (has(facts, 'err_address_refused', 'addressrefusederror')) return 'address_refused'
  if (tellsOfBrokenCall(text)) return 'broken_call'
  const wire = [...codes].find((code) => code.startsWith('wire.'))?.slice('wire.'.length)
  if (wire && wire !== 'error' && Object.hasOwn(PROVIDER_FAILURES, wire)) return ofWire(wire as Reason, facts)
  if (status !== undefined) return ofStatus(status, facts)
  // Below here: nothing was answered, or it broke off, or the error came within a stream that began as a success.
  if (wire === 'error') return ofWords(facts) ?? (saysAny(text, NOT_HERE) ? 'bad_response' : 'failed')
  if (has(facts, 'ai_loadapikeyerror')) return 'unauthorized'
  if (has(facts, 'ai_nosuchmodelerror')) return 'model_not_found'
  if (certificateTrouble(facts)) return 'certificate'
  if (has(facts, ...NO_TLS)) return 'bad_response'
  if (has(facts, ...NETWORK_CODES)) return saysAny(text, CUT) ? 'stream_cut' : 'unreachable'
  if (saysAny(text, CUT)) return 'stream_cut'
  if (saysAny(text, NETWORK_WORDS)) return 'unreachable'
  if (has(facts, 'ai_jsonparseerror', 'ai_typevalidationerror')) {
    return text.includes('invalid json response') ? 'bad_response' : 'stream_cut'
  }
  if (has(facts, 'ai_emptyresponsebodyerror', 'ai_nocontentgeneratederror', 'ai_nooutputgeneratederror'))
    return 'stream_cut'
  return ofWords(facts) ?? 'failed'
}

/** A body that is no answer may say all the same that it is no use to ask again. */
function ofWire(reason: Reason, facts: Facts): Reason {
  return reason === 'stream_cut' && saysAny(facts.text, NOT_HERE) ? 'bad_response' : reason
}

function ofStatus(status: number, facts: Facts): Reason {
  const { text } = facts
  if (status < 400) return status >= 300 ? 'address_refused' : (ofWords(facts) ?? 'bad_response')
  const words = ofWords(facts)
  if (status === 402 || words === 'quota_exhausted') return 'quota_exhausted'
  if (status === 429) return isTooLarge(text) ? 'context_too_long' : 'rate_limited'
  if (status === 408 || status === 409 || status === 425 || status === 498) return 'rate_limited'
  // What cannot get better is told by words, whatever status a server gives it.
  if (words === 'context_too_long' || (words === 'content_refused' && status < 500)) return words
  if (status >= 500) return status === 501 || status === 505 ? 'bad_request' : 'unavailable'
  if (words === 'content_refused') return words
  if (status === 401 || status === 403 || words === 'unauthorized') return 'unauthorized'
  if (status === 405 || (status === 404 && isNotHere(text)) || (status === 400 && saysAny(text, PAGES)))
    return 'bad_response'
  if (status === 404 || words === 'model_not_found') return 'model_not_found'
  if (status === 413) return 'context_too_long'
  return 'bad_request'
}

/** A 429 that no waiting helps: the one request asks for more than the whole limit. */
function isTooLarge(text: string): boolean {
  if (saysAny(text, rows('request too large', 'context_length_exceeded'))) {
    const [limit, requested] = [numberAfter(text, 'limit'), numberAfter(text, 'requested')]
    return limit === undefined || requested === undefined || requested > limit
  }
  const [limit, requested] = [numberAfter(text, 'limit '), numberAfter(text, 'requested ')]
  return limit !== undefined && requested !== undefined && requested > limit
}

/** The number that follows a word, a few signs further on. */
function numberAfter(text: string, word: string): number | undefined {
  for (let from = 0, tries = 0; tries < 32; tries++) {
    const at = text.indexOf(word, from)
    if (at < 0) return undefined
    from = at + word.length
    const digits = /^[\s:=]{0,3}([\d,_]{1,15})/.exec(text.slice(from, from + 24))?.[1]
    if (digits && /\d/.test(digits)) return Number(digits.replaceAll(/[,_]/g, ''))
  }
  return undefined
}

function ofWords(facts: Facts): Reason | undefined {
  const { text } = facts
  const said = `${text}${[...facts.codes].join('\n')}`
  if (saysAny(said, QUOTA)) return 'quota_exhausted'
  if (has(facts, 'rate_limit_error', 'rate_limit_exceeded', 'resource_exhausted', 'too_many_requests')) {
    return 'rate_limited'
  }
  if (saysAny(said, CONTEXT)) return 'context_too_long'
  if (has(facts, 'overloaded_error', 'api_error', 'server_error', 'internal_server_error', 'service_unavailable')) {
    return 'unavailable'
  }
  if (saysAny(said, REFUSED)) return 'content_refused'
  if (saysAny(said, BAD_KEY) || has(facts, 'authentication_error', 'permission_error')) return 'unauthorized'
  if (saysAny(said, UNKNOWN_MODEL)) return 'model_not_found'
  if (saysAny(said, rows('rate limit', 'too many requests'))) return 'rate_limited'
  if (saysAny(said, rows('overloaded', 'unavailable', 'internal error', 'internal server error'))) return 'unavailable'
  if (has(facts, 'invalid_request_error')) return 'bad_request'
  return undefined
}

/** `retry-after-ms` (milliseconds), `retry-after` (seconds or an HTTP date), or the delay in Google's error details. */
function retryAfter({ headers, text }: Facts, now: Date): number | undefined {
  const exact = Number(headers['retry-after-ms'])
  if (headers['retry-after-ms'] && Number.isFinite(exact) && exact >= 0) return Math.ceil(exact)
  const said = retryAfterMs(headers['retry-after'], now.getTime())
  if (said !== undefined) return said
  const google = /"retrydelay":\s*"(\d+(?:\.\d+)?)s"/.exec(text)?.[1]
  return google === undefined ? undefined : Math.ceil(Number(google) * 1_000)
}
