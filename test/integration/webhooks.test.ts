import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { Client } from 'pg'
import { Webhook as Verifier } from 'standardwebhooks'
import { z } from 'zod'
import { rows } from '../../src/database/query.ts'
import { RetentionRepository } from '../../src/retention/retention.repository.ts'
import { newId } from '../../src/shared/ids.ts'
import { WebhookDeliveryRepository } from '../../src/webhooks/webhook-delivery.repository.ts'
import { WebhookProcessor } from '../../workers/processors/webhook.processor.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { startApp, useApp } from '../support/app.ts'
import { insertUser, useDatabase } from '../support/database.ts'
import { eventually } from '../support/pace.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'

const created = z.looseObject({ id: z.uuid(), secret: z.string() })
const delivery = z.looseObject({
  id: z.string(),
  event: z.string(),
  status: z.string(),
  attempts: z.number(),
  lastStatus: z.number().nullable(),
  lastError: z.string().nullable(),
})
const deliveries = z.object({ data: z.array(delivery) })
const payload = z.object({ type: z.string(), timestamp: z.iso.datetime(), data: z.record(z.string(), z.unknown()) })

interface Received {
  headers: IncomingMessage['headers']
  body: string
}

/** A receiver, which answers as a test says, and checks no signature by itself. */
async function startReceiver() {
  const received: Received[] = []
  let answer: (n: number) => number = () => 204
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const piece of request.setEncoding('utf8')) body += piece
      received.push({ headers: request.headers, body })
      response.writeHead(answer(received.length)).end('words of a receiver')
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return {
    url: `http://127.0.0.1:${address.port}/hooks?of=chatsparty`,
    received,
    answers: (next: typeof answer) => {
      received.length = 0
      answer = next
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('Webhooks', () => {
  const settings = { WEBHOOK_BACKOFF_MS: '10', USER_WEBHOOKS: '3' }
  const app = useApp({ env: settings })
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let user: TestUser
  before(async () => {
    receiver = await startReceiver()
  })
  after(() => receiver.stop())
  beforeEach(async () => {
    receiver.answers(() => 204)
    user = await app.api.register()
  })

  const add = async (events: string[], url = receiver.url) =>
    created.parse((await user.post('/api/webhooks', { url, events })).body)
  const speak = async () => {
    const { runId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await user.finished(runId)
    return runId
  }
  const deliveriesOf = async (id: string) =>
    deliveries.parse((await user.get(`/api/webhooks/${id}/deliveries`)).body).data
  const ended = (id: string, count: number) =>
    eventually(async () => {
      const all = await deliveriesOf(id)
      return all.length >= count && all.every(({ status }) => status !== 'pending') && all
    })

  it('are told of a run, signed, with the run as the API shows it; the secret is shown once', async () => {
    const { id, secret } = await add(['run.completed'])
    const runId = await speak()
    const [one] = await ended(id, 1)
    expect(one).to.include({
      event: 'run.completed',
      subjectId: runId,
      status: 'delivered',
      attempts: 1,
      lastStatus: 204,
    })
    expect(receiver.received).to.have.length(1)
    const { headers, body } = receiver.received[0] ?? { headers: {}, body: '' }
    const checked = new Verifier(secret).verify(body, {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    })
    expect(headers['webhook-id']).to.equal(one?.id)
    const { type, data } = payload.parse(checked)
    expect(type).to.equal('run.completed')
    expect(data.run).to.deep.equal(await user.run(runId))
    expect(JSON.stringify((await user.get(`/api/webhooks/${id}`)).body)).to.not.include(secret)
    expect(JSON.stringify((await user.get('/api/webhooks')).body)).to.not.include(secret)
  })

  it('are told of credits and files, and of nothing that they did not ask for', async () => {
    const { id } = await add(['file.ready', 'credits.added'])
    await user.fileSettled(await user.upload('note.txt', 'text/plain', 'A note.'))
    await speak()
    const admin = await app.api.login('admin@example.com', 'correct horse battery staple')
    await admin.post('/api/credits/add', { userId: user.id, amount: '5', reason: 'a gift' })
    const all = await ended(id, 2)
    expect(all.map(({ event }) => event).sort()).to.deep.equal(['credits.added', 'file.ready'])
    const bodies = receiver.received.map(({ body }) => payload.parse(JSON.parse(body)))
    const gift = bodies.find(({ type }) => type === 'credits.added')
    expect(gift?.data.transaction).to.include({ type: 'grant', amount: '5.000000', description: 'a gift' })
    expect(bodies.find(({ type }) => type === 'file.ready')?.data.file).to.include({
      name: 'note.txt',
      status: 'ready',
    })
  })

  it('are told of what an agent asks for, and what came of it', async () => {
    const { id } = await add(['tool.approval_requested', 'tool.approved', 'tool.denied', 'tool.expired'])
    const agentId = await user.create('/api/agents', { name: 'Otto', instructions: 'You calculate.' })
    await user.put(`/api/agents/${agentId}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'How much is 6 * 7?' })
    await ended(id, 1)
    const [asked] = receiver.received.map(({ body }) => payload.parse(JSON.parse(body)))
    expect(asked).to.deep.include({ type: 'tool.approval_requested' })
    expect(asked?.data).to.deep.include({ conversationId, runId, turn: 0, agentId })
    const call = Object(asked?.data.call)
    expect(call).to.include({ name: 'calculator', status: 'awaiting', result: null })
    expect((await user.post(`/api/chat/approvals/${call.id}`, { decision: 'approve' })).status).to.equal(200)
    const all = await ended(id, 2)
    expect(all.map(({ event, subjectId }) => [event, subjectId])).to.deep.equal([
      ['tool.approved', call.id],
      ['tool.approval_requested', call.id],
    ])
    await user.finished(runId)
    // As if its worker had died over it, twice: asked again, and told again; then the time for it passes.
    const { db } = app.container
    const asks = (status: string, more: string) =>
      db.query(`UPDATE tool_calls SET status = $2, ${more} WHERE id = $1`, [call.id, status])
    await asks('awaiting', `doubt = true, decided_at = NULL, expires_at = now() + interval '1 day'`)
    await eventually(async () => receiver.received.length === 3)
    await asks('unknown', `expires_at = now() - interval '1 second'`)
    await eventually(async () => receiver.received.length === 4)
    const told = (await ended(id, 3)).map(({ event }) => event)
    expect(told).to.deep.equal(['tool.expired', 'tool.approval_requested', 'tool.approved'])
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).to.equal(4)
  })

  it('that answer badly are tried again with the same id and body, until they take it', async () => {
    receiver.answers((n) => (n < 3 ? 503 : 200))
    const { id } = await add(['run.completed'])
    await speak()
    const [one] = await ended(id, 1)
    expect(one).to.include({ status: 'delivered', attempts: 3, lastStatus: 200, lastError: null })
    const tries = receiver.received.map(({ headers, body }) => `${headers['webhook-id']} ${body}`)
    expect(tries).to.have.length(3)
    expect(new Set(tries).size).to.equal(1)
  })

  it('that are gone are turned off and told nothing more; turned on again they may have what they missed', async () => {
    receiver.answers(() => 410)
    const { id } = await add(['run.completed'])
    await speak()
    const [one] = await ended(id, 1)
    expect(one).to.include({ status: 'failed', attempts: 1, lastStatus: 410 })
    expect((await user.get(`/api/webhooks/${id}`)).body).to.include({ enabled: false, disabledReason: 'gone' })
    await speak()
    expect(await deliveriesOf(id)).to.have.length(1)
    receiver.answers(() => 200)
    expect((await user.put(`/api/webhooks/${id}`, { enabled: true })).body).to.include({ enabled: true })
    const again = await user.post(`/api/webhooks/${id}/deliveries/${one?.id}/redeliver`, {})
    expect(again.status).to.equal(202)
    const [now] = await ended(id, 1)
    expect(now).to.include({ id: one?.id, status: 'delivered' })
    expect(receiver.received[0]?.headers['webhook-id']).to.equal(one?.id)
  })

  it('keep their receivers while a secret is changed: both sign for a day', async () => {
    const { id, secret } = await add(['run.completed'])
    const next = created.parse((await user.post(`/api/webhooks/${id}/secret`, {})).body).secret
    expect(next).to.not.equal(secret)
    await speak()
    await ended(id, 1)
    const { headers, body } = receiver.received[0] ?? { headers: {}, body: '' }
    const signed = {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    }
    for (const one of [secret, next]) expect(() => new Verifier(one).verify(body, signed)).to.not.throw()
    const other = `whsec_${Buffer.alloc(32).toString('base64')}`
    expect(() => new Verifier(other).verify(body, signed)).to.throw()
  })

  it('follow no redirect and read no answer; an address that is none is refused when it is written', async () => {
    receiver.answers(() => 302)
    const { id } = await add(['run.completed'])
    await speak()
    await eventually(async () => (await deliveriesOf(id))[0]?.lastError?.includes('redirect') ?? false)
    for (const url of ['ftp://example.com', 'http://user:pass@example.com/', 'nonsense', 'http://169.254.169.254/']) {
      const answer = await user.post('/api/webhooks', { url, events: ['run.completed'] })
      expect(answer.status, url).to.equal(400)
      expect(errorOf(answer).details.issues, url).to.have.nested.property('[0].path', 'url')
    }
  })

  it('whose words cannot be made have their tries like any other', async () => {
    const { id } = await add(['run.completed'])
    const deliveryId = newId()
    await app.container.db.query(
      `INSERT INTO webhook_deliveries (id, webhook_id, user_id, event, subject_id, due_at, dispatched_at)
       VALUES ($1, $2, $3, 'run.completed', $4, now(), now() + interval '1 hour')`,
      [deliveryId, id, user.id, newId()],
    )
    const processor = new WebhookProcessor({
      ...app.container,
      webhookPayload: () => Promise.reject(new Error('no words')),
      timeoutMs: 1_000,
      backoffMs: 3_600_000,
    })
    await processor.handle({ deliveryId }, { signal: new AbortController().signal })
    const [one] = await deliveriesOf(id)
    expect(one).to.deep.include({ status: 'pending', attempts: 1, lastError: 'What is to be told could not be read.' })
    // What the tests before tell may still be under way.
    expect(receiver.received.filter(({ headers }) => headers['webhook-id'] === deliveryId)).to.deep.equal([])
  })

  it('are bounded, and nobody else sees them', async () => {
    for (let i = 0; i < 3; i++) await add(['run.failed'])
    const fourth = await user.post('/api/webhooks', { url: receiver.url, events: ['run.failed'] })
    expect(errorOf(fourth)).to.include({ code: 'webhook.too_many' })
    const [first] = z
      .object({ data: z.array(z.object({ id: z.string() })) })
      .parse((await user.get('/api/webhooks')).body).data
    const stranger = await app.api.register()
    for (const [method, path] of [
      ['GET', ''],
      ['PUT', ''],
      ['DELETE', ''],
      ['POST', '/secret'],
      ['GET', '/deliveries'],
    ]) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {}
      const answer = await stranger.request(method ?? '', `/api/webhooks/${first?.id}${path}`, body)
      expect(answer.status, `${method} ${path}`).to.equal(404)
    }
  })
})

describe('Deliveries of webhooks', () => {
  const database = useDatabase({ poolSize: 1 })
  let repository: WebhookDeliveryRepository
  before(() => {
    repository = new WebhookDeliveryRepository(database.dataSource)
  })

  const sql = <Row>(text: string, parameters: unknown[] = []): Promise<Row[]> =>
    rows(database.dataSource.manager, text, parameters)
  const addUser = () => insertUser(database.dataSource)
  const addWebhook = async (userId: string) => {
    const id = newId()
    await sql(
      `INSERT INTO webhooks (id, user_id, url, events, secret_sealed)
       VALUES ($1, $2, 'http://127.0.0.1:1', ARRAY['run.completed'], '')`,
      [id, userId],
    )
    return id
  }
  /** So many events happened that it is to be told of. */
  const happen = (webhookId: string, count: number) =>
    sql(
      `INSERT INTO webhook_deliveries (id, webhook_id, user_id, event, subject_id, due_at)
       SELECT uuid_now(), w.id, w.user_id, 'run.completed', uuid_now(), now() - interval '1 hour'
       FROM webhooks w, generate_series(1, $2) WHERE w.id = $1`,
      [webhookId, count],
    )
  afterEach(() => sql('DELETE FROM users WHERE email NOT LIKE $1', ['%@%']))

  it('cost no more to look for however many wait', async () => {
    const webhookId = await addWebhook(await addUser())
    await happen(webhookId, 5_000)
    await sql('ANALYZE webhook_deliveries')
    await sql('BEGIN')
    expect(await repository.dispatch(60_000, 200)).to.have.length(4)
    const [read] = await sql<{ rows: string }>(
      `SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'webhook_deliveries'`,
    )
    await sql('ROLLBACK')
    expect(Number(read?.rows)).to.be.lessThan(100)
  })

  it('go to a few places of each webhook and each user, whoever has more', async () => {
    const [hostile, honest] = [await addUser(), await addUser()]
    for (let i = 0; i < 5; i++) await happen(await addWebhook(hostile), 10)
    await happen(await addWebhook(honest), 10)
    const byUser = async (ids: string[]) =>
      new Map(
        (
          await sql<{ user_id: string; count: number }>(
            'SELECT user_id, count(*)::int FROM webhook_deliveries WHERE id = ANY ($1) GROUP BY 1',
            [ids],
          )
        ).map((row) => [row.user_id, row.count]),
      )
    const first = await repository.dispatch(60_000, 200)
    expect(await byUser(first)).to.deep.equal(
      new Map([
        [hostile, 8],
        [honest, 4],
      ]),
    )
    expect(await repository.dispatch(60_000, 200)).to.deep.equal([])
    // Places come free as deliveries end.
    const [ended] = first
    await sql(`UPDATE webhook_deliveries SET status = 'delivered', ended_at = now() WHERE id = $1`, [ended])
    expect(await repository.dispatch(60_000, 200)).to.have.length(1)
  })

  it('of webhooks that are off end, and old ones go, however many there are', async () => {
    const [off, on] = [await addWebhook(await addUser()), await addWebhook(await addUser())]
    await happen(off, 2_500)
    await happen(on, 1)
    await sql(`UPDATE webhooks SET enabled = false, disabled_reason = 'owner' WHERE id = $1`, [off])
    await repository.endOfDisabled()
    const count = () =>
      sql<{ status: string; count: number }>(
        'SELECT status, count(*)::int FROM webhook_deliveries GROUP BY 1 ORDER BY 1',
      )
    expect(await count()).to.deep.equal([
      { status: 'failed', count: 2_500 },
      { status: 'pending', count: 1 },
    ])
    await sql(`UPDATE webhook_deliveries SET ended_at = ended_at - interval '31 days'`)
    const retention = new RetentionRepository(database.dataSource)
    const before = await retention.daysAgo(30)
    const removed: number[] = []
    do removed.push(await retention.remove('webhookDeliveries', before, 1_000))
    while (removed.at(-1) === 1_000)
    expect(removed).to.deep.equal([1_000, 1_000, 500])
    expect(await count()).to.deep.equal([{ status: 'pending', count: 1 }])
  })

  it('do not fail what they tell of when their webhook is deleted at that moment', async () => {
    const userId = await addUser()
    const webhookId = await addWebhook(userId)
    const [deleting, telling] = [new Client(database.url), new Client(database.url)]
    await Promise.all([deleting.connect(), telling.connect()])
    try {
      await deleting.query('BEGIN')
      await deleting.query('DELETE FROM webhooks WHERE id = $1', [webhookId])
      const told = telling.query(`SELECT webhooks_tell($1, 'run.completed', $2)`, [userId, newId()])
      told.catch(() => {})
      await eventually(async () => {
        const [row] = await sql<{ waits: boolean }>(
          `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT webhooks_tell%') AS waits`,
        )
        return row?.waits ?? false
      })
      await deleting.query('COMMIT')
      await told
    } finally {
      await Promise.all([deleting.end(), telling.end()])
    }
    expect(await sql('SELECT FROM webhook_deliveries WHERE webhook_id = $1', [webhookId])).to.deep.equal([])
  })
})

describe('A webhook whose receiver is down while processes come and go', () => {
  it('is told of each run at least once, each under one id, and of none twice under two', async function () {
    this.timeout(60_000)
    const { createDatabase } = await import('../support/database.ts')
    const database = await createDatabase()
    const receiver = await startReceiver()
    // Nothing listens there at first.
    await receiver.stop()
    const env = { WEBHOOK_BACKOFF_MS: '50', WEBHOOK_TIMEOUT_MS: '500' }
    const first = await startApp({ databaseUrl: database.url, env })
    try {
      const user = await first.api.register()
      const { id } = created.parse(
        (await user.post('/api/webhooks', { url: receiver.url, events: ['run.completed'] })).body,
      )
      const runs: string[] = []
      for (let i = 0; i < 5; i++) {
        const { runId } = await user.accept('/api/chat', { agentId: ADA, message: `Hello ${i}` })
        await user.finished(runId)
        runs.push(runId)
      }
      await eventually(async () => {
        const { data } = deliveries.parse((await user.get(`/api/webhooks/${id}/deliveries`)).body)
        return data.length === 5 && data.every(({ attempts }) => attempts > 0)
      })
      // What the queue knows is lost; the rows are the truth.
      await first.container.queue.obliterate()
      await first.close()
      const again = createServer(async (request, response) => {
        for await (const _ of request);
        seen.push(String(request.headers['webhook-id']))
        response.end()
      })
      const seen: string[] = []
      again.listen(Number(new URL(receiver.url).port), '127.0.0.1')
      await once(again, 'listening')
      const second = await startApp({ databaseUrl: database.url, env })
      try {
        await eventually(async () => {
          const told: { count: number }[] = await second.container.db.query(
            `SELECT count(*)::int FROM webhook_deliveries WHERE status = 'delivered'`,
          )
          return told[0]?.count === 5
        })
        const rows: { id: string; subject_id: string }[] = await second.container.db.query(
          'SELECT id, subject_id FROM webhook_deliveries',
        )
        expect(rows.map((row) => row.subject_id).sort()).to.deep.equal(runs.sort())
        expect([...new Set(seen)].sort()).to.deep.equal(rows.map((row) => row.id).sort())
      } finally {
        await second.close()
        again.closeAllConnections()
        again.close()
      }
    } finally {
      await first.close().catch(() => {})
      await database.drop()
    }
  })
})
