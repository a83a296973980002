import { expect } from 'chai'
import { ReadingShares } from '../../src/connections/reading-shares.ts'

const KB = 1_024

describe('The shares of reading', () => {
  let now = 0
  let due: { work: () => void; ms: number }[] = []
  beforeEach(() => {
    now = 0
    due = []
  })
  const shares = () => new ReadingShares({ now: () => now, later: (work, ms) => void due.push({ work, ms }) })
  /** Does what is due next; answers how long it was put off. */
  const step = async () => {
    const next = due.shift()
    next?.work()
    await Promise.resolve()
    return next?.ms
  }

  it('leave alone whose providers speak as people read', () => {
    const mayRead = shares().readerOf('reader')
    for (let n = 0; n < 1_000; n++, now += 50) expect(mayRead(2 * KB)).to.equal(undefined)
    const many = shares()
    for (let n = 0; n < 100; n++) expect(many.readerOf('short answers')(50 * KB)).to.equal(undefined)
    expect(due).to.deep.equal([])
  })

  it('cut a flood into pieces, of the user first who had the least, one in a turn of the loop', async () => {
    const gate = shares()
    const order: string[] = []
    const flood = (who: string) => {
      const leave = gate.readerOf(who)(300 * KB)
      expect(leave?.bytes).to.equal(16 * KB)
      void leave?.granted.then(() => order.push(who))
    }
    for (let n = 0; n < 3; n++) flood('greedy')
    flood('modest')
    expect(gate.readerOf('reader')(2 * KB), 'nobody else waits for them').to.equal(undefined)
    while (due.length > 0) {
      const before = order.length
      await step()
      expect(order.length - before).to.be.at.most(1)
    }
    expect(order).to.deep.equal(['greedy', 'modest', 'greedy', 'greedy'])
  })

  it('leave everybody else as long as a piece took', async () => {
    const gate = shares()
    const leaves = [1, 2].map(() => gate.readerOf('greedy')(300 * KB)?.granted)
    expect(await step()).to.equal(0)
    await leaves[0]
    now += 7
    expect(await step(), 'the end of that turn of the loop').to.equal(0)
    expect(await step(), 'and as long again').to.equal(7)
    await leaves[1]
  })

  it('forget what somebody had', () => {
    const gate = shares()
    const mayRead = gate.readerOf('late')
    expect(mayRead(200 * KB)).to.equal(undefined)
    expect(mayRead(200 * KB)).to.not.equal(undefined)
    now += 60_000
    expect(mayRead(200 * KB)).to.equal(undefined)
  })
})
