import { expect } from 'chai'
import { startMonitoring } from '../../src/monitoring.ts'
import type { TestUser } from '../support/api-client.ts'
import { useCluster } from '../support/cluster.ts'
import { samplesOf, sumOf } from '../support/metrics-reader.ts'
import { eventually, usePace } from '../support/pace.ts'
import { freePort } from '../support/processes.ts'
import { useStatementCounter } from '../support/statement-counter.ts'
import { usePartyWorld } from './party-world.ts'

const TOKEN = 'a-token-for-prometheus'
const SECRET_WORDS = 'Zwieback and marmalade'

describe('What operators see of a fleet', () => {
  usePace()
  let probePort = 0
  const env: Record<string, string> = { METRICS_TOKEN: TOKEN }
  before(async () => {
    probePort = await freePort()
    env.PROBE_PORT = String(probePort)
  })
  const at = useCluster({ webs: 1, workers: 1, env })
  const read = async (url: string, token = TOKEN) => {
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    return { status: answer.status, samples: samplesOf(await answer.text()) }
  }
  const worker = () => `http://127.0.0.1:${probePort}`
  /** Lines of the log with this message. */
  const lines = (output: string, message: string): Record<string, unknown>[] =>
    output
      .split('\n')
      .filter((line) => line.includes(`"msg":"${message}"`))
      .map((line) => JSON.parse(line))

  let user: TestUser
  let run: { runId: string; conversationId: string }
  let requestId: string | null
  it('a call is refused, and the next attempt is answered', async () => {
    user = await at.cluster.api().register()
    const agentIds = await user.agentsOn(
      { provider: 'openai-compatible', baseUrl: at.llm.baseUrl('openai-compatible') },
      ['Ada'],
    )
    at.llm.replyOnce({ status: 503, times: 1 }).reply(SECRET_WORDS)
    const answer = await user.post('/api/chat', { agentId: agentIds[0], message: `${SECRET_WORDS}?` })
    requestId = answer.headers.get('x-request-id')
    run = Object(answer.body)
    expect((await user.finished(run.runId)).status).to.equal('completed')
  })

  it('figures are for those who bring the token, on web and workers, and off without one', async () => {
    for (const url of [at.cluster.web(0).url, worker()]) {
      expect((await fetch(`${url}/metrics`)).status).to.equal(401)
      expect((await read(url, 'another-token-than-that')).status).to.equal(401)
      expect((await read(url)).status).to.equal(200)
    }
  })

  it('a worker tells what came of turns, calls and credits; any process tells of the fleet', async () => {
    const of = (await read(worker())).samples
    const own = { lane: 'own' }
    expect(sumOf(of, 'chatsparty_turns_total', { ...own, result: 'retried', code: 'provider.unavailable' })).to.equal(1)
    expect(sumOf(of, 'chatsparty_turns_total', { ...own, result: 'completed', code: 'none' })).to.equal(1)
    const errors = { provider: 'openai-compatible', host: 'other', code: 'provider.unavailable' }
    expect(sumOf(of, 'chatsparty_provider_errors_total', errors)).to.equal(1)
    expect(sumOf(of, 'chatsparty_first_token_seconds_count')).to.equal(1)
    expect(sumOf(of, 'chatsparty_credits_charged_total')).to.be.greaterThan(0)
    expect(sumOf(of, 'chatsparty_tokens_total', { kind: 'output' })).to.be.greaterThan(0)
    expect(sumOf(of, 'chatsparty_reconciler_failing_seconds')).to.equal(0)
    expect(sumOf(of, 'nodejs_eventloop_lag_p99_seconds')).to.be.a('number')
    const web = (await read(at.cluster.web(0).url)).samples
    expect(sumOf(web, 'chatsparty_live_streams', { kind: 'socket' })).to.equal(0)
    expect(sumOf(web, 'chatsparty_http_requests_total', { route: '/api/chat', status: '202' })).to.equal(1)
    for (const samples of [of, web]) {
      expect(sumOf(samples, 'chatsparty_turns_waiting')).to.equal(0)
      expect(sumOf(samples, 'chatsparty_processes', { role: 'worker', state: 'ready' })).to.equal(1)
      expect(sumOf(samples, 'chatsparty_places', { queue: 'turns', state: 'all' })).to.equal(50)
      expect(sumOf(samples, 'chatsparty_database_pool', { state: 'waiting' })).to.equal(0)
    }
    // No label holds an id, or anything that a user chose.
    const labels = [...of, ...web].flatMap((sample) => Object.values(sample.labels))
    expect(labels.filter((label) => label.includes(user.id) || /[0-9a-f]{8}-|127\.0\.0\.1/.test(label))).to.deep.equal(
      [],
    )
  })

  it('a failed attempt is a line with provider, host, status and cause, a finished turn one with ids and figures; neither has words', async () => {
    const { output } = at.cluster.worker(0)
    const ids = { ...run, requestId, userId: user.id, turn: 0 }
    const { status: _status, messageId: _messageId, ...known } = Object(ids)
    const [failed, ...more] = lines(output, 'a turn failed')
    expect(more).to.deep.equal([])
    expect(failed).to.deep.include({
      ...known,
      level: 40,
      attempt: 1,
      code: 'provider.unavailable',
      willRetry: true,
      provider: 'openai-compatible',
      model: 'test-model',
      host: new URL(at.llm.url).host,
      status: 503,
    })
    const [ended, ...others] = lines(output, 'a turn ended')
    expect(others).to.deep.equal([])
    expect(ended).to.deep.include({
      ...known,
      level: 30,
      attempt: 2,
      result: 'completed',
      provider: 'openai-compatible',
      model: 'test-model',
      role: 'worker',
      pid: at.cluster.worker(0).pid,
    })
    for (const figure of ['ms', 'inputTokens', 'outputTokens']) expect(ended?.[figure], figure).to.be.a('number')
    expect(Number(ended?.credits)).to.be.greaterThan(0)
    expect(at.cluster.report()).not.to.contain('Zwieback')
    const [request] = lines(at.cluster.web(0).output, 'request').filter((line) => line.path === '/api/chat')
    expect(request).to.deep.include({ requestId, userId: user.id, status: 202 })
  })

  it('where nobody connects, the cause says so', async () => {
    const closed = await freePort()
    const [agentId] = await user.agentsOn({ provider: 'openai-compatible', baseUrl: `http://127.0.0.1:${closed}/v1` }, [
      'Nobody',
    ])
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Hello?' })
    const line = await eventually(async () => {
      const [first] = lines(at.cluster.worker(0).output, 'a turn failed').filter((one) => one.runId === runId)
      return first
    })
    expect(line).to.deep.include({ code: 'provider.unreachable', host: `127.0.0.1:${closed}`, cause: 'econnrefused' })
  })
})

describe('The fleet, as one statement sees it', () => {
  const counter = useStatementCounter()
  let port = 0
  const world = usePartyWorld(async () => {
    port = await freePort()
    return { worker: false, env: { METRICS_PORT: String(port), REQUESTS_PER_MINUTE: '1000000' } }
  })
  let runId = ''
  // Before anything is read: what was, is told for some seconds.
  before('a turn that waits for a worker', async () => {
    await startMonitoring(world.app.container)
    const { user, agentIds } = await world.guests(['Ada'])
    runId = (await user.accept('/api/chat', { agentId: agentIds[0], message: 'Anybody?' })).runId
    const { db } = world.app.container
    await eventually(async () => {
      const sql = 'SELECT FROM turns WHERE run_id = $1 AND dispatched_at IS NOT NULL'
      return (await db.query(sql, [runId])).length > 0
    })
    await db.query(
      `UPDATE turns SET created_at = now() - interval '1 minute', due_at = now() - interval '1 minute' WHERE run_id = $1`,
      [runId],
    )
  })
  const page = async () => samplesOf(await (await fetch(`http://localhost:${port}/metrics`)).text())

  it('is asked for once, however many read within some seconds', async () => {
    const count = await counter.during(async () => {
      await Promise.all(Array.from({ length: 5 }, page))
    })
    expect(count.statements.filter((text) => text.includes('turns_waiting')).length).to.be.within(1, 2)
    expect(count.statements.length).to.be.at.most(2)
  })

  it('shows turns that wait, by lane and age, and nothing else at that port', async () => {
    const samples = await page()
    expect(sumOf(samples, 'chatsparty_turns_waiting', { lane: 'own' })).to.equal(1)
    expect(sumOf(samples, 'chatsparty_oldest_waiting_turn_seconds', { lane: 'own' })).to.be.at.least(60)
    expect(sumOf(samples, 'chatsparty_oldest_waiting_turn_seconds', { lane: 'platform' })).to.equal(0)
    expect(sumOf(samples, 'chatsparty_runs_unfinished', { status: 'queued' })).to.equal(1)
    expect((await fetch(`http://localhost:${port}/healthz`)).status).to.equal(404)
  })
})
