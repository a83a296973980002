import { expect } from 'chai'
import express from 'express'
import { clientAddress, clientNeighbourhood, clientNetwork } from '../../src/http/client-network.ts'

describe('The network that limits count a client by', () => {
  const networks: Record<string, string> = {
    '203.0.113.7': '203.0.113.7',
    '::ffff:203.0.113.7': '203.0.113.7',
    '::1': '0:0:0:0::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    '2001:0DB8:0:42:aaaa:bbbb:cccc:dddd': '2001:db8:0:42::/64',
    '2001:db8:1:2::': '2001:db8:1:2::/64',
    '2001:db8::2:0:0:0:1': '2001:db8:0:2::/64',
    '64:ff9b::198.51.100.4': '64:ff9b:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    unknown: 'unknown',
  }
  for (const [address, network] of Object.entries(networks)) {
    it(`of ${address} is ${network}`, () => expect(clientNetwork(address)).to.equal(network))
  }

  it('is the same for whatever a customer chooses within a /64, and another for the next', () => {
    expect(clientNetwork('2001:db8:1:2:ffff::9')).to.equal(clientNetwork('2001:db8:1:2::1'))
    expect(clientNetwork('2001:db8:1:3::1')).not.to.equal(clientNetwork('2001:db8:1:2::1'))
  })

  it('has a neighbourhood of a /24 or a /48', () => {
    const neighbourhoods = ['203.0.113.7', '::ffff:203.0.113.9', '2001:db8:1:2::1', '2001:db8:1:3::1', 'unknown']
    expect(neighbourhoods.map(clientNeighbourhood)).to.deep.equal([
      '203.0.113.0/24',
      '203.0.113.0/24',
      '2001:db8:1::/48',
      '2001:db8:1::/48',
      'unknown',
    ])
  })
})

describe('The address of a client', () => {
  it('is what Express takes for it, behind any number of proxies', () => {
    for (const forwarded of [
      undefined,
      '1.1.1.1',
      '1.1.1.1, 2.2.2.2',
      ' 1.1.1.1 ,2.2.2.2,3.3.3.3',
      ['1.1.1.1', '2.2.2.2'],
    ]) {
      for (let proxies = 0; proxies < 5; proxies++) {
        const app = express()
        app.set('trust proxy', proxies)
        const header = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
        const request = { headers: header, socket: { remoteAddress: '9.9.9.9' } }
        const joined = { ...request, headers: forwarded === undefined ? {} : { 'x-forwarded-for': String(forwarded) } }
        const asExpress: unknown = Reflect.get(
          express.request,
          'ip',
          Object.assign(Object.create(express.request), { app, ...joined }),
        )
        expect(clientAddress(request, proxies), `${forwarded} behind ${proxies}`).to.equal(asExpress)
      }
    }
  })
})
