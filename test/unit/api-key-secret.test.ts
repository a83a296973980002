import { expect } from 'chai'
import { hashOf, isWhole, newSecret, shownOf } from '../../src/identity/api-key-secret.ts'

describe('The text of an API key', () => {
  const keys = Array.from({ length: 200 }, newSecret)

  it('is of one form, by which scanners of secrets find it, and never the same', () => {
    for (const key of keys) {
      expect(key).to.match(/^cp_[0-9A-Za-z]{49}$/)
      expect(`config = "${key}"`.match(/\bcp_[0-9A-Za-z]{49}\b/)?.[0]).to.equal(key)
    }
    expect(new Set(keys).size).to.equal(keys.length)
    expect(new Set(keys.map((key) => hashOf(key).toString('hex'))).size).to.equal(keys.length)
  })

  it('is told from a mistyped one: of no single letter another one will do', () => {
    for (const key of keys) expect(isWhole(key)).to.equal(true)
    const [key = ''] = keys
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === 'a' ? 'b' : 'a'
      expect(isWhole(key.slice(0, at) + other + key.slice(at + 1)), `letter ${at}`).to.equal(false)
    }
    const swapped = key.slice(0, 10) + key[11] + key[10] + key.slice(12)
    if (swapped !== key) expect(isWhole(swapped)).to.equal(false)
  })

  it('is nothing longer, shorter or other', () => {
    const [key = ''] = keys
    for (const text of [
      '',
      'cp_',
      `${key} `,
      `${key}0`,
      key.slice(0, -1),
      ` ${key}`,
      `${key}\n`,
      key.toUpperCase(),
      'cp_'.repeat(1_000),
    ]) {
      expect(isWhole(text), JSON.stringify(text.slice(0, 60))).to.equal(false)
    }
  })

  it('shows of itself what tells it from others, and no more', () => {
    const [key = ''] = keys
    expect(shownOf(key)).to.equal(key.slice(0, 11))
  })
})
