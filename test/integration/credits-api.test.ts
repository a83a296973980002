import { once } from 'node:events'
import type { Server } from 'node:http'
import { expect } from 'chai'
import supertest from 'supertest'
import { AuditRepository } from '../../src/audit/audit.repository.ts'
import { AuditLog } from '../../src/audit/audit-log.ts'
import { creditsRoutes } from '../../src/credits/credits.routes.ts'
import { createApp } from '../../src/http/app.ts'
import { Health } from '../../src/http/health.ts'
import { createRateLimiter } from '../../src/http/rate-limit.ts'
import { AppError } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { formatCredits, parseCredits } from '../../src/shared/money.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, type LedgerWorld, ledgerWorld, newTurn, receiptsOf } from './ledger-fixtures.ts'

const ADMIN = newId()

describe('the credits API', () => {
  const db = useDatabase()
  let world: LedgerWorld
  let server: Server

  before(async () => {
    world = await ledgerWorld(db.dataSource)
    const app = createApp({
      routes: creditsRoutes({ ...world, audit: new AuditLog(new AuditRepository(db.dataSource)) }),
      // Who is signed in is not what is tested here; who may do what is.
      authenticate: async (request, _response, { access }) => {
        const id = request.get('x-user') ?? ADMIN
        const role = id === ADMIN ? 'admin' : 'user'
        if (access === 'admin' && role !== 'admin') throw new AppError('auth.forbidden')
        return { id, role, sessionId: id }
      },
      limiter: createRateLimiter({ requestsPerMinute: 1e6, loginAttempts: 10 }),
      health: new Health([], silentLogger),
      corsOrigins: [],
      trustProxy: 0,
      jsonBodyMaxBytes: 100_000,
      logger: silentLogger,
    })
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const get = async (path: string, user: string) => {
    const answer = await supertest(server).get(`/api/credits/${path}`).set('x-user', user)
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
    return answer.body
  }
  const send = (method: 'post' | 'put', path: string, body: object, headers: Record<string, string> = {}) =>
    supertest(server)[method](`/api/credits/${path}`).set('x-user', ADMIN).set(headers).send(body)

  /** Two turns of one run and a title: 30 + 12 by two agents, and 5. */
  async function party(userId: string) {
    const turn = { ...newTurn(), userId }
    const [ada, bob] = [newId(), newId()]
    const first = [world.call(60, { agentId: ada, agentName: 'Ada', ratePpm: 500_000n })]
    await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, holdId: null, calls: first }, tx))
    const placed = await world.transactions.run((tx) => world.ledger.placeHold({ ...turn, turn: 1, amount: 100n }, tx))
    if (!placed.held) throw new Error('not held')
    const second = [world.call(12, { agentId: bob, agentName: 'Bob', purpose: 'speak' })]
    const settle = { ...turn, turn: 1, holdId: placed.holdId, calls: second }
    await world.transactions.run((tx) => world.ledger.settleHold(settle, tx))
    const title = {
      key: newId(),
      userId,
      conversationId: turn.conversationId,
      calls: [world.call(5, { purpose: 'title' })],
    }
    await world.transactions.run((tx) => world.ledger.chargeCalls(title, tx))
    return { ...turn, ada, bob }
  }

  it('shows balances as exact decimals', async () => {
    const userId = await world.user(10_000_000_123n)
    await party(userId)
    expect(await get('balance', userId)).to.deep.equal({
      available: '10000.000076',
      held: '0.000000',
      granted: '10000.000123',
      spent: '0.000047',
    })
    expect(await get('balance', newId())).to.include({ available: '0.000000', spent: '0.000000' })
  })

  it('shows one readable line a call, whose balances lead from one to the next', async () => {
    const userId = await world.user(1_000_000n)
    const { runId, conversationId, bob } = await party(userId)
    const { data, nextCursor } = await get('transactions', userId)
    expect(nextCursor).to.equal(null)
    expect(data.map((line: Record<string, unknown>) => [line.type, line.amount, line.balanceAfter])).to.deep.equal([
      ['charge', '-0.000005', '0.999953'],
      ['charge', '-0.000012', '0.999958'],
      ['charge', '-0.000030', '0.999970'],
      ['grant', '1.000000', '1.000000'],
    ])
    const [title, charge, own] = data
    expect(charge).to.deep.include({
      description: `Bob: speech, turn 1, test/${charge.model}`,
      runId,
      conversationId,
      turn: 1,
      call: 0,
      agentId: bob,
      agentName: 'Bob',
      provider: 'test',
      priceVersion: 1,
      rate: '1.000000',
      usage: {
        inputTokens: 7,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 12,
        reasoningTokens: 0,
        estimated: false,
      },
    })
    expect(own.rate).to.equal('0.500000')
    expect(title).to.include({ runId: null, turn: null, description: `title, test/${title.model}` })

    // A receipt is the sum of its lines.
    const receipt = (await receiptsOf(db.dataSource, [runId])).get(runId)
    const lines: { amount: string }[] = (await get(`transactions?runId=${runId}`, userId)).data
    const sum = lines.reduce((total, line) => total + parseCredits(line.amount), 0n)
    expect(formatCredits(-sum)).to.equal(formatCredits(receipt?.credits ?? 0n))
  })

  it('pages and filters, and shows nobody another one’s lines', async () => {
    const userId = await world.user(1_000_000n)
    const { runId, conversationId } = await party(userId)
    const ids: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { data: { id: string }[]; nextCursor: string | null } = await get(
        `transactions?limit=1${cursor && `&cursor=${cursor}`}`,
        userId,
      )
      ids.push(...page.data.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(ids).to.deep.equal((await get('transactions', userId)).data.map(({ id }: { id: string }) => id))
    const count = async (query: string, user = userId) => (await get(`transactions?${query}`, user)).data.length
    expect(await count('type=grant')).to.equal(1)
    expect(await count('type=charge')).to.equal(3)
    expect(await count('type=refund')).to.equal(0)
    expect(await count(`runId=${runId}`)).to.equal(2)
    expect(await count(`conversationId=${conversationId}`)).to.equal(3)
    expect(await count(`from=${new Date(Date.now() - 60_000).toISOString()}`)).to.equal(4)
    expect(await count('to=2020-01-01')).to.equal(0)
    const stranger = await world.user(0n)
    expect(await count(`runId=${runId}`, stranger)).to.equal(0)
    expect(await count(`cursor=${ids[0]}`, stranger)).to.equal(0)
    expect((await supertest(server).get('/api/credits/transactions?type=hold')).status).to.equal(400)
  })

  it('sums usage by day, model, agent and conversation', async () => {
    const userId = await world.user(1_000_000n)
    const { conversationId, ada } = await party(userId)
    const by = async (group: string) => (await get(`usage?by=${group}`, userId)).data
    const [day] = await by('day')
    expect(day).to.include({
      key: new Date().toISOString().slice(0, 10),
      calls: 3,
      outputTokens: 77,
      credits: '0.000047',
    })
    expect(await by('model')).to.have.length(1)
    expect(await by('conversation')).to.have.length(1)
    expect((await by('conversation'))[0]).to.include({ key: conversationId, calls: 3, inputTokens: 21 })
    const agents = await by('agent')
    expect(agents.map((each: { name: string; credits: string }) => [each.name, each.credits])).to.deep.equal([
      ['Ada', '0.000030'],
      ['Bob', '0.000012'],
      [null, '0.000005'],
    ])
    expect(agents[0].key).to.equal(ada)
    expect((await get('usage?by=day&to=2020-01-31', userId)).data).to.deep.equal([])
  })

  it('lets an admin add and correct, once per Idempotency-Key', async () => {
    const userId = await world.user(5_000_000n)
    const body = { userId, amount: '12.5', reason: 'a gift' }
    const first = await send('post', 'add', body, { 'idempotency-key': 'gift-1' })
    expect(first.status, JSON.stringify(first.body)).to.equal(201)
    expect(first.body).to.include({
      type: 'grant',
      amount: '12.500000',
      balanceAfter: '17.500000',
      description: 'a gift',
      usage: null,
    })
    const again = await send('post', 'add', body, { 'idempotency-key': 'gift-1' })
    expect([again.status, again.body.id]).to.deep.equal([201, first.body.id])
    const other = await send('post', 'add', { ...body, amount: '13' }, { 'idempotency-key': 'gift-1' })
    expect([other.status, other.body.error.code]).to.deep.equal([409, 'request.idempotency_conflict'])

    const taken = await send('post', 'add', { userId, amount: '-17.5', reason: 'a mistake' })
    expect(taken.body).to.include({ type: 'adjustment', amount: '-17.500000', balanceAfter: '0.000000' })
    const more = await send('post', 'add', { userId, amount: '-0.000001', reason: 'greed' })
    expect([more.status, more.body.error.code]).to.deep.equal([409, 'credits.insufficient'])
    expect((await send('post', 'add', { userId: newId(), amount: '1', reason: 'nobody' })).status).to.equal(404)
    for (const amount of ['0', '1e3', '0.0000001', 'NaN', 5, '']) {
      expect((await send('post', 'add', { userId, amount, reason: 'nonsense' })).status, String(amount)).to.equal(400)
    }
    expect((await send('post', 'add', { userId, amount: '1' })).status, 'without a reason').to.equal(400)
  })

  it('lists, adds and changes prices', async () => {
    const listed = await get('models?limit=100', await world.user(0n))
    const price = { provider: 'acme', model: 'm', inputPerMTok: '2', outputPerMTok: '8.25' }
    const added = await send('post', 'models', price)
    expect(added.status, JSON.stringify(added.body)).to.equal(201)
    expect(added.body).to.include({
      provider: 'acme',
      inputPerMTok: '2.000000',
      outputPerMTok: '8.250000',
      cachedInputPerMTok: '2.000000',
      cacheWritePerMTok: '2.000000',
      reasoningPerMTok: '8.250000',
      perCall: '0.000000',
      version: 1,
    })
    expect((await get('models?limit=100', ADMIN)).data).to.have.length(listed.data.length + 1)
    expect((await send('post', 'models', price)).body.error.code).to.equal('credits.price_exists')

    const { id } = added.body
    const changed = await send('put', `models/${id}`, { outputPerMTok: '9' })
    expect(changed.status, JSON.stringify(changed.body)).to.equal(200)
    expect(changed.body).to.include({ id, version: 2, inputPerMTok: '2.000000', outputPerMTok: '9.000000' })
    expect((await get('models?limit=100', ADMIN)).data.filter((each: { id: string }) => each.id === id)).to.deep.equal([
      changed.body,
    ])

    for (const wrong of ['-1', '100000000.000001', '1e3', 'free', 3]) {
      const post = await send('post', 'models', { ...price, model: 'x', inputPerMTok: wrong })
      expect([post.status, post.body.error.details.issues[0].path], String(wrong)).to.deep.equal([400, 'inputPerMTok'])
      expect(
        (await send('put', `models/${id}`, { perCall: wrong === '100000000.000001' ? '1000001' : wrong })).status,
      ).to.equal(400)
    }
    expect((await send('put', `models/${id}`, {})).status, 'nothing to change').to.equal(400)
    expect(
      (await send('put', `models/${id}`, { effectiveFrom: '2020-01-01T00:00:00Z', perCall: '1' })).status,
    ).to.equal(400)
    expect((await send('put', `models/${newId()}`, { perCall: '1' })).status).to.equal(404)
    expect((await send('post', 'models', { ...price, provider: '*' })).status).to.equal(400)
  })

  it('shows an admin what the platform lost, and only an admin', async () => {
    const userId = await world.user(10n)
    const turn = { ...newTurn(), userId }
    await world.transactions.run((tx) => world.ledger.recordLoss({ ...turn, attempt: 3, calls: [world.call(40)] }, tx))
    await world.transactions.run((tx) =>
      world.ledger.settleHold({ ...turn, attempt: 4, holdId: null, calls: [world.call(25)] }, tx),
    )
    const losses = await get('losses', ADMIN)
    expect(losses.total).to.equal('0.000055')
    expect(losses.data.map((each: Record<string, unknown>) => [each.attempt, each.outcome, each.amount])).to.deep.equal(
      [
        [4, 'charged', '0.000015'],
        [3, 'lost', '0.000040'],
      ],
    )
    expect(losses.data[0]).to.include({ userId, runId: turn.runId, turn: 0, call: 0, provider: 'test' })
    for (const [method, path] of [
      ['get', 'losses'],
      ['post', 'add'],
      ['post', 'models'],
      ['put', `models/${newId()}`],
    ] as const) {
      const answer = await supertest(server)[method](`/api/credits/${path}`).set('x-user', userId).send({})
      expect(answer.status, `${method} ${path}`).to.equal(403)
    }
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })
})
