import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'
const SOURCES = new URL('../../src/', import.meta.url).pathname

/** What makes a browser careful with an answer, whatever it is. */
function expectCareful(headers: Headers, what: string): void {
  expect(headers.get('x-content-type-options'), what).to.equal('nosniff')
  expect(headers.get('content-security-policy'), what).to.match(/default-src '(self|none)'/)
  expect(headers.get('content-security-policy'), what).not.to.match(/script-src[^;]*unsafe|default-src[^;]*unsafe/)
  expect(headers.get('x-frame-options'), what).to.match(/^(DENY|SAMEORIGIN)$/)
  expect(headers.get('strict-transport-security'), what).to.match(/max-age=\d{8}/)
  expect(headers.get('referrer-policy'), what).to.equal('no-referrer')
  expect(headers.get('x-powered-by'), what).to.equal(null)
  expect(headers.get('server'), what).to.equal(null)
  expect(headers.getSetCookie(), what).to.deep.equal([])
}

describe('Every kind of answer', () => {
  const app = useApp({ worker: false, env: { CORS_ORIGINS: 'https://app.example' } })
  let user: TestUser
  let fileId: string
  before(async () => {
    user = await app.api.register()
    fileId = await user.upload('page.html', 'text/html', '<script>alert(1)</script>')
  })
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(app.url + path, { redirect: 'manual', ...init })
    // An event stream does not end by itself.
    await answer.body?.cancel()
    return answer
  }
  const asUser = (headers: Record<string, string> = {}) => ({ authorization: `Bearer ${user.token}`, ...headers })
  const json = { 'content-type': 'application/json' }
  const kinds: Record<string, () => Promise<Response>> = {
    'JSON 200': () => ask('/api/auth/me', { headers: asUser() }),
    'JSON 400 201': () => ask('/api/agents', { method: 'POST', headers: asUser(json), body: '{}' }),
    'no content 204': () => ask('/api/users/none', { method: 'OPTIONS', headers: { origin: 'https://app.example' } }),
    'preflight of another origin': () =>
      ask('/api/agents', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
    'unauthorized 401': () => ask('/api/agents'),
    'wrong credentials 401': () =>
      ask('/api/auth/login', { method: 'POST', headers: json, body: '{"email":"a@b.cc","password":"x"}' }),
    'not found 404 of the API': () => ask(`/api/agents/${crypto.randomUUID()}`, { headers: asUser() }),
    'not found 404': () => ask('/nowhere'),
    'a broken path 400': () => ask('/api/agents/%E0%A4%A', { headers: asUser() }),
    'no JSON 400': () => ask('/api/auth/login', { method: 'POST', headers: json, body: '{' }),
    'another type 415': () => ask('/api/auth/login', { method: 'POST', body: 'email=a' }),
    'too large 413': () =>
      ask('/api/auth/login', { method: 'POST', headers: json, body: JSON.stringify({ email: 'x'.repeat(100_000) }) }),
    'the front page': () => ask('/', { headers: { accept: 'text/html' } }),
    'the front page as JSON': () => ask('/'),
    'the reference': () => ask('/docs'),
    'a script of the reference': () => ask('/docs/assets/start.js'),
    'the document of the API': () => ask('/openapi.json'),
    alive: () => ask('/healthz'),
    ready: () => ask('/readyz'),
    HEAD: () => ask('/api/auth/me', { method: 'HEAD', headers: asUser() }),
    'an upload that is none': () => ask('/api/storage/upload', { method: 'POST', headers: asUser() }),
    'a download': () => ask(`/api/storage/files/${fileId}/download`, { headers: asUser() }),
    'a part of a download 206': () =>
      ask(`/api/storage/files/${fileId}/download`, { headers: asUser({ range: 'bytes=0-3' }) }),
    'a download out of range 416': () =>
      ask(`/api/storage/files/${fileId}/download`, { headers: asUser({ range: 'bytes=900-' }) }),
    'a download that is inline': () =>
      ask(`/api/storage/files/${fileId}/download?disposition=inline`, { headers: asUser() }),
    'an event stream': async () => {
      const { conversationId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
      return ask(`/api/chat/conversations/${conversationId}/events`, { headers: asUser() })
    },
    'an event stream that is none': () => ask(`/api/chat/runs/${crypto.randomUUID()}/events`, { headers: asUser() }),
    'a handshake of Socket.IO': () => ask('/socket.io/?EIO=4&transport=polling'),
    'a handshake that is refused': () => ask('/socket.io/?EIO=4&transport=pigeon'),
  }

  it('carries the headers that make browsers careful, names no software and sets no cookie', async () => {
    const statuses = new Set<number>()
    for (const [what, asking] of Object.entries(kinds)) {
      const answer = await asking()
      statuses.add(answer.status)
      expectCareful(answer.headers, `${what} (${answer.status})`)
    }
    expect([...statuses]).to.include.members([200, 204, 206, 400, 401, 404, 413, 415, 416])
  })

  it('of the API is kept by no cache, but for what says that it may be asked about again', async () => {
    const me = await ask('/api/auth/me', { headers: asUser() })
    expect(me.headers.get('cache-control')).to.equal('no-store')
    const download = await ask(`/api/storage/files/${fileId}/download`, { headers: asUser() })
    expect(download.headers.get('cache-control')).to.equal('private, no-cache')
    expect(download.headers.get('content-disposition'), 'a page of a user is not shown as one of ours').to.match(
      /^attachment/,
    )
    expect(download.headers.get('content-security-policy')).to.match(/sandbox/)
  })

  it('is the same whatever cookies come along: they sign nobody in, neither here nor at Socket.IO', async () => {
    const names = ['token', 'jwt', 'session', 'sid', 'access_token', 'authorization', 'Authorization', 'connect.sid']
    const cookie = [
      ...names.map((name) => `${name}=${user.token}`),
      `auth=${encodeURIComponent(`Bearer ${user.token}`)}`,
    ].join('; ')
    const headers = { cookie, origin: 'https://app.example', ...json }
    expect((await ask('/api/auth/me', { headers })).status).to.equal(401)
    const written = await ask('/api/agents', { method: 'POST', headers, body: '{"name":"A","instructions":"B"}' })
    expect(written.status).to.equal(401)
    expect(written.headers.get('access-control-allow-credentials'), 'browsers send none from elsewhere').to.equal(null)
    const opened = await (await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`, { headers })).text()
    const { sid } = JSON.parse(opened.slice(1))
    const session = `${app.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`
    await fetch(session, { method: 'POST', body: '40', headers })
    expect(await (await fetch(session, { headers })).text()).to.match(/^44.*auth\.unauthorized/)
  })

  it('does not depend on cookies, because no line of ours reads or sets one, but for the browser in which a sign-in at an MCP server began', async () => {
    const names = (await readdir(SOURCES, { recursive: true })).filter((name) => name.endsWith('.ts'))
    const uses: string[] = []
    for (const name of names) {
      const code = (await readFile(join(SOURCES, name), 'utf8')).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      if (/cookie/i.test(code)) uses.push(name)
    }
    // It lets nobody in: beside the state of the sign-in it says that whoever comes back is whoever left.
    expect(uses.sort()).to.deep.equal(['contract/mcp.schemas.ts', 'mcp/mcp-sign-in.routes.ts'])
    const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
    expect(manifest).not.to.match(/"(cookie|cookie-parser|express-session|cookie-session|csurf)"/)
  })
})
