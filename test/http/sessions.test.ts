import { expect } from 'chai'
import { z } from 'zod'
import { withOrigin } from '../../src/shared/request-origin.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { startApp, type TestApp, useApp } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { EventReader } from '../support/event-reader.ts'
import { useRedis } from '../support/redis.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { useStatementCounter } from '../support/statement-counter.ts'

const PASSWORD = 'correct horse battery'
const ADA = '01990000-0000-7000-8000-0000000000a1'
const session = z.strictObject({
  id: z.uuid(),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  network: z.string().nullable(),
  userAgent: z.string().nullable(),
  current: z.boolean(),
})
const sessionPage = z.strictObject({ data: z.array(session), nextCursor: z.string().nullable() })
const sessionsOf = async (user: TestUser) => sessionPage.parse((await user.get('/api/auth/sessions')).body).data

describe('Sessions', () => {
  const counter = useStatementCounter()
  const app = useApp({ worker: false, env: { TRUST_PROXY: '1' } })
  const signIn = (email: string, headers: Record<string, string> = {}) =>
    app.api.request('POST', '/api/auth/login', { email, password: PASSWORD }, headers)

  it('are listed, newest first, with where and with what each began', async () => {
    const user = await app.api.register()
    const headers = { 'x-forwarded-for': '2001:db8::7', 'user-agent': `Browser/7 ${'x'.repeat(1_000)}` }
    expect((await signIn(user.email, headers)).status).to.equal(200)
    const [elsewhere, own, ...more] = await sessionsOf(user)
    expect(more).to.deep.equal([])
    expect(own).to.deep.include({ current: true, network: '127.0.0.1' })
    expect(elsewhere).to.deep.include({ current: false, network: '2001:db8:0:0::/64' })
    expect(elsewhere?.userAgent)
      .to.match(/^Browser\/7 x+$/)
      .and.to.have.length(200)
    expect(await sessionsOf(await app.api.register())).to.have.length(1)
  })

  it('end one by one, by their id; those of others do not exist', async () => {
    const user = await app.api.register()
    const [stranger, elsewhere] = await Promise.all([app.api.register(), app.api.login(user.email, PASSWORD)])
    const [other] = (await sessionsOf(user)).filter(({ current }) => !current)
    const path = `/api/auth/sessions/${other?.id}`
    expect((await stranger.delete(path)).status).to.equal(404)
    expect((await elsewhere.get('/api/auth/me')).status).to.equal(200)
    expect((await user.delete(path)).status).to.equal(204)
    expect((await elsewhere.get('/api/auth/me')).status).to.equal(401)
    const again = await user.delete(path)
    expect([again.status, errorOf(again).code]).to.deep.equal([404, 'session.not_found'])
    expect(await sessionsOf(user)).to.have.length(1)
  })

  it('all end but the one that asks for it', async () => {
    const user = await app.api.register()
    const others = await Promise.all([1, 2, 3].map(() => app.api.login(user.email, PASSWORD)))
    expect((await user.delete('/api/auth/sessions')).status).to.equal(204)
    for (const other of others) expect((await other.get('/api/auth/me')).status).to.equal(401)
    expect((await sessionsOf(user)).map(({ current }) => current)).to.deep.equal([true])
  })

  it('note when they were used last, once in some minutes: a request costs one statement, and not one more', async () => {
    const user = await app.api.register()
    const { db } = app.container
    const ask = async () => void (await user.get('/api/providers'))
    const fresh = await counter.during(ask)
    expect(fresh.statements).to.have.length(1)
    await db.query(`UPDATE sessions SET last_used_at = now() - interval '6 minutes' WHERE user_id = $1`, [user.id])
    const stale = await counter.during(async () => {
      for (let n = 0; n < 5; n++) await ask()
    })
    expect(stale.statements.filter((text) => text.includes('UPDATE sessions'))).to.have.length(1)
    expect(stale.statements).to.have.length(6)
    const [own] = await sessionsOf(user)
    expect(Date.now() - Date.parse(own?.lastUsedAt ?? '')).to.be.lessThan(120_000)
  })

  it('are a hundred at most: the oldest make room', async () => {
    const user = await app.api.register()
    await app.container.db.query(
      `INSERT INTO sessions (id, user_id, created_at, expires_at)
       SELECT gen_random_uuid(), $1, now() - interval '1 hour', now() + interval '1 day' FROM generate_series(1, 120)`,
      [user.id],
    )
    expect((await signIn(user.email)).status).to.equal(200)
    const [{ live }] = await app.container.db.query(
      'SELECT count(*)::int AS live FROM sessions WHERE user_id = $1 AND revoked_at IS NULL',
      [user.id],
    )
    expect(live).to.equal(100)
  })

  it('cannot be begun without end: whoever signs in again and again is told to wait', async () => {
    const user = await app.api.register()
    await app.container.db.query(
      `INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(), $1, now() FROM generate_series(1, 58)`,
      [user.id],
    )
    expect((await signIn(user.email)).status).to.equal(200)
    const refused = await signIn(user.email)
    expect([refused.status, errorOf(refused).code]).to.deep.equal([429, 'auth.too_many_sign_ins'])
    expect((await user.get('/api/auth/me')).status).to.equal(200)
  })
})

describe('Guesses from many networks', () => {
  const limits = { LOGIN_ATTEMPTS: '3', LOGIN_STRANGER_ATTEMPTS: '6', LOGIN_NETWORK_ATTEMPTS: '10' }
  const app = useApp({ worker: false, env: { TRUST_PROXY: '1', ...limits } })
  const tryFrom = async (network: string, email: string, password: string, token?: string) => {
    const headers: Record<string, string> = { 'x-forwarded-for': network }
    if (token) headers.authorization = `Bearer ${token}`
    return (await app.api.request('POST', '/api/auth/login', { email, password }, headers)).status
  }
  /** Wrong passwords from one network after another, until no more are taken. */
  const guess = async (email: string) => {
    const statuses: number[] = []
    for (let n = 1; n <= 8; n++) statuses.push(await tryFrom(`198.51.100.${n}`, email, 'wrong wrong wrong'))
    return statuses
  }

  it('at one account are counted together, so that more networks do not help; whoever is known there still comes in', async () => {
    const user = await app.api.register()
    expect(await tryFrom('203.0.113.1', user.email, PASSWORD)).to.equal(200)
    expect(await guess(user.email)).to.deep.equal([401, 401, 401, 401, 401, 401, 429, 429])
    // From a new place even the right password waits, or guessing would go on; from a known one, or with a known device, it does not.
    expect(await tryFrom('198.51.100.77', user.email, PASSWORD)).to.equal(429)
    expect(await tryFrom('203.0.113.1', user.email, PASSWORD)).to.equal(200)
    expect(await tryFrom('198.51.100.77', user.email, PASSWORD, user.token)).to.equal(200)
  })

  it('also let a device in whose session has ended, and no token of another account', async () => {
    const [user, stranger] = await Promise.all([app.api.register(), app.api.register()])
    await user.post('/api/auth/logout', undefined)
    await guess(user.email)
    expect(await tryFrom('198.51.100.78', user.email, PASSWORD, stranger.token)).to.equal(429)
    expect(await tryFrom('198.51.100.78', user.email, PASSWORD, `${user.token}x`)).to.equal(429)
    expect(await tryFrom('198.51.100.78', user.email, PASSWORD, user.token)).to.equal(200)
    // Its allowance is its own, and no larger than any other.
    await app.api.register()
    for (let n = 0; n < 3; n++) await tryFrom('198.51.100.79', user.email, 'wrong wrong wrong', user.token)
    expect(await tryFrom('198.51.100.79', user.email, PASSWORD, user.token)).to.equal(429)
  })

  it('do not keep out whoever has shown by a link that the account is theirs, at the network where they did', async () => {
    const user = await app.api.register()
    await guess(user.email)
    expect(await tryFrom('203.0.113.50', user.email, PASSWORD)).to.equal(429)
    const { transactions, sessionService } = app.container
    const { signal } = new AbortController()
    // As a password reset does.
    await withOrigin({ network: '203.0.113.50', userAgent: null, requestId: 'reset', signal }, () =>
      transactions.run((tx) => sessionService.rememberPlace(user.id, tx)),
    )
    expect(await sessionsOf(user), 'it is no session').to.have.length(1)
    expect(await tryFrom('203.0.113.50', user.email, PASSWORD)).to.equal(200)
  })

  it('are answered alike where there is no such account', async () => {
    const user = await app.api.register()
    expect(await guess(user.email)).to.deep.equal(await guess('nobody.at.all@example.com'))
  })

  it('of one network at many accounts end after a while, and right passwords do not count', async () => {
    const user = await app.api.register()
    for (let n = 0; n < 20; n++) expect(await tryFrom('192.0.2.9', user.email, PASSWORD)).to.equal(200)
    const statuses: number[] = []
    for (let n = 0; n < 12; n++)
      statuses.push(await tryFrom('192.0.2.9', `nobody.${n}@example.com`, 'wrong wrong wrong'))
    expect(statuses).to.deep.equal([...Array(10).fill(401), 429, 429])
    expect(await tryFrom('192.0.2.10', user.email, PASSWORD)).to.equal(200)
  })
})

describe('Sessions on several nodes', () => {
  const redis = useRedis('Redis')
  const nodes: TestApp[] = []
  let drop = async () => {}
  before('start two nodes', async function () {
    this.timeout(60_000)
    const database = await createDatabase()
    drop = database.drop
    // What must happen at once is not to be healed by a poll.
    const env = { ...redis.env, VERSION_POLL_MS: '86000000' }
    for (let n = 0; n < 2; n++) nodes.push(await startApp({ databaseUrl: database.url, env, worker: n === 0 }))
  })
  after('stop them', async () => {
    for (const node of nodes) await node.close()
    await drop()
  })
  const node = (n: number): TestApp => {
    const found = nodes[n]
    if (!found) throw new Error(`there is no node ${n}`)
    return found
  }

  it('end on all of them at once, with their sockets and event streams, when they are revoked on one', async () => {
    const user = await node(0).api.register()
    const elsewhere = await node(0).api.login(user.email, PASSWORD)
    const { conversationId, runId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello.' })
    await user.finished(runId)
    const open = async (token: string) => ({
      tap: await new SocketTap(node(1).url, token).connected(),
      stream: await EventReader.open(`${node(1).url}/api/chat/conversations/${conversationId}/events`, token),
    })
    const [kept, ended] = await Promise.all([open(user.token), open(elsewhere.token)])
    const [other] = (await sessionsOf(user)).filter(({ current }) => !current)
    const over = Promise.all([ended.tap.ended(), ended.stream.ended])
    expect((await user.delete(`/api/auth/sessions/${other?.id}`)).status).to.equal(204)
    await over
    const again = await node(1).api.request('GET', '/api/auth/me', undefined, {
      authorization: `Bearer ${elsewhere.token}`,
    })
    expect(again.status).to.equal(401)

    const third = await open((await node(0).api.login(user.email, PASSWORD)).token)
    const thirdOver = Promise.all([third.tap.ended(), third.stream.ended])
    expect((await user.delete('/api/auth/sessions')).status).to.equal(204)
    await thirdOver
    expect(kept.tap.socket.connected).to.equal(true)
    kept.tap.close()
    kept.stream.close()
    await kept.stream.ended
  })
})
