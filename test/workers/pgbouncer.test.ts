import { expect } from 'chai'
import { createDataSource } from '../../src/database/data-source.ts'
import { lookAtServer } from '../../src/database/server-facts.ts'
import type { TestUser } from '../support/api-client.ts'
import { startApp, testSettings } from '../support/app.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { createDatabase } from '../support/database.ts'
import { runSql } from '../support/global-fixtures.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { type PgBouncer, type PoolMode, startPgBouncer } from '../support/pgbouncer.ts'
import { startProcess } from '../support/processes.ts'
import { skip } from '../support/programs.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const LONG = 'A sentence that takes its time, because somebody is killed in the middle of it. '.repeat(6).trim()
const PARTIES = 6
const TURNS = 3

/** What was decided about each: in transaction mode it is seen and not told. */
const SETTINGS: Record<PoolMode, Record<string, string>> = { session: { DATABASE_POOLER: 'session' }, transaction: {} }

for (const mode of ['session', 'transaction'] as const) {
  describe(`The distributed profile through PgBouncer in ${mode} mode`, function () {
    this.timeout(120_000)
    const undo: (() => Promise<void>)[] = []
    let directUrl: string
    let bouncer: PgBouncer
    let redis: RedisServer
    let llm: MockLlm
    let cluster: Cluster

    before(async function () {
      const database = await createDatabase()
      undo.push(() => database.drop())
      directUrl = database.url
      const [pooled, queue] = [await startPgBouncer(directUrl, mode), await startRedis()]
      if (pooled) undo.push(() => pooled.stop())
      if (queue) undo.push(() => queue.stop())
      if (!pooled || !queue) return skip(this, `there is no ${pooled ? 'redis-server' : 'pgbouncer'} on the PATH`)
      bouncer = pooled
      redis = queue
      llm = await startMockLlm()
      undo.push(() => llm.stop())
    })
    after(async () => {
      for (const step of undo.reverse()) await step()
    })
    afterEach(function () {
      if (this.currentTest?.state === 'failed') console.log(cluster?.report())
    })

    const command = async (...args: string[]) => {
      const env = { ...testSettings, DATABASE_URL: bouncer.url, ...SETTINGS[mode] }
      const child = startProcess('src/db.ts', { args, env })
      const { code } = await child.ended
      return { code, output: child.output }
    }

    it('is seen for what it is', async () => {
      expect(await lookAtServer(bouncer.url)).to.include({ isPooled: true, isReadOnly: false })
      expect(await lookAtServer(directUrl)).to.include({ isPooled: false })
    })

    it('takes the schema down and up again, one process at a time', async () => {
      const back = await command('rollback', '--lose-data')
      expect(back.output).to.match(/taken back: /)
      const [first, second] = await Promise.all([command('migrate'), command('migrate')])
      expect([first.code, second.code], `${first.output}\n${second.output}`).to.deep.equal([0, 0])
      expect([first.output, second.output].filter((text) => text.includes('applied: '))).to.have.length(1)
    })

    it('ends every party, each turn once, although a worker is killed and the schema is migrated meanwhile', async () => {
      const env = SETTINGS[mode]
      cluster = await startCluster({ webs: 1, workers: 2, redis, databaseUrl: bouncer.url, llm, env })
      undo.push(() => cluster.stop())
      llm.reply({ text: LONG, paceMs: 10, chunkSize: 16 })
      const user: TestUser = await cluster.api().register()
      const agentIds = await Promise.all(
        ['Ada', 'Blaise'].map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })),
      )
      const body = { agentIds, message: 'Tea or coffee?', maxTurns: TURNS }
      const start = () => user.accept('/api/chat/multi-agent', body)
      const accepted = await Promise.all(Array.from({ length: PARTIES }, start))
      await llm.request(PARTIES - 1)
      await cluster.worker(0).kill('SIGKILL')
      const migrated = await command('migrate')
      expect(migrated.output).to.include('the schema is up to date')
      const runs = await Promise.all(accepted.map(({ runId }) => user.finished(runId)))
      expect(runs.map(({ status }) => status)).to.deep.equal(runs.map(() => 'completed'))
      await cluster.worker(0).start()
      await user.finished((await start()).runId)
      const db = await createDataSource({ url: directUrl, entities: [], poolSize: 1 }).initialize()
      try {
        for (const { runId, conversationId } of accepted) {
          await expectSettledOnce(db, runId)
          const spoken = (await user.messages(conversationId)).filter(({ role }) => role === 'agent')
          expect(spoken.map(({ content }) => content)).to.deep.equal(Array(TURNS).fill(LONG))
        }
        const left = await db.query(`SELECT objid FROM pg_locks JOIN pg_stat_activity USING (pid)
          WHERE locktype = 'advisory' AND state = 'idle' AND datname = current_database()`)
        expect(left, 'no lock stays in a session that nobody uses').to.deep.equal([])
      } finally {
        await db.destroy()
      }
      expect(await cluster.worker(1).kill('SIGTERM')).to.deep.equal({ code: 0, signal: null })
      expect(await cluster.web(0).kill('SIGTERM')).to.deep.equal({ code: 0, signal: null })
    })

    it('serves web and worker in one, with the queue in PostgreSQL, when that can listen', async () => {
      await cluster?.stop()
      if (mode === 'transaction') {
        const deaf = startProcess('workers/embedded.ts', { env: { ...testSettings, DATABASE_URL: bouncer.url } })
        expect((await deaf.ended).code).to.equal(1)
        expect(deaf.output).to.match(
          /^DATABASE_URL leads to a connection pooler, through which the queue cannot listen/,
        )
      }
      await runSql(directUrl, 'DROP SCHEMA IF EXISTS bullmq CASCADE')
      const env = mode === 'transaction' ? { DATABASE_DIRECT_URL: directUrl } : SETTINGS[mode]
      const app = await startApp({ databaseUrl: bouncer.url, env })
      try {
        const user = await app.api.register()
        const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
        const { runId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
        expect((await user.finished(runId)).status).to.equal('completed')
      } finally {
        await app.close()
      }
    })
  })
}
