import { expect } from 'chai'
import { languageModel } from '../../src/connections/provider-factory.ts'
import type { ProviderName } from '../../src/contract/providers.ts'
import type { NewPrice } from '../../src/credits/price.repository.ts'
import { seedPrices } from '../../src/credits/price.seed.ts'
import { costOf } from '../../src/credits/pricing.ts'
import { usageFromProvider } from '../../src/credits/usage.ts'

const priceList: NewPrice[] = []

/** What the provider's own SDK makes of an answer of its API, as usage and cost at the seeded price. */
async function meter(provider: ProviderName, model: string, answer: object) {
  const sdk = languageModel({ provider, baseUrl: 'https://llm.test/v1', apiKey: 'key' }, model, {
    fetch: async () => Response.json(answer),
  })
  const { usage } = await sdk.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hello?' }] }] })
  const classes = usageFromProvider(usage)
  const price = priceList.find((each) => each.provider === provider && [model, '*'].includes(each.model))
  if (!price) throw new Error(`${provider}/${model} is not on the price list`)
  return { classes, cost: classes && costOf(price, classes, 1_000_000n) }
}

const openAiAnswer = (usage: object | undefined) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_770_000_000,
  model: 'some-model',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
  usage,
})

/** 1 dollar is 10,000 credits is 10^10 micro-credits, so 1 dollar per million tokens is 10,000 micro-credits per token. */
describe("each provider's usage, priced", () => {
  before(() =>
    seedPrices({
      add: async (prices) => {
        priceList.push(...prices)
        return []
      },
    }),
  )

  it('OpenAI: cached tokens are part of the prompt, reasoning is part of the completion', async () => {
    const usage = {
      prompt_tokens: 2_006,
      completion_tokens: 300,
      total_tokens: 2_306,
      prompt_tokens_details: { cached_tokens: 1_920, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 192, audio_tokens: 0 },
    }
    const { classes, cost } = await meter('openai', 'gpt-5', openAiAnswer(usage))
    expect(classes).to.deep.equal({
      inputTokens: 86,
      cachedInputTokens: 1_920,
      cacheWriteTokens: 0,
      outputTokens: 108,
      reasoningTokens: 192,
      estimated: false,
    })
    //    86 uncached  x  12,500 ($1.25)  =  1,075,000
    // 1,920 cached    x   1,250 ($0.125) =  2,400,000
    //   108 text      x 100,000 ($10)    = 10,800,000
    //   192 reasoning x 100,000 ($10)    = 19,200,000
    expect(cost).to.equal(33_475_000n)
  })

  it('Anthropic: cache reads and writes come beside the input tokens', async () => {
    const { classes, cost } = await meter('anthropic', 'claude-sonnet-4-5', {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5',
      content: [{ type: 'text', text: 'Hello!' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: {
        input_tokens: 50,
        cache_creation_input_tokens: 1_000,
        cache_read_input_tokens: 2_000,
        output_tokens: 120,
      },
    })
    expect(classes).to.deep.equal({
      inputTokens: 50,
      cachedInputTokens: 2_000,
      cacheWriteTokens: 1_000,
      outputTokens: 120,
      reasoningTokens: 0,
      estimated: false,
    })
    //    50 input       x  30,000 ($3)    =  1,500,000
    // 2,000 cache read  x   3,000 ($0.30) =  6,000,000
    // 1,000 cache write x  37,500 ($3.75) = 37,500,000
    //   120 output      x 150,000 ($15)   = 18,000,000
    expect(cost).to.equal(63_000_000n)
  })

  it('Gemini: cached tokens are part of the prompt, thoughts come beside the candidates', async () => {
    const { classes, cost } = await meter('google', 'gemini-2.5-flash', {
      candidates: [{ content: { role: 'model', parts: [{ text: 'Hello!' }] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: {
        promptTokenCount: 1_000,
        cachedContentTokenCount: 600,
        candidatesTokenCount: 80,
        thoughtsTokenCount: 220,
        totalTokenCount: 1_300,
      },
    })
    expect(classes).to.deep.equal({
      inputTokens: 400,
      cachedInputTokens: 600,
      cacheWriteTokens: 0,
      outputTokens: 80,
      reasoningTokens: 220,
      estimated: false,
    })
    // 400 uncached  x  3,000 ($0.30) = 1,200,000
    // 600 cached    x    300 ($0.03) =   180,000
    //  80 candidate x 25,000 ($2.50) = 2,000,000
    // 220 thoughts  x 25,000 ($2.50) = 5,500,000
    expect(cost).to.equal(8_880_000n)
  })

  it('Groq: prompt and completion', async () => {
    const usage = {
      queue_time: 0.01,
      prompt_tokens: 45,
      prompt_time: 0.001,
      completion_tokens: 125,
      completion_time: 0.2,
      total_tokens: 170,
      total_time: 0.201,
    }
    const { classes, cost } = await meter('groq', 'llama-3.3-70b-versatile', openAiAnswer(usage))
    expect(classes).to.include({ inputTokens: 45, outputTokens: 125, cachedInputTokens: 0, reasoningTokens: 0 })
    //  45 x 5,900 ($0.59) = 265,500
    // 125 x 7,900 ($0.79) = 987,500
    expect(cost).to.equal(1_253_000n)
  })

  it('openai-compatible: no details, two numbers', async () => {
    const usage = { prompt_tokens: 345, completion_tokens: 67, total_tokens: 412 }
    const { classes, cost } = await meter('openai-compatible', 'my-own-model', openAiAnswer(usage))
    expect(classes).to.include({ inputTokens: 345, outputTokens: 67, cachedInputTokens: 0, reasoningTokens: 0 })
    // 345 x 10,000 ($1) = 3,450,000
    //  67 x 30,000 ($3) = 2,010,000
    expect(cost).to.equal(5_460_000n)
  })

  it('openai-compatible: a server that reports reasoning beside the completion', async () => {
    const usage = {
      prompt_tokens: 20,
      completion_tokens: 10,
      total_tokens: 80,
      completion_tokens_details: { reasoning_tokens: 50 },
    }
    const { classes, cost } = await meter('openai-compatible', 'grok', openAiAnswer(usage))
    expect(classes).to.include({ inputTokens: 20, outputTokens: 10, reasoningTokens: 50 })
    // 20 x 10,000 = 200,000; (10 + 50) x 30,000 = 1,800,000
    expect(cost).to.equal(2_000_000n)
  })

  it('Ollama: reports like OpenAI, at the price of its wildcard', async () => {
    const usage = { prompt_tokens: 1_001, completion_tokens: 7, total_tokens: 1_008 }
    // 1,001 x 500 ($0.05) = 500,500; 7 x 1,000 ($0.10) = 7,000
    expect((await meter('ollama', 'llama3.2', openAiAnswer(usage))).cost).to.equal(507_500n)
  })

  it('no usage at all is not a call of zero tokens', async () => {
    expect((await meter('openai-compatible', 'forgetful', openAiAnswer(undefined))).classes).to.equal(undefined)
  })
})
