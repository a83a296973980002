import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { SealedSecrets } from '../../src/connections/sealed-secret.ts'

const key = (id: string) => ({ id, key: randomBytes(32) })
const place = { id: '0190', field: 'apiKey' }
const unreadable = { code: 'connections.key_unreadable', status: 409 }

describe('Sealed secrets', () => {
  it('opens what it sealed, and seals the same text differently each time', () => {
    const secrets = new SealedSecrets([key('k1')])
    const first = secrets.seal('sk-ünïcode', place)
    expect(first)
      .to.match(/^v1\.k1\.[\w-]+$/)
      .and.not.contain('sk-')
    expect(secrets.seal('sk-ünïcode', place)).to.not.equal(first)
    expect(secrets.open(first, place)).to.equal('sk-ünïcode')
  })

  it('seals with the first key of the ring and opens with all of them', () => {
    const [old, fresh] = [key('old'), key('fresh')]
    const sealedBefore = new SealedSecrets([old]).seal('secret', place)
    const rotated = new SealedSecrets([fresh, old])
    expect(rotated.open(sealedBefore, place)).to.equal('secret')
    expect(rotated.seal('secret', place)).to.match(/^v1\.fresh\./)
  })

  it('asks for the key again when the ring has lost it, or has another under its name', () => {
    const sealed = new SealedSecrets([key('k1')]).seal('secret', place)
    for (const ring of [[key('k2')], [key('k1')]]) {
      expect(() => new SealedSecrets(ring).open(sealed, place))
        .to.throw(/enter the API key again/)
        .that.includes(unreadable)
    }
  })

  it('does not open in another row or another column', () => {
    const secrets = new SealedSecrets([key('k1')])
    const sealed = secrets.seal('secret', place)
    for (const elsewhere of [
      { ...place, id: '0191' },
      { ...place, field: 'token' },
    ]) {
      expect(() => secrets.open(sealed, elsewhere))
        .to.throw()
        .that.includes(unreadable)
    }
  })

  it('refuses damaged and foreign text alike', () => {
    const secrets = new SealedSecrets([key('k1')])
    const sealed = secrets.seal('secret', place)
    const flipped = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA')
    for (const text of [flipped, sealed.slice(0, 20), 'v1.k1.', 'v2.k1.AAAA', 'plain', '']) {
      expect(() => secrets.open(text, place))
        .to.throw()
        .that.includes(unreadable)
    }
  })

  it('needs a key', () => {
    expect(() => new SealedSecrets([])).to.throw(RangeError, 'ENCRYPTION_KEYS')
  })
})
