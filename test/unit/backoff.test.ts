import { expect } from 'chai'
import { backoffMs } from '../../workers/backoff.ts'

const limits = { baseMs: 1_000, maxMs: 60_000 }

describe('The wait before another try', () => {
  it('doubles with each failure, up to a limit', () => {
    const waits = [0, 1, 2, 3, 10, 100].map((failures) => backoffMs(failures, limits, 0, () => 0))
    expect(waits).to.deep.equal([1_000, 2_000, 4_000, 8_000, 60_000, 60_000])
  })

  it('varies by up to a quarter, so that those who failed together do not come back together', () => {
    expect(backoffMs(1, limits, 0, () => 0.5)).to.equal(2_250)
    const waits = Array.from({ length: 50 }, () => backoffMs(0, limits))
    expect(Math.min(...waits)).to.be.at.least(1_000)
    expect(Math.max(...waits)).to.be.at.most(1_250)
    expect(new Set(waits).size).to.be.greaterThan(10)
  })

  it('is as long as the provider asks, if that is longer, but never longer than the limit', () => {
    expect(backoffMs(0, limits, 5_000, () => 0)).to.equal(5_000)
    expect(backoffMs(3, limits, 5_000, () => 0)).to.equal(8_000)
    expect(backoffMs(0, limits, 3_600_000, () => 0)).to.equal(60_000)
  })

  it('is a whole number of milliseconds', () => {
    expect(backoffMs(0, limits, 0, () => 1 / 3)).to.equal(1_083)
  })
})
