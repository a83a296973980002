import { expect } from 'chai'
import { z } from 'zod'
import { checkedInput } from '../../src/shared/checked-input.ts'
import { invalidRequest } from '../../src/shared/errors.ts'
import { inspectInput } from '../../src/shared/input-shape.ts'

const nested = (depth: number): unknown => (depth === 0 ? 'x' : [nested(depth - 1)])
const pathsOf = (value: unknown) => inspectInput(value).issues.map(({ path }) => path)

describe('What comes in', () => {
  it('is looked at no further than the limits, however much it is', () => {
    const hostile: unknown[] = [
      Object.fromEntries(Array.from({ length: 24_000 }, (_, i) => [`key${i}`, i])),
      Array(100_000).fill('x'),
      { a: Array(400).fill(Array(400).fill(1)) },
      Array(400).fill('\0'),
      nested(5_000),
    ]
    for (const value of hostile) {
      const { issues, looked } = inspectInput(value)
      expect(issues.length).to.be.within(1, 20)
      expect(looked).to.be.at.most(1_000)
    }
  })

  it('may be as large as any request of ours', () => {
    expect(inspectInput({ ids: Array(100).fill('x'), deep: nested(8) }).issues).to.deep.equal([])
  })

  it('names texts that cannot be stored, wherever they are, in order', () => {
    const path = pathsOf({ a: 'ok', b: ['\0', { c: '\ud800' }], ['__proto__']: 1 })
    expect(path).to.deep.equal(['b.0', 'b.1.c'])
  })

  it('is measured before a schema sees it', () => {
    let asked = 0
    const schema = z.array(z.unknown().refine(() => ++asked > 0))
    expect(() => checkedInput(schema, Array(5_000).fill(1))).to.throw('items')
    expect(asked).to.equal(0)
  })

  it('is answered in few words, whatever it says', () => {
    const error = invalidRequest(
      Array.from({ length: 1_000 }, (_, i) => ({ path: `${i}${'😀'.repeat(5_000)}`, message: 'm'.repeat(5_000) })),
    )
    expect(JSON.stringify([error.message, error.details]).length).to.be.below(40_000)
    expect(error.details).to.have.property('more', 980)
    expect(error.message.isWellFormed()).to.equal(true)
  })
})
