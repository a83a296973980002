import { expect } from 'chai'
import { Client } from 'pg'
import { ApiClient } from '../support/api-client.ts'
import { useCluster } from '../support/cluster.ts'
import { eventually, usePace } from '../support/pace.ts'
import { freePort } from '../support/processes.ts'

const ROLE = 'SELECT role, state, host, pid, version FROM processes ORDER BY role'

describe('A fleet and what its operator sees of it', () => {
  usePace()
  let probePort = 0
  // A machine that stands still for the tests' usual 3 s takes a turn from its worker, which has nothing to wait for then, and is gone.
  const env: Record<string, string> = {
    HEARTBEAT_MS: '200',
    DRAIN_MS: '60000',
    TURN_LEASE_MS: '60000',
    JOB_LOCK_MS: '60000',
  }
  before(async () => {
    probePort = await freePort()
    env.PROBE_PORT = String(probePort)
  })
  const at = useCluster({ webs: 1, workers: 1, env })
  const query = async (sql: string) => {
    const db = new Client({ connectionString: at.databaseUrl })
    await db.connect()
    try {
      return (await db.query(sql)).rows
    } finally {
      await db.end()
    }
  }

  const readiness = async () => Object((await at.cluster.api().get('/readyz')).body)
  const probe = () => new ApiClient(`http://127.0.0.1:${probePort}`).get('/readyz')

  it('has a row of each process, and a worker answers probes', async () => {
    const rows = await query(ROLE)
    expect(rows.map(({ role, state, pid }) => ({ role, state, pid }))).to.deep.equal([
      { role: 'web', state: 'ready', pid: at.cluster.web(0).pid },
      { role: 'worker', state: 'ready', pid: at.cluster.worker(0).pid },
    ])
    // With these beats a worker that has not run for 0.6 s was not heard of.
    await eventually(async () => (await readiness()).status === 'ready')
    const answer = await probe()
    expect(answer.status).to.equal(200)
    expect(answer.body).to.deep.equal({
      status: 'ready',
      checks: { database: 'ok', queue: 'ok', 'live feed': 'ok', worker: 'ok' },
    })
    const line = /\{.*"worker is ready"\}/.exec(at.cluster.worker(0).output)?.[0] ?? '{}'
    expect(JSON.parse(line)).to.deep.include({
      role: 'worker',
      pid: at.cluster.worker(0).pid,
      version: rows[0].version,
    })
  })

  it('stays ready and says what is worse while Redis is away, and while no worker takes turns', async () => {
    await at.redis.stop()
    const away = await eventually(async () => {
      const { body, status } = await at.cluster.api().get('/readyz')
      return status === 200 && Object(body).status === 'degraded' && Object(body)
    })
    expect(away.checks).to.include({ database: 'ok', queue: 'failing', 'live feed': 'failing' })
    expect(away.degraded.queue).to.match(/^Messages are accepted/)
    const user = await at.cluster.api().register()
    const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
    await at.redis.restart()
    at.llm.reply('Hello.')
    expect((await user.finished(runId)).status).to.equal('completed')

    await at.cluster.worker(0).kill('SIGKILL')
    const alone = await eventually(async () => {
      const body = await readiness()
      return body.checks.workers === 'failing' && body
    })
    expect(alone).to.deep.include({ status: 'degraded' })
    expect(alone.degraded.workers).to.match(/^No worker takes turns/)
    await at.cluster.worker(0).start()
    await eventually(async () => (await readiness()).status === 'ready')
  })

  it('hears at once that a worker ends, and has no row of one that ended', async () => {
    const hold = at.llm.hold(1)
    // A title of the test before may be asked for meanwhile: it is not what is held.
    at.llm.replyOnce({ text: 'Held.', hold, when: { text: 'Wait for me.' } })
    const user = await at.cluster.api().register()
    const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Wait for me.' })
    await hold.reached
    const ended = at.cluster.worker(0).kill('SIGTERM')
    await eventually(async () => (await readiness()).checks.workers === 'failing')
    // One that stood still was not heard of either: then the signal may be behind this.
    const answer = await eventually(async () => {
      const now = await probe()
      return now.status === 503 && now
    })
    expect(answer.body).to.deep.equal({ status: 'draining', checks: {} })
    hold.release()
    expect(await ended).to.deep.equal({ code: 0, signal: null })
    expect((await user.finished(runId)).status).to.equal('completed')
    const pids = (await query('SELECT pid FROM processes')).map(({ pid }) => pid)
    expect(pids).not.to.include(at.cluster.worker(0).pid)
  })
})
