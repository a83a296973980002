import { expect } from 'chai'
import { WaitingLine } from '../../src/identity/waiting-line.ts'
import { AppError } from '../../src/shared/errors.ts'

/** Works that end when told to. */
function works(line: WaitingLine) {
  const begun: string[] = []
  const ends = new Map<string, PromiseWithResolvers<void>>()
  const outcomes = new Map<string, string>()
  const start = (name: string, requester = name, signal?: AbortSignal) => {
    const end = Promise.withResolvers<void>()
    ends.set(name, end)
    return line
      .run({ requester, signal }, async () => {
        begun.push(name)
        await end.promise
      })
      .then(
        () => void outcomes.set(name, 'done'),
        (error: unknown) => void outcomes.set(name, error instanceof AppError ? error.code : 'failed'),
      )
  }
  return {
    begun,
    settled: () => Object.fromEntries(outcomes),
    start,
    end: (name: string) => ends.get(name)?.resolve(),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  }
}

const LIMITS = { atOnce: 2, waiting: 4, waitingOfOne: 2, waitMs: 60_000 }

describe('A waiting line', () => {
  it('does a few at once, and the others in the order in which they came', async () => {
    const line = new WaitingLine(LIMITS)
    const { begun, start, end } = works(line)
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => start(name))
    expect(begun).to.deep.equal(['a', 'b'])
    expect(line.waiting).to.equal(3)
    end('b')
    await all[1]
    expect(begun).to.deep.equal(['a', 'b', 'c'])
    for (const name of ['a', 'c', 'd', 'e']) end(name)
    await Promise.all(all)
    expect(begun).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
    expect(line.waiting).to.equal(0)
  })

  it('is full for everybody at some length, and for one requester before that', async () => {
    const line = new WaitingLine(LIMITS)
    const { begun, settled, start, end } = works(line)
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => start(name, name < 'f' ? 'one' : 'other'))
    await all[4]
    expect(settled()).to.deep.equal({ e: 'auth.busy' })
    expect(line.waiting).to.equal(3)
    all.push(start('g'), start('h'))
    await all[7]
    expect(settled()).to.deep.equal({ e: 'auth.busy', h: 'auth.busy' })
    for (const name of ['a', 'b', 'c', 'd', 'f', 'g']) end(name)
    await Promise.all(all)
    expect(begun.sort()).to.deep.equal(['a', 'b', 'c', 'd', 'f', 'g'])
  })

  it('is left by those who give up, and by those who have waited too long; their work is not begun', async () => {
    const line = new WaitingLine({ ...LIMITS, atOnce: 1, waitMs: 20 })
    const { begun, settled, start, end } = works(line)
    const abort = new AbortController()
    const all = [start('a'), start('b', 'b', abort.signal), start('c')]
    abort.abort()
    await all[1]
    await all[2]
    expect(settled()).to.deep.equal({ b: 'auth.busy', c: 'auth.busy' })
    expect(line.waiting).to.equal(0)
    await start('d', 'd', abort.signal)
    end('a')
    await all[0]
    const last = start('e')
    end('e')
    await last
    expect(begun).to.deep.equal(['a', 'e'])
  })

  it('goes on when a work fails, and hands no place to somebody who leaves in the same moment', async () => {
    const line = new WaitingLine({ ...LIMITS, atOnce: 1 })
    const { begun, settled, start, end, fail } = works(line)
    const abort = new AbortController()
    const all = [start('a'), start('b', 'b', abort.signal), start('c')]
    fail('a')
    abort.abort()
    end('c')
    await Promise.all(all)
    expect(settled()).to.deep.equal({ a: 'failed', b: 'auth.busy', c: 'done' })
    expect(begun).to.deep.equal(['a', 'c'])
  })
})
