import { expect } from 'chai'
import { WrittenAddresses } from '../../workers/tools/builtin/written-addresses.ts'

describe('Addresses that people wrote', () => {
  const said = [
    'Read https://tea.example/green?kind=sencha#top, please.',
    'And (shop.example/list/) — or <http://ch.example>!',
  ]
  const written = new WrittenAddresses(said)

  it('are known as they stand there, with or without scheme, fragment and a last slash', () => {
    for (const address of [
      'https://tea.example/green?kind=sencha',
      'http://tea.example/green?kind=sencha#other',
      'https://shop.example/list',
      'https://ch.example/',
    ]) {
      expect(written.has(address), address).to.equal(true)
    }
  })

  it('are no others: nothing that is added to them, or said on their server, can be carried out', () => {
    for (const address of [
      'https://tea.example/green?kind=sencha&q=secret',
      'https://tea.example/secret',
      'https://secret.tea.example/green?kind=sencha',
      'https://me:secret@tea.example/green?kind=sencha',
      'https://tea.example:8443/green?kind=sencha',
      'ftp://shop.example/list',
      'https://ch.example.evil.example/',
      'nothing',
    ]) {
      expect(written.has(address), address).to.equal(false)
    }
  })

  it('are looked for in so many only, the latest first', () => {
    const many = Array.from({ length: 300 }, (_, n) => `n${n}.example`).join(' ')
    const few = new WrittenAddresses(['first.example', many])
    expect([few.has('https://n299.example'), few.has('https://first.example')]).to.deep.equal([true, false])
    expect(new WrittenAddresses([`a.${'x'.repeat(3_000)}`]).has(`a.${'x'.repeat(3_000)}`)).to.equal(false)
  })
})
