import { expect } from 'chai'
import { addressIdentity } from '../../src/credits/address-identity.ts'

describe('Whose mailbox an address is', () => {
  const identities: Record<string, string> = {
    'Ada@Example.com': 'ada@example.com',
    'ada+party@example.com': 'ada@example.com',
    'ada+a+b@example.com': 'ada@example.com',
    'a.d.a@example.com': 'a.d.a@example.com',
    'A.d.A+x@GoogleMail.com': 'ada@gmail.com',
    'ada@gmail.com': 'ada@gmail.com',
    'ａｄａ@example.com': 'ada@example.com',
    'ada@bücher.example': 'ada@xn--bcher-kva.example',
    '+tag@example.com': '+tag@example.com',
  }
  for (const [address, identity] of Object.entries(identities)) {
    it(`of ${address} is ${identity}`, () => expect(addressIdentity(address)).to.equal(identity))
  }
})
