import { expect } from 'chai'
import { calculate, NoExpression } from '../../workers/tools/builtin/calculator.ts'

describe('The calculator', () => {
  const right: Array<[string, number]> = [
    ['2 * (3 + 4) ^ 2', 98],
    ['-2^2', -4],
    ['2^3^2', 512],
    ['2^-1', 0.5],
    ['1_000 × 3 ÷ 4', 750],
    ['10 % 4 - .5', 1.5],
    ['1e3 + 2E-1', 1000.2],
    ['round(2 / 3, 3) + max(1, 2, min(9, 5))', 5.667],
    ['sqrt(16) * cos(0) + floor(pi)', 7],
  ]
  for (const [expression, value] of right) {
    it(`${expression} is ${value}`, () => expect(calculate(expression)).to.be.closeTo(value, 1e-9))
  }

  const wrong = [
    '',
    '1 +',
    '(1',
    '1)',
    '2 2',
    '1 / 0',
    '9^9^9',
    'process.exit()',
    'constructor',
    'x',
    '1..2',
    'max()',
    '1,2',
  ]
  for (const expression of wrong) {
    it(`says what is wrong with "${expression}"`, () => {
      expect(() => calculate(expression)).to.throw(NoExpression)
    })
  }

  it('reads only so much, and so deep', () => {
    expect(() => calculate('1+'.repeat(600))).to.throw(NoExpression, '1000 characters')
    expect(() => calculate(`${'('.repeat(60)}1${')'.repeat(60)}`)).to.throw(NoExpression, 'deeply')
    expect(calculate(`${'-'.repeat(900)}1`)).to.equal(1)
  })
})
