import { APICallError, LoadAPIKeyError } from '@ai-sdk/provider'
import { expect } from 'chai'
import { AddressRefusedError } from '../../src/connections/outbound-guard.ts'
import { classifyProviderError } from '../../src/connections/provider-errors.ts'
import { AppError } from '../../src/shared/errors.ts'

const SECRET = 'sk-very-secret'
const call = (
  statusCode: number | undefined,
  {
    body = '',
    headers = {},
    cause,
    message = 'x',
  }: { body?: string; headers?: Record<string, string>; cause?: unknown; message?: string } = {},
) =>
  new APICallError({
    message,
    url: `https://internal.example/${SECRET}`,
    requestBodyValues: { prompt: 'My model gpt-9 was not found, rate limit, prompt is too long' },
    statusCode,
    responseHeaders: headers,
    responseBody: body,
    cause,
  })
const withCode = (message: string, code: string) => Object.assign(new Error(message), { code })

describe('Provider errors', () => {
  const cases: Array<[string, unknown, 'retryable' | 'fatal', string]> = [
    ['401', call(401), 'fatal', 'unauthorized'],
    ['403', call(403), 'fatal', 'unauthorized'],
    [
      "Gemini's 400 for a bad key",
      call(400, { body: 'API key not valid. Please pass a valid API key.' }),
      'fatal',
      'unauthorized',
    ],
    ['a missing key', new LoadAPIKeyError({ message: 'no key' }), 'fatal', 'unauthorized'],
    ['404', call(404), 'fatal', 'model_not_found'],
    [
      '400 for an unknown model',
      call(400, { body: '{"error":{"code":"model_not_found"}}' }),
      'fatal',
      'model_not_found',
    ],
    ['400', call(400), 'fatal', 'bad_request'],
    ['422', call(422), 'fatal', 'bad_request'],
    [
      'refused content',
      call(400, { body: '{"error":{"code":"content_policy_violation"}}' }),
      'fatal',
      'content_refused',
    ],
    [
      "OpenAI's context limit",
      call(400, { body: '{"error":{"code":"context_length_exceeded"}}' }),
      'fatal',
      'context_too_long',
    ],
    [
      "Anthropic's context limit",
      call(400, { body: 'prompt is too long: 210000 tokens > 200000' }),
      'fatal',
      'context_too_long',
    ],
    ["Groq's 413", call(413, { body: 'Request too large for model' }), 'fatal', 'context_too_long'],
    ['402', call(402), 'fatal', 'quota_exhausted'],
    ["OpenAI's quota 429", call(429, { body: '{"error":{"code":"insufficient_quota"}}' }), 'fatal', 'quota_exhausted'],
    [
      "Anthropic's 400 without credit",
      call(400, { body: 'Your credit balance is too low to access' }),
      'fatal',
      'quota_exhausted',
    ],
    ['408', call(408), 'retryable', 'rate_limited'],
    ['429', call(429), 'retryable', 'rate_limited'],
    ['500', call(500), 'retryable', 'unavailable'],
    ['500 that speaks of a model', call(500, { body: 'model runner not available' }), 'retryable', 'unavailable'],
    ['529', call(529), 'retryable', 'unavailable'],
    [
      'a refused connection',
      call(undefined, { cause: withCode('connect', 'ECONNREFUSED') }),
      'retryable',
      'unreachable',
    ],
    [
      'a timeout',
      new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
      'retryable',
      'unreachable',
    ],
    [
      'a dropped stream',
      new TypeError('terminated', { cause: withCode('other side closed', 'UND_ERR_SOCKET') }),
      'retryable',
      'stream_cut',
    ],
    [
      'a cut answer',
      call(200, { message: 'Failed to process successful response', cause: new TypeError('terminated') }),
      'retryable',
      'stream_cut',
    ],
    [
      'an answer that is no JSON',
      call(200, { message: 'Invalid JSON response', cause: { name: 'AI_JSONParseError' } }),
      'fatal',
      'bad_response',
    ],
    ['a redirect', call(302), 'fatal', 'address_refused'],
    [
      'the outbound guard',
      new TypeError('fetch failed', { cause: new AddressRefusedError('no') }),
      'fatal',
      'address_refused',
    ],
    ['an error within a stream', { message: 'Overloaded', type: 'overloaded_error' }, 'retryable', 'unavailable'],
    [
      'a rate limit within a stream',
      { error: { message: 'slow', type: 'rate_limit_error' } },
      'retryable',
      'rate_limited',
    ],
    ['a quota within a stream', { message: 'x', code: 'insufficient_quota' }, 'fatal', 'quota_exhausted'],
    [
      'wrapped by Mastra',
      Object.assign(new Error('LLM failed'), { cause: { error: call(401) } }),
      'fatal',
      'unauthorized',
    ],
    [
      'wrapped by retries',
      { name: 'AI_RetryError', lastError: call(503), errors: [call(503)] },
      'retryable',
      'unavailable',
    ],
    ['serialised', { name: 'AI_APICallError', statusCode: 404, message: 'gone' }, 'fatal', 'model_not_found'],
    ['a text', 'something odd', 'retryable', 'failed'],
    ['nothing', undefined, 'retryable', 'failed'],
  ]
  for (const [what, error, kind, reason] of cases) {
    it(`${what} is ${kind} ${reason}`, () => {
      expect(classifyProviderError(error)).to.include({ kind, code: `provider.${reason}` })
    })
  }

  it('never shows a key, an address or a body', () => {
    for (const [, error] of cases) {
      expect(classifyProviderError(error).message).to.not.match(/sk-|https?:|internal|\{/)
    }
  })

  it('passes our own errors on by their code', () => {
    const own = new AppError('connections.key_unreadable')
    expect(classifyProviderError(new Error('wrapped', { cause: own }))).to.deep.equal({
      kind: 'fatal',
      code: 'connections.key_unreadable',
      message: 'The stored API key can no longer be read with the keys of this server. Please enter the API key again.',
    })
  })

  it('honours Retry-After in seconds, as a date and in milliseconds, and what Google says in the body', () => {
    const now = new Date('2026-01-01T00:00:00Z')
    const waitOf = (headers: Record<string, string>, body = '') =>
      classifyProviderError(call(429, { headers, body }), now).retryAfterMs
    expect(waitOf({ 'Retry-After': '7' })).to.equal(7_000)
    expect(waitOf({ 'retry-after': '0.5' })).to.equal(500)
    expect(waitOf({ 'retry-after': 'Thu, 01 Jan 2026 00:00:20 GMT' })).to.equal(20_000)
    expect(waitOf({ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' })).to.equal(0)
    expect(waitOf({ 'retry-after-ms': '1234', 'retry-after': '9' })).to.equal(1_234)
    expect(waitOf({ 'retry-after': 'soon' })).to.equal(undefined)
    expect(waitOf({}, '{"details":[{"retryDelay":"37s"}]}')).to.equal(37_000)
    expect(classifyProviderError(call(503, { headers: { 'retry-after': '3' } }), now).retryAfterMs).to.equal(3_000)
    expect(classifyProviderError(call(401, { headers: { 'retry-after': '3' } }), now)).to.not.have.property(
      'retryAfterMs',
    )
  })

  it('survives errors that contain themselves', () => {
    const loop: Record<string, unknown> = { message: 'round' }
    loop.cause = loop
    expect(classifyProviderError(loop).code).to.equal('provider.failed')
  })
})
