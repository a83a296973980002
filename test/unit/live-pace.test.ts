import { expect } from 'chai'
import { LivePace } from '../../workers/agent-runtime/live-pace.ts'

describe('the pace of live words', () => {
  let now = 1_003
  const pace = () => new LivePace(25, () => now)

  it('is at once while few are speaking', () => {
    const quiet = pace()
    for (let n = 0; n < 5; n++) {
      expect(quiet.delayMs()).to.equal(0)
      quiet.sent()
    }
  })

  it('is the next tick, the same for all, while many are', () => {
    const busy = pace()
    for (let n = 0; n < 50; n++) busy.sent()
    expect(busy.delayMs()).to.equal(25 - (now % 25))
    now += 7
    expect((now + busy.delayMs()) % 25).to.equal(0)
  })

  it('is every second tick in a crowd, and at once again when it has gone', () => {
    const crowd = pace()
    for (let n = 0; n < 500; n++) crowd.sent()
    expect((now + crowd.delayMs()) % 50).to.equal(0)
    now += 1_000
    expect(crowd.delayMs()).to.equal(0)
  })
})
