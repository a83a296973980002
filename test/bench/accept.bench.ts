import { runSql } from '../support/global-fixtures.ts'
import type { Bench } from './bench-run.ts'
import { atLeast, atMost, interleave, p50, p99 } from './harness.ts'
import type { Seat } from './load-tasks.ts'
import { cpuDuring, cpuOf, totalOf } from './process-figures.ts'
import { QUESTION } from './questions.ts'
import { modelName, seatPerson, seatsOf } from './seats.ts'

const SUBJECTS = ['product', 'bare'] as const
type Subject = (typeof SUBJECTS)[number]
const BARE = 'Express + one transaction'

interface Slice {
  /** Latencies in ms. */
  p50: number
  p99: number
  /** Accepted per second. */
  rate: number
  /** Processor time of all processes for each, in ms. */
  cpu: number
}

/**
 * `POST /api/chat` beside the least server that writes the same rows: one client after the other, and many at once. No worker runs,
 * so that what is measured is the accepting; what was accepted is taken away before each slice.
 */
export async function run({ stage, report, quick }: Bench): Promise<void> {
  await stage.clear()
  const many = quick ? 4 : 20
  const ms = quick ? 300 : 2_500
  const model = modelName(50)
  const product = await stage.startDistributed({ workers: 0, env: { USER_CONCURRENCY: '1000000' } })
  const database = await stage.createDatabase()
  try {
    const sampled = await seatPerson(stage, product, model)
    const { runId } = await sampled.user.accept(
      '/api/chat',
      { agentId: sampled.agentId, message: QUESTION },
      { 'idempotency-key': 'bench-key' },
    )
    const args = [product.databaseUrl, database.url, runId]
    const bare = await stage.child('test/bench/accept-server.child.ts', { args })
    const seats = await seatsOf(stage, product, model, many)
    const requestOf = (subject: Subject, { url, token, agentId }: Seat) => ({
      url: `${subject === 'product' ? url : bare.url}/api/chat`,
      headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'bench-{unique}' },
      body: JSON.stringify({ agentId, message: QUESTION }),
      expect: 202,
    })
    const cpu = {
      product: product.cpu,
      bare: { node: () => cpuOf(bare.process.pid), PostgreSQL: product.cpu.PostgreSQL ?? (async () => Number.NaN) },
    }
    const slice = async (subject: Subject, clients: number): Promise<Slice> => {
      await runSql(subject === 'product' ? product.databaseUrl : database.url, 'DELETE FROM conversations')
      const requests = seats.slice(0, clients).map((seat) => requestOf(subject, seat))
      const { result, cpu: used } = await cpuDuring(cpu[subject], () => stage.posts({ requests, ms }))
      return {
        p50: p50(result.latencies),
        p99: p99(result.latencies),
        rate: (result.turns * 1_000) / result.ms,
        cpu: totalOf(used) / result.turns,
      }
    }
    for (const clients of [1, many]) {
      const crowd = clients === 1 ? 'one client' : `${clients} clients`
      const measure = (subject: Subject) => slice(subject, clients)
      const slices = await interleave(SUBJECTS, quick ? 1 : 3, measure, { warmUp: !quick })
      const of = (pick: (one: Slice) => number) => ({
        samples: slices('product').map(pick),
        baseline: { name: BARE, samples: slices('bare').map(pick) },
      })
      report({ name: `${crowd}, p50`, unit: 'ms', ...of((one) => one.p50), target: atMost(2, 'ratio') })
      report({ name: `${crowd}, p99`, unit: 'ms', ...of((one) => one.p99) })
      report({
        name: `${crowd}, accepted`,
        unit: '/s',
        ...of((one) => one.rate),
        target: clients > 1 ? atLeast(200) : undefined,
      })
      report({ name: `${crowd}, CPU a POST, all processes`, unit: 'ms', ...of((one) => one.cpu) })
    }
    await bare.process.kill('SIGKILL')
  } finally {
    await product.stop()
    await database.drop()
  }
}
