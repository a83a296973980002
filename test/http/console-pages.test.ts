import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import express from 'express'
import { request } from 'undici'
import { CONSOLE_PATHS } from '../../src/contract/console-paths.ts'
import { ConsoleAssets, consolePages } from '../../src/http/console-pages.ts'
import { frontPage } from '../../src/http/front-page.ts'

const PAGE = '<!doctype html><title>The console</title>'
const SCRIPT = `console.log(${'1 + '.repeat(1_000)}1)`
const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('The pages of the console', () => {
  let folder: string
  let server: Server
  let url: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'console-'))
    const app = express()
    const assets = new ConsoleAssets(folder)
    frontPage(app, assets)
    consolePages(app, assets)
    app.use((_request, response) => void response.status(404).json({ error: 'none' }))
    server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })
  const get = async (path: string, headers: Record<string, string> = html, method: 'GET' | 'HEAD' = 'GET') => {
    const answer = await request(url + path, { method, headers })
    return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.from(await answer.body.arrayBuffer()) }
  }
  const build = async (page: string, at: number) => {
    await mkdir(join(folder, 'assets'), { recursive: true })
    await writeFile(join(folder, 'index.html'), page)
    await writeFile(join(folder, 'assets/main-abc.js'), SCRIPT)
    await writeFile(join(folder, 'assets/main-abc.js.br'), brotliCompressSync(SCRIPT))
    await writeFile(join(folder, 'assets/main-abc.js.gz'), gzipSync(SCRIPT))
    await writeFile(join(folder, 'secret.txt'), 'not ours to give')
    await writeFile(join(folder, 'made-of'), page)
    await utimes(join(folder, 'made-of'), at, at)
  }

  it('are missing where they were not built, which the front page says in words', async () => {
    const front = await get('/')
    expect(front.status).to.equal(200)
    expect(front.bytes.toString()).to.include('npm run build:console')
    expect((await get('/agents')).status).to.equal(404)
  })

  it('are there at each path of the console, and asked for again only when they have changed', async () => {
    await build(PAGE, 1_000)
    for (const path of ['/', ...CONSOLE_PATHS.map((first) => `/${first}`), '/c/123', '/admin/users?q=a']) {
      const { status, headers, bytes } = await get(path)
      expect(status, path).to.equal(200)
      expect(bytes.toString(), path).to.equal(PAGE)
      expect(headers['cache-control'], path).to.equal('no-cache')
      expect(headers['x-robots-tag'], path).to.equal('noindex, nofollow')
    }
    const { headers } = await get('/')
    expect((await get('/', { ...html, 'if-none-match': String(headers.etag) })).status).to.equal(304)
    const head = await get('/agents', html, 'HEAD')
    expect([head.status, head.bytes.length, head.headers['content-length']]).to.deep.equal([
      200,
      0,
      String(PAGE.length),
    ])
    await build(`${PAGE}<p>New`, 2_000)
    const after = await get('/', { ...html, 'if-none-match': String(headers.etag) })
    expect([after.status, after.bytes.toString()]).to.deep.equal([200, `${PAGE}<p>New`])
  })

  it('let nothing in but their own: no script, style or picture from elsewhere, in no frame', async () => {
    const policy = String((await get('/')).headers['content-security-policy'])
    expect(policy).to.match(/default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;/)
    expect(policy).to.match(/base-uri 'none'; form-action 'self'; frame-ancestors 'none'/)
    expect(policy).not.to.match(/unsafe|data:|\*|https?:/)
  })

  it('leave to programs what they were answered before: JSON at the root, 404 elsewhere', async () => {
    const ways: Record<string, string>[] = [{}, { accept: '*/*' }, { accept: 'application/json' }]
    for (const headers of ways) {
      expect(JSON.parse((await get('/', headers)).bytes.toString()).api).to.equal('/api')
      expect((await get('/agents', headers)).status).to.equal(404)
    }
    expect((await get('/agentsandmore')).status).to.equal(404)
    expect((await get('/api/agents')).status).to.equal(404)
    const posted = await request(`${url}/agents`, { method: 'POST', headers: html })
    await posted.body.dump()
    expect(posted.statusCode).to.equal(404)
  })

  it('have their scripts kept for good, compressed as the client likes it', async () => {
    const path = '/assets/main-abc.js'
    const best = await get(path, { 'accept-encoding': 'gzip, br' })
    expect(best.headers['content-encoding']).to.equal('br')
    expect(brotliDecompressSync(best.bytes).toString()).to.equal(SCRIPT)
    expect(best.headers['cache-control']).to.equal('public, max-age=31536000, immutable')
    expect(best.headers['content-type']).to.match(/^text\/javascript/)
    expect(best.headers.vary).to.match(/accept-encoding/i)
    expect((await get(path, { 'accept-encoding': 'gzip' })).headers['content-encoding']).to.equal('gzip')
    const plain = await get(path, {})
    expect([plain.headers['content-encoding'], plain.bytes.toString()]).to.deep.equal([undefined, SCRIPT])
    expect(plain.headers.etag).not.to.equal(best.headers.etag)
  })

  it('give no file that is not theirs', async () => {
    for (const path of [
      '/assets/../secret.txt',
      '/assets/%2e%2e/secret.txt',
      '/secret.txt',
      '/made-of',
      '/index.html',
      '/assets/main-abc.js.br',
      '/assets/',
      '/assets/none.js',
    ]) {
      expect((await get(path)).status, path).to.equal(404)
    }
  })
})
