import { expect } from 'chai'
import { Redis } from 'ioredis'
import { installationOf, processSettings } from '../support/cluster.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { startProcess } from '../support/processes.ts'
import { NO_REDIS, skip } from '../support/programs.ts'
import { connectionsTo, type RedisServer, startRedis } from '../support/redis.ts'

describe('A worker that takes no jobs although there are some', function () {
  this.timeout(60_000)
  let redis: RedisServer | undefined
  let database: TestDatabase
  before(async function () {
    redis = await startRedis()
    if (!redis) return skip(this, NO_REDIS)
    database = await createDatabase()
  })
  after(async () => {
    await redis?.stop()
    await database?.drop()
  })

  it('says so and ends with code 1, so that its supervisor starts it again', async () => {
    const env = { ...processSettings({}), DATABASE_URL: database.url, REDIS_URL: redis?.url, STUCK_AFTER_MS: '400' }
    const worker = startProcess('workers/main.ts', { env })
    await worker.waitForLine(/worker is ready/, 30_000)
    // Written past BullMQ, so that nothing wakes the worker, which waits for its marker for seconds.
    const client = new Redis(redis?.url ?? '')
    const { names } = connectionsTo('redis://unused', await installationOf(database.url))
    await client.lpush(`${names.queuePrefix('turns')}:turns:wait`, 'turns.run.never-announced')
    client.disconnect()
    expect(await worker.ended).to.deep.equal({ code: 1, signal: null })
    expect(worker.output)
      .to.include('this worker is stuck')
      .and.match(/"stuckForMs":\d{3}/)
  })
})
