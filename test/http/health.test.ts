import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import express from 'express'
import { Client } from 'pg'
import { pino } from 'pino'
import { Health, healthRoutes, NotYet } from '../../src/http/health.ts'
import { ProxyWatch } from '../../src/http/proxy-watch.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { ApiClient } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

describe('Health', () => {
  const app = useApp({ worker: false })

  it('is known without signing in: alive, and ready with all that it needs', async () => {
    expect(await app.api.get('/healthz')).to.deep.include({ status: 200, body: { status: 'ok' } })
    const ready = await app.api.get('/readyz')
    expect(ready).to.deep.include({
      status: 200,
      body: { status: 'ready', checks: { database: 'ok', queue: 'ok', 'live feed': 'ok', proxy: 'ok', places: 'ok' } },
    })
  })

  /** What readiness answers once it says this of the database: that may be a second old. */
  const readyOnce = async (database: 'ok' | 'failing') => {
    for (;;) {
      const answer = await app.api.get('/readyz')
      if (Object(answer.body).checks.database === database) return answer
      await delay(50)
    }
  }

  it('tells what is missing while the database is away, stays alive, and recovers by itself', async () => {
    const url = new URL(app.container.databaseUrl)
    const name = url.pathname.slice(1)
    url.pathname = '/template1'
    const keeper = new Client({ connectionString: url.href })
    await keeper.connect()
    try {
      await keeper.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
      await keeper.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
      const away = await readyOnce('failing')
      expect(away.status).to.equal(503)
      const { status, checks } = Object(away.body)
      expect(status).to.equal('unavailable')
      expect(checks.database).to.equal('failing')
      expect(checks['live feed']).to.equal('ok')
      expect((await app.api.get('/healthz')).status).to.equal(200)
      const failed = await app.api.post('/api/auth/login', { email: 'a@example.com', password: 'x' })
      expect(failed.status).to.equal(503)
      expect(failed.body).to.have.nested.property('error.code', 'database.unavailable')
      expect(failed.headers.get('retry-after')).to.equal('2')
      expect(JSON.stringify(failed.body)).not.to.contain(name)
    } finally {
      await keeper.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
      await keeper.end()
    }
    const back = await readyOnce('ok')
    expect(back.status).to.equal(200)
    expect((await app.api.post('/api/auth/login', { email: 'a@example.com', password: 'x' })).status).to.equal(401)
  })

  it('answers soon even when a part hangs, and names that part', async function () {
    this.timeout(5_000)
    const bare = express()
    const log: string[] = []
    let looks = 0
    const health = new Health(
      [
        { name: 'quick', check: async () => void looks++ },
        { name: 'hanging', check: () => new Promise(() => {}) },
        { name: 'broken', check: () => Promise.reject(new Error('connect ECONNREFUSED db.internal:5432')) },
      ],
      pino({ level: 'warn' }, { write: (line) => void log.push(line) }),
    )
    healthRoutes(bare, health)
    const server = createServer(bare).listen(0, 'localhost')
    await once(server, 'listening')
    const address = server.address()
    const api = new ApiClient(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
    const [answer] = await Promise.all([api.get('/readyz'), api.get('/readyz'), api.get('/readyz')])
    server.close()
    expect(looks, 'asked at once, looked once').to.equal(1)
    expect(answer.status).to.equal(503)
    expect(Object(answer.body).checks).to.deep.equal({
      quick: 'ok',
      hanging: 'failing',
      broken: 'failing',
    })
    // Anybody may ask; why it fails is for the operator, in a line without a stack.
    expect(log.join()).to.include('connect ECONNREFUSED db.internal:5432').and.include('"check":"hanging"')
    expect(log.join()).not.to.include('stack')
  })

  it('says nothing in the log of what is only on its way up, however often it is asked', async () => {
    const bare = express()
    const log: string[] = []
    const check = () => Promise.reject(new NotYet('it starts'))
    healthRoutes(
      bare,
      new Health([{ name: 'worker', check }], pino({ level: 'warn' }, { write: (line) => void log.push(line) })),
    )
    const server = createServer(bare).listen(0, 'localhost')
    await once(server, 'listening')
    const address = server.address()
    const api = new ApiClient(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
    const answer = await api.get('/readyz')
    server.close()
    expect(answer).to.deep.include({ status: 503, body: { status: 'unavailable', checks: { worker: 'failing' } } })
    expect(log).to.deep.equal([])
  })

  it('stays ready without what only makes it worse, and says what that is; about to end, it is not', async () => {
    let isDraining = false
    const checks = [
      { name: 'database', check: async () => {} },
      { name: 'queue', check: () => Promise.reject(new Error('redis.internal')), degrades: 'Turns wait.' },
    ]
    const health = new Health(checks, silentLogger, () => isDraining)
    expect(await health.answer()).to.deep.equal({
      httpStatus: 200,
      readiness: {
        status: 'degraded',
        checks: { database: 'ok', queue: 'failing' },
        degraded: { queue: 'Turns wait.' },
      },
    })
    isDraining = true
    expect(await health.answer()).to.deep.equal({ httpStatus: 503, readiness: { status: 'draining', checks: {} } })
  })

  it('says that a balancer is not counted by TRUST_PROXY, once in the log, when one peer forwards for several clients', async () => {
    const log: string[] = []
    const proxies = new ProxyWatch(pino({ level: 'warn' }, { write: (line) => void log.push(line) }))
    const bare = express().use(proxies.watch, (_request, response) => void response.end())
    const server = createServer(bare).listen(0, 'localhost')
    await once(server, 'listening')
    const address = server.address()
    const ask = async (forwarded: string) => {
      const url = `http://localhost:${typeof address === 'object' ? address?.port : ''}`
      await fetch(url, { headers: { 'x-forwarded-for': forwarded } })
      return proxies.check().then(
        () => 'ok',
        () => 'failing',
      )
    }
    expect(await ask('203.0.113.1'), 'one client may send what it likes').to.equal('ok')
    expect(await ask('203.0.113.1')).to.equal('ok')
    expect(await ask('203.0.113.2')).to.equal('failing')
    expect(await ask('203.0.113.3')).to.equal('failing')
    server.close()
    expect(log).to.have.length(1)
    expect(log[0]).to.include('set TRUST_PROXY to the number of proxies')
  })

  it('is not all there is for somebody who opens the address: a page in a browser, JSON for a program', async () => {
    const page = await fetch(`${app.url}/`, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    expect(page.headers.get('content-type')).to.match(/^text\/html/)
    // The console, or, where it was not built, words that say so: test/http/console-pages.test.ts has both.
    expect(await page.text()).to.include('Chatsparty')
    const plain = await app.api.get('/')
    expect(plain.status).to.equal(200)
    expect(plain.body).to.deep.include({ name: 'Chatsparty', api: '/api', ready: '/readyz' })
    const picture = await fetch(`${app.url}/`, { headers: { accept: 'image/png' } })
    expect(await picture.json(), 'whatever it asks for').to.deep.equal(plain.body)
  })
})
