import { expect } from 'chai'
import fc from 'fast-check'
import { costOf, type Rates } from '../../src/credits/pricing.ts'
import { sumUsage, type TokenUsage, totalTokens } from '../../src/credits/usage.ts'

const NONE: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}
const FREE: Rates = {
  inputPerMTok: 0n,
  outputPerMTok: 0n,
  cachedInputPerMTok: 0n,
  cacheWritePerMTok: 0n,
  reasoningPerMTok: 0n,
  perCall: 0n,
}
const FULL = 1_000_000n

describe('the price of a call', () => {
  it('is tokens times price, each class by its own', () => {
    const rates = {
      inputPerMTok: 1_000_000n,
      outputPerMTok: 2_000_000n,
      cachedInputPerMTok: 3_000_000n,
      cacheWritePerMTok: 5_000_000n,
      reasoningPerMTok: 7_000_000n,
      perCall: 11n,
    }
    const usage = {
      inputTokens: 1,
      outputTokens: 10,
      cachedInputTokens: 100,
      cacheWriteTokens: 1_000,
      reasoningTokens: 10_000,
      estimated: false,
    }
    // 1x1 + 10x2 + 100x3 + 1,000x5 + 10,000x7 + 11 = 75,332
    expect(costOf(rates, usage, FULL)).to.equal(75_332n)
    // A quarter of it is 18,833 exactly.
    expect(costOf(rates, usage, 250_000n)).to.equal(18_833n)
    expect(costOf(rates, usage, 0n)).to.equal(0n)
  })

  it('is rounded once, up', () => {
    // 1 token at 1 micro-credit per million tokens is a millionth: 1.
    expect(costOf({ ...FREE, inputPerMTok: 1n }, { ...NONE, inputTokens: 1 }, FULL)).to.equal(1n)
    // Three classes of a third of a micro-credit each are one together, not three.
    const thirds = { ...FREE, inputPerMTok: 333_333n, outputPerMTok: 333_333n, reasoningPerMTok: 333_334n }
    expect(costOf(thirds, { ...NONE, inputTokens: 1, outputTokens: 1, reasoningTokens: 1 }, FULL)).to.equal(1n)
    // A fee of 1 at a millionth of the rate: 1.
    expect(costOf({ ...FREE, perCall: 1n }, NONE, 1n)).to.equal(1n)
    expect(costOf(FREE, { ...NONE, inputTokens: 1_000_000 }, FULL)).to.equal(0n)
  })

  it('stays exact where floating point does not', () => {
    // (10^9 - 1) x (10^14 - 1) = 10^23 - 10^14 - 10^9 + 1; by 10^6 that is 99,999,999,899,999,000.000001: up.
    const cost = costOf({ ...FREE, outputPerMTok: 99_999_999_999_999n }, { ...NONE, outputTokens: 999_999_999 }, FULL)
    expect(cost).to.equal(99_999_999_899_999_001n)
  })

  it('is within one micro-credit above the exact fraction, and grows with usage and rate', () => {
    const count = fc.nat({ max: 10_000_000 })
    const usage = fc.record({
      inputTokens: count,
      outputTokens: count,
      cachedInputTokens: count,
      cacheWriteTokens: count,
      reasoningTokens: count,
      estimated: fc.boolean(),
    })
    const money = fc.bigInt({ min: 0n, max: 10n ** 14n })
    const rates = fc.record({
      inputPerMTok: money,
      outputPerMTok: money,
      cachedInputPerMTok: money,
      cacheWritePerMTok: money,
      reasoningPerMTok: money,
      perCall: money,
    })
    fc.assert(
      fc.property(rates, usage, usage, fc.bigInt({ min: 0n, max: FULL }), (price, first, second, ppm) => {
        const cost = costOf(price, first, ppm)
        const exact =
          (BigInt(first.inputTokens) * price.inputPerMTok +
            BigInt(first.outputTokens) * price.outputPerMTok +
            BigInt(first.cachedInputTokens) * price.cachedInputPerMTok +
            BigInt(first.cacheWriteTokens) * price.cacheWritePerMTok +
            BigInt(first.reasoningTokens) * price.reasoningPerMTok +
            price.perCall * 1_000_000n) *
          ppm
        expect(cost * 10n ** 12n >= exact && (cost - 1n) * 10n ** 12n < exact).to.equal(true)
        expect(costOf(price, first, FULL) >= cost).to.equal(true)
        expect(costOf(price, sumUsage([first, second]), ppm) >= cost).to.equal(true)
        expect(totalTokens(sumUsage([first, second]))).to.equal(totalTokens(first) + totalTokens(second))
      }),
    )
  })
})
