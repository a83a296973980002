import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { OutboundGuard } from '../../src/connections/outbound-guard.ts'
import { fetchText } from '../../workers/tools/builtin/web-fetch.ts'

describe('web_fetch', () => {
  let server: Server
  let url: string
  const guard = new OutboundGuard({ allow: [], production: false })
  const seen: Array<string | undefined> = []
  before(async () => {
    server = createServer((req, res) => {
      seen.push(req.headers.cookie)
      const { pathname } = new URL(req.url ?? '/', 'http://x')
      if (pathname === '/page') {
        res.setHeader('set-cookie', 'a=1').setHeader('content-type', 'text/html; charset=utf-8')
        res.end('<title>Tea</title><script>alert(1)</script><p>Green &amp; black.</p>')
      } else if (pathname === '/round') res.writeHead(302, { location: '/page' }).end()
      else if (pathname === '/for-ever') res.writeHead(302, { location: '/for-ever' }).end()
      else if (pathname === '/inside') res.writeHead(302, { location: 'http://169.254.169.254/latest' }).end()
      else if (pathname === '/picture') res.setHeader('content-type', 'image/png').end('x')
      else if (pathname === '/long') {
        res.setHeader('content-type', 'text/plain')
        const pour = () => {
          while (res.writable && res.write('x'.repeat(65_536)));
        }
        res.on('drain', pour)
        pour()
      } else res.writeHead(404).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await guard.close()
  })
  const read = (path: string) => fetchText(url + path, guard.hop, AbortSignal.timeout(20_000))
  const failure = (path: string) => read(path).then(String, (error: Error) => error.message)

  it('reads the text of a page, behind redirects too, and keeps no cookies', async () => {
    expect(await read('/round'))
      .to.include(`${url}/page`)
      .and.include('Green & black.')
      .and.not.include('alert')
    await read('/page')
    expect(seen.every((cookie) => cookie === undefined)).to.equal(true)
  })

  it('reads the beginning of what has no end', async () => {
    const text = await read('/long')
    expect(text).to.include('Only its beginning')
    expect(text.length).to.be.within(1_000_000, 1_100_000)
  })

  it('says why it does not read', async () => {
    expect(await failure('/picture')).to.include('image/png')
    expect(await failure('/nothing')).to.include('404')
    expect(await failure('/for-ever')).to.include('too often')
    // The address behind a redirect is judged as the first one is.
    expect(await failure('/inside')).to.include('cannot be reached')
    expect(
      await fetchText('file:///etc/passwd', guard.hop, AbortSignal.timeout(5_000)).catch((e: Error) => e.message),
    ).to.include('cannot be reached')
  })
})
