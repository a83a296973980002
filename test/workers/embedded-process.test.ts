import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { ApiClient } from '../support/api-client.ts'
import { testSettings } from '../support/app.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { runSql, testServer, withDatabase } from '../support/global-fixtures.ts'
import { type ProcessOptions, startNpm, startProcess, type TestProcess } from '../support/processes.ts'

const START_MS = 60_000
const DEMO_AGENTS = ['a1', 'a2', 'a3'].map((end) => `01990000-0000-7000-8000-0000000000${end}`)
/** As somebody has it who sets nothing, but for the port. */
const bare = { PORT: '0', NODE_ENV: 'development' }

describe('npm start, on nothing', function () {
  this.timeout(120_000)
  let home: string
  let dataDir: string
  let password: string
  const busy: Server[] = []

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'embedded-process-'))
    dataDir = join(home, '.data')
  })
  after(async () => {
    for (const server of busy) server.close()
    // A server that a failed test has left is of no use to anybody.
    const pid = await postmaster()
    if (pid !== undefined) process.kill(pid, 'SIGQUIT')
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })

  const start = (env: ProcessOptions['env'] = {}) =>
    startProcess('workers/embedded.ts', { cwd: home, env: { ...bare, ...env } })
  const urlOf = async (server: TestProcess) => (await server.waitForLine(/listens on (http:\S+)/, START_MS))[1] ?? ''
  const readyLine = (server: TestProcess) => server.waitForLine(/^Try: /, START_MS)
  /** The pid of the PostgreSQL server that runs; undefined when there is none. */
  const postmaster = async (folder = dataDir): Promise<number | undefined> => {
    const text = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')
    const pid = Number(text.split('\n')[0])
    return pid && existsSync(`/proc/${pid}`) ? pid : undefined
  }
  const untilNoPostgres = async (folder = dataDir) => {
    for (const end = Date.now() + 15_000; (await postmaster(folder)) !== undefined; await sleep(20)) {
      if (Date.now() > end) throw new Error('PostgreSQL still runs')
    }
  }
  const signIn = (url: string) => new ApiClient(url).login('admin@chatsparty.local', password)

  it('says in three lines where it is, who the administrator is and what to try, and ends without a trace', async () => {
    const server = start()
    const url = await urlOf(server)
    await readyLine(server)
    const lines = server.output.split('\n')
    expect(lines).to.have.length(3)
    // On another port than the usual, the command that it tells finds it nevertheless.
    expect(lines[2]).to.equal(`Try: npm run demo -- --url ${url} "Should a startup use microservices?"`)
    password =
      /^Administrator: admin@chatsparty.local {2}password \(shown only now\): (\S+)$/m.exec(server.output)?.[1] ?? ''
    expect(password).to.have.length.at.least(16)
    const admin = await signIn(url)
    expect((await admin.get('/api/users')).status).to.equal(200)
    const ready = await new ApiClient(url).get('/readyz')
    expect(Object(ready.body).checks).to.deep.equal({
      database: 'ok',
      queue: 'ok',
      'live feed': 'ok',
      places: 'ok',
      proxy: 'ok',
      worker: 'ok',
    })
    expect(await server.kill('SIGTERM')).to.deep.equal({ code: 0, signal: null })
    expect(await postmaster()).to.equal(undefined)
    expect(server.output.split('\n')).to.deep.equal(lines)
  })

  it('keeps its data, lets no other on it and shows no password again', async () => {
    const server = start()
    const url = await urlOf(server)
    await readyLine(server)
    expect(server.output).not.to.match(/password/i)
    await signIn(url)
    const second = start()
    expect(await second.ended).to.deep.equal({ code: 1, signal: null })
    expect(second.output).to.match(/^Another Chatsparty is running on this data folder: [^\n]*$/)
    expect((await new ApiClient(url).get('/healthz')).status).to.equal(200)
    await server.kill('SIGKILL')
    expect(await postmaster(), 'it outlives a kill -9').to.be.a('number')
  })

  it('starts again after a kill -9, on the server that was left or after its crash', async () => {
    const server = start()
    await signIn(await urlOf(server))
    const pid = await postmaster()
    await server.kill('SIGKILL')
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    const next = start()
    await signIn(await urlOf(next))
    expect(await next.kill('SIGINT')).to.deep.equal({ code: 0, signal: null })
    expect(await postmaster()).to.equal(undefined)
  })

  it('says in one line that its port is taken, before it has made anything', async () => {
    const squatter = createServer().listen(0, 'localhost')
    busy.push(squatter)
    await once(squatter, 'listening')
    const address = squatter.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const folder = join(home, 'taken')
    const server = start({ PORT: String(port), DATA_DIR: folder })
    expect(await server.ended).to.deep.equal({ code: 1, signal: null })
    expect(server.output).to.match(/^Port \d+ is taken: [^\n]*$/)
    expect(await postmaster()).to.equal(undefined)
    expect(existsSync(folder)).to.equal(false)
  })

  it('drains at Ctrl-C in a terminal, which reaches the server twice: by itself and from npm; it says what it waits for', async () => {
    const env = { ...bare, DATA_DIR: dataDir, DEMO_WORDS_PER_MINUTE: '100', DRAIN_MS: '1500' }
    // Shells that put the command in their place (bash does, Debian's dash does not) let npm's copy through to the server.
    const server = startNpm(['start', '--silent', '--script-shell=bash'], { env })
    const url = await urlOf(server)
    await readyLine(server)
    const user = await new ApiClient(url).register()
    const { runId } = await user.accept('/api/chat', { agentId: DEMO_AGENTS[0], message: 'Count.' })
    while ((await user.run(runId)).turns[0]?.status !== 'running') await sleep(50)
    const toldAt = performance.now()
    const ended = server.kill('SIGINT')
    // When npm passes it on the very moment of the first, the two may be one.
    await sleep(100)
    await server.kill('SIGINT')
    await ended
    expect(performance.now() - toldAt).to.be.at.least(1_400)
    expect(await postmaster()).to.equal(undefined)
    expect(server.output).not.to.match(/trouble|Error/)
    expect(server.output).to.match(
      /^Waiting for: turns and files under way, for up to 1\.5 s\. Ctrl-C again ends at once\.$/m,
    )
  })

  it('ends as cleanly when its terminal is closed', async () => {
    const server = start()
    await readyLine(server)
    expect(await server.kill('SIGHUP')).to.deep.equal({ code: 0, signal: null })
    expect(await postmaster()).to.equal(undefined)
  })

  it('leaves nothing behind when it is told to end while it starts, however early', async () => {
    for (const reached of ['initdb', 'postgres', 'listening'] as const) {
      const folder = join(home, `early-${reached}`)
      const server = start({ DATA_DIR: folder })
      const isReached = async () => {
        const names = await readdir(folder).catch(() => [])
        if (reached === 'initdb') return names.some((name) => name.startsWith('postgres.init-'))
        if (reached === 'postgres') return existsSync(join(folder, 'postgres', 'postmaster.pid'))
        return /Administrator/.test(server.output)
      }
      while (!(await isReached())) await sleep(5)
      const { code } = await server.kill(reached === 'initdb' ? 'SIGINT' : 'SIGTERM')
      // Before it was ready it was cut short; the last one may have become ready meanwhile.
      const wanted = { initdb: [130], postgres: [143], listening: [143, 0] }[reached]
      expect(code, `${reached}: ${server.output}`).to.be.oneOf(wanted)
      expect(server.output, reached).not.to.match(/Error|could not|at file:/)
      await untilNoPostgres(folder)
    }
  })

  it('hands the words of a party back when it is stopped; the next start ends the party, each turn once', async () => {
    const slow = { DEMO_WORDS_PER_MINUTE: '400', DRAIN_MS: '300', TURN_LEASE_MS: '3000' }
    const server = start(slow)
    const url = await urlOf(server)
    await readyLine(server)
    const user = await new ApiClient(url).register()
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
      agentIds: DEMO_AGENTS,
      message: 'Tea or coffee?',
      maxTurns: 3,
    })
    while ((await user.run(runId)).turns.every(({ status }) => status !== 'running')) await sleep(50)
    await sleep(500)
    expect(await server.kill('SIGTERM')).to.deep.equal({ code: 0, signal: null })
    expect(await postmaster()).to.equal(undefined)

    const next = start({ DEMO_WORDS_PER_MINUTE: '60000' })
    const again = await new ApiClient(await urlOf(next)).login(user.email, 'correct horse battery')
    const run = await again.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
    expect(run.turns.map(({ status }) => status)).to.deep.equal(['completed', 'completed', 'completed'])
    expect(await again.messages(conversationId)).to.have.length(4)
    const { password: secret, port } = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8'))
    const address = `postgres://chatsparty:${secret}@127.0.0.1:${port}/chatsparty`
    const db = await createDataSource({ url: address, entities: allEntities, poolSize: 2 }).initialize()
    expect((await verifyLedger(db)).differences).to.deep.equal([])
    await db.destroy()
    await next.kill()
  })

  it('ends at once at a second Ctrl-C, and PostgreSQL ends by itself', async () => {
    const server = start({ DEMO_WORDS_PER_MINUTE: '100', DRAIN_MS: '60000' })
    const user = await new ApiClient(await urlOf(server)).register()
    const { runId } = await user.accept('/api/chat', { agentId: DEMO_AGENTS[0], message: 'Tea or coffee?' })
    while ((await user.run(runId)).turns[0]?.status !== 'running') await sleep(50)
    const ended = server.kill('SIGINT')
    const waits = /^Waiting for: turns and files under way, for up to 60 s\./m
    await server.waitForLine(waits)
    // What comes within a second of the first may be npm's copy of it.
    await sleep(1_200)
    await server.kill('SIGINT')
    // Whoever closes cleanly, such as after those 60 s, ends with 0.
    expect(await ended).to.deep.equal({ code: 1, signal: null })
    expect(server.output.split('\n').at(-1)).to.match(waits)
    await untilNoPostgres()
  })
})

describe('Two of npm start on one database', function () {
  this.timeout(60_000)
  let database: TestDatabase
  before(async () => {
    database = await createDatabase()
  })
  after(() => database.drop())

  it('are warned, and the second takes no turn away from the first, whose predecessor it is not', async () => {
    const env = { ...testSettings, LOG_LEVEL: 'info', DATABASE_URL: database.url, TURN_LEASE_MS: '30000' }
    const first = startProcess('workers/embedded.ts', { env: { ...env, DEMO_WORDS_PER_MINUTE: '100' } })
    const url = (await first.waitForLine(/listens on (http:\S+)/, START_MS))[1] ?? ''
    const user = await new ApiClient(url).register()
    const { runId } = await user.accept('/api/chat', { agentId: DEMO_AGENTS[0], message: 'Tea or coffee?' })
    while ((await user.run(runId)).turns[0]?.status !== 'running') await sleep(50)
    const second = startProcess('workers/embedded.ts', { env })
    await second.waitForLine(/^Another Chatsparty runs on this database/, START_MS)
    await second.waitForLine(/^Try: /, START_MS)
    // Its reconciler looks every 200 ms.
    await sleep(1_000)
    expect((await user.run(runId)).turns[0]).to.deep.include({ status: 'running', attempt: 1 })
    await Promise.all([first.kill('SIGKILL'), second.kill('SIGKILL')])
  })
})

describe('A process that cannot run', function () {
  this.timeout(60_000)
  const distributed = { ...testSettings, REDIS_URL: 'redis://127.0.0.1:1' }
  const ends = async (entry: string, env: Record<string, string>) => {
    const started = startProcess(entry, { env })
    const { code } = await started.ended
    expect(code, started.output).to.equal(1)
    return started.output
  }
  // Redis is waited for ten seconds, for which the others need not wait.
  let database: TestDatabase
  let withoutRedis: Promise<string>
  before(async () => {
    database = await createDatabase()
    withoutRedis = ends('workers/main.ts', { ...distributed, DATABASE_URL: database.url })
    withoutRedis.catch(() => {})
  })
  after(() => database.drop())

  it('refuses the address of an SQLite file', async () => {
    const output = await ends('workers/embedded.ts', { DATABASE_URL: 'file:./dev.db' })
    expect(output).to.match(/DATABASE_URL is SQLite, which is not supported/)
  })

  it('says what a web process or a worker of its own needs', async () => {
    for (const entry of ['src/server.ts', 'workers/main.ts']) {
      const output = await ends(entry, { DATABASE_URL: 'postgres://127.0.0.1:1/none' })
      expect(output, entry).to.match(/^A .* needs REDIS_URL .*"npm start"[^\n]*$/)
    }
  })

  it('does not serve a database that was not migrated', async () => {
    const { adminUrl } = await testServer()
    await runSql(adminUrl, 'CREATE DATABASE test_unmigrated TEMPLATE template0')
    try {
      for (const entry of ['src/server.ts', 'workers/main.ts']) {
        const env = { ...distributed, DATABASE_URL: withDatabase(adminUrl, 'test_unmigrated') }
        expect(await ends(entry, env), entry).to.match(
          /^The database lacks \d+ migration\(s\): run "npm run db:migrate"[^\n]*$/,
        )
      }
    } finally {
      await runSql(adminUrl, 'DROP DATABASE test_unmigrated WITH (FORCE)')
    }
  })

  it('says in one line which server does not answer', async () => {
    const noDatabase = { DATABASE_URL: 'postgres://somebody:secret@localhost:1/none' }
    const [database1, database2, redis] = await Promise.all([
      ends('workers/embedded.ts', { ...testSettings, ...noDatabase }),
      ends('src/server.ts', { ...distributed, ...noDatabase }),
      withoutRedis,
    ])
    for (const output of [database1, database2]) {
      expect(output).to.match(/^The database cannot be reached: [^\n]*ECONNREFUSED[^\n]*Check DATABASE_URL\.$/)
      expect(output).not.to.include('secret')
    }
    expect(redis).to.match(/^REDIS_URL: Redis cannot be reached: [^\n]*ECONNREFUSED[^\n]*$/)
  })
})
