import { expect } from 'chai'
import { z } from 'zod'
import { checkedInput } from '../../src/shared/checked-input.ts'
import { invalidRequest } from '../../src/shared/errors.ts'
import { inspectInput } from '../../src/shared/input-shape.ts'
import { inspectJson } from '../../src/shared/json-size.ts'

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

  it('is not even parsed where that would take long, and read no further than to know it', () => {
    const hostile = [
      `{"message":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      '{"a":'.repeat(40_000),
      JSON.stringify(Object.fromEntries(Array.from({ length: 24_000 }, (_, i) => [i.toString(36), 0]))),
      `[${'0,'.repeat(100_000)}0]`,
      `["\\\\",${'[],'.repeat(50_000)}0]`,
    ]
    for (const text of hostile) {
      const { isTooLarge, looked } = inspectJson(Buffer.from(text))
      expect([isTooLarge, looked < 60_000], text.slice(0, 20)).to.deep.equal([true, true])
    }
    const fine = ['{"message":"[[[[,,,,\\\\",{"}', JSON.stringify({ message: '[{,"'.repeat(40_000) }), '"[', ']]]]']
    for (const text of fine) expect(inspectJson(Buffer.from(text)).isTooLarge, text.slice(0, 20)).to.equal(false)
    const large = JSON.stringify({ ids: Array(100).fill('x'), deep: nested(20) })
    expect(inspectJson(Buffer.from(large)).isTooLarge).to.equal(false)
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
