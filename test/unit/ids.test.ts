import { expect } from 'chai'
import { firstIdOf, idMaker, newId } from '../../src/shared/ids.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 13).replace('-', ''), 16)
const made = (make: () => string, count: number): string[] => Array.from({ length: count }, make)
const outOfOrder = (ids: readonly string[]) => ids.filter((id, place) => place > 0 && id <= (ids[place - 1] ?? ''))

describe('Ids', () => {
  it('are UUIDs of version 7, each greater than the one before', () => {
    const before = Date.now()
    const ids = made(newId, 100_000)
    expect(outOfOrder(ids)).to.deep.equal([])
    expect(ids.filter((id) => !UUID_V7.test(id))).to.deep.equal([])
    expect(timeOf(ids[0] ?? '')).to.be.at.least(before)
  })

  it('are so while the clock stands still: what a millisecond has no room for is of the next one', () => {
    const ids = made(
      idMaker(() => 1_800_000_000_000),
      100_000,
    )
    expect(outOfOrder(ids)).to.deep.equal([])
    // 3,072 of a millisecond at the least, 4,096 at the most.
    expect(timeOf(ids.at(-1) ?? '') - 1_800_000_000_000).to.be.within(24, 33)
  })

  it('are so when the clock goes back, and of its time again once it has caught up', () => {
    let now = 1_800_000_000_000
    const make = idMaker(() => now)
    const ids = [make()]
    now -= 60_000
    ids.push(...made(make, 1_000))
    expect(new Set(ids.map(timeOf))).to.deep.equal(new Set([1_800_000_000_000]))
    now += 60_001
    ids.push(make())
    expect(timeOf(ids.at(-1) ?? '')).to.equal(now)
    expect(outOfOrder(ids)).to.deep.equal([])
  })

  it('are of the time of the clock again at once where that had been far ahead by mistake', () => {
    let now = 1_800_000_000_000
    const make = idMaker(() => now)
    now += 86_400_000
    make()
    now -= 86_400_000
    const ids = made(make, 100)
    expect(new Set(ids.map(timeOf))).to.deep.equal(new Set([now]))
    expect(outOfOrder(ids)).to.deep.equal([])
  })

  it('have the time of the clock where 3,000 are made in each millisecond', () => {
    let now = 1_800_000_000_000
    const make = idMaker(() => now)
    for (let tick = 0; tick < 30; tick += 1, now += 1)
      expect(new Set(made(make, 3_000).map(timeOf))).to.deep.equal(new Set([now]))
  })

  it('cannot be told from those before: all that is behind the count is random', () => {
    const tails = made(newId, 10_000).map((id) => id.slice(19))
    expect(new Set(tails).size).to.equal(10_000)
    // Each of the last 48 bits is set in some and not in others.
    const bits = tails.map((tail) => Number.parseInt(tail.slice(5), 16).toString(2).padStart(48, '0'))
    for (let bit = 0; bit < 48; bit += 1) expect(new Set(bits.map((all) => all[bit])).size, `bit ${bit}`).to.equal(2)
  })

  it('begin at the first of their moment', () => {
    const moment = new Date(1_800_000_000_123)
    const [id = ''] = made(
      idMaker(() => moment.getTime()),
      1,
    )
    expect(firstIdOf(moment)).to.match(UUID_V7)
    expect(id > firstIdOf(moment)).to.equal(true)
    expect(id < firstIdOf(new Date(moment.getTime() + 1))).to.equal(true)
  })
})
