import { expect } from 'chai'
import { Redis } from 'ioredis'
import { ChatspartyClient } from '../../src/client/client.ts'
import { testSettings } from '../support/app.ts'
import { type Cluster, installationOf, startCluster } from '../support/cluster.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { needPrograms } from '../support/programs.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { aclUser, cluster, databaseNumber, type RedisKind, sentinels, tls } from '../support/redis-kinds.ts'
import { Screen } from '../support/screen.ts'

const LONG = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '.repeat(6)

const KINDS: Record<string, { programs: string[]; start: () => Promise<RedisKind> }> = {
  'a database number': { programs: ['redis-server'], start: databaseNumber },
  'an ACL user of one prefix': { programs: ['redis-server'], start: aclUser },
  'TLS, a CA of its own and certificates of clients': { programs: ['redis-server', 'openssl'], start: tls },
  'Sentinel, which fails over': { programs: ['redis-server', 'redis-sentinel'], start: sentinels },
  'a Cluster of three primaries': { programs: ['redis-server'], start: cluster },
}

for (const [name, { programs, start }] of Object.entries(KINDS)) {
  describe(`Two webs and two workers on Redis with ${name}`, () => {
    usePace()
    let redis: RedisKind
    let llm: MockLlm
    let database: TestDatabase
    let processes: Cluster

    before('start all of it', async function () {
      this.timeout(120_000)
      needPrograms(this, ...programs)
      redis = await start()
      llm = await startMockLlm()
      database = await createDatabase()
      const { REDIS_URL: url, ...env } = redis.env
      processes = await startCluster({ webs: 2, workers: 2, redis: { url }, databaseUrl: database.url, llm, env })
    })
    afterEach(function () {
      if (this.currentTest?.state === 'failed') console.log(processes?.report())
    })
    after('stop all of it', async function () {
      this.timeout(30_000)
      await processes?.stop()
      await redis?.stop()
      await llm?.stop()
      await database?.drop()
    })

    /** A party that is watched on the other node, where `trouble` comes in the middle of its first turn. */
    const party = async (trouble: () => Promise<void>) => {
      llm.reset()
      llm.reply({ text: LONG, paceMs: 20, chunkSize: 16 })
      const user = await processes.api(0).register()
      const agentIds = await Promise.all(
        ['Ada', 'Blaise'].map((one) => user.create('/api/agents', { name: one, instructions: 'Speak.' })),
      )
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Tea or coffee?',
        maxTurns: 3,
      })
      const device = new ChatspartyClient({ url: processes.web(1).url, token: user.token })
      const screen = new Screen()
      try {
        const following = screen.follow(device.follow(conversationId, { untilRun: runId }))
        await screen.changed(120_000)
        expect(screen.completed, 'words come before the turn is over').to.deep.equal([])
        await trouble()
        await following
      } finally {
        device.close()
      }
      const run = await user.run(runId)
      expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
      expect(run.receipt).to.deep.include({ turns: 3 })
      const texts = (await user.messages(conversationId)).filter(({ role }) => role === 'agent')
      expect(screen.completed.map(({ text }) => text)).to.deep.equal(texts.map(({ content }) => content))
      expect(texts.map(({ content }) => content)).to.deep.equal([LONG, LONG, LONG])
      return run
    }

    it('run a party to its receipt, seen word by word on the other node, while the workers are killed', async () => {
      const { turns } = await party(async () => {
        await Promise.all(processes.workers.map((worker) => worker.restart('SIGKILL')))
      })
      expect(turns[0]?.attempt).to.equal(2)
    })

    if (name.includes('fails over')) {
      it('run it to its receipt while the primary is killed and another takes over', async () => {
        await party(async () => await redis.failOver?.())
      })
    }
  })
}

describe('A Redis that is told wrong', () => {
  usePace()
  let database: TestDatabase
  before(async function () {
    needPrograms(this, 'redis-server')
    database = await createDatabase()
  })
  after(() => database?.drop())

  /** What a worker says that refuses to start. */
  const refusal = async (env: Record<string, string>): Promise<string> => {
    const worker = startProcess('workers/main.ts', { env: { ...testSettings, DATABASE_URL: database.url, ...env } })
    const { code } = await worker.ended
    expect(code, worker.output).to.equal(1)
    return worker.output
  }

  it('is refused in a sentence: a cluster taken for one server, one server for a cluster, a sentinel for a server', async () => {
    const [clustered, alone, watchers] = await Promise.all([cluster(), startRedis(), sentinels()])
    try {
      const [first = ''] = clustered.env.REDIS_URL.split(',')
      const [asOne, asCluster, asServer] = await Promise.all([
        refusal({ REDIS_URL: first }),
        refusal({ REDIS_URL: alone?.url ?? '', REDIS_CLUSTER: 'true' }),
        refusal({ REDIS_URL: watchers.env.REDIS_URL.split(',')[0] ?? '' }),
      ])
      expect(asOne).to.equal('REDIS_URL: this Redis is a node of a cluster: set REDIS_CLUSTER=true.')
      expect(asCluster).to.equal(
        'REDIS_CLUSTER=true, but the server of REDIS_URL is no cluster: leave REDIS_CLUSTER unset.',
      )
      expect(asServer).to.match(/^REDIS_URL: this is a sentinel, .* set REDIS_SENTINEL_NAME to the name [^\n]*$/)
    } finally {
      await Promise.all([clustered.stop(), alone?.stop(), watchers.stop()])
    }
  })

  it('is refused in a sentence when its certificate is of an unknown CA', async function () {
    needPrograms(this, 'openssl')
    const secure = await tls()
    try {
      const { REDIS_CA, ...env } = secure.env
      expect(await refusal(env)).to.match(/^REDIS_URL: Redis cannot be reached: .*certificate[^\n]*$/)
      expect(await refusal({ ...secure.env, REDIS_CA: '/nowhere/ca.pem' })).to.match(
        /^REDIS_CA names a file that cannot be read: [^\n]*$/,
      )
    } finally {
      await secure.stop()
    }
  })
})

describe('Two installations on one Redis', () => {
  usePace()
  let redis: RedisServer | undefined
  const databases: TestDatabase[] = []
  const running: { stop(): Promise<unknown> }[] = []
  before(async function () {
    needPrograms(this, 'redis-server')
    redis = await startRedis()
    databases.push(await createDatabase(), await createDatabase())
  })
  after(async () => {
    for (const one of running.reverse()) await one.stop()
    await redis?.stop()
    for (const database of databases) await database.drop()
  })

  const start = async (index: number, env: Record<string, string>) => {
    const llm = await startMockLlm()
    running.push(llm)
    llm.reply(`Said by ${index}.`)
    const databaseUrl = databases[index]?.url ?? ''
    const processes = await startCluster({
      webs: 1,
      workers: 1,
      redis: { url: redis?.url ?? '' },
      databaseUrl,
      llm,
      env,
    })
    running.push(processes)
    return { processes, llm }
  }

  it('are refused under one prefix, in a sentence; under their own they take nothing from each other', async () => {
    const first = await start(0, {})
    const env = { ...testSettings, DATABASE_URL: databases[1]?.url, REDIS_URL: redis?.url }
    const refused = startProcess('src/server.ts', { env })
    expect((await refused.ended).code).to.equal(1)
    expect(refused.output).to.match(
      /^REDIS_URL: another installation uses "chatsparty" .* REDIS_PREFIX of its own\.[^\n]*$/,
    )

    const second = await start(1, { REDIS_PREFIX: 'second' })
    for (const { processes, llm } of [first, second]) {
      const user = await processes.api().register()
      const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
      const parties = Array.from({ length: 8 }, () => user.accept('/api/chat', { agentId, message: 'Tea or coffee?' }))
      const before = llm.requests.length
      for (const { runId } of await Promise.all(parties)) {
        const { status, turns } = await user.finished(runId)
        expect([status, turns.map(({ attempt }) => attempt)]).to.deep.equal(['completed', [1]])
      }
      expect(llm.requests.length - before).to.equal(8)
    }
    const client = new Redis(redis?.url ?? '')
    const keys = await client.keys('*')
    client.disconnect()
    const ids = await Promise.all(databases.map(async ({ url }) => (await installationOf(url)).slice(-12)))
    expect(ids[0]).not.to.equal(ids[1])
    const isNamed = (key: string) => /^(chatsparty|second):installation$/.test(key)
    expect(keys.filter((key) => !isNamed(key) && !ids.some((id) => key.includes(id)))).to.deep.equal([])
    expect(keys.filter((key) => key.includes(':limit:'))).not.to.deep.equal([])
  })
})
