import { expect } from 'chai'
import { assess, atLeast, atMost, interleave, summary, table } from '../bench/harness.ts'
import { median, quantile, ratios } from '../bench/statistics.ts'

const figureOf = (samples: number[], extra: object = {}) =>
  assess('turns', { name: 'embedded', unit: '/s', samples, ...extra })

describe('The figures of a bench', () => {
  it('have the value in the middle as their median, of an even number the middle of two', () => {
    expect(median([30, 10, 20])).to.equal(20)
    expect(median([40, 10, 20, 30])).to.equal(25)
    expect(median([7])).to.equal(7)
  })

  it('have quantiles between the samples that surround them, in any order of these', () => {
    const samples = [...Array(101).keys()].reverse()
    expect(quantile(samples, 0.99)).to.equal(99)
    expect(quantile([0, 10], 0.25)).to.equal(2.5)
    expect(quantile([3, 1, 2], 0)).to.equal(1)
    expect(quantile([3, 1, 2], 1)).to.equal(3)
  })

  it('are compared with their baseline round by round, so that a slow round counts on both sides', () => {
    const {
      ratio,
      median: own,
      baselineMedian,
      low,
      high,
    } = figureOf([50, 5, 60], {
      baseline: { name: 'bare', samples: [100, 10, 100] },
    })
    expect({ own, baselineMedian, low, high }).to.deep.equal({ own: 50, baselineMedian: 100, low: 5, high: 60 })
    expect(ratio).to.deep.equal({ median: 0.5, low: 0.5, high: 0.6 })
    expect(() => ratios([1, 2], [1])).to.throw('2 rounds cannot be compared with 1')
  })

  it('meet a target at its limit and miss it beyond, of the value or of the ratio', () => {
    const baseline = { name: 'bare', samples: [100] }
    const verdicts = [
      figureOf([70], { baseline, target: atLeast(0.7, 'ratio') }),
      figureOf([69], { baseline, target: atLeast(0.7, 'ratio') }),
      figureOf([22], { target: atMost(22) }),
      figureOf([22.1], { target: atMost(22) }),
      figureOf([0.8], { baseline, target: atLeast(0.7) }),
      figureOf([10]),
    ].map(({ verdict }) => verdict)
    expect(verdicts).to.deep.equal(['met', 'missed', 'met', 'missed', 'met', undefined])
  })

  it('are refused when they were not measured: that is a broken bench and not a missed target', () => {
    expect(() => figureOf([])).to.throw('"embedded" has the samples []')
    expect(() => figureOf([1, Number.NaN])).to.throw('NaN')
    expect(() => figureOf([1], { target: atLeast(1, 'ratio') })).to.throw('has no baseline')
    expect(() => figureOf([1], { baseline: { name: 'bare', samples: [0] } })).to.throw('cannot be compared')
  })

  it('come from rounds in which the subjects take turns to be first, the round that warms up left out', async () => {
    const order: string[] = []
    const measured = await interleave(['a', 'b', 'c'], 2, async (subject, round) => {
      order.push(`${subject}${round}`)
      return round
    })
    expect(order).to.deep.equal(['a-1', 'b-1', 'c-1', 'a0', 'b0', 'c0', 'b1', 'c1', 'a1'])
    expect([measured('a'), measured('b'), measured('c')]).to.deep.equal([
      [0, 1],
      [0, 1],
      [0, 1],
    ])
  })

  it('are shown with their spread, what was asked of them and the verdict; what was missed is summed up', () => {
    const missed = figureOf([40, 50, 60], {
      baseline: { name: 'bare', samples: [100, 100, 100] },
      target: atLeast(0.7, 'ratio'),
    })
    const met = figureOf([18.24], { name: 'latency', unit: 'ms', target: atMost(20) })
    const [head = '', rule = '', first = '', second = ''] = table([missed, met]).split('\n')
    const cells = (line: string) => line.split('|').map((cell) => cell.trim())
    expect(cells(head)).to.have.length(cells(first).length)
    expect(rule).to.match(/^\|( -+ \|)+$/)
    expect(cells(first).slice(1, -1)).to.deep.equal([
      'turns: embedded',
      '50.0',
      '40.0-60.0',
      '/s',
      'bare',
      '100',
      '0.50 x',
      '0.40-0.60',
      '>= 0.7 x',
      'missed',
    ])
    expect(cells(second).slice(1, -1)).to.deep.equal([
      'turns: latency',
      '18.2',
      '18.2-18.2',
      'ms',
      '',
      '',
      '',
      '',
      '<= 20 ms',
      'met',
    ])
    expect(summary([missed, met])).to.equal('1 of 2 targets met; missed:\n  turns: embedded: 0.50 x, asked >= 0.7 x')
    expect(summary([met])).to.equal('1 of 1 targets met.')
  })
})
