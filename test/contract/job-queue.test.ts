import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import pg from 'pg'
import { pino } from 'pino'
import type { QueueBackend } from '../../src/queue/bullmq-backend.ts'
import { catalog } from '../../src/queue/catalog.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { timed } from '../support/pace.ts'
import { NO_REDIS, skip } from '../support/programs.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { codeOf, Inbox, itIsAJobQueue, untilItWorks, useConsumers } from './job-queue.contract.ts'
import { openQueuesAt } from './queue-at.ts'

describe('the job queue on PostgreSQL', () => {
  const db = useDatabase()

  const admin = async (sql: string) => {
    const client = new pg.Client({ connectionString: db.url })
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  itIsAJobQueue(() => ({
    where: { databaseUrl: db.url },
    forget: () => admin('DELETE FROM bullmq.job; DELETE FROM bullmq.meta; DELETE FROM bullmq.event'),
    breakConnections: () =>
      admin(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      ),
  }))
})

describe('the job queue on Redis', () => {
  let redis: RedisServer
  before(async function () {
    const started = await startRedis()
    if (!started) return skip(this, NO_REDIS)
    redis = started
  })
  after(() => redis?.stop())

  itIsAJobQueue(() => ({
    where: { redisUrl: redis.url },
    forget: () => redis.flush(),
    breakConnections: () => redis.restart(),
  }))

  describe('while Redis is away', () => {
    let backend: QueueBackend
    before(async () => {
      backend = await openQueuesAt({ redisUrl: redis.url })
    })
    after(() => backend?.close())
    const consume = useConsumers(() => backend)

    const enqueue = (jobId: string) => backend.enqueue(catalog.fileProcess, { fileId: newId() }, { jobId })
    const outages = {
      stopped: { begin: () => redis.stop(), end: () => redis.restart() },
      frozen: { begin: async () => redis.pause(), end: async () => redis.resume() },
    }
    for (const [kind, outage] of Object.entries(outages)) {
      it(`refuses jobs at once (${kind}), and goes on when it is back`, async () => {
        const inbox = new Inbox<string>()
        await consume({ fileProcess: async (payload) => inbox.add(payload.fileId) })
        await enqueue('before')
        await inbox.first(1)

        await outage.begin()
        for (let i = 0; i < 2; i++) {
          const { result, ownMs } = await timed(() => codeOf(enqueue(`lost-${i}`)))
          expect(result).to.equal('queue.unavailable')
          expect(ownMs).to.be.below(1_500)
        }
        expect(await codeOf(backend.ping())).to.equal('queue.unavailable')
        // Long enough for the producer's socket to be given up.
        await sleep(1_500)
        await outage.end()

        await untilItWorks(() => enqueue('after'))
        await inbox.first(2)
      })
    }
  })

  it('refuses a Redis that evicts, and says what to set', async () => {
    const evicting = await startRedis(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'])
    try {
      await openQueuesAt({ redisUrl: evicting?.url ?? '' })
      expect.fail('it was accepted')
    } catch (error) {
      expect(String(error)).to.match(/maxmemory-policy allkeys-lru.*Set maxmemory-policy noeviction/)
    } finally {
      await evicting?.stop()
    }
  })

  it('warns of a Redis that would evict if it had a limit', async () => {
    const lines: string[] = []
    const unlimited = await startRedis(['--maxmemory-policy', 'volatile-lru'])
    const backend = await openQueuesAt(
      { redisUrl: unlimited?.url ?? '' },
      pino({}, { write: (line: string) => lines.push(line) }),
    )
    expect(lines.join()).to.include('volatile-lru')
    await backend.close()
    await unlimited?.stop()
  })
})
