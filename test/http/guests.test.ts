import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { z } from 'zod'
import { signedInView, userView } from '../../src/contract/account-views.ts'
import { balanceView } from '../../src/contract/credits-views.ts'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { ADA, ROUTE_TABLE, routesFor } from '../architecture/route-table.ts'
import { type Answer, errorOf, TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'

const BLAISE = '01990000-0000-7000-8000-0000000000a2'
const PASSWORD = 'correct horse battery'
const party = { agentIds: [ADA, BLAISE], message: 'Tea or coffee?', maxTurns: 2 }
const address = () => `${randomUUID()}@example.com`
const balanceOf = async (user: TestUser) => balanceView.parse((await user.get('/api/credits/balance')).body)
const codeOf = (answer: Answer) => [answer.status, errorOf(answer).code]
const idOnly = z.looseObject({ id: z.string() })
const listed = z.object({ data: z.array(z.looseObject({ id: z.string(), guest: z.boolean(), email: z.string() })) })

/** All that guests may send to, beside reading. */
const OPEN_TO_GUESTS = [
  /^POST \/api\/auth\/(logout|guest\/keep)$/,
  /^DELETE \/api\/auth\/sessions/,
  /^PUT \/api\/auth\/profile$/,
  /^(PUT|DELETE) \/api\/users\/:id$/,
  /^POST \/api\/(tickets|credits\/estimate)$/,
  /^\w+ \/api\/(agents|parties|chat|storage|ui|ag-ui)\b/,
  /^POST \/api\/gallery\/:id\/import$/,
  /^\w+ \/v1\//,
]

describe('Guests', () => {
  const app = useApp()
  let admin: TestUser
  const keep = async (guest: TestUser, body: Record<string, unknown> = {}) => {
    const answer = await guest.post('/api/auth/guest/keep', { email: address(), password: PASSWORD, ...body })
    if (answer.status !== 200) throw new Error(`keep answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return new TestUser(app.api, signedInView.parse(answer.body))
  }
  before(async () => {
    admin = await app.api.login(ADMIN.email, ADMIN.password)
  })

  it('are told the terms, have no address, and are in a party that ends with a receipt', async () => {
    const terms = await app.api.get('/api/auth/guest')
    expect(terms.body).to.deep.equal({ offered: true, credits: '100.000000', days: 7 })
    const guest = await app.api.guest()
    const me = userView.parse((await guest.get('/api/auth/me')).body)
    expect(me).to.include({ id: guest.id, guest: true, email: '', emailVerified: false, role: 'user', name: 'Guest' })
    expect(await balanceOf(guest)).to.include({ available: '100.000000', granted: '100.000000' })
    const run = await guest.finished((await guest.accept('/api/chat/multi-agent', party)).runId)
    expect(run.status).to.equal('completed')
    expect(run.receipt.turns).to.equal(2)
    expect(Number((await balanceOf(guest)).available)).to.be.within(90, 99.999999)
  })

  it('have the demo model alone, whatever their agents and those of the platform are set to', async () => {
    // The platform has a real provider, which would be everybody's default, and Ada is on it.
    const connection = {
      name: 'Real',
      provider: 'openai-compatible',
      model: 'real-1',
      baseUrl: 'http://127.0.0.1:1/v1',
    }
    const platform = await admin.create('/api/connections', { ...connection, scope: 'platform', isDefault: true })
    await admin.put(`/api/agents/${BLAISE}`, { connectionId: platform, model: 'real-2' })
    const guest = await app.api.guest()
    const own = await guest.create('/api/agents', { name: 'Otto', instructions: 'You are Otto.', model: 'real-3' })
    const named = {
      name: 'Nora',
      instructions: 'You are Nora.',
      connectionId: platform,
      fallbackConnectionId: platform,
    }
    const onReal = await guest.create('/api/agents', named)
    const body = { agentIds: [BLAISE, own, onReal], message: 'Tea or coffee?', maxTurns: 3 }
    const estimate = await guest.post('/api/credits/estimate', body)
    expect(estimate.status).to.equal(200)
    expect((await guest.finished((await guest.accept('/api/chat/multi-agent', body)).runId)).status).to.equal(
      'completed',
    )
    const lines = z
      .object({ data: z.array(z.looseObject({ provider: z.string(), model: z.string() })) })
      .parse((await guest.get('/api/credits/transactions?type=charge')).body).data
    expect(lines.map(({ provider, model }) => `${provider}/${model}`)).to.deep.equal(Array(3).fill('demo/demo-1'))
    // Whoever stays has what everybody has.
    const kept = await keep(guest)
    const sql = `SELECT agent_terms($1, NULL, 'real-3') -> 'connection' ->> 'id' AS id`
    expect((await app.container.db.query(sql, [kept.id]))[0].id).to.equal(platform)
    await admin.put(`/api/agents/${BLAISE}`, { connectionId: null, model: null })
    const { id: demo } = z
      .object({ data: z.array(z.looseObject({ id: z.string(), provider: z.string() })) })
      .parse((await admin.get('/api/connections')).body)
      .data.find(({ provider }) => provider === 'demo') ?? { id: '' }
    await admin.put(`/api/connections/${demo}`, { isDefault: true })
  })

  it('may read, talk and keep what is talked with; everything else takes an account that stays', async () => {
    const guest = await app.api.guest()
    const changing = routesFor('user').filter((route) => !route.startsWith('GET '))
    const closed = changing.filter((route) => !OPEN_TO_GUESTS.some((open) => open.test(route)))
    expect(closed).to.include.members([
      'POST /api/connections',
      'POST /api/keys',
      'POST /api/webhooks',
      'POST /api/schedules',
      'POST /api/auth/totp',
    ])
    for (const route of [...closed, 'GET /api/connections/:id/models']) {
      const [method = '', path = ''] = route.split(' ')
      const body = method === 'GET' ? undefined : ROUTE_TABLE[route]?.body
      const answer = await guest.request(method, path.replaceAll(/:[a-zA-Z]+/g, guest.id), body)
      expect(codeOf(answer), route).to.deep.equal([403, 'guest.not_allowed'])
    }
  })

  it('cannot be signed in to, have no password to change, and nobody gives them an address or rights', async () => {
    const guest = await app.api.guest()
    for (const email of ['', 'Guest', guest.id]) {
      expect((await app.api.post('/api/auth/login', { email, password: '' })).status, email).to.be.oneOf([400, 401])
    }
    for (const change of [
      { email: address(), currentPassword: '' },
      { newPassword: PASSWORD, currentPassword: '' },
    ]) {
      expect(codeOf(await guest.put('/api/auth/profile', change))).to.deep.equal([403, 'guest.not_allowed'])
    }
    expect((await guest.put('/api/auth/profile', { name: 'Gwen' })).status).to.equal(200)
    expect((await guest.put(`/api/users/${guest.id}`, { email: address() })).status).to.equal(403)
    for (const change of [{ email: address() }, { role: 'admin' }]) {
      expect(codeOf(await admin.put(`/api/users/${guest.id}`, change))).to.deep.equal([409, 'users.guest'])
    }
    const { data } = listed.parse((await admin.get('/api/users')).body)
    expect(data.find(({ id }) => id === guest.id)).to.include({ guest: true, email: '' })
  })

  it('stay with an address: the same id, session, words and agents, and just the credits of whoever registers', async () => {
    const guest = await app.api.guest()
    const { conversationId, runId } = await guest.accept('/api/chat/multi-agent', party)
    await guest.finished(runId)
    const before = await balanceOf(guest)
    const agent = await guest.create('/api/agents', { name: 'Otto', instructions: 'You are Otto.' })
    const email = address()
    const kept = await keep(guest, { email: email.toUpperCase(), name: 'Ada' })
    expect(kept.id).to.equal(guest.id)
    const me = userView.parse((await guest.get('/api/auth/me')).body)
    expect(me, 'by the token that the guest had').to.include({ guest: false, email: email.toUpperCase(), name: 'Ada' })
    expect((await kept.messages(conversationId)).length).to.equal(3)
    expect((await kept.get(`/api/agents/${agent}`)).status).to.equal(200)
    const after = await balanceOf(kept)
    expect(after).to.include({ granted: '10000.000000', held: '0.000000', spent: before.spent })
    expect(Number(after.available) + Number(after.spent)).to.be.closeTo(10_000, 1e-6)
    expect((await app.api.login(email, PASSWORD)).id).to.equal(guest.id)
    expect((await kept.post('/api/keys', { name: 'Program', scopes: ['read'] })).status).to.equal(201)
    expect(codeOf(await kept.post('/api/auth/guest/keep', { email: address(), password: PASSWORD }))).to.deep.equal([
      409,
      'guest.kept',
    ])
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
  })

  it('who stay while their party talks hear it to its end, and have the same credits then', async () => {
    const guest = await app.api.guest()
    const { runId } = await guest.accept('/api/chat/multi-agent', { ...party, maxTurns: 10 })
    const kept = await keep(guest)
    const run = await kept.finished(runId)
    expect([run.status, run.receipt.turns]).to.deep.equal(['completed', 10])
    const { available, held, granted, spent } = await balanceOf(kept)
    expect(held).to.equal('0.000000')
    expect(Number(spent)).to.equal(Number(run.receipt.credits))
    expect(Number(available) + Number(spent)).to.be.closeTo(10_000, 1e-6)
    expect(Number(granted)).to.be.closeTo(10_000, 1e-6)
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
  })

  it('who want an address that is taken, or a password that is guessed, stay guests with all that they have', async () => {
    const guest = await app.api.guest()
    const body = { email: ADMIN.email.toUpperCase(), password: PASSWORD }
    expect(codeOf(await guest.post('/api/auth/guest/keep', body))).to.deep.equal([409, 'auth.email_taken'])
    const guessed = { email: address(), password: 'passwordpassword' }
    expect((await guest.post('/api/auth/guest/keep', guessed)).status).to.equal(400)
    expect(userView.parse((await guest.get('/api/auth/me')).body).guest).to.equal(true)
    expect(await balanceOf(guest)).to.include({ available: '100.000000', granted: '100.000000' })
  })

  it('who stay with an address that had its credits keep none: a mailbox is given them once', async () => {
    const email = address()
    await app.api.register(email)
    const guest = await app.api.guest()
    await guest.finished((await guest.accept('/api/chat/multi-agent', party)).runId)
    const kept = await keep(guest, { email: email.replace('@', '+again@') })
    const { available, granted, spent } = await balanceOf(kept)
    expect(available).to.equal('0.000000')
    expect(granted).to.equal(spent)
  })

  it('who stay twice at once stay once, and are given credits once', async () => {
    const guest = await app.api.guest()
    const answers = await Promise.all(
      [1, 2, 3].map(() => guest.post('/api/auth/guest/keep', { email: address(), password: PASSWORD })),
    )
    expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([200, 409, 409])
    expect((await balanceOf(guest)).granted).to.equal('10000.000000')
  })

  it('whom nobody has seen for long are gone with all that they had; who came back, or stayed, is not', async () => {
    const { container } = app
    const [gone, back, stayed] = await Promise.all([app.api.guest(), app.api.guest(), app.api.guest()])
    const { runId } = await gone.accept('/api/chat/multi-agent', party)
    await gone.finished(runId)
    await gone.upload('a.txt', 'text/plain', 'words')
    await keep(stayed)
    const ids = [gone.id, back.id, stayed.id]
    await container.db.query(`UPDATE users SET created_at = now() - interval '8 days' WHERE id = ANY($1)`, [ids])
    await container.db.query(`UPDATE sessions SET last_used_at = now() - interval '8 days' WHERE user_id = ANY($1)`, [
      ids,
    ])
    expect((await back.get('/api/auth/me')).status).to.equal(200)
    expect(await container.guestService.sweep()).to.equal(1)
    expect((await gone.get('/api/auth/me')).status).to.equal(401)
    await eventually(async () => {
      const [{ left }] = await container.db.query(
        `SELECT (SELECT count(*) FROM users WHERE id = $1) + (SELECT count(*) FROM conversations WHERE user_id = $1)
           + (SELECT count(*) FROM signup_grants WHERE user_id = $1) + (SELECT count(*) FROM files WHERE user_id = $1) AS left`,
        [gone.id],
      )
      return Number(left) === 0
    })
    for (const user of [back, stayed]) expect((await user.get('/api/auth/me')).status).to.equal(200)
    expect(await container.guestService.sweep()).to.equal(0)
  })

  it('leave at once when they like, and are shut out as anybody is', async () => {
    const [leaving, unwelcome] = await Promise.all([app.api.guest(), app.api.guest()])
    expect((await leaving.get(`/api/users/${leaving.id}/export`.replace('/export', ''))).status).to.equal(200)
    expect((await leaving.delete(`/api/users/${leaving.id}`)).status).to.equal(204)
    expect((await leaving.get('/api/auth/me')).status).to.equal(401)
    expect((await admin.post(`/api/users/${unwelcome.id}/suspend`, { reason: 'spam' })).status).to.equal(200)
    const body = { email: address(), password: PASSWORD }
    expect((await unwelcome.post('/api/auth/guest/keep', body)).status).to.equal(401)
  })
})

describe('The bounds of guests', () => {
  const bounds = { GUESTS_MOST: '3', GUEST_STORAGE_BYTES: '100', GUEST_STORAGE_FILES: '1', GUEST_AGENTS: '1' }
  const app = useApp({ env: { ...bounds, GUEST_MESSAGE_BYTES_PER_DAY: '3200', SIGNUP_GRANT: '0' } })
  let guest: TestUser

  it('there are so many at most, also of those who come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.api.post('/api/auth/guest', {})))
    const [in_, out] = [answers.filter(({ status }) => status === 201), answers.filter(({ status }) => status !== 201)]
    expect(in_).to.have.length(3)
    for (const answer of out) expect(codeOf(answer)).to.deep.equal([429, 'guest.too_many'])
    const [first, second] = in_.map(({ body }) => new TestUser(app.api, signedInView.parse(body)))
    if (!first || !second) throw new Error('three are in')
    guest = first
    // Who goes makes room.
    await second.delete(`/api/users/${second.id}`)
    expect((await app.api.post('/api/auth/guest', {})).status).to.equal(201)
    const [{ guests }] = await app.container.db.query(
      'SELECT count(*)::int AS guests FROM users WHERE email_key IS NULL',
    )
    expect(guests, 'who was refused left no row').to.equal(3)
  })

  it('they store and say less than users, and have fewer agents', async () => {
    const form = new FormData()
    form.append('file', new Blob(['x'.repeat(101)], { type: 'text/plain' }), 'a.txt')
    const headers = { authorization: `Bearer ${guest.token}` }
    expect((await fetch(`${app.url}/api/storage/upload`, { method: 'POST', headers, body: form })).status).to.equal(413)
    await guest.upload('a.txt', 'text/plain', 'x')
    const direct = await guest.post('/api/storage/uploads', { name: 'b.txt', size: 1 })
    expect(codeOf(direct)).to.deep.equal([413, 'storage.quota_exceeded'])
    const usage = z.looseObject({ limits: z.looseObject({ bytes: z.number(), files: z.number() }) })
    expect(usage.parse((await guest.get('/api/storage/usage')).body).limits).to.include({ bytes: 100, files: 1 })
    const agent = { name: 'Otto', instructions: 'You are Otto.' }
    await guest.create('/api/agents', agent)
    expect(codeOf(await guest.post('/api/agents', agent))).to.deep.equal([409, 'agent.too_many'])
    const saved = { name: 'Salon', agentIds: [ADA, BLAISE] }
    await guest.create('/api/parties', saved)
    expect(codeOf(await guest.post('/api/parties', saved))).to.deep.equal([409, 'party.too_many'])
    const said = await guest.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await guest.finished(said.runId)
    const more = { agentId: ADA, message: 'x'.repeat(2_000) }
    const refused = await guest.post('/api/chat', more)
    expect(codeOf(refused)).to.deep.equal([429, 'chat.rate_limited'])
    expect(errorOf(refused).details.limit).to.equal(3_200)
    const [message] = await guest.messages(said.conversationId)
    const edited = await guest.post(`/api/chat/messages/${message?.id}/edit`, { message: 'y'.repeat(2_000) })
    expect(codeOf(edited)).to.deep.equal([429, 'chat.rate_limited'])
    expect(errorOf(edited).details.limit).to.equal(3_200)
    const user = await app.api.register()
    const admin = await app.api.login(ADMIN.email, ADMIN.password)
    await admin.post('/api/credits/add', { userId: user.id, amount: '100', reason: 'a gift' })
    for (let i = 0; i < 2; i++) await user.accept('/api/chat', more)
  })

  it('what they had of credits goes back where registering gives none', async () => {
    const body = { email: address(), password: PASSWORD }
    expect((await guest.post('/api/auth/guest/keep', body)).status).to.equal(200)
    const { available, granted, spent } = await balanceOf(guest)
    expect(available).to.equal('0.000000')
    expect(granted).to.equal(spent)
    const key = 'guest_end:'
    const entries = await app.container.db.query(`SELECT 1 FROM ledger_entries WHERE starts_with(key, $1)`, [key])
    expect(entries).to.have.length(1)
  })
})

describe('Guests within the limits of newcomers', () => {
  const app = useApp({
    worker: false,
    env: { REGISTRATIONS_PER_HOUR: '4', SIGNUP_GRANTS_PER_DAY: '250', SIGNUP_GRANT: '120' },
  })

  it('the day’s budget takes in two of a hundred each, and one who stays frees what the guest had; a network has so many', async () => {
    const [first] = [await app.api.guest(), await app.api.guest()]
    expect(codeOf(await app.api.post('/api/auth/guest', {}))).to.deep.equal([429, 'guest.too_many'])
    const kept = await first.post('/api/auth/guest/keep', { email: address(), password: PASSWORD })
    expect(kept.status).to.equal(200)
    expect((await balanceOf(first)).granted).to.equal('120.000000')
    for (const path of ['/api/auth/guest', '/api/auth/register']) {
      const body = path.endsWith('guest') ? {} : { email: address(), password: PASSWORD }
      expect(codeOf(await app.api.post(path, body)), path).to.deep.equal([429, 'request.rate_limited'])
    }
    expect(idOnly.parse((await first.get('/api/auth/me')).body).id).to.equal(first.id)
  })
})

describe('A server without guests', () => {
  const app = useApp({ worker: false, env: { GUESTS: 'off' } })

  it('says so, and takes none in', async () => {
    expect((await app.api.get('/api/auth/guest')).body).to.include({ offered: false })
    expect(codeOf(await app.api.post('/api/auth/guest', {}))).to.deep.equal([403, 'guest.off'])
  })
})
