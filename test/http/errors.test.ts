import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { Writable } from 'node:stream'
import { expect } from 'chai'
import { pino } from 'pino'
import { z } from 'zod'
import { createApp } from '../../src/http/app.ts'
import { Health } from '../../src/http/health.ts'
import { createRateLimiter } from '../../src/http/rate-limit.ts'
import { defineRoute } from '../../src/http/route.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { type Answer, ApiClient, errorOf, type TestUser, wireErrorOf } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

const pathsOf = (answer: Answer): string[] =>
  Object(errorOf(answer).details).issues.map(({ path }: { path: string }) => path)

describe('Errors', () => {
  let user: TestUser
  const app = useApp({ worker: false, env: { JSON_BODY_MAX_BYTES: '4096' } })
  before(async () => {
    user = await app.api.register()
  })

  it('have one format, whatever went wrong and wherever', async () => {
    const missing = `/api/agents/${randomUUID()}`
    const answers = {
      400: await user.post('/api/agents', {}),
      401: await app.api.get('/api/agents'),
      403: await user.get('/api/users'),
      404: await user.get(missing),
      409: await app.api.post('/api/auth/register', { email: user.email, password: 'correct horse battery' }),
      413: await user.post('/api/agents', { name: 'x'.repeat(5_000) }),
      415: await user.post('/api/agents', 'name=x', { 'content-type': 'application/x-www-form-urlencoded' }),
    }
    for (const [status, answer] of Object.entries(answers)) {
      expect(answer.status).to.equal(Number(status))
      const { code, message } = errorOf(answer)
      expect(code).to.match(/^[a-z]+\.[a-z_]+$/)
      expect(message).to.match(/^[A-Za-z].*/)
      expect(answer.headers.get('content-type')).to.match(/^application\/json/)
      expect(answer.headers.get('x-request-id')).to.match(/^[0-9a-f-]{36}$/)
    }
    expect(errorOf(answers[404]).code).to.equal('agent.not_found')
    expect(errorOf(answers[413]).code).to.equal('request.too_large')
  })

  it('of unknown paths and methods name what was asked for', async () => {
    for (const [method, path] of [
      ['GET', '/nowhere'],
      ['GET', '/api'],
      ['PATCH', '/api/agents'],
      ['DELETE', '/api/auth/me'],
    ] as const) {
      const answer = await user.request(method, path)
      expect(answer.status, path).to.equal(404)
      expect(errorOf(answer)).to.deep.include({ code: 'request.not_found', message: `There is no ${method} ${path}.` })
    }
  })

  it('of unknown keys give the path of each, in bodies and queries; nothing is dropped in silence', async () => {
    const agent = { name: 'N', instructions: 'I', colour: 'red', chatStyle: { tone: 'x' } }
    expect(pathsOf(await user.post('/api/agents', agent))).to.have.members(['colour', 'chatStyle.tone'])
    expect(pathsOf(await user.get('/api/agents?limit=5&order=asc'))).to.deep.equal(['order'])
    expect(pathsOf(await user.put('/api/auth/profile', { name: 'N', role: 'admin' }))).to.deep.equal(['role'])
    // Keys that mean something to JavaScript are unknown keys too.
    expect(pathsOf(await user.post('/api/agents', '{"name":"N","instructions":"I","constructor":1}'))).to.include(
      'constructor',
    )
    const polluted = await user.post('/api/agents', '{"name":"N","instructions":"I","__proto__":{"admin":true}}')
    expect(polluted.status).to.equal(400)
  })

  it("of bodies that are no JSON are the client's", async () => {
    for (const body of ['{"name":', '', 'null', '"text"', '[]', '42', '{"name":"x"}}']) {
      const answer = await user.post('/api/agents', body)
      expect(answer.status, body).to.equal(400)
      expect(errorOf(answer).code, body).to.equal('request.invalid')
    }
  })

  it('of another content type say so, instead of taking the body for an empty one', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await user.put('/api/auth/profile', undefined)
      expect(answer.status, 'without a body nothing changes').to.equal(200)
      const typed = await user.request('PUT', '/api/auth/profile', '{"name":"Sneaky"}', { 'content-type': type })
      expect(typed.status, type).to.equal(415)
    }
    const latin = await user.request('PUT', '/api/auth/profile', '{"name":"S"}', {
      'content-type': 'application/json; charset=latin1',
    })
    expect(latin.status).to.equal(415)
    expect(Object((await user.get('/api/auth/me')).body).name).not.to.equal('Sneaky')
  })

  it('of text that cannot be stored are a 400 with its path, never a 500', async () => {
    for (const text of ['a\0b', '\ud800']) {
      const body = JSON.stringify({ name: 'N', instructions: 'I', characteristics: text })
      expect(pathsOf(await user.post('/api/agents', body))).to.deep.equal(['characteristics'])
      expect((await app.api.post('/api/auth/login', { email: text, password: 'x' })).status).to.equal(400)
      expect((await user.put('/api/auth/profile', { name: text })).status).to.equal(400)
    }
    expect((await user.get('/api/agents?cursor=%00')).status).to.equal(400)
    expect((await user.get('/api/agents/%00')).status).to.equal(404)
    expect((await user.get('/api/agents/%E0%A4%A')).status).to.equal(400)
    expect((await user.get('/api/agents/not-an-id')).status).to.equal(404)
  })

  it('of names that cannot be stored, or read, are those of what is not there, or of the path; in the form of their door', async () => {
    for (const path of ['/api/agents/%00', '/api/ui/chat/%00', '/api/ui/chat/a%00b/stream']) {
      expect((await user.get(path)).status, path).to.equal(404)
    }
    for (const path of ['/v1/models/%00', '/v1/responses/%00', '/v1/no-such-thing']) {
      const answer = await user.get(path)
      expect([answer.status, wireErrorOf(answer).type], path).to.deep.equal([404, 'invalid_request_error'])
    }
    const broken = await user.get('/v1/models/%E0%A4%A')
    expect([broken.status, wireErrorOf(broken).type]).to.deep.equal([400, 'invalid_request_error'])
  })

  it('of absurdly nested bodies are small, and the server lives', async () => {
    const nested = `{"name":${'['.repeat(1_900)}${']'.repeat(1_900)},"instructions":"I"}`
    expect((await user.post('/api/agents', nested)).status).to.equal(400)
    expect((await app.api.get('/healthz')).status).to.equal(200)
  })

  it('are small however much is wrong: a few issues, and how many there are besides', async () => {
    const unknown = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, i]))
    const some = await user.post('/api/agents', unknown(60))
    expect(Object(errorOf(some).details)).to.have.property('more', 42)
    expect(pathsOf(some)).to.have.length(20)
    const sizes = [2_000, 200, 150].map(async (count) => {
      const answer = await user.post('/api/agents', {
        name: 'N',
        list: Array(count).fill({ ['k'.repeat(1_000)]: '\0' }),
      })
      expect(answer.status).to.be.oneOf([400, 413])
      return JSON.stringify(answer.body).length
    })
    for (const size of await Promise.all(sizes)) expect(size).to.be.below(10_000)
    const nowhere = await user.get(`/${'x'.repeat(10_000)}`)
    expect(nowhere.status).to.equal(404)
    expect(JSON.stringify(nowhere.body).length).to.be.below(1_000)
    expect(pathsOf(await user.get(`/api/agents?${'a=1&'.repeat(600)}`))).to.deep.equal(['a'])
  })

  it('of what nobody who has not signed in needs to send say that it is too much', async () => {
    const login = { email: 'a@example.com', password: 'x', more: 'y'.repeat(4_096) }
    for (const path of ['/api/auth/login', '/api/auth/register'])
      expect((await app.api.post(path, login)).status, path).to.equal(413)
    const logout = await user.post('/api/auth/logout', login)
    expect(logout.status, 'nor what a route does not read').to.equal(413)
  })

  it('of numbers that no column holds are a 400', async () => {
    const path = `/api/chat/conversations/${randomUUID()}`
    for (const query of ['beforeSeq=2147483648', 'afterSeq=2147483648', 'afterSeq=9007199254740993', 'beforeSeq=1e400'])
      expect((await user.get(`${path}?${query}`)).status, query).to.equal(400)
    expect((await user.get(`${path}?afterSeq=2147483647`)).status).to.equal(404)
  })

  it('do not depend on the case in which an id is written', async () => {
    const id = await user.create('/api/agents', { name: 'Cased', instructions: 'I' })
    expect((await user.get(`/api/agents/${id.toUpperCase()}`)).status).to.equal(200)
    const party = await user.post('/api/chat/multi-agent', { agentIds: [id, id.toUpperCase()], message: 'Hello' })
    expect(pathsOf(party), 'one agent is not two').to.deep.equal(['agentIds'])
    const file = await user.upload('a.txt', 'text/plain', 'a')
    const deleted = await user.post('/api/storage/files/batch-delete', { ids: [file.toUpperCase()] })
    expect(deleted.body).to.deep.equal({ deleted: [file], failed: [] })
  })

  it('of pages: a bad limit or cursor is named', async () => {
    for (const [query, path] of [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=ten', 'limit'],
      ['limit=1.5', 'limit'],
      ['cursor=abc', 'cursor'],
      ['limit=1&limit=2', 'limit'],
    ] as const) {
      const answer = await user.get(`/api/agents?${query}`)
      expect(answer.status, query).to.equal(400)
      expect(pathsOf(answer), query).to.deep.equal([path])
    }
    expect((await user.get(`/api/agents?cursor=${randomUUID()}`)).status).to.equal(200)
  })

  it('are also seen by pages, but only of origins that are allowed', async () => {
    const preflight = (origin: string) =>
      app.api.request('OPTIONS', '/api/chat', undefined, {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      })
    const allowed = await preflight('http://localhost:5173')
    expect(allowed.status).to.equal(204)
    expect(allowed.headers.get('access-control-allow-origin')).to.equal('http://localhost:5173')
    expect(allowed.headers.get('access-control-allow-methods')).to.contain('POST')
    expect(allowed.headers.get('access-control-allow-headers')).to.contain('idempotency-key')
    expect(allowed.headers.get('vary')).to.match(/origin/i)
    for (const origin of ['https://evil.example', 'http://localhost:5173.evil.example', 'null'])
      expect((await preflight(origin)).headers.get('access-control-allow-origin'), origin).to.equal(null)
    const error = await app.api.request('GET', '/api/agents', undefined, { origin: 'http://localhost:5173' })
    expect(error.status).to.equal(401)
    expect(error.headers.get('access-control-allow-origin')).to.equal('http://localhost:5173')
    expect(error.headers.get('access-control-expose-headers')).to.match(/x-request-id/)
    expect(error.headers.get('access-control-allow-credentials')).to.equal(null)
  })

  it('and answers carry the headers that keep browsers careful, and do not name the software', async () => {
    for (const answer of [await app.api.get('/healthz'), await user.get('/api/agents'), await user.get('/nowhere')]) {
      expect(answer.headers.get('content-security-policy')).to.match(/default-src 'self'/)
      expect(answer.headers.get('x-content-type-options')).to.equal('nosniff')
      expect(answer.headers.get('x-frame-options')).to.equal('SAMEORIGIN')
      expect(answer.headers.get('strict-transport-security')).to.match(/max-age=\d+/)
      expect(answer.headers.get('x-powered-by')).to.equal(null)
    }
  })

  it('of HEAD are those of GET without the body', async () => {
    const head = async (path: string, token?: string) => {
      const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
      const response = await fetch(app.url + path, { method: 'HEAD', headers })
      return { status: response.status, body: await response.text() }
    }
    expect(await head('/api/agents', user.token)).to.deep.equal({ status: 200, body: '' })
    expect(await head('/api/agents')).to.deep.equal({ status: 401, body: '' })
    expect(await head('/nowhere')).to.deep.equal({ status: 404, body: '' })
    expect(await head('/healthz')).to.deep.equal({ status: 200, body: '' })
  })
})

describe('An address that asks too often', () => {
  const app = useApp({ worker: false, env: { REQUESTS_PER_MINUTE: '5' } })

  it('is told to slow down, and for how long; health checks are not counted', async () => {
    for (let left = 4; left >= 0; left--) {
      const answer = await app.api.get('/api/auth/me')
      expect(answer.status).to.equal(401)
      expect(answer.headers.get('ratelimit')).to.match(new RegExp(`^"address";r=${left};t=\\d+$`))
    }
    const limited = await app.api.get('/api/auth/me')
    expect(limited.status).to.equal(429)
    expect(errorOf(limited).code).to.equal('request.rate_limited')
    expect(Number(limited.headers.get('retry-after'))).to.be.within(1, 60)
    expect(limited.headers.get('ratelimit-policy')).to.equal('"address";q=5;w=60')
    expect(limited.headers.get('ratelimit')).to.match(/^"address";r=0;t=\d+$/)
    expect((await app.api.get('/healthz')).status).to.equal(200)
    // Without a trusted proxy, nobody becomes somebody else by a header.
    const disguised = await app.api.request('GET', '/api/auth/me', undefined, { 'x-forwarded-for': '10.1.2.3' })
    expect(disguised.status).to.equal(429)
  })
})

describe('A failure of our own', () => {
  const SECRET = 'postgres://admin:hunter2@10.0.0.1/ledger'
  const logged: string[] = []
  let server: Server
  let api: ApiClient

  before(async () => {
    const logger = pino(
      new Writable({
        write(chunk, _encoding, done) {
          logged.push(String(chunk))
          done()
        },
      }),
    )
    const fail = (what: unknown) => async () => {
      throw what
    }
    const route = (path: string, handler: () => Promise<unknown>) =>
      defineRoute({
        ...{ method: 'get', path, access: 'public', scope: 'public', summary: 'Fails' },
        ...{ response: z.unknown(), errors: [], handler },
      })
    server = createServer(
      createApp({
        routes: [
          route(
            '/error',
            fail(Object.assign(new Error(`connect failed: ${SECRET}`), { status: 503, code: 'ECONNREFUSED' })),
          ),
          route('/text', fail('a thrown text')),
          {
            ...route('/old', async () => ({})),
            deprecated: {
              since: new Date('2026-01-31T00:00:00Z'),
              sunset: new Date('2026-06-30T00:00:00Z'),
              instead: 'Use /new.',
            },
          },
          route('/zod', async () => z.string().parse(1)),
          route('/unserializable', async () => ({ amount: 1n })),
        ],
        authenticate: async () => undefined,
        limiter: createRateLimiter({ requestsPerMinute: 1_000, loginAttempts: 3 }),
        health: new Health([], silentLogger),
        corsOrigins: [],
        trustProxy: 0,
        jsonBodyMaxBytes: 1_000,
        logger,
      }),
    ).listen(0, 'localhost')
    await once(server, 'listening')
    const address = server.address()
    api = new ApiClient(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
  })
  after(() => server.close())

  it('is not what goes away: that says so, and until when it stays', async () => {
    const { status, headers } = await api.get('/old')
    expect([status, headers.get('deprecation'), headers.get('sunset')]).to.deep.equal([
      200,
      '@1769817600',
      'Tue, 30 Jun 2026 00:00:00 GMT',
    ])
  })

  it("is a 500 that says nothing of what is inside, and is logged whole under the request's id", async () => {
    for (const path of ['/error', '/text', '/zod', '/unserializable']) {
      logged.length = 0
      const answer = await api.get(path)
      expect(answer.status, path).to.equal(500)
      const { code, details } = errorOf(answer)
      expect({ code, details }, path).to.deep.equal({ code: 'server.error', details: {} })
      expect(JSON.stringify(answer.body), path).not.to.match(/hunter2|ECONNREFUSED|thrown|BigInt|node:|\.ts/)
      const line = logged.map((text) => JSON.parse(text)).find(({ level }) => level >= 50)
      expect(line?.requestId, path).to.equal(answer.headers.get('x-request-id'))
    }
  })
})
