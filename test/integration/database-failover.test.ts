import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { QueryFailedError, type QueryRunner } from 'typeorm'
import { loadEnv } from '../../src/config/env.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { Transactions } from '../../src/database/transaction.ts'
import { unavailable } from '../../src/database/trouble.ts'
import { Writability } from '../../src/database/writability.ts'
import { openFoundation } from '../../src/foundation.ts'
import { type Logger, silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { testSettings } from '../support/app.ts'
import { useDatabase } from '../support/database.ts'
import { runSql } from '../support/global-fixtures.ts'
import { joinSockets, Link, portOf } from '../support/link.ts'
import { eventually } from '../support/pace.ts'

/** The same database through another port, as behind a name that moves. */
function through(link: Link, url: string): string {
  const address = new URL(url)
  address.port = new URL(link.url).port
  return address.href
}

describe('Connections to a database that moves', () => {
  const database = useDatabase()
  let link: Link
  const opened: { destroy(): Promise<void> }[] = []

  beforeEach(async () => {
    link = await Link.open({ port: Number(new URL(database.url).port) })
  })
  afterEach(async () => {
    for (const db of opened.splice(0)) await db.destroy()
    link.close()
    await readOnly(false)
  })

  const open = async (times = {}) => {
    const db = await createDataSource({
      url: through(link, database.url),
      entities: [],
      poolSize: 5,
      times,
    }).initialize()
    opened.push(db)
    return db
  }
  /** New sessions of this database only read, or no longer; those that are open go on as they are. */
  const readOnly = async (on: boolean) => {
    const name = new URL(database.url).pathname.slice(1)
    await runSql(
      database.url,
      `BEGIN READ WRITE; ALTER DATABASE ${name} SET default_transaction_read_only = ${on}; COMMIT`,
    )
  }
  const fill = (db: { query: (sql: string) => Promise<unknown> }) =>
    Promise.all([1, 2, 3, 4, 5].map(() => db.query('SELECT pg_sleep(0.1)')))

  it('go, all of them, with the first that meets a server that only reads; nobody meets the others', async () => {
    await readOnly(true)
    const db = await open()
    await fill(db)
    expect(link.accepted).to.equal(5)
    await readOnly(false)
    const failure = await db.query('CREATE TABLE kept (word text)').catch((error: unknown) => error)
    expect(unavailable(failure)).to.include({ status: 503, code: 'database.unavailable' })
    await db.query('CREATE TABLE kept (word text)')
    await fill(db)
    const after = link.accepted
    for (let i = 0; i < 10; i++) await db.query(`INSERT INTO kept VALUES ('${i}')`)
    expect(link.accepted, 'the new ones stay').to.equal(after)
    await db.query('DROP TABLE kept')
  })

  it('do not fail a transaction that met such a server when there is another one: it is done there', async () => {
    await readOnly(true)
    const db = await open()
    await fill(db)
    await readOnly(false)
    let tries = 0
    await new Transactions(db).run(async (tx) => {
      tries += 1
      await tx.query('CREATE TABLE moved (word text)')
    })
    expect(tries).to.equal(2)
    await db.query('DROP TABLE moved')
  })

  it('are found out by readiness, which asks for a write that writes nothing, once a second at most', async () => {
    const db = await open()
    const asked = new Writability(db)
    await asked.check()
    await readOnly(true)
    const readers = await open()
    const refused = await new Writability(readers).check().catch((error: unknown) => error)
    expect(unavailable(refused)).to.include({ status: 503 })
    await readOnly(false)
    await new Writability(readers).check()
    const [first, second] = [asked.check(), asked.check()]
    expect(first).to.equal(second)
    await first
  })

  it('end at an age, each at its own, and are replaced', async () => {
    const db = await open({ maxAgeMs: 200 })
    await fill(db)
    const young = link.accepted
    expect(young).to.equal(5)
    while (link.accepted === young) {
      await fill(db)
      await delay(20)
    }
  })

  it('end when the server ends their session, and when no answer comes at all', async () => {
    const db = await open({ statementMs: 0, answerMs: 200 })
    const [{ pid }] = await db.query('SELECT pg_backend_pid() AS pid')
    await runSql(database.url, `SELECT pg_terminate_backend(${pid})`)
    await db.query('SELECT 1').catch(() => {})
    const [{ pid: next }] = await db.query('SELECT pg_backend_pid() AS pid')
    expect(next).not.to.equal(pid)
    const silence = await db.transaction((tx) => tx.query('SELECT pg_sleep(60)')).catch((error: unknown) => error)
    expect(unavailable(silence)).to.include({ status: 503 })
    const [{ pid: last }] = await db.query('SELECT pg_backend_pid() AS pid')
    expect(last).not.to.equal(next)
  })

  it('that cannot be had are a 503 with a time to come again, whether nobody answers or all are taken', async () => {
    const db = await open({ connectMs: 100 })
    const taken = [1, 2, 3, 4, 5].map(() => db.createQueryRunner())
    // A machine that stands still for so long makes none of them at the first try.
    const take = (one: QueryRunner) =>
      eventually(() =>
        one.connect().then(
          () => true,
          () => false,
        ),
      )
    await Promise.all(taken.map(take))
    const full = await db.query('SELECT 1').catch((error: unknown) => error)
    expect(unavailable(full)).to.deep.include({ status: 503, details: { retryAfterSeconds: 2 } })
    for (const one of taken) await one.release()
    link.moveTo({ port: 1 })
    const gone = await db.query('SELECT 1').catch((error: unknown) => error)
    const still = await db.query('SELECT 1').catch((error: unknown) => error)
    for (const error of [gone, still]) expect(unavailable(error)).to.include({ status: 503 })
    expect(unavailable(await db.query('SELECT nonsense').catch((error: unknown) => error))).to.include({ status: 503 })
    link.moveTo({ port: Number(new URL(database.url).port) })
    const mistake = await eventually(async () => {
      const error = await db.query('SELECT nonsense').catch((thrown: unknown) => thrown)
      return unavailable(error) === undefined && error
    })
    expect(mistake, 'a mistake of ours is none of the server').to.be.instanceOf(QueryFailedError)
    expect(unavailable(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))).to.equal(undefined)
  })
})

describe('A process that starts while its database restarts', () => {
  const database = useDatabase()
  const going = { word: '', times: 0 }
  const sockets = new Set<Socket>()
  let isAway = false
  const server = createServer((from) => {
    if (isAway) return from.destroy()
    from.on('data', (sent) => {
      if (going.times === 0 || !sent.includes(going.word)) return
      // The server goes before it answers, and with it all connections.
      going.times -= 1
      isAway = true
      for (const socket of sockets) socket.destroy()
    })
    joinSockets(from, connect(Number(new URL(database.url).port), '127.0.0.1'), sockets)
  })
  let url = ''
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    url = database.url.replace(`:${new URL(database.url).port}/`, `:${portOf(server)}/`)
  })
  after(() => server.close())

  /** Starts on a server that goes at this word, and is back once it is waited for. */
  const start = async (word: string) => {
    Object.assign(going, { word, times: 1 })
    const warned: string[] = []
    const logger: Logger = Object.create(silentLogger, {
      warn: {
        value: (_: unknown, text: string) => {
          warned.push(text)
          isAway = false
        },
      },
    })
    const shutdown = new Shutdown(silentLogger)
    try {
      const env = loadEnv({ ...testSettings, DATABASE_WAIT_MS: '30000', DATABASE_URL: url })
      const { db } = await openFoundation(env, logger, shutdown)
      expect(await db.query('SELECT id FROM key_canaries')).to.deep.equal([{ id: 1 }])
    } finally {
      await shutdown.close()
    }
    expect(going.times, 'the server went').to.equal(0)
    expect(warned).to.deep.equal(['the database does not answer yet: waiting for it'])
  }

  it('waits for it, also where its keys are looked at', async () => {
    await start('INTO key_canaries')
    await start('FROM key_canaries')
  })
})
