import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { Express } from 'express'
import request from 'supertest'
import type { DataSource } from 'typeorm'
import { AuditRepository } from '../../src/audit/audit.repository.ts'
import { AuditLog } from '../../src/audit/audit-log.ts'
import { BreakerRepository } from '../../src/connections/breaker.repository.ts'
import { connectionEntity } from '../../src/connections/connection.entity.ts'
import { ConnectionRepository } from '../../src/connections/connection.repository.ts'
import { connectionRoutes } from '../../src/connections/connection.routes.ts'
import { DEMO_CONNECTION_ID, seedConnections } from '../../src/connections/connection.seed.ts'
import { ConnectionService, type ConnectionUse } from '../../src/connections/connection.service.ts'
import { ModelCatalogue } from '../../src/connections/model-catalogue.ts'
import { ProviderNetwork } from '../../src/connections/provider-network.ts'
import { SealedSecrets, type SealingKey } from '../../src/connections/sealed-secret.ts'
import type { AuthUser } from '../../src/contract/auth-user.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { Transactions } from '../../src/database/transaction.ts'
import { createApp } from '../../src/http/app.ts'
import { Health } from '../../src/http/health.ts'
import { createRateLimiter } from '../../src/http/rate-limit.ts'
import { userEntity } from '../../src/identity/user.entity.ts'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { useDatabase } from '../support/database.ts'
import { BAD_KEY, type MockLlm, startMockLlm } from '../support/mock-llm.ts'

const KEY = 'sk-test-0123456789abcd'
const person = (role: AuthUser['role']): AuthUser => ({ id: newId(), role, sessionId: newId() })
const sealingKey = (id: string): SealingKey => ({ id, key: randomBytes(32) })

describe('Connections', () => {
  const database = useDatabase()
  const ring = [sealingKey('k1')]
  const [ann, bob, admin] = [person('user'), person('user'), person('admin')]
  const people = new Map([ann, bob, admin].map((who) => [who.id, who]))
  let db: DataSource
  let llm: MockLlm
  let uses: Record<string, ConnectionUse[]> = {}
  const closing: Array<() => Promise<unknown>> = []

  before(async () => {
    db = await createDataSource({ url: database.url, entities: [userEntity, connectionEntity] }).initialize()
    for (const { id, role } of people.values()) {
      await db.manager.insert(userEntity, { id, email: id, emailKey: id, name: 'N', passwordHash: 'x', role })
    }
    llm = await startMockLlm()
  })
  after(async () => {
    for (const close of closing) await close()
    await llm.stop()
    await db.destroy()
  })
  beforeEach(async () => {
    llm.reset()
    uses = {}
    await db.query('DELETE FROM connections')
  })

  const world = ({ secrets = new SealedSecrets(ring), production = false, platformUrls = [] as string[] } = {}) => {
    const network = new ProviderNetwork({ allow: [], production, platformUrls })
    closing.push(() => network.close())
    const connections = new ConnectionRepository(db)
    const transactions = new Transactions(db)
    const usedBy = async (id: string) => uses[id] ?? []
    const limits = { failures: 5, openMs: 1_000, openMaxMs: 1_000, waitMaxMs: 1_000, waits: true }
    const breakers = new BreakerRepository(db, limits)
    const service = new ConnectionService({
      transactions,
      audit: new AuditLog(new AuditRepository(db)),
      connections,
      secrets,
      network,
      usedBy,
      testTimeoutMs: 300,
      most: 100,
    })
    const app: Express = createApp({
      routes: connectionRoutes(
        service,
        breakers,
        new ModelCatalogue({ connections: service, network, timeoutMs: 300 }),
      ),
      authenticate: async (req) => people.get(req.get('x-user') ?? ''),
      limiter: createRateLimiter({ requestsPerMinute: 10_000, loginAttempts: 10 }),
      health: new Health([], silentLogger),
      corsOrigins: [],
      trustProxy: 0,
      jsonBodyMaxBytes: 100_000,
      logger: silentLogger,
    })
    const as = (who: AuthUser) => ({
      get: (path = '') => request(app).get(`/api/connections${path}`).set('x-user', who.id),
      post: (body: object, path = '') => request(app).post(`/api/connections${path}`).set('x-user', who.id).send(body),
      put: (id: string, body: object) => request(app).put(`/api/connections/${id}`).set('x-user', who.id).send(body),
      delete: (id: string) => request(app).delete(`/api/connections/${id}`).set('x-user', who.id),
      test: (id: string) => request(app).post(`/api/connections/${id}/test`).set('x-user', who.id),
    })
    const seed = (providers: Partial<Parameters<typeof seedConnections>[0]['providers']> = {}) =>
      seedConnections({
        transactions,
        connections,
        secrets,
        usedBy,
        providers: { openai: {}, anthropic: {}, google: {}, groq: {}, ollama: {}, ...providers },
      })
    return { as, service, seed }
  }
  const local = (change: object = {}) => ({
    name: 'Mine',
    provider: 'openai-compatible',
    baseUrl: llm.baseUrl('openai-compatible'),
    apiKey: KEY,
    model: 'llama-x',
    ...change,
  })

  it('are created, shown with the last four of their key, changed and deleted', async () => {
    const { as } = world()
    const created = await as(ann).post(local()).expect(201)
    expect(created.body).to.have.all.keys(
      ...['id', 'name', 'provider', 'baseUrl', 'model', 'apiKeyLast4', 'scope', 'isDefault', 'createdAt', 'updatedAt'],
      'breaker',
      'learnt',
      'hasApiKey',
    )
    expect(created.body).to.include({ name: 'Mine', apiKeyLast4: 'abcd', scope: 'user', isDefault: false })
    const { id } = created.body
    expect((await as(ann).get(`/${id}`).expect(200)).body).to.deep.equal(created.body)
    expect((await as(ann).put(id, { name: 'Ours' }).expect(200)).body).to.include({ name: 'Ours', apiKeyLast4: 'abcd' })
    expect((await as(ann).put(id, { apiKey: null }).expect(200)).body).to.include({
      name: 'Ours',
      apiKeyLast4: null,
      hasApiKey: false,
    })
    // Too short to show any of it.
    const short = (await as(ann).put(id, { apiKey: 'sk-1' }).expect(200)).body
    expect(short).to.include({ apiKeyLast4: null, hasApiKey: true })
    await as(ann).delete(id).expect(204)
    await as(ann).get(`/${id}`).expect(404)
  })

  it('keep keys sealed in the database and out of every answer', async () => {
    const { as, service } = world()
    const { body } = await as(ann).post(local()).expect(201)
    const stored = JSON.stringify(await db.query('SELECT * FROM connections'))
    const shown = JSON.stringify([body, (await as(ann).get()).body, (await as(ann).test(body.id)).body])
    expect(stored).to.include('v1.k1.')
    for (const text of [stored, shown]) expect(text).to.not.include(KEY)
    expect(shown).to.not.include('v1.k1.')
    expect((await service.resolve(ann.id, body.id)).apiKey).to.equal(KEY)
  })

  it('show no part of a short key', async () => {
    const { body } = await world()
      .as(ann)
      .post(local({ apiKey: 'short' }))
      .expect(201)
    expect(body.apiKeyLast4).to.equal(null)
  })

  it('belong to their user: others get 404', async () => {
    const { as } = world()
    const { id } = (await as(ann).post(local()).expect(201)).body
    for (const answer of [
      as(bob).get(`/${id}`),
      as(bob).put(id, { name: 'x' }),
      as(bob).delete(id),
      as(bob).test(id),
    ]) {
      expect((await answer.expect(404)).body.error.code).to.equal('connection.not_found')
    }
    expect((await as(bob).get().expect(200)).body.data).to.deep.equal([])
    await as(ann).get('/not-an-id').expect(404)
  })

  it('name every wrong field', async () => {
    const { as } = world()
    const wrong: Array<[object, string[]]> = [
      [{ name: '', provider: 'skynet', model: 3, extra: 1 }, ['name', 'provider', 'model', 'extra']],
      [local({ provider: 'openai', apiKey: null }), ['apiKey']],
      [local({ baseUrl: null }), ['baseUrl']],
      [local({ provider: 'demo' }), ['apiKey', 'baseUrl']],
      [local({ baseUrl: 'http://169.254.169.254/v1' }), ['baseUrl']],
      [local({ baseUrl: 'http://me:secret@localhost/v1' }), ['baseUrl']],
      [local({ apiKey: 'a b' }), ['apiKey']],
    ]
    for (const [body, paths] of wrong) {
      const { error } = (await as(ann).post(body).expect(400)).body
      expect(error.details.issues.map((issue: { path: string }) => issue.path)).to.have.members(paths)
    }
    await as(ann)
      .post(local({ apiKey: undefined }))
      .expect(201)
    const strict = world({ production: true }).as(ann)
    await strict.post(local()).expect(400)
    await strict.post(local({ baseUrl: 'https://api.example.com/v1' })).expect(201)
  })

  it('ask for the key again when it would go to another address', async () => {
    const { as } = world()
    const { id } = (await as(ann).post(local()).expect(201)).body
    for (const move of [{ baseUrl: 'http://localhost:9/v1' }, { provider: 'openai' }]) {
      const { error } = (
        await as(ann)
          .put(id, { ...move, name: 'moved' })
          .expect(400)
      ).body
      expect(error.details.issues[0].path).to.equal('apiKey')
    }
    await as(ann)
      .put(id, { baseUrl: `${llm.baseUrl('openai-compatible')}/other` })
      .expect(200)
    await as(ann).put(id, { baseUrl: 'http://localhost:9/v1', apiKey: 'another-key-123456' }).expect(200)
  })

  it('have one default per user, also when two are chosen at once', async () => {
    const { as } = world()
    const made = await Promise.all([1, 2, 3, 4].map((n) => as(ann).post(local({ name: `c${n}`, isDefault: true }))))
    expect(made.map(({ status }) => status)).to.deep.equal([201, 201, 201, 201])
    const defaults = async () =>
      (await as(ann).get()).body.data
        .filter((c: { isDefault: boolean }) => c.isDefault)
        .map((c: { id: string }) => c.id)
    expect(await defaults()).to.have.length(1)
    const chosen = made[0]?.body.id
    await as(ann).put(chosen, { isDefault: true }).expect(200)
    expect(await defaults()).to.deep.equal([chosen])
    await as(bob)
      .post(local({ isDefault: true }))
      .expect(201)
    expect(await defaults()).to.deep.equal([chosen])
  })

  it('are listed in pages, newest first, with those of the platform', async () => {
    const { as, seed } = world()
    await seed()
    for (const name of ['first', 'second', 'third']) await as(ann).post(local({ name })).expect(201)
    const names = (page: { data: Array<{ name: string }> }) => page.data.map(({ name }) => name)
    const one = (await as(ann).get('?limit=2').expect(200)).body
    expect(names(one)).to.deep.equal(['third', 'second'])
    const two = (await as(ann).get(`?limit=2&cursor=${one.nextCursor}`).expect(200)).body
    expect(names(two)).to.deep.equal(['first', 'Demo (built-in, offline)'])
    expect(two.nextCursor).to.equal(null)
  })

  it('that agents use are not deleted', async () => {
    const { as } = world()
    const { id } = (await as(ann).post(local()).expect(201)).body
    uses[id] = [{ id: newId(), name: 'Ada' }]
    const { error } = (await as(ann).delete(id).expect(409)).body
    expect(error).to.deep.include({ code: 'connections.in_use', details: { agents: uses[id] } })
    uses = {}
    await as(ann).delete(id).expect(204)
  })

  describe('of the platform', () => {
    const openai = () => ({ openai: { apiKey: KEY, baseUrl: llm.baseUrl('openai') } })

    it('are usable by all, and changed by administrators only', async () => {
      const { as, seed } = world({ platformUrls: [llm.url] })
      await seed(openai())
      const { data } = (await as(ann).get().expect(200)).body
      const { id } = data.find((c: { provider: string }) => c.provider === 'openai')
      const seenByUser = (await as(ann).get(`/${id}`).expect(200)).body
      expect(seenByUser).to.include({ scope: 'platform', baseUrl: null, apiKeyLast4: null, isDefault: true })
      const seenByAdmin = (await as(admin).get(`/${id}`).expect(200)).body
      expect(seenByAdmin).to.include({ baseUrl: llm.baseUrl('openai'), apiKeyLast4: 'abcd' })
      await as(ann).put(id, { name: 'mine now' }).expect(403)
      await as(ann).delete(id).expect(403)
      await as(ann)
        .post(local({ scope: 'platform' }))
        .expect(403)
      expect((await as(admin).test(id).expect(200)).body).to.include({ ok: true, model: 'gpt-5-mini' })
      const asked = llm.requests.length
      expect((await as(ann).test(id).expect(403)).body.error.code).to.equal('auth.forbidden')
      expect(llm.requests, 'nobody would pay for the calls').to.have.length(asked)
      await as(admin).put(id, { model: 'gpt-other' }).expect(200)
      expect(
        (
          await as(admin)
            .post(local({ scope: 'platform' }))
            .expect(201)
        ).body.scope,
      ).to.equal('platform')
    })

    it('may be at an address that the operator set, where users may not go in production', async () => {
      const { as, seed, service } = world({ production: true, platformUrls: [llm.url] })
      await seed(openai())
      const platform = await service.resolve(ann.id, null)
      expect((await as(admin).test(platform.id)).body).to.include({ ok: true })
      await as(ann).post(local()).expect(400)
    })

    it('follow the environment, and the seed is safe to repeat', async () => {
      const { service, seed } = world()
      await seed()
      expect(await service.resolve(ann.id, null)).to.include({
        id: DEMO_CONNECTION_ID,
        provider: 'demo',
        scope: 'platform',
      })
      for (const apiKey of ['sk-first-key-123', 'sk-first-key-123', 'sk-second-key-456']) {
        await seed({ openai: { apiKey } })
        expect(await service.resolve(ann.id, null)).to.include({ provider: 'openai', apiKey, baseUrl: null })
      }
      await seed({
        openai: { apiKey: 'k'.repeat(20), baseUrl: 'https://gateway.example/v1' },
        ollama: { baseUrl: 'http://localhost:1' },
      })
      expect(await service.resolve(ann.id, null)).to.include({ baseUrl: 'https://gateway.example/v1' })
      expect((await service.list(ann.id, 50, undefined)).map((c) => c.provider)).to.have.members([
        'demo',
        'openai',
        'ollama',
      ])
      const { id } = await service.resolve(ann.id, null)
      uses[id] = [{ id: newId(), name: 'Ada' }]
      await seed()
      expect(await service.resolve(ann.id, id)).to.include({ apiKey: null })
      expect(await service.resolve(ann.id, null)).to.include({ provider: 'demo' })
      uses = {}
      await seed()
      expect((await service.list(ann.id, 50, undefined)).map((c) => c.provider)).to.deep.equal(['demo'])
    })
  })

  describe('resolve', () => {
    it('to the named one, else the user\u2019s default, else the platform\u2019s, else an error', async () => {
      const { as, service, seed } = world()
      const none = await service.resolve(ann.id, null).catch((error: unknown) => error)
      expect(none).to.include({ status: 409, code: 'connections.none' })
      await seed()
      expect(await service.resolve(ann.id, null)).to.include({ provider: 'demo', scope: 'platform' })
      const own = (
        await as(ann)
          .post(local({ isDefault: true }))
          .expect(201)
      ).body
      expect(await service.resolve(ann.id, null)).to.include({ id: own.id, scope: 'user', apiKey: KEY })
      expect(await service.resolve(ann.id, DEMO_CONNECTION_ID)).to.include({ provider: 'demo' })
      expect(await service.resolve(bob.id, null)).to.include({ provider: 'demo' })
      const foreign = await service.resolve(bob.id, own.id).catch((error: unknown) => error)
      expect(foreign).to.include({ status: 404 })
    })

    it('asks for the key again when the key ring has lost it, and all else works on', async () => {
      const { id } = (await world().as(ann).post(local()).expect(201)).body
      const later = world({ secrets: new SealedSecrets([sealingKey('k2')]) })
      const error = await later.service.resolve(ann.id, id).catch((thrown: unknown) => thrown)
      expect(error).to.include({ code: 'connections.key_unreadable' })
      expect((await later.as(ann).test(id).expect(200)).body.error.code).to.equal('connections.key_unreadable')
      await later.as(ann).get().expect(200)
      await later.as(ann).put(id, { apiKey: 'entered-again-1234' }).expect(200)
      expect((await later.service.resolve(ann.id, id)).apiKey).to.equal('entered-again-1234')
    })
  })

  describe('tested', () => {
    it('call the provider for real, for a few tokens, and report model and latency', async () => {
      const { as } = world()
      const { id } = (await as(ann).post(local()).expect(201)).body
      const { body } = await as(ann).test(id).expect(200)
      expect(body).to.include({ ok: true, model: 'llama-x' })
      expect(body.latencyMs).to.be.a('number').within(0, 5_000)
      const call = await llm.request(0)
      expect(call).to.include({ key: KEY, model: 'llama-x', stream: true })
      expect(call.body.max_tokens).to.equal(1_024)
      expect(await llm.request(1)).to.include({ key: KEY, model: 'llama-x', stream: false })
      expect(body.learnt).to.include('Streams its words.')
    })

    it('report what is wrong as an outcome', async () => {
      const { as } = world()
      const outcome = async (change: object): Promise<string> => {
        const { id } = (await as(ann).post(local(change)).expect(201)).body
        const { body } = await as(ann).test(id).expect(200)
        expect(body.ok).to.equal(false)
        expect(body.error.message)
          .to.be.a('string')
          .and.not.match(/http|Mock/)
        return body.error.code
      }
      expect(await outcome({ apiKey: BAD_KEY })).to.equal('provider.unauthorized')
      llm.replyOnce({ status: 404 })
      expect(await outcome({ model: 'unknown' })).to.equal('provider.model_not_found')
      llm.replyOnce({ status: 429, error: { code: 'insufficient_quota' } })
      expect(await outcome({})).to.equal('provider.quota_exhausted')
      expect(await outcome({ baseUrl: 'http://127.0.0.1:9/v1' })).to.equal('provider.unreachable')
      const hold = llm.hold()
      llm.replyOnce({ hold })
      expect(await outcome({})).to.equal('provider.unreachable')
      expect(await (await hold.reached).ended).to.equal('aborted')
    })

    it('answer offline with the demo model', async () => {
      const { as, seed } = world()
      await seed()
      expect((await as(admin).test(DEMO_CONNECTION_ID).expect(200)).body).to.include({ ok: true, model: 'demo-1' })
      expect(llm.requests).to.have.length(0)
    })
  })

  it('go with their user', async () => {
    const leaver = person('user')
    await db.manager.insert(userEntity, {
      ...{ id: leaver.id, email: 'l', emailKey: 'l', name: 'L', passwordHash: 'x', role: leaver.role },
    })
    people.set(leaver.id, leaver)
    await world().as(leaver).post(local()).expect(201)
    await db.manager.delete(userEntity, { id: leaver.id })
    expect(await db.query('SELECT 1 FROM connections WHERE user_id = $1', [leaver.id])).to.deep.equal([])
  })
})
