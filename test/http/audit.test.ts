import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { z } from 'zod'
import { withOrigin } from '../../src/shared/request-origin.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'

const entry = z.strictObject({
  id: z.uuid(),
  action: z.string(),
  actorId: z.uuid().nullable(),
  targetId: z.uuid().nullable(),
  network: z.string().nullable(),
  userAgent: z.string().nullable(),
  requestId: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  createdAt: z.iso.datetime(),
})
const pageOfEntries = z.strictObject({ data: z.array(entry), nextCursor: z.uuid().nullable() })

const message = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it was done',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )

describe('The audit log', () => {
  const app = useApp({ worker: false })
  let admin: TestUser
  before(async () => {
    admin = await app.api.login(ADMIN.email, ADMIN.password)
  })
  const read = async (query: string) => {
    const answer = await admin.get(`/api/admin/audit?${query}`)
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
    return pageOfEntries.parse(answer.body)
  }
  const record = (targetId: string, details = {}) =>
    app.container.transactions.run((tx) =>
      app.container.audit.record({ action: 'credits.added', actorId: admin.id, targetId, details }, tx),
    )

  it('is read by administrators, newest first, in pages without gaps; by nobody else', async () => {
    const targetId = randomUUID()
    for (let n = 0; n < 5; n++) await record(targetId, { n })
    const seen: unknown[] = []
    let cursor: string | null = null
    do {
      const page: z.infer<typeof pageOfEntries> = await read(
        `targetId=${targetId}&limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      )
      expect(page.data.length).to.be.within(1, 2)
      seen.push(...page.data.map(({ details }) => details.n))
      cursor = page.nextCursor
    } while (cursor)
    expect(seen).to.deep.equal([4, 3, 2, 1, 0])
    const user = await app.api.register()
    const refused = await user.get('/api/admin/audit')
    expect([refused.status, errorOf(refused).code]).to.deep.equal([403, 'auth.forbidden'])
  })

  it('is searched by who, what, whom and when', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    await record(one)
    await record(other)
    const [{ createdAt = '' } = {}] = (await read(`targetId=${other}`)).data
    const ids = async (query: string) => (await read(query)).data.map(({ targetId }) => targetId)
    expect(await ids(`actorId=${admin.id}&action=credits.added&limit=2`)).to.deep.equal([other, one])
    expect(await ids(`actorId=${randomUUID()}`)).to.deep.equal([])
    expect(await ids(`targetId=${one}&action=user.deleted`)).to.deep.equal([])
    expect(await ids(`targetId=${other}&from=${createdAt}`)).to.deep.equal([other])
    expect(await ids(`targetId=${one}&to=2020-01-01`)).to.deep.equal([])
    for (const bad of ['action=no.such', 'actorId=7', 'from=yesterday', 'limit=101', 'other=1']) {
      expect((await admin.get(`/api/admin/audit?${bad}`)).status, bad).to.equal(400)
    }
  })

  it('says from where: the network, the user agent cut short, the id of the request; and that it was read', async () => {
    const answer = await admin.request('GET', `/api/admin/audit?action=credits.added&limit=1`, undefined, {
      'user-agent': `Tester/1.0 ${'x'.repeat(5_000)}`,
    })
    const [last] = (await read('action=audit.read&limit=1')).data
    expect(last).to.deep.include({
      actorId: admin.id,
      network: '127.0.0.1',
      requestId: answer.headers.get('x-request-id'),
    })
    expect(last?.userAgent)
      .to.match(/^Tester\/1\.0 x+$/)
      .and.to.have.length(200)
    expect(last?.details).to.deep.include({ action: 'credits.added', targetId: null })
  })

  it('keeps details few, short and storable, whatever it is given', async () => {
    const targetId = randomUUID()
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`field${n}`, n]))
    await record(targetId, { long: 'é'.repeat(10_000), odd: 'a\0b\ud800', ...many })
    const [found] = (await read(`targetId=${targetId}`)).data
    expect(Object.keys(found?.details ?? {})).to.have.length(20)
    expect(found?.details).to.deep.include({ long: 'é'.repeat(200), odd: 'ab\ufffd', field0: 0 })
  })

  it('has an entry exactly when what it records is there: an undone transaction leaves none', async () => {
    const targetId = randomUUID()
    const { transactions, audit } = app.container
    const undone = transactions.run(async (tx) => {
      await audit.record({ action: 'credits.added', actorId: null, targetId }, tx)
      throw new Error('undone')
    })
    expect(await message(undone)).to.equal('undone')
    expect((await read(`targetId=${targetId}`)).data).to.deep.equal([])
  })

  it('knows the request of each, also when many are recorded at once', async () => {
    const ids = Array.from({ length: 20 }, () => randomUUID())
    const { signal } = new AbortController()
    await Promise.all(
      ids.map((id) => withOrigin({ network: '192.0.2.1', userAgent: null, requestId: id, signal }, () => record(id))),
    )
    const found = (await read('limit=20')).data.filter(({ network }) => network === '192.0.2.1')
    expect(found.map(({ targetId, requestId }) => targetId === requestId)).to.deep.equal(Array(found.length).fill(true))
    expect(found.length).to.be.greaterThan(0)
  })

  it('is append-only: the database refuses to change it, and to forget what is younger than a month', async () => {
    const { db } = app.container
    await record(randomUUID())
    const [before] = await db.query('SELECT count(*)::int AS entries FROM audit_entries')
    for (const sql of [
      `UPDATE audit_entries SET action = 'user.read'`,
      'DELETE FROM audit_entries',
      'TRUNCATE audit_entries',
    ]) {
      expect(await message(db.query(sql)), sql).to.match(/append-only/)
    }
    const forget = async (before: Date): Promise<number> =>
      (await db.query('SELECT audit_forget($1)::int AS forgotten', [before]))[0].forgotten
    expect(await message(forget(new Date()))).to.match(/at least 30 days/)
    const old = randomUUID()
    await db.query(
      `INSERT INTO audit_entries (id, created_at, action, details) VALUES ($1, now() - interval '40 days', 'user.read', '{}')`,
      [old],
    )
    expect(await forget(new Date(Date.now() - 31 * 86_400_000))).to.equal(1)
    // That it may delete ends with the function.
    expect(await message(db.query('DELETE FROM audit_entries'))).to.match(/append-only/)
    const [after] = await db.query('SELECT count(*)::int AS entries FROM audit_entries')
    expect(after).to.deep.equal(before)
  })

  /** What was recorded of a target or by an actor, oldest first. */
  const told = async (query: string) => (await read(`limit=100&${query}`)).data.toReversed()
  const actions = async (query: string) => (await told(query)).map(({ action }) => action)
  const PASSWORD = 'correct horse battery'

  it('tells what concerns the security of an account: from its registration to its deletion, who, from where, and no secret', async () => {
    const user = await app.api.register()
    const elsewhere = await app.api.login(user.email, PASSWORD)
    await user.put('/api/auth/profile', { name: 'Nothing to tell' })
    await user.put('/api/auth/profile', { email: `moved.${user.email}`, currentPassword: PASSWORD })
    await app.api.login(`moved.${user.email}`, PASSWORD)
    await user.delete('/api/auth/sessions')
    expect((await elsewhere.get('/api/auth/me')).status).to.equal(401)
    const newPassword = 'another horse battery'
    await user.put('/api/auth/profile', { currentPassword: PASSWORD, newPassword })
    const other = await app.api.login(`moved.${user.email}`, newPassword)
    await other.post('/api/auth/logout', undefined)
    await user.delete(`/api/users/${user.id}`)
    expect(await actions(`targetId=${user.id}`)).to.deep.equal([
      'user.registered',
      'credits.granted',
      'email.changed',
      'session.revoked',
      'password.changed',
      'user.deleted',
    ])
    const own = await told(`actorId=${user.id}`)
    expect(own.map(({ action }) => action)).to.deep.equal([
      'login.succeeded',
      'login.succeeded',
      'email.changed',
      'login.succeeded',
      'session.revoked',
      'password.changed',
      'login.succeeded',
      'session.ended',
      'user.deleted',
    ])
    for (const { network, requestId } of own) {
      expect(network).to.equal('127.0.0.1')
      expect(requestId).to.match(/^[0-9a-f-]{36}$/)
    }
    const text = JSON.stringify(await app.container.db.query('SELECT * FROM audit_entries'))
    for (const secret of [PASSWORD, newPassword, user.token, user.email, 'argon2']) expect(text).not.to.include(secret)
  })

  it('tells of failed logins at an account, however many there are, in two entries; of those at none without what was typed', async () => {
    const user = await app.api.register()
    const fail = (email: string) => app.api.post('/api/auth/login', { email, password: 'wrong wrong wrong' })
    for (let n = 0; n < 3; n++) await fail(user.email)
    await fail('my-password-in-the-wrong-field')
    expect(await actions(`targetId=${user.id}&action=login.failed`)).to.deep.equal(['login.failed'])
    await app.container.failedLogins.tell()
    const counts = (await told(`targetId=${user.id}&action=login.failed`)).map(({ details, network }) => [
      details.count,
      network,
    ])
    expect(counts).to.deep.equal([
      [1, '127.0.0.1'],
      [2, '127.0.0.1'],
    ])
    expect(JSON.stringify(await told('action=login.failed'))).not.to.include('wrong-field')
  })

  it('tells all that administrators do to users, credits, prices and platform connections, and what they look at', async () => {
    const user = await app.api.register()
    await admin.get(`/api/users/${user.id}`)
    await admin.put(`/api/users/${user.id}`, { name: 'Renamed', role: 'admin' })
    await admin.put(`/api/users/${user.id}`, { role: 'user' })
    const key = { 'idempotency-key': randomUUID() }
    const gift = { userId: user.id, amount: '7', reason: 'A gift' }
    for (let n = 0; n < 2; n++) expect((await admin.post('/api/credits/add', gift, key)).status).to.equal(201)
    await admin.post(`/api/users/${user.id}/suspend`, { reason: 'A test' })
    await admin.post(`/api/users/${user.id}/unsuspend`, {})
    const read = async () =>
      (await told(`targetId=${user.id}&actorId=${admin.id}`)).map(({ action, details }) => ({ action, details }))
    const entries = await read()
    await admin.delete(`/api/users/${user.id}`)
    const left = await read()
    expect(left.map(({ action }) => action)).to.deep.equal([
      'user.read',
      'user.role_changed',
      'user.updated',
      'user.role_changed',
      'credits.added',
      'user.suspended',
      'user.unsuspended',
      'user.deleted',
    ])
    expect(entries[1]?.details).to.deep.equal({ from: 'user', to: 'admin' })
    expect(entries[4]?.details).to.deep.include({ amount: '7.000000', reason: 'A gift' })
    // Words about somebody who is erased are none any more.
    expect(JSON.stringify(left)).not.to.match(/A gift|A test|Renamed/)

    const rates = { inputPerMTok: '1', outputPerMTok: '2' }
    const priceId = await admin.create('/api/credits/models', { provider: 'openai', model: 'audited', ...rates })
    await admin.put(`/api/credits/models/${priceId}`, { inputPerMTok: '3' })
    expect(
      (await admin.post('/api/credits/models', { provider: 'openai', model: 'audited', ...rates })).status,
    ).to.equal(409)
    expect(await actions(`targetId=${priceId}`)).to.deep.equal(['price.created', 'price.changed'])

    const platform = {
      name: 'Ours',
      provider: 'openai',
      model: 'gpt',
      scope: 'platform',
      apiKey: 'sk-of-the-platform-1',
    }
    const connectionId = await admin.create('/api/connections', platform)
    await admin.put(`/api/connections/${connectionId}`, { name: 'Still ours' })
    await admin.put(`/api/connections/${connectionId}`, { apiKey: 'sk-of-the-platform-2' })
    await admin.delete(`/api/connections/${connectionId}`)
    expect(await actions(`targetId=${connectionId}`)).to.deep.equal([
      'connection.created',
      'connection.updated',
      'connection.key_changed',
      'connection.deleted',
    ])
    await admin.get('/api/users')
    await admin.get('/api/credits/losses')
    const looks = ['user.listed', 'credits.losses_read', 'audit.read']
    for (const action of looks)
      expect(await actions(`actorId=${admin.id}&action=${action}`), action).to.not.deep.equal([])
    expect(JSON.stringify(await told(`targetId=${connectionId}`))).not.to.include('sk-of')
  })

  it('tells of keys of own connections, and lets nobody fill the disk with them', async () => {
    const user = await app.api.register()
    const connectionId = await user.create('/api/connections', {
      name: 'Mine',
      provider: 'openai',
      model: 'gpt',
      apiKey: 'sk-of-mine-of-mine',
    })
    await user.put(`/api/connections/${connectionId}`, { name: 'Still mine' })
    for (let n = 0; n < 110; n++)
      await user.put(`/api/connections/${connectionId}`, { apiKey: `sk-of-mine-${n}-of-mine` })
    const [{ changes }] = await app.container.db.query(
      `SELECT count(*)::int AS changes FROM audit_entries WHERE actor_id = $1 AND action = 'connection.key_changed'`,
      [user.id],
    )
    expect(changes).to.equal(100)
    expect(await actions(`actorId=${user.id}&action=connection.created`)).to.deep.equal(['connection.created'])
    expect(await actions(`actorId=${user.id}&action=connection.updated`)).to.deep.equal([])
  })
})
