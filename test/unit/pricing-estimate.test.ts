import { expect } from 'chai'
import fc from 'fast-check'
import { type EstimatedAgent, type EstimateRequest, estimate } from '../../src/credits/estimate.ts'

const agent = (agentId: string, overrides: Partial<EstimatedAgent> = {}): EstimatedAgent => ({
  agentId,
  // 1 micro-credit per token of input, 10 per token of output.
  price: {
    inputPerMTok: 1_000_000n,
    outputPerMTok: 10_000_000n,
    cachedInputPerMTok: 0n,
    cacheWritePerMTok: 0n,
    reasoningPerMTok: 10_000_000n,
    perCall: 0n,
  },
  ratePpm: 1_000_000n,
  instructionTokens: 100,
  maxOutputTokens: 80,
  ...overrides,
})

const party = (overrides: Partial<EstimateRequest> = {}): EstimateRequest => ({
  agents: [agent('ada'), agent('bob')],
  maxTurns: 3,
  transcriptTokens: 20,
  transcriptBudget: 8_000,
  fileTokens: { low: 0, high: 0 },
  isSupervised: false,
  ...overrides,
})

describe('the estimate of a party', () => {
  it('goes from everybody once and terse to every turn filled', () => {
    // low:  ada reads 120 and says 10: 220; bob reads 130 and says 10: 230.
    // high: ada 120 + 800 = 920; bob 200 + 800 = 1,000; ada again 280 + 800 = 1,080.
    expect(estimate(party())).to.deep.equal({
      low: 450n,
      high: 3_000n,
      perAgent: [
        { agentId: 'ada', low: 220n, high: 2_000n },
        { agentId: 'bob', low: 230n, high: 1_000n },
      ],
    })
  })

  it('reads no more transcript than its budget', () => {
    // Each turn reads 100 + 50 and says 80: 950.
    expect(estimate(party({ transcriptTokens: 5_000, transcriptBudget: 50 })).high).to.equal(2_850n)
  })

  it('reads the files with each turn', () => {
    // Low as above and 10 twice, high as above and 500 three times.
    expect(estimate(party({ fileTokens: { low: 10, high: 500 } }))).to.include({ low: 470n, high: 4_500n })
  })

  it("asks a supervisor before each turn, at the first agent's price", () => {
    // low:  20 + 200 and 30 + 200 more; high: 20 + 2,000, 100 + 2,000 and 180 + 2,000 more.
    expect(estimate(party({ isSupervised: true }))).to.deep.equal({
      low: 900n,
      high: 9_300n,
      perAgent: [
        { agentId: 'ada', low: 670n, high: 8_300n },
        { agentId: 'bob', low: 230n, high: 1_000n },
      ],
    })
  })

  it('takes the dearer of output and reasoning for the high end, and the rate of own keys for both', () => {
    const thinker = agent('ada', { ratePpm: 500_000n })
    thinker.price.reasoningPerMTok = 30_000_000n
    // (120 + 80 x 30) / 2
    expect(estimate(party({ agents: [thinker], maxTurns: 1 })).high).to.equal(1_260n)
    expect(estimate(party({ agents: [agent('ada', { ratePpm: 0n })] }))).to.include({ low: 0n, high: 0n })
  })

  it('is a range whose parts sum to it', () => {
    const request = fc.record({
      agents: fc.array(
        fc.record({ instructionTokens: fc.nat({ max: 5_000 }), maxOutputTokens: fc.integer({ min: 1, max: 5_000 }) }),
        { minLength: 1, maxLength: 10 },
      ),
      maxTurns: fc.integer({ min: 1, max: 50 }),
      transcriptTokens: fc.nat({ max: 20_000 }),
      transcriptBudget: fc.nat({ max: 20_000 }),
      fileTokens: fc.tuple(fc.nat(9_000), fc.nat(9_000)).map(([low, more]) => ({ low, high: low + more })),
      isSupervised: fc.boolean(),
    })
    fc.assert(
      fc.property(request, ({ agents, ...rest }) => {
        const result = estimate({ ...rest, agents: agents.map((each, index) => agent(`${index}`, each)) })
        expect(result.low <= result.high).to.equal(true)
        expect(result.perAgent.reduce((sum, each) => sum + each.low, 0n)).to.equal(result.low)
        expect(result.perAgent.reduce((sum, each) => sum + each.high, 0n)).to.equal(result.high)
      }),
    )
  })
})
