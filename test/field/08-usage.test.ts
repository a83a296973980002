import { expect } from 'chai'
import { usageIn } from '../../src/connections/dialects/openai-wire.ts'
import { chargedUsage, useField, type WireProvider } from './field-world.ts'
import { A, C, completion, D, E, F, G, GOOGLE_USAGE, T } from './wires.ts'

type Usage = Record<string, number>

describe('Field 8: usage, wherever it stands', function () {
  this.timeout(30_000)
  const field = useField()
  const counted = (usage: object) => `${T}${F('stop')}${E({ choices: [], usage })}${D}`

  const CASES: Array<[what: string, stream: string, usage: Partial<Usage>, provider?: WireProvider]> = [
    [
      'in a choice',
      `${T}${E({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: { prompt_tokens: 9, completion_tokens: 3 } }] })}${D}`,
      { inputTokens: 9, outputTokens: 3 },
    ],
    [
      'in the last chunk with a choice',
      `${T}${E({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 9, completion_tokens: 3 } })}${D}`,
      { inputTokens: 9, outputTokens: 3 },
    ],
    [
      'in every chunk, growing',
      `${E({ choices: [{ index: 0, delta: { content: 'Whole ' } }], usage: { prompt_tokens: 9, completion_tokens: 1 } })}${E({ choices: [{ index: 0, delta: { content: 'answer.' } }], usage: { prompt_tokens: 9, completion_tokens: 3 } })}${F('stop')}${D}`,
      { inputTokens: 9, outputTokens: 3 },
    ],
    [
      'with cached tokens at the top',
      counted({ prompt_tokens: 9, completion_tokens: 3, cached_tokens: 4 }),
      { inputTokens: 5, cachedInputTokens: 4, outputTokens: 3 },
    ],
    [
      "with DeepSeek's cache hits",
      counted({ prompt_tokens: 9, completion_tokens: 3, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 5 }),
      { inputTokens: 5, cachedInputTokens: 4, outputTokens: 3 },
    ],
    [
      'by the names input and output',
      counted({ input_tokens: 9, output_tokens: 3, input_tokens_details: { cached_tokens: 2 } }),
      { inputTokens: 7, cachedInputTokens: 2, outputTokens: 3 },
    ],
    [
      "with reasoning on top, as xAI's",
      counted({
        prompt_tokens: 9,
        completion_tokens: 3,
        total_tokens: 32,
        completion_tokens_details: { reasoning_tokens: 20 },
      }),
      { inputTokens: 9, outputTokens: 3, reasoningTokens: 20 },
    ],
    [
      "with reasoning within, as OpenAI's",
      counted({
        prompt_tokens: 9,
        completion_tokens: 23,
        total_tokens: 32,
        completion_tokens_details: { reasoning_tokens: 20 },
      }),
      { inputTokens: 9, outputTokens: 3, reasoningTokens: 20 },
    ],
    [
      'with reasoning at the top',
      counted({ prompt_tokens: 9, completion_tokens: 23, total_tokens: 32, reasoning_tokens: 20 }),
      { inputTokens: 9, outputTokens: 3, reasoningTokens: 20 },
    ],
    ['as a total and a part', counted({ prompt_tokens: 9, total_tokens: 12 }), { inputTokens: 9, outputTokens: 3 }],
    [
      'as words',
      counted({ prompt_tokens: '9', completion_tokens: '3', total_tokens: '12' }),
      { inputTokens: 9, outputTokens: 3 },
    ],
    [
      'with details that are null',
      counted({ prompt_tokens: 9, completion_tokens: 3, prompt_tokens_details: null, completion_tokens_details: null }),
      { inputTokens: 9, outputTokens: 3 },
    ],
    [
      "in x_groq, as Groq's",
      `${T}${F('stop')}${E({ choices: [], x_groq: { usage: { prompt_tokens: 9, completion_tokens: 3 } } })}${D}`,
      { inputTokens: 9, outputTokens: 3 },
      'groq',
    ],
    [
      'of Groq at the top',
      counted({ prompt_tokens: 9, completion_tokens: 3 }),
      { inputTokens: 9, outputTokens: 3 },
      'groq',
    ],
    [
      'of OpenAI itself in a choice',
      `${T}${E({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: { prompt_tokens: 9, completion_tokens: 3 } }] })}${D}`,
      { inputTokens: 9, outputTokens: 3 },
      'openai',
    ],
    [
      "in Anthropic's last delta alone",
      [
        E({ type: 'message_start', message: { id: 'x' } }),
        A.text('Whole answer.'),
        E({
          type: 'message_delta',
          delta: { stop_reason: 'end_turn' },
          usage: { input_tokens: 9, output_tokens: 3, cache_read_input_tokens: 4 },
        }),
        A.stop,
      ].join(''),
      { inputTokens: 9, cachedInputTokens: 4, outputTokens: 3 },
      'anthropic',
    ],
    [
      'of a gateway to Gemini that counts thoughts within the answer',
      `${G('Whole answer.', 'STOP', { usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 8, thoughtsTokenCount: 5, totalTokenCount: 17 } })}`,
      { inputTokens: 9, outputTokens: 3, reasoningTokens: 5 },
      'google',
    ],
    [
      "in Gemini's first chunk and its last",
      `${G('Whole ', undefined, { usageMetadata: { promptTokenCount: 9 } })}${G('answer.', 'STOP', { usageMetadata: { candidatesTokenCount: 3, thoughtsTokenCount: 5 } })}`,
      { inputTokens: 9, outputTokens: 3, reasoningTokens: 5 },
      'google',
    ],
  ]
  for (const [what, stream, usage, provider] of CASES) {
    it(`usage ${what}`, async () => {
      const outcome = await field.ask(() => stream, { provider })
      expect(outcome.answer).to.equal('Whole answer.')
      expect(outcome.requests).to.have.length(1)
      const none = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }
      expect(await chargedUsage(outcome)).to.deep.equal({ ...none, ...usage, estimated: false })
    })
  }

  for (const [what, usage] of [
    ['none', undefined],
    ['nonsense', { prompt_tokens: -1, completion_tokens: 'many' }],
    ['fractions', { prompt_tokens: 9.5, completion_tokens: 0.1 }],
    ['an empty object', {}],
  ] as const) {
    it(`usage that is ${what} is estimated, and marked so`, async () => {
      const outcome = await field.ask(() => `${T}${F('stop')}${usage ? E({ choices: [], usage }) : ''}${D}`)
      expect(outcome.answer).to.equal('Whole answer.')
      expect(outcome.run.receipt.estimated).to.equal(true)
      expect(outcome.run.receipt.outputTokens).to.be.greaterThan(0)
    })
  }

  it('of a whole completion is read too', async () => {
    const outcome = await field.ask(() => ({
      body: completion('Whole answer.', { usage: { input_tokens: 9, output_tokens: 3 } }),
    }))
    expect(await chargedUsage(outcome)).to.deep.include({ inputTokens: 9, outputTokens: 3, estimated: false })
  })

  it('what lost tries cost stands in the receipt, as the platform’s loss', async () => {
    const outcome = await field.ask(({ n }) =>
      n === 0
        ? `${C('Half an answer, lost.')}`
        : `${T}${F('stop')}${E({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 3 } })}${D}`,
    )
    expect(outcome.run.receipt.lost).to.match(/^\d+\.\d{6}$/)
    expect(Number(outcome.run.receipt.lost)).to.be.greaterThan(0)
    expect(outcome.spent).to.equal(outcome.run.receipt.credits)
    const whole = await field.ask(() => counted({ prompt_tokens: 9, completion_tokens: 3 }))
    expect(whole.run.receipt.lost).to.equal('0.000000')
  })

  it('the two ways to count reasoning are told apart by the total', () => {
    const of = (usage: object) => usageIn({ usage }, undefined)
    expect(
      of({
        prompt_tokens: 1,
        completion_tokens: 2,
        total_tokens: 6,
        completion_tokens_details: { reasoning_tokens: 3 },
      }),
    ).to.deep.include({ completion_tokens: 5 })
    expect(
      of({
        prompt_tokens: 1,
        completion_tokens: 5,
        total_tokens: 6,
        completion_tokens_details: { reasoning_tokens: 3 },
      }),
    ).to.deep.include({ completion_tokens: 5 })
    expect(
      of({ prompt_tokens: 1, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 3 } }),
    ).to.deep.include({ completion_tokens: 5 })
    expect(of({})).to.equal(undefined)
    expect(GOOGLE_USAGE.totalTokenCount).to.equal(12)
  })
})
