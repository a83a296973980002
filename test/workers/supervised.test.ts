import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Client } from 'pg'
import { ApiClient } from '../support/api-client.ts'
import { processSettings } from '../support/cluster.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { eventually, usePace } from '../support/pace.ts'
import { childrenOf, freePort, startNpm, startProcess, startProgram, type TestProcess } from '../support/processes.ts'
import { NO_REDIS, needPrograms, skip } from '../support/programs.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const READY = /(web|worker) is ready|Chatsparty listens on/

/** Every process below this one. */
async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid)
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()]
}

const commandOf = async (pid: number) => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
const isNode = async (pid: number) => (await commandOf(pid)).some((word) => /^(src|workers)\/\w+\.ts$/.test(word))

describe('A supervisor that knows only npm', () => {
  usePace()
  let redis: RedisServer | undefined
  let database: TestDatabase
  let llm: MockLlm
  let env: Record<string, string>
  const started: TestProcess[] = []

  before(async function () {
    needPrograms(this, 'redis-server')
    redis = await startRedis()
    if (!redis) return skip(this, NO_REDIS)
    llm = await startMockLlm()
    database = await createDatabase()
    env = { ...processSettings({ llm, env: {} }), DATABASE_URL: database.url, REDIS_URL: redis.url }
    const { code } = await startProcess('src/db.ts', { args: ['seed'], env }).ended
    expect(code).to.equal(0)
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.kill('SIGKILL')))
  })
  after(async () => {
    await llm?.stop()
    await redis?.stop()
    await database?.drop()
  })

  const keep = (one: TestProcess) => {
    started.push(one)
    return one
  }
  /** What npm started, once it is ready. @throws Error when there is more than node between us and it */
  const nodeOf = async (npm: TestProcess): Promise<number> => {
    await npm.waitForLine(READY)
    const children = await childrenOf(npm.pid)
    expect(await Promise.all(children.map(isNode)), 'npm has started node itself, with no shell between').to.deep.equal(
      [true],
    )
    return children[0] ?? 0
  }

  for (const script of ['start', 'web', 'worker'] as const) {
    it(`ends what "npm run ${script}" started by a SIGTERM to npm, cleanly and without an orphan`, async () => {
      const { REDIS_URL, ...embedded } = env
      const npm = keep(startNpm(['run', script], { env: script === 'start' ? embedded : env }))
      const node = await nodeOf(npm)
      const { code } = await npm.killAlone('SIGTERM')
      expect(existsSync(`/proc/${node}`), 'node has gone before npm').to.equal(false)
      expect(code).to.equal(0)
      expect(npm.output).not.to.match(/Error|trouble/)
    })
  }

  it('has a worker hand back its turn by that SIGTERM: at once, as no failed try', async () => {
    const web = keep(startProcess('src/server.ts', { env: { ...env, PORT: String(await freePort()) } }))
    const url = (await web.waitForLine(/"url":"(http[^"]+)"/))[1] ?? ''
    const worker = keep(startNpm(['run', 'worker'], { env }))
    await nodeOf(worker)
    const hold = llm.hold(1)
    llm.replyOnce({ text: 'Never said.', hold }).reply('Said by the next.')
    const user = await new ApiClient(url).register()
    const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Tea or coffee?' })
    await hold.reached
    await worker.killAlone('SIGTERM')
    const db = new Client({ connectionString: database.url })
    await db.connect()
    const { rows } = await db.query('SELECT status, failures, due_at <= now() AS due FROM turns WHERE run_id = $1', [
      runId,
    ])
    await db.end()
    hold.release()
    expect(rows).to.deep.equal([{ status: 'queued', failures: 0, due: true }])
    await nodeOf(keep(startNpm(['run', 'worker'], { env })))
    expect((await user.finished(runId)).status).to.equal('completed')
  })

  it('may be a runner of the Procfile', async function () {
    needPrograms(this, 'foreman')
    // It gives each process of the Procfile's second line a port 100 above its own.
    const ports = ['-p', String((await freePort()) - 100)]
    const foreman = keep(startProgram(['foreman', 'start', '-m', 'web=1,worker=2', ...ports], { env }))
    await eventually(() => foreman.output.match(/(web|worker) is ready/g)?.length === 3)
    const nodes = (
      await Promise.all((await descendantsOf(foreman.pid)).map(async (pid) => ((await isNode(pid)) ? pid : 0)))
    ).filter(Boolean)
    expect(nodes).to.have.length(3)
    const url = (await foreman.waitForLine(/"url":"(http[^"]+)"/))[1] ?? ''
    expect((await new ApiClient(url).get('/readyz')).status).to.equal(200)
    await foreman.killAlone('SIGTERM')
    await eventually(() => nodes.every((pid) => !existsSync(`/proc/${pid}`)))
  })
})
