import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { z } from 'zod'
import { AuditRepository } from '../../src/audit/audit.repository.ts'
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
    const entries = new AuditRepository(db)
    expect(await message(entries.forget(new Date()))).to.match(/at least 30 days/)
    const old = randomUUID()
    await db.query(
      `INSERT INTO audit_entries (id, created_at, action, details) VALUES ($1, now() - interval '40 days', 'user.read', '{}')`,
      [old],
    )
    expect(await entries.forget(new Date(Date.now() - 31 * 86_400_000))).to.equal(1)
    // That it may delete ends with the function.
    expect(await message(db.query('DELETE FROM audit_entries'))).to.match(/append-only/)
    const [after] = await db.query('SELECT count(*)::int AS entries FROM audit_entries')
    expect(after).to.deep.equal(before)
  })
})
