import { expect } from 'chai'
import { countTokens } from '../../src/credits/token-counting.ts'
import { type ProviderUsage, usageFromProvider } from '../../src/credits/usage.ts'

type Input = Partial<ProviderUsage['inputTokens']>
type Output = Partial<ProviderUsage['outputTokens']>

const report = (input: Input, output: Output): ProviderUsage => ({
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined, ...input },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined, ...output },
})

describe('reported usage', () => {
  it('is split into classes that share no token', () => {
    const usage = usageFromProvider(
      report({ total: 100, noCache: 60, cacheRead: 30, cacheWrite: 10 }, { total: 50, text: 20, reasoning: 30 }),
    )
    expect(usage).to.deep.equal({
      inputTokens: 60,
      cachedInputTokens: 30,
      cacheWriteTokens: 10,
      outputTokens: 20,
      reasoningTokens: 30,
      estimated: false,
    })
  })

  it('is enough as totals only, or as parts only', () => {
    expect(usageFromProvider(report({ total: 9 }, { total: 4 }))).to.include({ inputTokens: 9, outputTokens: 4 })
    const parts = usageFromProvider(report({ noCache: 5, cacheRead: 4 }, { text: 3, reasoning: 2 }))
    expect(parts).to.include({ inputTokens: 5, cachedInputTokens: 4, outputTokens: 3, reasoningTokens: 2 })
  })

  it('counts both where a total is too small to include its parts, and goes never negative', () => {
    // completion_tokens: 10, reasoning_tokens: 50, from which an SDK derives text: -40
    const usage = usageFromProvider(report({ total: 8, noCache: 8 }, { total: 10, text: -40, reasoning: 50 }))
    expect(usage).to.include({ outputTokens: 10, reasoningTokens: 50 })
  })

  it('accepts an answer of no tokens', () => {
    expect(usageFromProvider(report({ total: 8 }, { total: 0 }))).to.include({ inputTokens: 8, outputTokens: 0 })
  })

  const nonsense: Record<string, ProviderUsage | undefined> = {
    'nothing at all': undefined,
    'no numbers': report({}, {}),
    'no output': report({ total: 5 }, {}),
    'no input': report({}, { total: 5 }),
    'an input of zero': report({ total: 0 }, { total: 0 }),
    NaN: report({ total: Number.NaN }, { total: 5 }),
    'NaN in a part': report({ total: 5, noCache: Number.NaN }, { total: 5 }),
    'a NaN of reasoning': report({ total: 5 }, { total: 5, reasoning: Number.NaN }),
    'a negative count': report({ total: 5 }, { total: -1 }),
    'a negative part without a total': report({ noCache: -5 }, { total: 5 }),
    'a fraction': report({ total: 5.5 }, { total: 5 }),
    infinity: report({ total: Number.POSITIVE_INFINITY }, { total: 5 }),
    'an absurd count': report({ total: 5 }, { total: 1e12 }),
  }
  for (const [name, usage] of Object.entries(nonsense)) {
    it(`is refused, not taken for zero: ${name}`, () => expect(usageFromProvider(usage)).to.equal(undefined))
  }
})

describe('counted tokens', () => {
  it('are those of a tokenizer', async () => {
    expect(await countTokens('The quick brown fox jumps over the lazy dog.')).to.equal(10)
    expect(await countTokens('Indeed.')).to.equal(2)
  })

  it('take control words, broken text and nothing for what they are', async () => {
    expect(await countTokens('<|im_start|>')).to.be.greaterThan(0)
    expect(await countTokens('\ud800 alone \u0000')).to.be.greaterThan(0)
    expect(await countTokens('')).to.equal(0)
  })
})
