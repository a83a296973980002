import { expect } from 'chai'
import { wasNeverSent } from '../../src/connections/unsent-request.ts'
import type { TokenUsage } from '../../src/credits/usage.ts'
import { believedUsage, type OwnCount, ownUsage } from '../../workers/agent-runtime/believed-usage.ts'

/** We counted 1,000 tokens of prompt and 100 of words, of 400 that were held for. */
const own = (change: Partial<OwnCount> = {}): OwnCount => ({
  inputTokens: 1_000,
  outputText: ' tea'.repeat(100),
  outputTokens: async () => 100,
  hiddenTokens: 0,
  mostOutput: 400,
  ...change,
})
const reported = (inputTokens: number, outputTokens: number, change: Partial<TokenUsage> = {}): TokenUsage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  estimated: false,
  ...change,
})

describe('What is believed of a report', () => {
  const believed = async (report: TokenUsage, change?: Partial<OwnCount>) => {
    const { inputTokens, outputTokens, reasoningTokens, estimated } = await believedUsage(report, own(change))
    return [inputTokens, outputTokens, reasoningTokens, estimated]
  }

  it('is all of it within what is held, and down to half of our count and a little', async () => {
    for (const [input, output] of [
      [1_000, 100],
      [1_756, 400],
      [0, 42],
      [500, 60],
    ] as const) {
      expect(await believed(reported(input, output))).to.deep.equal([input, output, 0, false])
    }
    const report = reported(400, 50, { cachedInputTokens: 500, cacheWriteTokens: 100, reasoningTokens: 200 })
    expect(await believedUsage(report, own())).to.deep.equal(report)
  })

  it('is no more than was held, thoughts first', async () => {
    expect(await believed(reported(1_757, 401))).to.deep.equal([1_756, 400, 0, true])
    expect(await believed(reported(1_000, 100, { reasoningTokens: 350 }))).to.deep.equal([1_000, 50, 350, true])
    expect(await believed(reported(1_000, 0, { reasoningTokens: 700 }))).to.deep.equal([1_000, 0, 400, true])
  })

  it('is nothing of a slip: our own count stands, with what was thought unseen', async () => {
    expect(await believed(reported(1e9, 1e9))).to.deep.equal([1_000, 100, 0, true])
    expect(await believed(reported(1_000, 1e9), { hiddenTokens: 250 })).to.deep.equal([1_000, 100, 250, true])
    expect(await believed(reported(1_000, 1e9), { hiddenTokens: 9_000 })).to.deep.equal([1_000, 100, 300, true])
  })

  it('is nothing of what makes an answer nearly free', async () => {
    expect(await believed(reported(1, 0))).to.deep.equal([1, 100, 0, true])
    expect(await believed(reported(1, 0), { inputTokens: 2_000 })).to.deep.equal([2_000, 100, 0, true])
    expect(await believed(reported(1_000, 41))).to.deep.equal([1_000, 100, 0, true])
    expect(await believed(reported(1_000, 0), { outputText: '', outputTokens: async () => 0 })).to.deep.equal([
      1_000,
      0,
      0,
      false,
    ])
  })

  it('and without one our own count, within what is held', async () => {
    const none = { cachedInputTokens: 0, cacheWriteTokens: 0, estimated: true }
    expect(await ownUsage(own())).to.deep.equal({ ...none, inputTokens: 1_000, outputTokens: 100, reasoningTokens: 0 })
    expect(await ownUsage(own({ hiddenTokens: 9_999, mostOutput: 120 }))).to.deep.include({
      outputTokens: 100,
      reasoningTokens: 20,
    })
    expect(await ownUsage(own({ mostOutput: 60 }))).to.deep.include({ outputTokens: 60, reasoningTokens: 0 })
  })
})

describe('A request that failed', () => {
  const caused = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })

  it('was never sent where there was no address, no connection or no trust', () => {
    for (const code of [
      'ENOTFOUND',
      'ECONNREFUSED',
      'UND_ERR_CONNECT_TIMEOUT',
      'CERT_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ]) {
      expect(wasNeverSent(caused(code)), code).to.equal(true)
    }
    expect(
      wasNeverSent(new TypeError('fetch failed', { cause: new AggregateError([caused('ECONNREFUSED')]) })),
    ).to.equal(true)
  })

  it('was sent where it was stopped, or broke off', () => {
    for (const code of ['ECONNRESET', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT']) {
      expect(wasNeverSent(caused(code)), code).to.equal(false)
    }
    expect(wasNeverSent(new DOMException('This operation was aborted', 'AbortError'))).to.equal(false)
    expect(wasNeverSent(undefined)).to.equal(false)
  })
})
