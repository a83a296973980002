import { expect } from 'chai'
import { Turnstile } from '../../workers/turnstile.ts'

describe('A turnstile', () => {
  it('lets so many through at once, the others in their order as places come free', async () => {
    const turnstile = new Turnstile(2)
    const inside: number[] = []
    const leaves = new Map<number, () => void>()
    const coming = [1, 2, 3, 4].map(async (n) => {
      leaves.set(n, await turnstile.pass())
      inside.push(n)
    })
    await Promise.all(coming.slice(0, 2))
    expect(inside).to.deep.equal([1, 2])
    leaves.get(2)?.()
    await coming[2]
    expect(inside).to.deep.equal([1, 2, 3])
    leaves.get(1)?.()
    await coming[3]
    expect(inside).to.deep.equal([1, 2, 3, 4])
  })

  it('lets in whom it let in the least lately, of those who have none inside', async () => {
    const turnstile = new Turnstile(1, () => 0)
    for (let n = 0; n < 3; n++) (await turnstile.pass('busy'))()
    const leave = await turnstile.pass('another')
    const order: string[] = []
    const coming = ['busy', 'another', 'new'].map(async (who) => {
      const leaveAgain = await turnstile.pass(who)
      order.push(who)
      leaveAgain()
    })
    leave()
    await Promise.all(coming)
    expect(order).to.deep.equal(['new', 'another', 'busy'])
  })

  it('gives no place twice to who leaves twice', async () => {
    const turnstile = new Turnstile(1)
    const leave = await turnstile.pass()
    leave()
    leave()
    await turnstile.pass()
    let isIn = false
    const next = turnstile.pass().then(() => {
      isIn = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isIn).to.equal(false)
    void next
  })
})
