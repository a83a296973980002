import { expect } from 'chai'
import { keepLease } from '../../workers/lease-keeper.ts'

describe('The keeping of a lease', () => {
  const lostWhen = async (renew: () => Promise<boolean>) => {
    const lost = Promise.withResolvers<void>()
    const trouble: unknown[] = []
    const lease = keepLease({
      renew,
      leaseMs: 30,
      onLost: lost.resolve,
      onTrouble: (error) => void trouble.push(error),
    })
    await lost.promise
    lease.release()
    return trouble
  }

  it('tells of its loss when a renewal is not answered at all for as long as the lease lasts', async () => {
    expect(await lostWhen(() => new Promise<never>(() => {}))).to.deep.equal([])
  })

  it('tells of its loss when another has it', async () => {
    let renewals = 0
    expect(await lostWhen(async () => ++renewals < 3)).to.deep.equal([])
    expect(renewals).to.equal(3)
  })

  it('bears trouble for as long as the lease lasts, and no longer', async () => {
    const away = new Error('away')
    const trouble = await lostWhen(() => Promise.reject(away))
    expect(trouble.length).to.be.greaterThan(1)
    expect(new Set(trouble)).to.deep.equal(new Set([away]))
  })
})
