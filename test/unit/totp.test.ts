import { expect } from 'chai'
import { newRecoveryCodes, recoveryHash } from '../../src/identity/recovery-codes.ts'
import { base32, codeOf, newSecret, otpauthUrl, stepAt, stepOfCode } from '../../src/identity/totp.ts'

/** The secret of the examples in RFC 4226 and RFC 6238. */
const RFC_SECRET = Buffer.from('12345678901234567890')

describe('Codes by time', () => {
  it('are those of RFC 6238 (the last six of its eight digits)', () => {
    const examples: Array<[seconds: number, code: string]> = [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [1_111_111_111, '050471'],
      [1_234_567_890, '005924'],
      [2_000_000_000, '279037'],
      [20_000_000_000, '353130'],
    ]
    for (const [seconds, code] of examples) expect(codeOf(RFC_SECRET, stepAt(seconds * 1000))).to.equal(code)
  })

  it('count one step before and after, for clocks that are off, and no further', () => {
    const now = 1_700_000_010_000
    const step = stepAt(now)
    const found = [-2, -1, 0, 1, 2].map((off) => stepOfCode(RFC_SECRET, codeOf(RFC_SECRET, step + off), now, null))
    expect(found).to.deep.equal([undefined, step - 1, step, step + 1, undefined])
  })

  it('count once: neither the step that was used nor one before it', () => {
    const now = 1_700_000_010_000
    const step = stepAt(now)
    const code = (off: number) => codeOf(RFC_SECRET, step + off)
    expect(stepOfCode(RFC_SECRET, code(0), now, step)).to.equal(undefined)
    expect(stepOfCode(RFC_SECRET, code(-1), now, step)).to.equal(undefined)
    expect(stepOfCode(RFC_SECRET, code(1), now, step)).to.equal(step + 1)
  })

  it('are six digits and nothing else', () => {
    const now = 59_000
    for (const wrong of ['', '28708', '2870820', ' 287082', '２８７０８２', 'abcdef', '-87082']) {
      expect(stepOfCode(RFC_SECRET, wrong, now, null), wrong).to.equal(undefined)
    }
    expect(stepOfCode(RFC_SECRET, '287082', now, null)).to.equal(1)
  })

  it('have secrets that apps read', () => {
    expect(base32(RFC_SECRET)).to.equal('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
    expect(base32(Buffer.from('f'))).to.equal('MY')
    expect(base32(Buffer.from('foobar'))).to.equal('MZXW6YTBOI')
    expect(otpauthUrl(RFC_SECRET, 'ann+1@example.com')).to.equal(
      'otpauth://totp/Chatsparty:ann%2B1%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Chatsparty',
    )
    expect(newSecret()).to.have.length(20)
  })
})

describe('Recovery codes', () => {
  it('are ten, all different, and the same however they are written', () => {
    const codes = newRecoveryCodes()
    expect(new Set(codes).size).to.equal(10)
    for (const code of codes) expect(code).to.match(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/)
    const [code = ''] = codes
    const written = [code, code.toLowerCase(), code.replaceAll('-', ' '), code.replaceAll('-', '')]
    expect(new Set(written.map((one) => recoveryHash('ann', one))).size).to.equal(1)
    expect(recoveryHash('bob', code)).not.to.equal(recoveryHash('ann', code))
    expect(recoveryHash('ann', code)).not.to.include(code.slice(0, 4))
  })
})
