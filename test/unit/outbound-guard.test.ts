import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { brotliCompressSync } from 'node:zlib'
import { expect } from 'chai'
import { type AddressClass, classifyAddress } from '../../src/connections/address-class.ts'
import { allowedByUrl, OutboundGuard } from '../../src/connections/outbound-guard.ts'
import { classifyProviderError } from '../../src/connections/provider-errors.ts'
import { ProviderNetwork } from '../../src/connections/provider-network.ts'
import { SetupError } from '../../src/database/setup-error.ts'

describe('Address classes', () => {
  const table: Record<AddressClass, string[]> = {
    public: ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'],
    local: [
      '127.0.0.1',
      '127.255.0.9',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '::1',
    ].concat(['fc00::1', 'fdff::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:10.0.0.1']),
    special: ['0.0.0.0', '0.1.2.3', '224.0.0.1', '240.0.0.1', '255.255.255.255', '198.18.0.1', '203.0.113.5', '::']
      .concat(['64:ff9b::8.8.8.8', '64:ff9b:1::1', '2002:7f00:1::', '2001::1', '2001:db8::1', 'ff02::1', 'fec0::1'])
      .concat(['::127.0.0.1', '::ffff:0:127.0.0.1', '::ffff:0:7f00:1', '0:0:0:0:ffff:0:a00:1', '::ffff:0:8.8.8.8'])
      .concat(['64:ff9b::127.0.0.1', '64:ff9b::a00:1', '2001:0:808:808::f5ff:fffe', '2a00::5efe:10.0.0.1'])
      .concat(['2a00::200:5efe:7f00:1', 'not an address', '']),
    metadata: ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1', '::ffff:169.254.169.254']
      .concat(['::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::', '::169.254.169.254', 'fd00:ec2::254'])
      .concat(['100.100.100.200', '192.0.0.192', '::ffff:0:169.254.169.254', '64:ff9b:1::a9fe:a9fe'])
      .concat(['64:ff9b:1:a9fe:a9:fe00::', '2001:0:a9fe:a9fe::', '2001::5601:5601', '2a00::5efe:169.254.169.254']),
  }
  for (const [kind, addresses] of Object.entries(table)) {
    it(`${kind}: ${addresses.slice(0, 3).join(', ')}, ...`, () => {
      expect(Object.fromEntries(addresses.map((a) => [a, classifyAddress(a)]))).to.deep.equal(
        Object.fromEntries(addresses.map((a) => [a, kind])),
      )
    })
  }
})

describe('An answer that is packed', () => {
  it('is not asked for, is read where it is small, and breaks off where it becomes too large', async () => {
    const asked: Array<string | undefined> = []
    const bomb = brotliCompressSync(Buffer.alloc(64 * 1_024 * 1_024))
    const server = createServer((request, response) => {
      asked.push(String(request.headers['accept-encoding']))
      response.setHeader('content-encoding', 'br')
      response.end(request.url === '/small' ? brotliCompressSync('Tea.') : bomb)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const guard = new OutboundGuard({ allow: [], production: false })
    expect(await (await guard.fetch(`${url}/small`)).text()).to.equal('Tea.')
    const large = await guard.fetch(`${url}/large`)
    let bytes = 0
    const error: unknown = await (async () => {
      for await (const chunk of large.body ?? []) bytes += chunk.byteLength
    })().catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(Error)
    expect(bytes).to.be.at.most(16 * 1_024 * 1_024)
    expect(bomb.length).to.be.below(1_000)
    expect(asked).to.deep.equal(['identity', 'identity'])
    await guard.close()
    server.close()
  })
})

describe('The outbound guard', () => {
  const closing: Array<() => unknown> = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  const guard = (production: boolean, allow: string[] = []) => {
    const made = new OutboundGuard({ allow, production, idleTimeoutMs: 5_000 })
    closing.push(() => made.close())
    return made
  }
  const serve = async (listener: RequestListener): Promise<{ port: number; server: Server }> => {
    const server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    )
    const address = server.address()
    return { server, port: typeof address === 'object' && address ? address.port : 0 }
  }
  const refusal = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => expect.fail('it connected'),
      (thrown: unknown) => thrown,
    )
    return classifyProviderError(error).code
  }

  it('reaches loopback in development, by address and by name', async () => {
    const { port } = await serve((_, res) => res.end('hello'))
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1']) {
      expect(await (await guard(false).fetch(`http://${host}:${port}/`)).text()).to.equal('hello')
    }
  })

  it('refuses loopback in production, however it is written, without touching it', async () => {
    let touched = 0
    const { server, port } = await serve((_, res) => res.end('hello'))
    server.on('connection', () => touched++)
    const strict = guard(true)
    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0177.0.0.1',
      '[::ffff:127.0.0.1]',
      '[::1]',
      '0.0.0.0',
    ]) {
      expect(await refusal(strict.fetch(`http://${host}:${port}/`)), host).to.equal('provider.address_refused')
      expect(await refusal(strict.fetch(`https://${host}:${port}/`)), host).to.equal('provider.address_refused')
    }
    expect(touched).to.equal(0)
  })

  it('never reaches link-local or metadata addresses, allowed or not', async () => {
    const open = guard(false, ['169.254.169.254', '169.254.0.0/16', '[fe80::1]', '100.100.100.200'])
    for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '[fe80::1]', '100.100.100.200', '0xa9fea9fe']) {
      expect(await refusal(open.fetch(`http://${host}/latest/meta-data/`)), host).to.equal('provider.address_refused')
    }
  })

  it('lets production reach what OUTBOUND_ALLOW lists: host, host:port, address or CIDR', async () => {
    const { port } = await serve((_, res) => res.end('hello'))
    for (const allow of ['localhost', `localhost:${port}`, '127.0.0.1', '127.0.0.0/8', 'LOCALHOST']) {
      expect(await (await guard(true, [allow]).fetch(`http://localhost:${port}/`)).text(), allow).to.equal('hello')
    }
    for (const allow of ['localhost:1', '10.0.0.0/8', 'example.com', 'notlocalhost']) {
      const work = guard(true, [allow]).fetch(`http://localhost:${port}/`)
      expect(await refusal(work), allow).to.equal('provider.address_refused')
    }
  })

  it('connects to the address that it judged: a name that changes its mind gains nothing', async () => {
    const { port } = await serve((_, res) => res.setHeader('connection', 'close').end('hello'))
    const answers = ['127.0.0.1', '169.254.169.254']
    const { lookup } = dns
    Object.assign(dns, {
      lookup: (_host: string, _options: unknown, done: (error: null, found: dns.LookupAddress[]) => void) =>
        done(null, [{ address: answers.shift() ?? '', family: 4 }]),
    })
    syncBuiltinESMExports()
    try {
      const open = guard(false)
      expect(await (await open.fetch(`http://rebind.test:${port}/`)).text()).to.equal('hello')
      expect(answers).to.have.length(1)
      expect(await refusal(open.fetch(`http://rebind.test:${port}/`))).to.equal('provider.address_refused')
    } finally {
      Object.assign(dns, { lookup })
      syncBuiltinESMExports()
    }
  })

  it('hides from users of production what it refuses: a name of our network is one that does not exist', async () => {
    const { lookup } = dns
    const known: Record<string, string> = { 'db.corp.test': '10.0.0.5', 'meta.test': '169.254.169.254' }
    Object.assign(dns, {
      lookup: (host: string, _options: unknown, done: (error: Error | null, found?: dns.LookupAddress[]) => void) => {
        const address = known[host]
        if (address) return done(null, [{ address, family: 4 }])
        const code = { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: host }
        done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), code))
      },
    })
    syncBuiltinESMExports()
    try {
      const network = new ProviderNetwork({ allow: [], production: true, platformUrls: [] })
      closing.push(() => network.close())
      const failures = async (scope: 'user' | 'platform', ...hosts: string[]) =>
        Promise.all(
          hosts.map(async (host) => {
            const error = await network
              .fetchFor({ scope })(`https://${host}/`)
              .then(
                () => expect.fail('it connected'),
                (thrown: unknown) => thrown,
              )
            return classifyProviderError(error)
          }),
        )
      const [missing, ...refused] = await failures('user', 'nowhere.test', 'db.corp.test', 'meta.test', '127.0.0.1')
      expect(missing?.code).to.equal('provider.unreachable')
      for (const failure of refused) expect(failure).to.deep.equal(missing)
      const [told] = await failures('platform', 'db.corp.test')
      expect(told?.code, 'operators are told').to.equal('provider.address_refused')
    } finally {
      Object.assign(dns, { lookup })
      syncBuiltinESMExports()
    }
  })

  it('permits what the operator configured', () => {
    const allow = allowedByUrl(['http://ollama.internal:11434/v1', undefined, 'https://gateway.internal/v1'])
    expect(allow).to.deep.equal(['ollama.internal:11434', 'gateway.internal:443'])
  })

  it('follows no redirect', async () => {
    let followed = false
    const { port } = await serve((req, res) => {
      if (req.url === '/secret') followed = true
      res.writeHead(req.url === '/' ? 307 : 200, { location: '/secret' }).end()
    })
    const error = await guard(false)
      .fetch(`http://127.0.0.1:${port}/`, { redirect: 'follow' })
      .catch((thrown: unknown) => thrown)
    expect(classifyProviderError(error)).to.include({ kind: 'fatal', code: 'provider.address_refused' })
    expect(followed).to.equal(false)
  })

  it('gives up on a server that accepts and then says nothing', async () => {
    const { port } = await serve(() => {})
    const impatient = new OutboundGuard({ allow: [], production: false, idleTimeoutMs: 50 })
    closing.push(() => impatient.close())
    expect(await refusal(impatient.fetch(`http://127.0.0.1:${port}/`))).to.equal('provider.unreachable')
  })

  it('says at once, with the field, what is wrong with a base URL', () => {
    const cases: Array<[boolean, string, RegExp | null]> = [
      [true, 'https://api.example.com/v1', null],
      [true, 'http://api.example.com/v1', /https:/],
      [true, 'https://127.0.0.1/v1', /may not connect/],
      [true, 'https://[::1]/v1', /may not connect/],
      [false, 'http://127.0.0.1:11434/v1', null],
      [false, 'http://localhost:11434', null],
      [false, 'http://169.254.169.254/', /may not connect/],
      [false, 'http://user:secret@example.com/', /user name/],
      [false, 'ftp://example.com/', /http/],
      [false, 'file:///etc/passwd', /http/],
      [false, 'example.com', /http/],
      [false, 'https://example.com/v1?key=1', /query/],
    ]
    for (const [production, url, problem] of cases) {
      const check = () => guard(production).assertBaseUrl(url)
      if (problem === null) expect(check, url).to.not.throw()
      else expect(check, url).to.throw(problem).that.has.nested.property('details.issues[0].path', 'baseUrl')
    }
  })

  it('refuses an allow list that it cannot understand, at once', () => {
    for (const entry of ['10.0.0.0/99', 'http://x', 'a b', '300.0.0.0/8']) {
      expect(() => new OutboundGuard({ allow: [entry], production: true }), entry).to.throw(
        SetupError,
        'OUTBOUND_ALLOW',
      )
    }
  })
})
