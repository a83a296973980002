import { expect } from 'chai'
import { LeaseKeeper, type Renewal } from '../../workers/lease-keeper.ts'

describe('The keeping of leases', () => {
  const LEASE_MS = 30

  /** A keeper whose renewals are answered by `renew`, and what went wrong in them. */
  const keeper = (renew: (leases: string[], leaseMs: number) => Promise<Map<string, Renewal>>) => {
    const trouble: unknown[] = []
    const leases = new LeaseKeeper<string>({ renew, leaseMs: LEASE_MS, onTrouble: (error) => void trouble.push(error) })
    const lost = (lease: string) => new Promise<void>((resolve) => leases.keep(lease, LEASE_MS, resolve))
    return { leases, lost, trouble }
  }
  const all = (leases: string[], answer: Renewal) => new Map(leases.map((lease) => [lease, answer]))

  it('tells of a loss when a renewal is not answered at all for as long as the lease lasts', async () => {
    await keeper(() => new Promise<never>(() => {})).lost('a')
  })

  it('tells of a loss when another has it, and keeps the others', async () => {
    const asked: string[][] = []
    const { leases, lost, trouble } = keeper(async (held) => {
      asked.push(held)
      return new Map(held.map((lease) => [lease, lease === 'b' && asked.length > 2 ? 'lost' : 'renewed']))
    })
    const kept = leases.keep('a', LEASE_MS, () => expect.fail('a was kept'))
    await lost('b')
    kept.release()
    expect(asked).to.deep.equal([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(trouble).to.deep.equal([])
  })

  it('renews all in one go, and asks for nothing when nothing is held', async () => {
    let asked = 0
    const done = Promise.withResolvers<void>()
    const { leases, trouble } = keeper(async (held) => {
      asked += 1
      expect(held).to.have.length(20)
      if (asked === 3) done.resolve()
      return all(held, 'renewed')
    })
    const kept = Array.from({ length: 20 }, (_, n) => leases.keep(String(n), LEASE_MS, () => expect.fail('was kept')))
    await done.promise
    for (const lease of kept) lease.release()
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS))
    expect(asked).to.equal(3)
    expect(trouble).to.deep.equal([])
  })

  it('of a process that stood still for longer than the lease is given up only when another has it', async () => {
    const asked = Promise.withResolvers<void>()
    const { leases } = keeper(async (held) => {
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 10))
      asked.resolve()
      return all(held, 'renewed')
    })
    let isLost = false
    const kept = leases.keep('a', LEASE_MS, () => {
      isLost = true
    })
    const until = performance.now() + 2 * LEASE_MS
    while (performance.now() < until);
    await asked.promise
    await new Promise(setImmediate)
    expect(isLost).to.equal(false)
    kept.release()
  })

  it('bears trouble, and rows that are busy, for as long as the lease lasts, and no longer', async () => {
    const away = new Error('away')
    const { lost, trouble } = keeper(() => Promise.reject(away))
    await lost('a')
    expect(trouble.length).to.be.greaterThan(1)
    expect(new Set(trouble)).to.deep.equal(new Set([away]))
    await keeper(async (held) => all(held, 'busy')).lost('a')
  })

  it('asks for longer leases while the process is late, and for the usual ones again when it is not', async () => {
    const wanted: number[] = []
    const usual = Promise.withResolvers<void>()
    const { leases } = keeper(async (held, leaseMs) => {
      wanted.push(leaseMs)
      if (wanted.length > 1 && leaseMs < LEASE_MS * 1.5) usual.resolve()
      return all(held, 'renewed')
    })
    const lost: string[] = []
    const kept = leases.keep('a', LEASE_MS, () => void lost.push('a'))
    // The process stands still for longer than the lease.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LEASE_MS * 3)
    await usual.promise
    kept.release()
    expect(wanted[0]).to.be.within(LEASE_MS * 4, LEASE_MS * 8)
    expect(lost).to.deep.equal([])
  })
})
