import { createHash, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { apiKeyView } from '../../src/contract/api-key-views.ts'
import { newSecret } from '../../src/identity/api-key-secret.ts'
import { linkKeyOf, signLink } from '../../src/identity/link-token.ts'
import { schedule } from '../architecture/route-table.ts'
import { errorOf, TestUser } from '../support/api-client.ts'
import { ADMIN, startApp, type TestApp, testSettings, useApp } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { EventReader } from '../support/event-reader.ts'
import { useRedis } from '../support/redis.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { useStatementCounter } from '../support/statement-counter.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'
const chat = { agentId: ADA, message: 'Hello' }

describe('API keys', () => {
  const counter = useStatementCounter()
  const app = useApp({ worker: false })
  let owner: TestUser
  beforeEach(async () => {
    owner = await app.api.register()
  })
  const codeOf = async (by: TestUser, path = '/api/agents') => {
    const answer = await by.get(path)
    return answer.status === 200 ? 'ok' : errorOf(answer).code
  }

  it('are shown once, when they are made, and stored as a hash', async () => {
    const { key, user: _, ...made } = await owner.apiKey()
    expect(key).to.match(/^cp_[0-9A-Za-z]{49}$/)
    expect(made.prefix).to.equal(key.slice(0, 11))
    expect(made).to.deep.include({ name: 'Program', scopes: ['chat'], expiresAt: null, lastUsedAt: null })
    const list = await owner.get('/api/keys')
    expect(list.body).to.deep.equal({ data: [apiKeyView.strict().parse(made)], nextCursor: null })
    const [row] = await app.container.db.query(
      'SELECT to_jsonb(k)::text AS text, secret_hash FROM api_keys k WHERE id = $1',
      [made.id],
    )
    expect(row.text).to.not.include(key.slice(11))
    expect(row.secret_hash).to.deep.equal(createHash('sha256').update(key).digest())
  })

  it('need a name and scopes, and end in the future', async () => {
    const wrong = [
      { name: '' },
      { scopes: [] },
      { scopes: ['chat', 'chat'] },
      { scopes: ['session'] },
      { expiresAt: new Date(Date.now() - 1_000).toISOString() },
      { monthlyCredits: '0' },
      { key: 'mine' },
    ]
    for (const body of wrong) {
      const answer = await owner.post('/api/keys', { name: 'Program', scopes: ['chat'], ...body })
      expect(answer.status, JSON.stringify(body)).to.equal(400)
    }
    const { expiresAt } = await owner.apiKey({ expiresAt: '2099-01-01T00:00:00+02:00' })
    expect(expiresAt).to.equal('2098-12-31T22:00:00.000Z')
  })

  it('are taken wherever a token is, as their owner, and see what is theirs only', async () => {
    const { user, id } = await owner.apiKey()
    const [mine, theirs] = [
      await owner.create('/api/agents', { name: 'Nora', instructions: 'I' }),
      await app.api.register(),
    ]
    const stranger = await theirs.create('/api/agents', { name: 'Other', instructions: 'I' })
    expect((await user.get(`/api/agents/${mine}`)).status).to.equal(200)
    expect((await user.get(`/api/agents/${stranger}`)).status).to.equal(404)
    const { runId } = await user.accept('/api/chat', chat)
    const [run] = await app.container.db.query(`SELECT user_id, origin->>'keyId' AS key FROM runs WHERE id = $1`, [
      runId,
    ])
    expect(run).to.deep.equal({ user_id: owner.id, key: id })
    const bySession = await owner.accept('/api/chat', chat)
    const [other] = await app.container.db.query(`SELECT origin->>'keyId' AS key FROM runs WHERE id = $1`, [
      bySession.runId,
    ])
    expect(other.key).to.equal(null)
  })

  it('are looked up in one statement, and noted as used once in some minutes', async () => {
    const { user, id } = await owner.apiKey()
    const ask = async () => void (await user.get('/api/providers'))
    const first = await counter.during(ask)
    expect(first.statements).to.have.length(2)
    const second = await counter.during(ask)
    expect(second.statements).to.have.length(1)
    const shown = async () => Object((await owner.get('/api/keys')).body).data[0].lastUsedAt
    expect(Date.now() - Date.parse(await shown())).to.be.lessThan(120_000)
    await app.container.db.query(`UPDATE api_keys SET last_used_at = now() - interval '6 minutes' WHERE id = $1`, [id])
    const stale = await counter.during(async () => {
      for (let n = 0; n < 5; n++) await ask()
    })
    expect(stale.statements.filter((text) => text.includes('UPDATE api_keys'))).to.have.length(1)
    expect(stale.statements).to.have.length(6)
  })

  it('that are none are refused: one that is mistyped without a look into the database', async () => {
    const { user, key } = await owner.apiKey()
    const mistyped = key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a')
    for (const [token, statements] of [
      [mistyped, 0],
      ['cp_', 0],
      [`cp_${'x'.repeat(5_000)}`, 0],
      [newSecret(), 1],
    ] as const) {
      const by = new TestUser(app.api, { user: { id: owner.id, email: owner.email }, token })
      const count = await counter.during(async () => {
        expect(await codeOf(by)).to.equal('auth.unauthorized')
      })
      expect(count.statements, token.slice(0, 60)).to.have.length(statements)
    }
    expect(await codeOf(user)).to.equal('ok')
  })

  it('end with a word of their owner, and with their time; nobody else has a say', async () => {
    const [revoked, expired, stranger] = [await owner.apiKey(), await owner.apiKey(), await app.api.register()]
    expect((await stranger.delete(`/api/keys/${revoked.id}`)).status).to.equal(404)
    expect(await codeOf(revoked.user)).to.equal('ok')
    expect((await owner.delete(`/api/keys/${revoked.id}`)).status).to.equal(204)
    expect(await codeOf(revoked.user)).to.equal('auth.unauthorized')
    expect((await owner.delete(`/api/keys/${revoked.id}`)).status).to.equal(404)
    await app.container.db.query('UPDATE api_keys SET expires_at = now() WHERE id = $1', [expired.id])
    expect(await codeOf(expired.user)).to.equal('auth.unauthorized')
    const { data } = Object((await owner.get('/api/keys')).body)
    expect(
      data.map(({ id }: { id: string }) => id),
      'an expired one is still shown',
    ).to.deep.equal([expired.id])
  })

  it('rest while their owner is suspended, and end with the account', async () => {
    const admin = await app.api.login(ADMIN.email, ADMIN.password)
    const { user } = await owner.apiKey()
    await admin.post(`/api/users/${owner.id}/suspend`, { reason: 'spam' })
    expect(await codeOf(user)).to.equal('auth.unauthorized')
    await admin.post(`/api/users/${owner.id}/unsuspend`, undefined)
    expect(await codeOf(user)).to.equal('ok')
    await admin.delete(`/api/users/${owner.id}`)
    expect(await codeOf(user)).to.equal('auth.unauthorized')
    const left = await app.container.db.query('SELECT id FROM api_keys WHERE user_id = $1', [owner.id])
    expect(left).to.deep.equal([])
  })

  it('outlive a change of the password by whoever knows it, and signing out; not a reset by mail', async () => {
    const { user } = await owner.apiKey()
    const change = { currentPassword: 'correct horse battery', newPassword: 'another horse battery' }
    expect((await owner.put('/api/auth/profile', change)).status).to.equal(200)
    await owner.post('/api/auth/logout', undefined)
    expect(await codeOf(user)).to.equal('ok')
    const { db, emailLinkService } = app.container
    const linkId = randomUUID()
    await db.query(
      `INSERT INTO email_links (id, purpose, user_id, email_key, password_mark, expires_at)
       SELECT $1, 'reset_password', id, email_key, encode(sha256(convert_to(password_hash, 'UTF8')), 'hex'), now() + interval '1 hour'
       FROM users WHERE id = $2`,
      [linkId, owner.id],
    )
    await emailLinkService.reset(
      signLink(linkKeyOf(testSettings.JWT_SECRET), 'reset_password', linkId),
      'third horse battery',
    )
    expect(await codeOf(user)).to.equal('auth.unauthorized')
  })

  it('do what their scopes say: a reading one changes nothing, a chatting one reads too, none does what takes a session', async () => {
    const [reading, chatting] = [await owner.apiKey({ scopes: ['read'] }), await owner.apiKey()]
    expect(await codeOf(reading.user)).to.equal('ok')
    const refused = await reading.user.post('/api/chat', chat)
    expect(refused.status).to.equal(403)
    expect(errorOf(refused)).to.deep.include({ code: 'key.scope', details: { needed: 'chat', scopes: ['read'] } })
    expect(await codeOf(chatting.user)).to.equal('ok')
    await chatting.user.accept('/api/chat', chat)
    const scheduled = await owner.create('/api/schedules', schedule)
    for (const answer of [
      await chatting.user.get('/api/keys'),
      await chatting.user.post('/api/keys', { name: 'Child', scopes: ['chat'] }),
      await chatting.user.delete(`/api/keys/${chatting.id}`),
      await chatting.user.put('/api/auth/profile', { name: 'New' }),
      await chatting.user.delete(`/api/users/${owner.id}`),
      // What ticks would go on when the key has ended, and is in nobody's budget.
      await chatting.user.post('/api/schedules', schedule),
      await chatting.user.put(`/api/schedules/${scheduled}`, { paused: false }),
    ]) {
      expect(errorOf(answer)).to.deep.include({ code: 'key.scope', details: { needed: 'session', scopes: ['chat'] } })
    }
    expect((await chatting.user.delete(`/api/schedules/${scheduled}`)).status, 'what ends one').to.equal(204)
  })

  it('of administrators do what administrators do only with that scope, and only while their owner is one', async () => {
    const root = await app.api.login(ADMIN.email, ADMIN.password)
    const denied = await owner.post('/api/keys', { name: 'Mine', scopes: ['admin'] })
    expect([denied.status, errorOf(denied).code]).to.deep.equal([403, 'auth.forbidden'])
    await root.put(`/api/users/${owner.id}`, { role: 'admin' })
    const [plain, admin] = [await owner.apiKey(), await owner.apiKey({ scopes: ['admin'] })]
    expect(await codeOf(admin.user, '/api/admin/audit')).to.equal('ok')
    expect(await codeOf(plain.user, '/api/admin/audit')).to.equal('key.scope')
    expect(await codeOf(admin.user), 'and nothing else').to.equal('key.scope')
    const change = await plain.user.put(`/api/agents/${ADA}`, { name: 'Mine' })
    expect(errorOf(change).code, 'what administrators may do to what is the platform’s').to.equal('auth.forbidden')
    await root.put(`/api/users/${owner.id}`, { role: 'user' })
    expect(await codeOf(admin.user, '/api/admin/audit')).to.equal('auth.forbidden')
  })

  it('open sockets, for what their scopes say', async () => {
    const [reading, chatting] = [await owner.apiKey({ scopes: ['read'] }), await owner.apiKey()]
    const { conversationId } = await owner.accept('/api/chat', chat)
    const [reader, talker] = await Promise.all([
      new SocketTap(app.url, reading.key).connected(),
      new SocketTap(app.url, chatting.key).connected(),
    ])
    try {
      for (const tap of [reader, talker])
        expect((await tap.ask('conversation.join', { conversationId })).ok).to.equal(true)
      const refused = await reader.ask('message.send', { ...chat, conversationId })
      expect(refused).to.deep.include({ ok: false })
      expect(Object(refused.error)).to.deep.include({ code: 'key.scope', status: 403 })
      const sent = await talker.ask('message.send', { ...chat, conversationId })
      expect(sent.ok).to.equal(true)
      const [run] = await app.container.db.query(`SELECT origin->>'keyId' AS key FROM runs WHERE id = $1`, [sent.runId])
      expect(run.key).to.equal(chatting.id)
      expect(await new SocketTap(app.url, newSecret()).refused()).to.equal('auth.unauthorized')
    } finally {
      reader.close()
      talker.close()
    }
  })

  it('give tickets to what may be opened without a header, which end with the key', async () => {
    const { conversationId } = await owner.accept('/api/chat', chat)
    const { user, id } = await owner.apiKey({ scopes: ['read'] })
    const ticket = await user.post('/api/tickets', { for: 'conversation.export', id: conversationId })
    expect(ticket.status).to.equal(201)
    const open = async () => (await fetch(app.url + Object(ticket.body).path)).status
    expect(await open()).to.equal(200)
    await owner.delete(`/api/keys/${id}`)
    expect(await open()).to.equal(401)
  })

  it('that expire end the sockets and streams that are open by then', async () => {
    const { conversationId } = await owner.accept('/api/chat', chat)
    const { key, id } = await owner.apiKey()
    const tap = await new SocketTap(app.url, key).connected()
    const stream = await EventReader.open(`${app.url}/api/chat/conversations/${conversationId}/events`, key)
    const over = Promise.all([tap.ended(), stream.ended])
    await app.container.db.query('UPDATE api_keys SET expires_at = now() WHERE id = $1', [id])
    await over
  })

  it('are in the audit log', async () => {
    const { id, key, prefix } = await owner.apiKey()
    await owner.delete(`/api/keys/${id}`)
    const entries = await app.container.db.query(
      'SELECT action, actor_id, details FROM audit_entries WHERE target_id = $1 ORDER BY id',
      [id],
    )
    expect(entries).to.deep.equal([
      { action: 'key.created', actor_id: owner.id, details: { prefix, scopes: 'chat' } },
      { action: 'key.revoked', actor_id: owner.id, details: {} },
    ])
    expect(JSON.stringify(entries)).to.not.include(key.slice(11))
  })

  it('that were revoked pile up in no table', async () => {
    await app.container.db.query(
      `INSERT INTO api_keys (id, user_id, name, prefix, secret_hash, scopes, revoked_at)
       SELECT gen_random_uuid(), $1, 'old', 'cp_', sha256(gen_random_uuid()::text::bytea), '{chat}', now() - n * interval '1 hour'
       FROM generate_series(1, 150) n`,
      [owner.id],
    )
    await owner.apiKey()
    const [{ rest }] = await app.container.db.query(
      'SELECT count(*)::int AS rest FROM api_keys WHERE user_id = $1 AND revoked_at IS NOT NULL',
      [owner.id],
    )
    expect(rest).to.equal(100)
  })
})

describe('API keys on several nodes', () => {
  const redis = useRedis('Redis')
  const nodes: TestApp[] = []
  let drop = async () => {}
  before('start two nodes', async function () {
    this.timeout(60_000)
    const database = await createDatabase()
    drop = database.drop
    // What must happen at once is not to be healed by a poll.
    const env = { ...redis.env, VERSION_POLL_MS: '86000000' }
    for (let n = 0; n < 2; n++) nodes.push(await startApp({ databaseUrl: database.url, env, worker: false }))
  })
  after('stop them', async () => {
    for (const node of nodes) await node.close()
    await drop()
  })

  it('end on all of them at once, with their sockets and event streams, when they are revoked on one', async () => {
    const [one, two] = nodes
    if (!one || !two) throw new Error('there are no two nodes')
    const owner = await one.api.register()
    const { conversationId } = await owner.accept('/api/chat', chat)
    const [ended, kept] = [await owner.apiKey({}, two.api), await owner.apiKey({}, two.api)]
    const open = async (key: string) => ({
      tap: await new SocketTap(two.url, key).connected(),
      stream: await EventReader.open(`${two.url}/api/chat/conversations/${conversationId}/events`, key),
    })
    const [first, second] = await Promise.all([open(ended.key), open(kept.key)])
    const over = Promise.all([first.tap.ended(), first.stream.ended])
    expect((await owner.delete(`/api/keys/${ended.id}`)).status).to.equal(204)
    await over
    expect((await ended.user.get('/api/agents')).status).to.equal(401)
    expect((await kept.user.get('/api/agents')).status).to.equal(200)
    expect(second.tap.socket.connected).to.equal(true)

    const suspended = Promise.all([second.tap.ended(), second.stream.ended])
    const admin = await one.api.login(ADMIN.email, ADMIN.password)
    expect((await admin.post(`/api/users/${owner.id}/suspend`, { reason: 'spam' })).status).to.equal(200)
    await suspended
  })
})
