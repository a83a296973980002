import { expect } from 'chai'
import fc from 'fast-check'
import { formatCredits, MICRO, parseCredits } from '../../src/shared/money.ts'

describe('Credits', () => {
  it('are read exactly', () => {
    expect(parseCredits('0')).to.equal(0n)
    expect(parseCredits('12')).to.equal(12n * MICRO)
    expect(parseCredits('12.5')).to.equal(12_500_000n)
    expect(parseCredits('0.000001')).to.equal(1n)
    expect(parseCredits('-0.1')).to.equal(-100_000n)
    expect(parseCredits('999999999999.999999')).to.equal(999_999_999_999_999_999n)
  })

  it('are refused when they are no exact decimal, rather than rounded', () => {
    const bad = ['', ' ', '.5', '5.', '1,5', '1e3', '+1', '0x1', '1.0000001', '1234567890123', 'NaN', '1 ', '--1', '１']
    for (const text of bad) expect(() => parseCredits(text), text).to.throw(RangeError)
  })

  it('are shown with six places, and a sign that is never lost', () => {
    expect(formatCredits(0n)).to.equal('0.000000')
    expect(formatCredits(9_998_123_456n)).to.equal('9998.123456')
    expect(formatCredits(-1n)).to.equal('-0.000001')
    expect(formatCredits(-1_500_000n)).to.equal('-1.500000')
  })

  it('come back as they went', () => {
    const amount = fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n })
    fc.assert(fc.property(amount, (micro) => parseCredits(formatCredits(micro)) === micro))
  })
})
