import { appendFile, cp, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { accountFor, findBinaries, own, runnableBy } from '../../src/database/embedded/postgres-binaries.ts'
import { launch, shutDown } from '../../src/database/embedded/postgres-server.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { runSql } from '../support/global-fixtures.ts'
import { Link } from '../support/link.ts'
import { QUEUES, useRedis } from '../support/redis.ts'

for (const queue of QUEUES) {
  describe(`A failover behind one name that leads to a server that only reads, queue on ${queue}`, function () {
    this.timeout(120_000)
    const redis = useRedis(queue)
    let directUrl: string
    let link: Link
    let app: TestApp
    const undo: (() => Promise<void>)[] = []

    before(async () => {
      const database = await createDatabase()
      directUrl = database.url
      undo.push(() => database.drop())
      link = await Link.open({ port: Number(new URL(directUrl).port) })
      undo.push(async () => link.close())
      const address = new URL(directUrl)
      address.port = new URL(link.url).port
      app = await startApp({ databaseUrl: address.href, env: redis.env })
      undo.push(() => app.close())
    })
    after(async () => {
      for (const step of undo.reverse()) await step()
    })

    const readOnly = (on: boolean) => {
      const name = new URL(directUrl).pathname.slice(1)
      const sql = `ALTER DATABASE ${name} SET default_transaction_read_only = ${on}`
      return runSql(directUrl, `BEGIN READ WRITE; ${sql}; COMMIT`)
    }
    const readiness = async (status: number) => {
      for (;;) {
        const answer = await app.api.get('/readyz')
        if (answer.status === status) return Object(answer.body).checks
        await delay(50)
      }
    }

    it('is a 503 with a time to come again while it lasts, and over when it is over, though no connection was cut', async () => {
      const user = await app.api.register()
      const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
      const ask = () => user.post('/api/chat', { agentId, message: 'Hello' })
      const first = await user.accept('/api/chat', { agentId, message: 'Hello' })
      await user.finished(first.runId)

      // The name leads elsewhere: every connection from now on is to a server that only reads, and stays open.
      await readOnly(true)
      link.cut()
      expect((await readiness(503)).database).to.equal('failing')
      const refused = await ask()
      expect(refused).to.deep.include({ status: 503 })
      expect(refused.headers.get('retry-after')).to.equal('2')
      expect(Object(refused.body).error.code).to.equal('database.unavailable')
      expect((await app.api.get('/healthz')).status).to.equal(200)

      await readOnly(false)
      expect((await readiness(200)).database).to.equal('ok')
      const runs = await Promise.all(Array.from({ length: 8 }, ask))
      expect(runs.map(({ status }) => status)).to.deep.equal(Array(8).fill(202))
      for (const { body } of runs) expect((await user.finished(Object(body).runId)).status).to.equal('completed')
    })
  })
}

describe('A standby that takes over', function () {
  this.timeout(120_000)
  const undo: (() => Promise<void>)[] = []
  after(async () => {
    for (const step of undo.reverse()) await step()
  })

  it('serves what the primary committed, once it is promoted; until then nothing is accepted and nothing lost', async () => {
    const home = await realpath(await mkdtemp(join(tmpdir(), 'standby-')))
    undo.push(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
    const [first, second] = [join(home, 'first'), join(home, 'second')]
    const start = () => startEmbeddedPostgres({ dataDir: first, logger: silentLogger, fsync: false })
    await (await start()).stop()
    // A copy of the cluster at rest is a base backup.
    await cp(first, second, { recursive: true })
    const primary = await start()
    undo.push(() => primary.stop())
    const folder = join(second, 'postgres')
    const { port, username, password } = new URL(primary.superUrl)
    await writeFile(join(folder, 'standby.signal'), '')
    await appendFile(
      join(folder, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=127.0.0.1 port=${port} user=${username} password=${password}'\n`,
    )
    const account = await accountFor(join(first, 'postgres'))
    for (const path of ['', ...(await readdir(folder, { recursive: true }))]) await own(account, join(folder, path))
    const binaries = await runnableBy(account, await findBinaries())
    const log = join(home, 'standby.log')
    const standby = await launch({
      folder,
      ...binaries,
      account,
      log,
      port: undefined,
      maxConnections: 200,
      fsync: false,
    })
    undo.push(() => shutDown(folder, standby.pid))

    const link = await Link.open({ port: Number(port) })
    undo.push(async () => link.close())
    const address = new URL(primary.url)
    address.port = new URL(link.url).port
    const app = await startApp({ databaseUrl: address.href })
    undo.push(() => app.close())
    const user = await app.api.register()
    const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
    await user.finished(runId)
    const said = await user.messages(conversationId)

    const onStandby = new URL(primary.superUrl)
    onStandby.port = String(standby.port)
    const ask = async (url: string, sql: string) => {
      const client = new Client({ connectionString: url })
      await client.connect()
      const { rows } = await client.query(sql)
      await client.end()
      return rows[0]
    }
    const { lsn } = await ask(primary.superUrl, 'SELECT pg_current_wal_lsn()::text AS lsn')
    const caughtUp = () => ask(onStandby.href, `SELECT pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn AS done`)
    while (!(await caughtUp()).done) await delay(50)

    link.moveTo(standby)
    while ((await app.api.get('/readyz')).status !== 503) await delay(50)
    expect((await user.post('/api/chat', { agentId, message: 'Lost?' })).status).to.equal(503)
    expect(await user.messages(conversationId), 'it can be read meanwhile').to.deep.equal(said)
    await ask(onStandby.href, 'SELECT pg_promote()')
    while ((await app.api.get('/readyz')).status !== 200) await delay(50)
    const next = await user.accept('/api/chat', { agentId, message: 'Go on', conversationId })
    expect((await user.finished(next.runId)).status).to.equal('completed')
    expect(await user.messages(conversationId)).to.have.length(said.length + 2)
  })
})
