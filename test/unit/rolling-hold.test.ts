import { expect } from 'chai'
import { affordableTokens, holdFor, holdForMore, mostInputTokens } from '../../src/credits/hold-size.ts'
import { costOf, type PriceVersion } from '../../src/credits/pricing.ts'
import { type Exhausted, RollingHold } from '../../workers/agent-runtime/rolling-hold.ts'

const price: PriceVersion = {
  id: 'v',
  priceId: 'p',
  provider: 'openai',
  model: 'm',
  version: 1,
  effectiveFrom: new Date(0),
  inputPerMTok: 1_000_000n,
  outputPerMTok: 2_000_000n,
  cachedInputPerMTok: 0n,
  cacheWritePerMTok: 0n,
  reasoningPerMTok: 3_000_000n,
  perCall: 7n,
}
const terms = { price, ratePpm: 1_000_000n }

/** A hold for 200 tokens that is extended by 100 at least; the extensions are answered by the test. */
function start(change: { price?: PriceVersion } = {}) {
  const asked: Array<{
    step: number
    amount: bigint
    answer: (outcome: 'held' | 'resolved' | Exhausted) => void
    fail: () => void
  }> = []
  const seen: { exhausted: Exhausted[] } = { exhausted: [] }
  const hold = new RollingHold({
    terms: { ...terms, ...change },
    limitTokens: 200,
    sliceTokens: 100,
    extend: (step, amount) =>
      new Promise((resolve, reject) => {
        asked.push({ step, amount, answer: resolve, fail: () => reject(new Error('no database')) })
      }),
    onExhausted: (what) => void seen.exhausted.push(what),
  })
  return { hold, asked, seen }
}
/** Text of so many tokens, as the hold counts them: six bytes each. */
const tokens = (count: number) => 'abcdef'.repeat(count)
/** Resolves when the hold has taken its answer. */
const answered = () => new Promise((resolve) => setImmediate(resolve))

describe('What a call may cost', () => {
  const usage = { cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, outputTokens: 0, estimated: false }

  it('is the prompt as anybody may count it, the fee, and every token at the dearer price of words and thoughts', () => {
    // (500 x 1.5 + 256) x 1 + 100 x 3 + 7
    expect(mostInputTokens(500)).to.equal(1_006)
    expect(holdFor(terms, 500, 100)).to.equal(1_313n)
    expect(holdFor({ ...terms, ratePpm: 100_000n }, 500, 100), 'at the share that is charged').to.equal(132n)
    expect(holdFor({ ...terms, price: { ...price, cacheWritePerMTok: 2_000_000n } }, 500, 100)).to.equal(2_319n)
    expect(holdForMore(terms, 100), 'the fee is held once').to.equal(300n)
  })

  it('covers whatever the provider reports within what it was allowed', () => {
    const held = holdFor(terms, 500, 100)
    for (const reasoningTokens of [0, 50, 100]) {
      const reported = {
        ...usage,
        inputTokens: mostInputTokens(500),
        outputTokens: 100 - reasoningTokens,
        reasoningTokens,
      }
      expect(costOf(price, reported, 1_000_000n) <= held).to.equal(true)
    }
  })

  it('and what it may say for what is held go together, to the token', () => {
    for (const ratePpm of [1n, 123_457n, 1_000_000n]) {
      for (let left = 1n; left < 5_000n; left += 7n) {
        const affordable = affordableTokens({ price, ratePpm }, 100, left)
        if (affordable > 0) expect(holdFor({ price, ratePpm }, 100, affordable) <= left).to.equal(true)
        const more = holdFor({ price, ratePpm }, 100, affordable + 1)
        if (affordable < Number.MAX_SAFE_INTEGER) expect(more > left, `${ratePpm} ${left}`).to.equal(true)
      }
    }
    const free = { ...price, outputPerMTok: 0n, reasoningPerMTok: 0n }
    expect(affordableTokens({ price: free, ratePpm: 1_000_000n }, 100, 413n)).to.equal(Number.MAX_SAFE_INTEGER)
    expect(affordableTokens({ price: free, ratePpm: 1_000_000n }, 100, 412n)).to.equal(0)
  })
})

describe('A hold of a provider that goes on beyond what it was allowed', () => {
  it('asks for nothing within that, however it comes', () => {
    const { hold, asked } = start()
    for (let said = 0; said < 200; said += 10) hold.spoke(tokens(10))
    expect(asked).to.have.length(0)
    expect(hold.coveredTokens).to.equal(200)
  })

  it('asks for what is missing, a slice at least, one question at a time', async () => {
    const { hold, asked } = start()
    hold.spoke(tokens(200))
    hold.spoke('a')
    expect(asked.map(({ step, amount }) => ({ step, amount }))).to.deep.equal([{ step: 1, amount: 300n }])
    hold.spoke(tokens(1_000))
    expect(asked, 'one question at a time').to.have.length(1)
    asked[0]?.answer('held')
    await answered()
    expect(hold.coveredTokens).to.equal(300)
    expect(
      asked.map(({ step, amount }) => ({ step, amount })),
      'all that came since',
    ).to.deep.equal([
      { step: 1, amount: 300n },
      { step: 2, amount: 901n * 3n },
    ])
  })

  it('asks for no more once the speech has ended, and waits for what it asked before', async () => {
    const { hold, asked } = start()
    hold.spoke(tokens(900))
    const settled = hold.settled()
    asked[0]?.answer('held')
    await settled
    hold.spoke(tokens(1_000))
    expect(asked).to.have.length(1)
    expect(hold.coveredTokens).to.equal(900)
  })

  for (const what of ['credits_exhausted', 'max_credits'] as const) {
    it(`stops the speech at ${what}, and lets one be that has ended before`, async () => {
      const { hold, asked, seen } = start()
      hold.spoke(tokens(201))
      expect(seen.exhausted).to.deep.equal([])
      asked[0]?.answer(what)
      await answered()
      expect(seen.exhausted).to.deep.equal([what])
      expect(hold.coveredTokens, 'nothing beyond is charged').to.equal(200)

      const late = start()
      late.hold.spoke(tokens(201))
      const settled = late.hold.settled()
      late.asked[0]?.answer(what)
      await settled
      expect(late.seen.exhausted, 'the speech had ended').to.deep.equal([])
    })
  }

  it('leaves a hold alone that was resolved meanwhile', async () => {
    const { hold, asked, seen } = start()
    hold.spoke(tokens(201))
    asked[0]?.answer('resolved')
    await answered()
    hold.spoke(tokens(60))
    expect(asked).to.have.length(1)
    expect(seen.exhausted).to.deep.equal([])
  })

  it('is not stopped by a question that fails: it asks again with the next words, under another number', async () => {
    const { hold, asked, seen } = start()
    hold.spoke(tokens(201))
    asked[0]?.fail()
    await answered()
    hold.spoke('a')
    expect(asked.map(({ step }) => step)).to.deep.equal([1, 2])
    expect(seen.exhausted).to.deep.equal([])
  })

  it('asks nothing where words cost nothing', async () => {
    const { hold, asked } = start({ price: { ...price, outputPerMTok: 0n, reasoningPerMTok: 0n } })
    for (let i = 0; i < 30; i++) {
      hold.spoke(tokens(50))
      await answered()
    }
    expect(asked).to.have.length(0)
    expect(hold.coveredTokens >= 1_500).to.equal(true)
  })
})
