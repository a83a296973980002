import { expect } from 'chai'
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

/** A hold of slices of 100 tokens for at most 1,000, whose extensions are answered by the test. */
function start(change: { price?: PriceVersion; maxOutputTokens?: number; ratePpm?: bigint } = {}) {
  const asked: Array<{
    step: number
    amount: bigint
    answer: (outcome: 'held' | 'resolved' | Exhausted) => void
    fail: () => void
  }> = []
  const seen: { exhausted: Exhausted[] } = { exhausted: [] }
  const hold = new RollingHold({
    price,
    ratePpm: 1_000_000n,
    inputTokens: 500,
    sliceTokens: 100,
    maxOutputTokens: 1_000,
    ...change,
    extend: (step, amount) =>
      new Promise((resolve, reject) => {
        asked.push({ step, amount, answer: resolve, fail: () => reject(new Error('no database')) })
      }),
    onExhausted: (what) => void seen.exhausted.push(what),
  })
  return { hold, asked, seen }
}
/** Text of so many tokens, as the hold counts them: three bytes each. */
const tokens = (count: number) => 'abc'.repeat(count)
/** Resolves when the hold has taken its answer. */
const answered = () => new Promise((resolve) => setImmediate(resolve))

describe('A hold that grows with the speech', () => {
  it('begins with the prompt, the fee and a first slice, at the dearer price of words and thoughts', () => {
    const { hold } = start()
    // 500 x 1 + 100 x 3 + 7
    expect(hold.firstAmount).to.equal(807n)
    expect(start({ maxOutputTokens: 20 }).hold.firstAmount, 'no more than can be said').to.equal(567n)
    expect(start({ ratePpm: 100_000n }).hold.firstAmount, 'at the share that is charged').to.equal(81n)
    expect(start({ price: { ...price, outputPerMTok: 9_000_000n } }).hold.firstAmount).to.equal(1_407n)
  })

  it('asks for another slice when half of one is left, once, without the fee', async () => {
    const { hold, asked } = start()
    hold.spoke(tokens(50))
    expect(asked).to.have.length(0)
    hold.spoke('a')
    expect(asked.map(({ step, amount }) => ({ step, amount }))).to.deep.equal([{ step: 1, amount: 300n }])
    hold.spoke(tokens(200))
    expect(asked, 'one question at a time').to.have.length(1)
    asked[0]?.answer('held')
    await answered()
    expect(
      asked.map(({ step }) => step),
      'still short, so it asks on, also when no more words come',
    ).to.deep.equal([1, 2])
  })

  it('asks for no more once the speech has ended, and waits for what it asked before', async () => {
    const { hold, asked } = start()
    hold.spoke(tokens(400))
    const settled = hold.settled()
    asked[0]?.answer('held')
    await settled
    hold.spoke(tokens(10))
    expect(asked).to.have.length(1)
  })

  it('counts bytes, so that scripts with longer letters are not under-reserved', () => {
    const { hold, asked } = start()
    hold.spoke('語'.repeat(51))
    expect(asked).to.have.length(1)
  })

  it('stops asking at the most that the agent may say', async () => {
    const { hold, asked } = start({ maxOutputTokens: 200 })
    hold.spoke(tokens(90))
    asked[0]?.answer('held')
    await answered()
    hold.spoke(tokens(500))
    expect(asked).to.have.length(1)
  })

  it('stops the speech when the credits do not reach', async () => {
    const { hold, asked, seen } = start()
    hold.spoke(tokens(60))
    expect(seen.exhausted).to.deep.equal([])
    asked[0]?.answer('credits_exhausted')
    await answered()
    expect(seen.exhausted).to.deep.equal(['credits_exhausted'])
  })

  it('lets a speech be that has ended before the credits were found not to reach further', async () => {
    const { hold, asked, seen } = start()
    hold.spoke(tokens(60))
    const settled = hold.settled()
    asked[0]?.answer('credits_exhausted')
    await settled
    expect(seen.exhausted).to.deep.equal([])
  })

  it('does the same with what the run may spend', async () => {
    const { hold, asked, seen } = start()
    hold.spoke(tokens(60))
    asked[0]?.answer('max_credits')
    await answered()
    expect(seen.exhausted).to.deep.equal(['max_credits'])

    const late = start()
    late.hold.spoke(tokens(60))
    const settled = late.hold.settled()
    late.asked[0]?.answer('max_credits')
    await settled
    expect(late.seen.exhausted, 'the speech had ended').to.deep.equal([])
  })

  it('leaves a hold alone that was resolved meanwhile', async () => {
    const { hold, asked, seen } = start()
    hold.spoke(tokens(60))
    asked[0]?.answer('resolved')
    await answered()
    hold.spoke(tokens(60))
    expect(asked).to.have.length(1)
    expect(seen.exhausted).to.deep.equal([])
  })

  it('is not stopped by a question that fails: it asks again with the next words, under another number', async () => {
    const { hold, asked, seen } = start()
    hold.spoke(tokens(60))
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
  })

  it('covers what a speech within its count costs', async () => {
    const { hold, asked } = start()
    let held = hold.firstAmount
    for (let said = 0; said < 1_000; said += 10) {
      hold.spoke(tokens(10))
      const question = asked.shift()
      if (question) {
        held += question.amount
        question.answer('held')
        await answered()
      }
      const usage = {
        inputTokens: 500,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        reasoningTokens: 0,
        estimated: false,
      }
      expect(held >= costOf(price, { ...usage, outputTokens: said + 10 }, 1_000_000n), `${said}`).to.equal(true)
    }
  })
})
