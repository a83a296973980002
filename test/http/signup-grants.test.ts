import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { reseal } from '../../src/connections/reseal.ts'
import { SealedSecrets } from '../../src/connections/sealed-secret.ts'
import { SealedValueRepository } from '../../src/connections/sealed-value.repository.ts'
import { AddressHashes } from '../../src/credits/address-hashes.ts'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { SignupGrantRepository } from '../../src/credits/signup-grant.repository.ts'
import { sealedColumns } from '../../src/sealed-columns.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, startApp, useApp } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { runSql } from '../support/global-fixtures.ts'
import { eventually } from '../support/pace.ts'

const PASSWORD = 'correct horse battery'
const grantedTo = async (user: TestUser) => String(Object((await user.get('/api/credits/balance')).body).granted)
const name = () => randomUUID().slice(0, 8)

describe('Welcome credits', () => {
  const app = useApp({ worker: false })

  it('are given once an address, for ever, however often it leaves and however it is written', async () => {
    const local = `ada.${name()}`
    const first = await app.api.register(`${local}@gmail.com`)
    expect(await grantedTo(first)).to.equal('10000.000000')
    await first.delete(`/api/users/${first.id}`)
    for (const written of [`${local}@gmail.com`, `${local.replace('.', '')}+again@GoogleMail.com`]) {
      const again = await app.api.register(written)
      expect(await grantedTo(again), written).to.equal('0.000000')
      await again.delete(`/api/users/${again.id}`)
    }
    const [{ rows: kept }] = await app.container.db.query('SELECT array_agg(g::text) AS rows FROM signup_grants g')
    expect(String(kept), 'no address is kept, only its hash').not.to.include(local)
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
  })

  it('are given to one of many that register with the same mailbox at the same moment', async () => {
    const local = name()
    const users = await Promise.all(
      ['', '+a', '+b', '+c', '+d'].map((tag) => app.api.register(`${local}${tag}@example.com`)),
    )
    const grants = await Promise.all(users.map(grantedTo))
    expect(grants.sort()).to.deep.equal([...Array(4).fill('0.000000'), '10000.000000'])
  })

  it('of an address that was changed are not given to the next who has it', async () => {
    const before = `${name()}@example.com`
    const user = await app.api.register(before)
    // An account of the time before this was written down.
    await app.container.db.query('DELETE FROM signup_grants WHERE user_id = $1', [user.id])
    const moved = { email: `${name()}@example.com`, currentPassword: PASSWORD }
    expect((await user.put('/api/auth/profile', moved)).status).to.equal(200)
    expect(await grantedTo(await app.api.register(before))).to.equal('0.000000')
    expect(await grantedTo(user)).to.equal('10000.000000')
  })

  it('of an old account are remembered when it is deleted', async () => {
    const user = await app.api.register()
    await app.container.db.query('DELETE FROM signup_grants WHERE user_id = $1', [user.id])
    await user.delete(`/api/users/${user.id}`)
    expect(await grantedTo(await app.api.register(user.email))).to.equal('0.000000')
  })

  it('are remembered under a key of their own, which changes with no other', async () => {
    const { db } = app.container
    const [k1, k2] = [1, 2].map((fill) => ({ id: `k${fill}`, key: Buffer.alloc(32, fill) }))
    if (!k1 || !k2) throw new Error('two keys')
    const rows = await db.query('DELETE FROM server_keys RETURNING *')
    const hashWith = (...ring: (typeof k1)[]) =>
      new AddressHashes(new SignupGrantRepository(db), new SealedSecrets(ring)).of('ada@example.com')
    const [hash, atOnce] = await Promise.all([hashWith(k1), hashWith(k1)])
    expect(hash).to.match(/^[0-9a-f]{64}$/)
    expect(atOnce).to.equal(hash)
    expect(await hashWith(k2, k1), 'under a new first key').to.equal(hash)
    const { transactions } = app.container
    const values = new SealedValueRepository(db)
    const secrets = new SealedSecrets([k2, k1])
    await reseal({ secrets, values, transactions, columns: sealedColumns, say: () => {} }, true)
    expect(await hashWith(k2), 'resealed, and the old one gone').to.equal(hash)
    const refused = await hashWith(k1).catch((error: unknown) => error)
    expect(refused, 'another ring opens nothing, and replaces nothing').to.be.an.instanceOf(Error)
    expect(await hashWith(k2)).to.equal(hash)
    expect(rows[0]).to.have.length(1)
  })
})

describe('Welcome credits on a server whose key of addresses cannot be read', () => {
  it('are not given, and nobody is kept from registering', async function () {
    this.timeout(30_000)
    const database = await createDatabase()
    const first = await startApp({ databaseUrl: database.url, worker: false })
    await first.close()
    await runSql(database.url, `UPDATE server_keys SET key_sealed = 'v1.lost.AAAA'`)
    const app = await startApp({ databaseUrl: database.url, worker: false })
    try {
      expect(await grantedTo(await app.api.register())).to.equal('0.000000')
    } finally {
      await app.close()
      await database.drop()
    }
  })
})

describe('The daily budget of welcome credits', () => {
  const app = useApp({ env: { SIGNUP_GRANTS_PER_DAY: '25000' } })

  it('is never exceeded; whoever comes later is registered, and is given them when there is room, the oldest first', async () => {
    const users: TestUser[] = []
    for (let i = 0; i < 2; i++) users.push(await app.api.register())
    const late = await Promise.all(Array.from({ length: 4 }, () => app.api.register()))
    expect(await Promise.all(users.map(grantedTo))).to.deep.equal(Array(2).fill('10000.000000'))
    expect(await Promise.all(late.map(grantedTo))).to.deep.equal(Array(4).fill('0.000000'))
    const order: Array<{ user_id: string }> = await app.container.db.query(
      'SELECT user_id FROM signup_grants WHERE given_at IS NULL ORDER BY created_at',
    )
    const [gone, ...others] = order.map(({ user_id }) => late.find(({ id }) => id === user_id))
    // Who leaves meanwhile is passed over.
    await gone?.delete(`/api/users/${gone.id}`)
    await app.container.db.query(`UPDATE signup_grants SET given_at = given_at - interval '25 hours'`)
    const [second, third, last] = others
    if (!second || !third || !last) throw new Error('four wait')
    await eventually(async () => (await grantedTo(third)) === '10000.000000')
    expect(await grantedTo(second)).to.equal('10000.000000')
    await app.container.signupGrants.giveWaiting()
    expect(await grantedTo(last)).to.equal('0.000000')
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
  })

  it('does not hold for what an administrator decided', async () => {
    const admin = await app.api.login(ADMIN.email, ADMIN.password)
    const { code } = Object((await admin.post('/api/invitations', { grant: '7' })).body)
    const email = `${name()}@example.com`
    const answer = await app.api.post('/api/auth/register', { email, password: PASSWORD, invitationCode: code })
    expect(answer.status).to.equal(201)
    expect(await grantedTo(await app.api.login(email, PASSWORD))).to.equal('7.000000')
  })
})

describe('Registrations', () => {
  const app = useApp({
    worker: false,
    env: { TRUST_PROXY: '1', REGISTRATIONS_PER_HOUR: '3', REGISTRATIONS_PER_DAY: '5' },
  })
  const registerFrom = (address: string) =>
    app.api.request(
      'POST',
      '/api/auth/register',
      { email: `${randomUUID()}@example.com`, password: PASSWORD },
      { 'x-forwarded-for': address },
    )
  const statuses = async (addresses: string[]) => {
    const seen: number[] = []
    for (const address of addresses) seen.push((await registerFrom(address)).status)
    return seen
  }

  it('are limited by the hour for an address, and by the day for its neighbourhood; others register on', async () => {
    expect(await statuses(Array(4).fill('203.0.113.7'))).to.deep.equal([201, 201, 201, 429])
    expect(await statuses(['203.0.113.8', '203.0.113.9', '203.0.113.10'])).to.deep.equal([201, 201, 429])
    expect(await statuses(['203.0.114.7'])).to.deep.equal([201])
    const v6 = ['2001:db8:5:1::1', '2001:db8:5:1::2', '2001:db8:5:1::3', '2001:db8:5:1::4', '2001:db8:5:2::1']
    expect(await statuses([...v6, '2001:db8:5:3::1', '2001:db8:5:4::1'])).to.deep.equal([
      201, 201, 201, 429, 201, 201, 429,
    ])
    const refused = await registerFrom('203.0.113.7')
    expect(errorOf(refused).code).to.equal('request.rate_limited')
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 86_400)
    const [{ users }] = await app.container.db.query('SELECT count(*)::int AS users FROM users')
    expect(users, 'with the administrator').to.equal(12)
  })
})
