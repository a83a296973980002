import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { z } from 'zod'
import { PROVIDER_FAILURES } from '../../src/contract/provider-failures.ts'
import { needPrograms } from '../support/programs.ts'
import { startWireServer, type WireReply, type WireRequest, type WireServer } from '../support/wire-server.ts'
import { expectFailed, expectWhole, useField, type WireProvider } from './field-world.ts'
import { A, C, completion, D, E, F, G, GOOGLE_USAGE, good, refused, T, U } from './wires.ts'

const PAGE = '<!DOCTYPE html><html><body>Please sign in</body></html>'
const testOf = z.looseObject({
  ok: z.boolean(),
  learnt: z.array(z.string()).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})

describe('Field 7: the cause is told, and what cannot get better is not retried', function () {
  this.timeout(30_000)
  const field = useField({ env: { TURN_MAX_ATTEMPTS: '3' } })

  const ONCE: Array<[what: string, reply: WireReply | string, code: string, provider?: WireProvider]> = [
    [
      'an error object in the stream about the context',
      E({
        object: 'error',
        message: "This model's maximum context length is 4096 tokens. However, you requested 9000.",
        code: 400,
      }),
      'context_too_long',
    ],
    [
      'a 400 about the context size',
      refused(400, 'request (4267 tokens) exceeds the available context size (4096 tokens), try increasing it'),
      'context_too_long',
    ],
    [
      'a 500 about the context size',
      refused(500, 'request (4267 tokens) exceeds the available context size (4096 tokens), try increasing it'),
      'context_too_long',
    ],
    [
      'a 429 for a request larger than the whole limit',
      refused(
        429,
        'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 342389.',
      ),
      'context_too_long',
    ],
    [
      'LM Studio about the context',
      E(
        {
          error:
            'Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens',
        },
        'error',
      ),
      'context_too_long',
    ],
    ['a context window in a 413', { status: 413, body: 'Payload too large' }, 'context_too_long'],
    ['a page to sign in', { body: PAGE, type: 'text/html' }, 'bad_response'],
    ['a page to sign in, called JSON', { body: PAGE }, 'bad_response'],
    ['an empty object', { body: '{}' }, 'bad_response'],
    ['words that are no answer', { body: 'It works!', type: 'text/plain' }, 'bad_response'],
    [
      'LM Studio at a wrong path',
      { body: '{"error":"Unexpected endpoint or method. (POST /chat/completions)"}' },
      'bad_response',
    ],
    ['a 404 without a model in it', { status: 404, body: '404 page not found', type: 'text/plain' }, 'bad_response'],
    ['a 404 about something else than a model', refused(404, 'Not Found. Check the path.'), 'bad_response'],
    [
      'a plain request to a TLS port',
      {
        status: 400,
        body: '<html><h1>400 The plain HTTP request was sent to HTTPS port</h1></html>',
        type: 'text/html',
      },
      'bad_response',
    ],
    ["FastAPI's 404", { status: 404, body: '{"detail":"Not Found"}' }, 'bad_response'],
    ['an empty 404', { status: 404 }, 'bad_response'],
    ['an address that OpenAI does not know', refused(404, 'Invalid URL (POST /chat/completions)'), 'bad_response'],
    ['a 405', { status: 405, body: '{"detail":"Method Not Allowed"}' }, 'bad_response'],
    ['an unknown model', refused(404, 'model "llama9" not found, try pulling it first'), 'model_not_found'],
    [
      'an empty account',
      refused(429, 'You exceeded your current quota', { code: 'insufficient_quota' }),
      'quota_exhausted',
    ],
    [
      'a bad key in a 200',
      { body: JSON.stringify({ error: { message: 'Incorrect API key provided', code: 'invalid_api_key' } }) },
      'unauthorized',
    ],
    ['content_filter without text', `${C({ role: 'assistant' })}${F('content_filter')}${U}${D}`, 'content_refused'],
    [
      "Gemini's refused prompt",
      E({ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 9 } }),
      'content_refused',
      'google',
    ],
    [
      "Gemini's refused answer",
      E({ candidates: [{ finishReason: 'SAFETY', index: 0 }], usageMetadata: GOOGLE_USAGE }),
      'content_refused',
      'google',
    ],
    ["Anthropic's refusal without text", [A.start, A.end('refusal'), A.stop].join(''), 'content_refused', 'anthropic'],
    ['a wrong address of Gemini', { status: 404, body: PAGE, type: 'text/html' }, 'bad_response', 'google'],
    ['a whole limit of thoughts', `${C({ reasoning_content: 'Hm.' })}${F('length')}${U}${D}`, 'limit_reached'],
    ['a whole limit of thoughts in tags', `${C('<think>Hm, and')}${F('length')}${U}${D}`, 'limit_reached'],
    ['a flood of thoughts', `${C({ reasoning_content: 'Hm. '.repeat(132_000) })}${good('Tea.')}`, 'flooded'],
    ['a flood of white space', `${C('\n'.repeat(66_000))}${good('Tea.')}`, 'flooded'],
    ["Anthropic's whole limit", [A.start, A.end('max_tokens'), A.stop].join(''), 'limit_reached', 'anthropic'],
    [
      "Gemini's whole limit",
      E({ candidates: [{ finishReason: 'MAX_TOKENS', index: 0 }], usageMetadata: GOOGLE_USAGE }),
      'limit_reached',
      'google',
    ],
  ]
  for (const [what, reply, code, provider] of ONCE) {
    it(`${what} is ${code}, once`, async () => {
      const outcome = await field.ask(() => reply, { provider })
      expectFailed(outcome, code)
      expect(outcome.run.error?.message).to.not.match(/sk-|https?:|\{|org-x/)
    })
  }

  it('a flood in one piece is cut, and what it said up to there is the answer, once', async () => {
    const outcome = await field.ask(() => good('flood '.repeat(100_000)))
    expect(outcome.run).to.deep.include({ status: 'completed', error: null })
    expect(outcome.answer).to.have.length(65_536)
    expect(outcome.requests).to.have.length(1)
  })

  it('the limit that was used up is named, and what to do', async () => {
    const outcome = await field.ask(() => `${C({ reasoning_content: 'Hm.' })}${F('length')}${U}${D}`, {
      agent: { maxOutputTokens: 512 },
    })
    expect(outcome.run.error?.message).to.contain('512 output tokens')
    expect(outcome.run.error?.message).to.contain(PROVIDER_FAILURES.limit_reached.toDo)
  })

  it('a wrong address says to check the base URL', async () => {
    const outcome = await field.ask(() => ({ body: PAGE, type: 'text/html' }))
    expect(outcome.run.error?.message).to.contain('Check the base URL')
  })

  it('a rate limit that waiting helps is waited for', async () => {
    const slow = refused(
      429,
      'Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.',
    )
    expectWhole(await field.ask(({ n }) => (n === 0 ? slow : good('Whole answer.'))), 'Whole answer.', { requests: 2 })
  })

  const PARAMETERS: Array<
    [what: string, message: string, isWrong: (body: WireRequest['body']) => boolean, agent?: object]
  > = [
    [
      'max_tokens, which is max_completion_tokens',
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      (body) => body.max_tokens !== undefined || body.max_completion_tokens === undefined,
    ],
    ['max_tokens, which is not known', 'Unknown parameter: max_tokens', (body) => body.max_tokens !== undefined],
    [
      'stream_options',
      '[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]',
      (body) => body.stream_options !== undefined,
    ],
    [
      'temperature',
      "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
      (body) => body.temperature !== undefined,
      { temperature: 0.7 },
    ],
    [
      'reasoning_effort',
      'Unrecognized request argument supplied: reasoning_effort',
      (body) => body.reasoning_effort !== undefined,
      { reasoningEffort: 'low' },
    ],
  ]
  for (const [what, message, isWrong, agent] of PARAMETERS) {
    it(`${what}: once more without it, and remembered`, async () => {
      const outcome = await field.ask(
        (request) => (isWrong(request.body) ? refused(400, message) : good('Whole answer.')),
        { agent },
      )
      expectWhole(outcome, 'Whole answer.', { requests: 2 })
      const { data } = z
        .object({ data: z.array(z.looseObject({ id: z.string() })) })
        .parse((await outcome.user.get('/api/agents?limit=1')).body)
      const again = await outcome.user.accept('/api/chat', { agentId: data[0]?.id, message: 'And now?' })
      await outcome.user.finished(again.runId)
      expect(field.server.requests).to.have.length(3)
    })
  }

  it('several of them, one after the other', async () => {
    const script = ({ body }: WireRequest) => {
      if (body.stream_options !== undefined) return refused(400, 'Unknown parameter: stream_options')
      if (body.temperature !== undefined)
        return refused(422, 'temperature: unexpected field, extra inputs are not permitted')
      if (body.max_tokens !== undefined) return refused(400, 'Use max_completion_tokens')
      return good('Whole answer.')
    }
    expectWhole(await field.ask(script, { agent: { temperature: 1 } }), 'Whole answer.', { requests: 4 })
  })

  it('a parameter whose value is refused is named', async () => {
    const outcome = await field.ask(() =>
      refused(400, 'max_tokens is too large: 2048. This model supports at most 1024 completion tokens.', {
        param: 'max_tokens',
      }),
    )
    expectFailed(outcome, 'bad_request')
    expect(outcome.run.error?.message).to.contain('"max_tokens"')
  })

  it('every code has a sentence for what happened and one for what to do', () => {
    for (const [code, { happened, toDo }] of Object.entries(PROVIDER_FAILURES)) {
      for (const sentence of [happened, toDo]) expect(sentence, code).to.match(/^[A-Z].*\.$/)
    }
  })

  describe('certificates', () => {
    let folder: string
    const servers: WireServer[] = []
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'certificates-'))
    })
    after(async () => {
      for (const server of servers) await server.stop()
      rmSync(folder, { recursive: true })
    })
    const secure = async (subject: string, days: string, alt: string) => {
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
      execFileSync(
        'openssl',
        [
          ...[
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:prime256v1',
            '-nodes',
            '-keyout',
            key,
            '-out',
            cert,
          ],
          ...['-subj', subject, '-days', days, '-addext', `subjectAltName=${alt}`],
        ],
        { stdio: 'ignore' },
      )
      const server = await startWireServer((onRequest) =>
        createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, onRequest),
      )
      servers.push(server)
      return server.url.replace('http:', 'https:')
    }
    const failing = async (baseUrl: string) => {
      const user = await field.guest()
      const [agentId] = await user.agentsOn({ provider: 'openai-compatible', baseUrl: `${baseUrl}/v1` }, ['Ada'])
      const { runId } = await user.accept('/api/chat', { agentId, message: 'Tea?' })
      return user.finished(runId)
    }

    it('of nobody that is known are named as such, and not retried', async function () {
      // Node makes no certificates.
      needPrograms(this, 'openssl')
      const run = await failing(await secure('/CN=localhost', '1', 'IP:127.0.0.1'))
      expect(run.error?.code).to.equal('provider.certificate')
      expect(run.error?.message).to.contain('is signed by itself')
      expect(run.turns[0]?.attempt).to.equal(1)
    })

    it('and an address that speaks no TLS says to check the base URL', async () => {
      const run = await failing(field.server.url.replace('http:', 'https:'))
      expect(run.error?.code).to.equal('provider.bad_response')
      expect(run.turns[0]?.attempt).to.equal(1)
    })
  })

  describe("a connection's test", () => {
    const tested = async (
      script: (request: WireRequest) => WireReply | string,
      provider: WireProvider = 'openai-compatible',
    ) => {
      field.server.script(script)
      const user = await field.guest()
      const id = await user.create('/api/connections', {
        name: 'Test',
        apiKey: 'test-key-1234',
        ...field.connectionTo(provider),
      })
      const outcome = testOf.parse((await user.post(`/api/connections/${id}/test`, undefined)).body)
      return { outcome, requests: field.server.requests, user, id }
    }
    const answers = (request: WireRequest) => (request.stream ? good('OK') : { body: completion('{"next":"Ada"}') })

    it('tries what parties need, and says what they can expect', async () => {
      const { outcome, requests } = await tested(answers)
      expect(outcome.ok).to.equal(true)
      expect(outcome.learnt).to.include.members([
        'Speaks, in roles that take turns.',
        'Streams its words.',
        'Reports its usage.',
        'Answers in JSON, so it can supervise.',
      ])
      expect(requests.map(({ stream }) => stream)).to.deep.equal([true, false, true])
      expect(requests[0]?.messages.map(({ role }) => role)).to.deep.equal(['system', 'user', 'assistant', 'user'])
    })

    it('finds out what the server does not take, so that the first party pays for no lesson', async () => {
      const script = (request: WireRequest) => {
        if (request.messages[0]?.role === 'system') return refused(400, 'System role not supported')
        if (request.body.response_format !== undefined)
          return refused(400, "'response_format.type' must be 'json_schema' or 'text'")
        return answers(request)
      }
      const { outcome, user, id } = await tested(script)
      expect(outcome.learnt).to.include.members([
        'Takes no system message: the instructions go before the first user message.',
        'Takes no response format: it is asked for JSON in words only.',
      ])
      const { requests } = field.server
      const before = requests.length
      const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.', connectionId: id })
      await user.finished((await user.accept('/api/chat', { agentId, message: 'Tea?' })).runId)
      expect(requests.length - before).to.equal(1)
    })

    it('finds out whether it calls tools, how it writes calls, and that it takes none', async () => {
      const written = '<tool_call>{"name": "keep_number", "arguments": {"number": 7}}</tool_call>'
      const called = await tested((request) => (request.body.tools ? good(written) : answers(request)))
      expect(called.outcome.learnt).to.include('Calls tools.')
      expect(called.outcome.learnt?.join(' ')).to.contain('Leaves calls of tools in the text')
      const silent = await tested(answers)
      expect(silent.outcome.learnt?.join(' ')).to.contain('Called no tool when it was asked to')
      const none = await tested((request) =>
        request.body.tools ? refused(400, 'gemma does not support tools') : answers(request),
      )
      expect(none.outcome.ok).to.equal(true)
      expect(none.outcome.learnt?.join(' ')).to.contain('Takes no tools').and.not.contain('Called no tool')
    })

    it('holds for models that think for more than a few tokens', async () => {
      const { outcome } = await tested(({ body, stream }) =>
        Number(body.max_tokens) < 500
          ? `${C({ reasoning_content: 'Hm.' })}${F('length')}${U}${D}`
          : stream
            ? `${C({ reasoning_content: 'Hm.' })}${T}${F('stop')}${U}${D}`
            : { body: completion('{"next":"Ada"}') },
      )
      expect(outcome.ok).to.equal(true)
      expect(outcome.learnt?.join(' ')).to.contain('Thinks before it speaks')
    })

    it('says what is wrong in words, and what to do', async () => {
      const { outcome } = await tested(() => ({ body: PAGE, type: 'text/html' }))
      expect(outcome).to.deep.equal({
        ok: false,
        error: {
          code: 'provider.bad_response',
          message: `${PROVIDER_FAILURES.bad_response.happened} ${PROVIDER_FAILURES.bad_response.toDo}`,
        },
      })
    })

    it('works on the other wires', async () => {
      for (const provider of ['anthropic', 'google'] as const) {
        const { outcome } = await tested(
          () =>
            provider === 'anthropic'
              ? [A.start, A.text('OK'), A.end(), A.stop].join('')
              : G('OK', 'STOP', { usageMetadata: GOOGLE_USAGE }),
          provider,
        )
        expect(outcome.ok, provider).to.equal(true)
        expect(outcome.learnt).to.include('Gave no usable JSON: as a supervisor it would leave the choice to chance.')
      }
    })
  })

  it('the list of providers names those that people use, with their address', async () => {
    const user = await field.guest()
    const { data } = z
      .object({
        data: z.array(z.looseObject({ name: z.string(), provider: z.string(), baseUrl: z.string().nullable() })),
      })
      .parse((await user.get('/api/providers')).body)
    const names = data.map(({ name }) => name).join(', ')
    for (const name of [
      'OpenRouter',
      'Azure OpenAI',
      'Mistral',
      'DeepSeek',
      'xAI',
      'Together',
      'Fireworks',
      'vLLM',
      'llama.cpp',
      'LM Studio',
      'Ollama',
      'LiteLLM',
    ]) {
      expect(names).to.contain(name)
    }
    for (const { provider, baseUrl } of data) {
      if (provider === 'openai-compatible') expect(baseUrl).to.match(/^https?:\/\//)
    }
  })
})
