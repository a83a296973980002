import type { LanguageModelV4, LanguageModelV4Usage } from '@ai-sdk/provider'
import { expect } from 'chai'
import { OutboundGuard } from '../../src/connections/outbound-guard.ts'
import { classifyProviderError } from '../../src/connections/provider-errors.ts'
import { languageModel } from '../../src/connections/provider-factory.ts'
import { BAD_KEY, type MockLlm, type MockProvider, startMockLlm } from '../support/mock-llm.ts'
import { skip } from '../support/programs.ts'

const PROVIDERS: MockProvider[] = ['openai', 'anthropic', 'google', 'groq', 'ollama', 'openai-compatible']
const prompt = [
  { role: 'system' as const, content: 'You are Ada.' },
  { role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello?' }] },
]
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'

describe('Model providers on their real wires', () => {
  let llm: MockLlm
  const guard = new OutboundGuard({ allow: [], production: false })
  before(async () => {
    llm = await startMockLlm()
  })
  after(async () => {
    await guard.close()
    await llm.stop()
  })
  beforeEach(() => llm.reset())

  const modelOf = (provider: MockProvider, apiKey = 'test-key', modelId = 'some-model'): LanguageModelV4 =>
    languageModel({ provider, baseUrl: llm.baseUrl(provider), apiKey }, modelId, { fetch: guard.fetch })

  /** Streams to the end; what goes wrong, thrown or within the stream, is the error. */
  async function stream(model: LanguageModelV4, abortSignal?: AbortSignal) {
    let text = ''
    let usage: LanguageModelV4Usage | undefined
    let error: unknown
    try {
      for await (const part of (await model.doStream({ prompt, abortSignal })).stream) {
        if (part.type === 'text-delta') text += part.delta
        if (part.type === 'finish') usage = part.usage
        if (part.type === 'error') error ??= part.error
      }
    } catch (thrown) {
      error = thrown
    }
    return { text, usage, error }
  }

  for (const provider of PROVIDERS) {
    describe(provider, () => {
      it('streams text and exact usage', async () => {
        const cached = { inputTokens: 12, cachedInputTokens: 5, outputTokens: 3 }
        llm.reply({ text: ALPHABET, usage: provider === 'anthropic' ? { ...cached, cacheWriteTokens: 4 } : cached })
        const { text, usage, error } = await stream(modelOf(provider))
        expect(error).to.equal(undefined)
        expect(text).to.equal(ALPHABET)
        expect(usage?.inputTokens).to.include({ noCache: 12, cacheRead: 5 })
        if (provider === 'anthropic') expect(usage?.inputTokens.cacheWrite).to.equal(4)
        expect(usage?.outputTokens.total).to.equal(3)
        const call = await llm.request(0)
        expect(call).to.include({
          provider,
          key: 'test-key',
          model: 'some-model',
          system: 'You are Ada.',
          stream: true,
        })
        expect(call.messages.map((m) => m.text)).to.deep.equal(['Hello?'])
        expect(await call.ended).to.equal('finished')
      })

      it('keeps reasoning tokens apart', async function () {
        if (provider === 'anthropic') skip(this, 'it counts them as output')
        llm.reply({ text: 'x', usage: { inputTokens: 1, outputTokens: 3, reasoningTokens: 7 } })
        expect((await stream(modelOf(provider))).usage?.outputTokens).to.include({ total: 10, text: 3, reasoning: 7 })
      })

      it('says 429 with Retry-After, then succeeds', async () => {
        llm.replyOnce({ status: 429, retryAfter: 2 }).reply('Better now.')
        const first = await stream(modelOf(provider))
        expect(classifyProviderError(first.error)).to.include({
          ...{ kind: 'retryable', code: 'provider.rate_limited', retryAfterMs: 2_000 },
        })
        expect((await stream(modelOf(provider))).text).to.equal('Better now.')
      })

      it('reports trouble, bad keys, unknown models and unreachable servers', async () => {
        const code = async (model = modelOf(provider)) => classifyProviderError((await stream(model)).error).code
        llm.reply({ status: 500 })
        expect(await code()).to.equal('provider.unavailable')
        expect(await code(modelOf(provider, BAD_KEY))).to.equal('provider.unauthorized')
        llm.reply({ status: 404 })
        expect(await code()).to.equal('provider.model_not_found')
        const nowhere = { provider, baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k' }
        expect(await code(languageModel(nowhere, 'm', { fetch: guard.fetch }))).to.equal('provider.unreachable')
      })

      it('notices a stream that is cut, or that fails half way', async () => {
        llm.replyOnce({ text: ALPHABET, cutAfter: 2 }).replyOnce({ text: ALPHABET, errorAfter: 2 })
        const cut = classifyProviderError((await stream(modelOf(provider))).error)
        expect(cut.kind).to.equal('retryable')
        expect(cut.code).to.be.oneOf(['provider.stream_cut', 'provider.unreachable'])
        const failed = await stream(modelOf(provider))
        expect(classifyProviderError(failed.error)).to.include({ kind: 'retryable', code: 'provider.unavailable' })
      })

      it('closes the socket when aborted', async () => {
        const hold = llm.hold(2)
        llm.reply({ text: ALPHABET, hold })
        const abort = new AbortController()
        const streaming = stream(modelOf(provider), abort.signal)
        const call = await hold.reached
        abort.abort()
        expect(await call.ended).to.equal('aborted')
        expect(call.chunks).to.equal(2)
        await streaming
      })
    })
  }

  it('never falls back to the platform\u2019s key in the environment', () => {
    const saved = process.env.OPENAI_API_KEY
    process.env.OPENAI_API_KEY = 'sk-platform'
    try {
      expect(() => languageModel({ provider: 'openai', baseUrl: llm.url, apiKey: null }, 'm', { fetch })).to.throw(
        'no API key',
      )
    } finally {
      if (saved === undefined) delete process.env.OPENAI_API_KEY
      else process.env.OPENAI_API_KEY = saved
    }
  })

  it('finds Ollama\u2019s wire below the address that its documents show', async () => {
    const model = languageModel({ provider: 'ollama', baseUrl: `${llm.url}/`, apiKey: null }, 'm', {
      fetch: guard.fetch,
    })
    const error = await stream(model).then((result) => result.error)
    expect(error).to.have.property('url', `${llm.url}/v1/chat/completions`)
  })
})
