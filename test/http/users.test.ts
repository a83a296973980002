import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { type Answer, errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { wordsAreLive } from '../support/live-words.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { whileUncommitted } from '../support/race.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'

describe('Users', () => {
  let llm: MockLlm
  let admin: TestUser
  const app = useApp()
  before(async () => {
    llm = await startMockLlm()
    admin = await app.api.login(ADMIN.email, ADMIN.password)
  })
  after(() => llm.stop())
  beforeEach(() => llm.reset())

  it('are listed for administrators only, newest first, in pages without gaps', async () => {
    const made: string[] = []
    for (let i = 0; i < 5; i++) made.unshift((await app.api.register()).id)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const { status, body } = await admin.get(`/api/users?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      expect(status).to.equal(200)
      const page = Object(body)
      expect(page.data.length).to.be.at.most(2)
      seen.push(...page.data.map(({ id }: { id: string }) => id))
      cursor = page.nextCursor
    } while (cursor)
    expect(seen.slice(0, 5)).to.deep.equal(made)
    expect(seen).to.include(admin.id)
    expect(new Set(seen).size).to.equal(seen.length)
    const user = await app.api.register()
    const refused = await user.get('/api/users')
    expect(refused.status).to.equal(403)
    expect(errorOf(refused).code).to.equal('auth.forbidden')
  })

  it('are found by how their address or name begins, in any case, or by their id, with the help of indexes', async () => {
    const mark = randomUUID().slice(0, 8)
    const [ada, zoe] = await Promise.all([
      app.api.register(`${mark}.Ada@example.com`),
      app.api.register(`zoe.${mark}@example.com`),
    ])
    const guest = await app.api.guest()
    await zoe.put('/api/auth/profile', { name: `Ünal_${mark}%` })
    const found = async (query: Record<string, string>) => {
      const answer = await admin.get(`/api/users?${new URLSearchParams(query)}`)
      expect(answer.status).to.equal(200)
      return Object(answer.body).data.map(({ id }: { id: string }) => id)
    }
    expect(await found({ q: `${mark}.ADA@` })).to.deep.equal([ada.id])
    expect(await found({ q: `ünal_${mark}%` })).to.deep.equal([zoe.id])
    expect(await found({ q: zoe.id })).to.deep.equal([zoe.id])
    for (const q of [`ada@example.com`, `%${mark}`, `_${mark.slice(1)}`, 'ünal\\', `'; --`]) {
      expect(await found({ q }), q).to.deep.equal([])
    }
    expect(await found({ guest: 'true', limit: '1' })).to.deep.equal([guest.id])
    expect(await found({ guest: 'false', limit: '100' })).not.to.include(guest.id)
    expect((await admin.get('/api/users?q=')).status).to.equal(400)
    const runner = app.container.db.createQueryRunner()
    try {
      await runner.query('SET enable_seqscan = off')
      for (const [condition, index] of [
        [`email_key LIKE 'ada%'`, 'users_email_begins'],
        [`lower(name) LIKE lower('Ada%')`, 'users_name_begins'],
      ]) {
        const plan = JSON.stringify(await runner.query(`EXPLAIN SELECT id FROM users WHERE ${condition} LIMIT 500`))
        expect(plan).to.include(index)
      }
      await runner.query('RESET enable_seqscan')
    } finally {
      await runner.release()
    }
  })

  it('have sessions that administrators see and end, and credits that they see, each of it recorded', async () => {
    const user = await app.api.register()
    const again = await app.api.login(user.email, 'correct horse battery')
    const sessions = Object((await admin.get(`/api/users/${user.id}/sessions?limit=1`)).body)
    expect(sessions.data).to.have.length(1)
    expect(sessions.data[0]).to.include({ current: false })
    expect(sessions.nextCursor).to.equal(sessions.data[0].id)
    expect(Object((await admin.get(`/api/users/${user.id}/credits`)).body)).to.include({ available: '10000.000000' })
    expect((await admin.delete(`/api/users/${user.id}/sessions`)).status).to.equal(204)
    for (const ended of [user, again]) expect((await ended.get('/api/auth/me')).status).to.equal(401)
    expect((await app.api.login(user.email, 'correct horse battery')).id).to.equal(user.id)
    // One's own others end; the one that asks does not.
    const other = await app.api.login(ADMIN.email, ADMIN.password)
    expect((await admin.delete(`/api/users/${admin.id}/sessions`)).status).to.equal(204)
    expect((await other.get('/api/auth/me')).status).to.equal(401)
    expect((await admin.get('/api/auth/me')).status).to.equal(200)
    const unknown = randomUUID()
    const answers = await Promise.all([
      admin.get(`/api/users/${unknown}/sessions`),
      admin.delete(`/api/users/${unknown}/sessions`),
      admin.get(`/api/users/${unknown}/credits`),
    ])
    expect(answers.map((answer) => errorOf(answer).code)).to.deep.equal(Array(3).fill('user.not_found'))
    const entries = Object((await admin.get(`/api/admin/audit?targetId=${user.id}&actorId=${admin.id}`)).body).data
    const actions = entries.map(({ action }: { action: string }) => action)
    expect(actions).to.include.members(['user.sessions_read', 'user.read', 'session.revoked'])
  })

  it('see and change themselves; of everybody else they learn nothing', async () => {
    const [user, other] = await Promise.all([app.api.register(), app.api.register()])
    expect((await user.get(`/api/users/${user.id}`)).body).to.deep.include({ id: user.id, email: user.email })
    expect((await user.put(`/api/users/${user.id}`, { name: 'Me' })).body).to.deep.include({ name: 'Me' })
    const unknown = randomUUID()
    for (const id of [other.id, admin.id, unknown]) {
      const answers = await Promise.all([
        user.get(`/api/users/${id}`),
        user.put(`/api/users/${id}`, { name: 'X' }),
        user.delete(`/api/users/${id}`),
      ])
      expect(answers.map(({ status }) => status)).to.deep.equal([404, 404, 404])
      expect(answers.map((answer) => errorOf(answer).code)).to.deep.equal(Array(3).fill('user.not_found'))
    }
    expect((await other.get('/api/auth/me')).status).to.equal(200)
  })

  it('cannot give themselves a role, nor take another address without the password', async () => {
    const user = await app.api.register()
    expect((await user.put(`/api/users/${user.id}`, { role: 'admin' })).status).to.equal(403)
    const moved = await user.put(`/api/users/${user.id}`, { email: `${randomUUID()}@example.com` })
    expect(moved.status).to.equal(403)
    // The same address, as a form sends it back, is no change.
    expect((await user.put(`/api/users/${user.id}`, { email: user.email, name: 'Same' })).status).to.equal(200)
    expect((await user.get('/api/auth/me')).body).to.deep.include({ role: 'user', email: user.email, name: 'Same' })
  })

  it('become administrators by one, at once and with the token that they have', async () => {
    const user = await app.api.register()
    expect((await admin.put(`/api/users/${user.id}`, { role: 'admin' })).body).to.deep.include({ role: 'admin' })
    expect((await user.get('/api/users')).status).to.equal(200)
    expect((await user.put(`/api/users/${user.id}`, { role: 'user' })).status).to.equal(200)
    expect((await user.get('/api/users')).status).to.equal(403)
  })

  it('always include an administrator, even when the last two remove each other at the same moment', async () => {
    const answer = await admin.delete(`/api/users/${admin.id}`)
    expect(answer.status).to.equal(409)
    expect(errorOf(answer).code).to.equal('users.last_admin')
    expect((await admin.put(`/api/users/${admin.id}`, { role: 'user' })).status).to.equal(409)

    const second = await app.api.register()
    await admin.put(`/api/users/${second.id}`, { role: 'admin' })
    const both = await Promise.all([
      admin.put(`/api/users/${second.id}`, { role: 'user' }),
      second.put(`/api/users/${admin.id}`, { role: 'user' }),
    ])
    expect(both.map(({ status }) => status)).to.include(200)
    const [{ admins }] = await app.container.db.query(`SELECT count(*)::int AS admins FROM users WHERE role = 'admin'`)
    expect(admins).to.equal(1)
    // Whoever won, the administrator of the other tests is one again.
    await app.container.db.query(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id])
  })

  it('who delete their account are signed out at once, and their content is gone', async () => {
    const user = await app.api.register()
    const elsewhere = await app.api.login(user.email, 'correct horse battery')
    await user.agentsOn({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }, ['Ada'])
    expect((await user.delete(`/api/users/${user.id}`)).status).to.equal(204)
    expect((await user.get('/api/auth/me')).status).to.equal(401)
    expect((await elsewhere.get('/api/auth/me')).status).to.equal(401)
    expect((await admin.get(`/api/users/${user.id}`)).status).to.equal(404)
    expect(
      (await app.api.post('/api/auth/login', { email: user.email, password: 'correct horse battery' })).status,
    ).to.equal(401)
    const [left] = await app.container.db.query(
      `SELECT (SELECT count(*)::int FROM agents WHERE user_id = $1) AS agents,
         (SELECT count(*)::int FROM connections WHERE user_id = $1) AS connections,
         (SELECT count(*)::int FROM ledger_entries WHERE user_id = $1) AS entries`,
      [user.id],
    )
    expect(left).to.deep.equal({ agents: 0, connections: 0, entries: 1 })
    // The address is free again, for a new account with an account of its own.
    const returned = await app.api.register(user.email)
    expect(returned.id).not.to.equal(user.id)
  })

  it('who are deleted while a request of theirs is under way are told that they are gone', async () => {
    const password = 'correct horse battery'
    const requests: Record<string, (user: TestUser) => Promise<Answer>> = {
      'a message': (user) => user.post('/api/chat', { agentId: ADA, message: 'Hello' }),
      'a message with a key': (user) =>
        user.post('/api/chat', { agentId: ADA, message: 'Hello' }, { 'idempotency-key': 'once' }),
      'an agent': (user) => user.post('/api/agents', { name: 'Late', instructions: 'Speak.' }),
      'a connection': (user) => user.post('/api/connections', { name: 'Late', provider: 'demo', model: 'demo' }),
      'a profile': (user) => user.put('/api/auth/profile', { name: 'Late' }),
      'a sign-in': ({ email }) => app.api.post('/api/auth/login', { email, password }),
    }
    for (const [what, request] of Object.entries(requests)) {
      const user = await app.api.register()
      const answer = await whileUncommitted(app.container.db, 'DELETE FROM users WHERE id = $1', [user.id], () =>
        request(user),
      )
      expect(answer.status, what).to.equal(401)
      expect(errorOf(answer).code, what).to.match(/^auth\./)
    }
  })

  it('deleted while their party talks leave books that are right: nothing held, the words that came are paid', async () => {
    const user = await app.api.register()
    const agentIds = await user.agentsOn({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }, [
      'Ada',
      'Blaise',
    ])
    const hold = llm.hold(2)
    llm.reply({ text: 'Some words that are said before the account goes away.', hold })
    const { conversationId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?' })
    const request = await hold.reached
    await wordsAreLive(app.container.feed, conversationId)
    expect((await user.delete(`/api/users/${user.id}`)).status).to.equal(204)
    expect(await request.ended).to.equal('aborted')
    const audit = await verifyLedger(app.container.db)
    expect(audit.differences).to.deep.equal([])
    const { held, available, spent } = await app.container.ledgerService.balance(user.id)
    expect({ held, total: available + spent }).to.deep.equal({ held: 0n, total: 10_000_000_000n })
    expect(spent > 0n).to.equal(true)
    const [left] = await app.container.db.query(
      `SELECT (SELECT count(*)::int FROM runs WHERE user_id = $1) AS runs,
         (SELECT count(*)::int FROM conversations WHERE user_id = $1) AS conversations,
         (SELECT count(*)::int FROM holds WHERE user_id = $1 AND status = 'pending') AS holds`,
      [user.id],
    )
    expect(left).to.deep.equal({ runs: 0, conversations: 0, holds: 0 })
    expect(llm.requests).to.have.length(1)
  })
})
