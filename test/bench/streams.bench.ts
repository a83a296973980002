import type { Bench } from './bench-run.ts'
import { atMost, interleave } from './harness.ts'
import type { StreamsResult } from './load-tasks.ts'
import { cpuDuring, residentOf } from './process-figures.ts'
import { modelName, seatsOf } from './seats.ts'
import type { Product } from './stage.ts'

const PER_SECOND = 30
/** One user may have so many event streams open. */
const SEATS_A_USER = 20
const LOOK_MS = 200
/** What is asked of each crowd; `ideal` is of the model's own time. */
const ASKED: Record<number, { ideal?: number; p50?: number; p99?: number }> = {
  300: { ideal: 1.15, p50: 30, p99: 150 },
  1000: { p99: 500 },
}
const MOST_KB = 200

/** The largest sum of resident memory of these processes while `work` ran, above what it was before, in KB. */
async function memoryDuring<T>(product: Product, work: () => Promise<T>): Promise<{ result: T; kb: number }> {
  const look = async () => {
    const each = await Promise.all(product.processes.map(({ pid }) => residentOf(pid)))
    return each.reduce((sum, bytes) => sum + bytes, 0) / 1_024
  }
  const before = await look()
  let most = before
  const timer = setInterval(() => void look().then((now) => (most = Math.max(most, now))), LOOK_MS)
  try {
    return { result: await work(), kb: most - before }
  } finally {
    clearInterval(timer)
  }
}

interface Wave extends StreamsResult {
  cpu: Record<string, number>
  kb: number
}

/**
 * So many turns at 30 tokens a second that begin at once, on one web and one worker, each watched over an event stream: when the
 * last ends, how late words are, what a stream costs, and whether all of them came. The same from the provider itself shows what
 * the load generator and the provider make of it.
 */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const crowds = quick ? [10] : [100, 300, 1_000]
  const tokens = quick ? 30 : 300
  const idealMs = (tokens * 1_000) / PER_SECOND
  const model = modelName(tokens, PER_SECOND)
  const crowd = String(Math.max(...crowds))
  const env = { WORKER_CONCURRENCY: crowd, USER_CONCURRENCY: crowd }
  const product = await stage.startDistributed({ workers: 1, env })
  try {
    const seats = await seatsOf(stage, product, model, Number(crowd), SEATS_A_USER)
    const url = await stage.modelUrl()
    const cpu = { cpu: {}, kb: 0 }
    const wave = async (count: number): Promise<Wave> => {
      const of = { product: 'chatsparty' as const, seats: seats.slice(0, count) }
      const work = () => cpuDuring(product.cpu, () => stage.load({ kind: 'streams', of, tokens }))
      const { result, kb } = await memoryDuring(product, work)
      return { ...result.result, cpu: result.cpu, kb }
    }
    const direct = async (count: number): Promise<Wave> => {
      const of = { product: 'provider' as const, url, model, clients: count }
      return { ...(await stage.load({ kind: 'streams', of, tokens })), ...cpu }
    }
    // Warm, so that the first wave is not the one in which everything is compiled.
    if (!quick) await wave(20)
    for (const count of crowds) {
      const subjects = ['product', 'provider'] as const
      const rounds = quick || count === 1_000 ? 1 : 2
      const measure = (subject: (typeof subjects)[number]) => (subject === 'product' ? wave(count) : direct(count))
      const waves = await interleave(subjects, rounds, measure, { warmUp: false })
      const of = (pick: (wave: Wave) => number) => ({
        samples: waves.product.map(pick),
        baseline: { name: 'the provider itself', samples: waves.provider.map(pick) },
      })
      const asked = ASKED[count] ?? {}
      report({
        name: `${count}, first POST to the last end`,
        unit: 's',
        samples: waves.product.map(({ ms }) => ms / 1_000),
        baseline: { name: 'ideal', samples: waves.product.map(() => idealMs / 1_000) },
        target: asked.ideal ? atMost(asked.ideal, 'ratio') : undefined,
      })
      report({
        name: `${count}, all POSTs answered`,
        unit: 's',
        samples: waves.product.map(({ acceptedMs }) => acceptedMs / 1_000),
      })
      report({
        name: `${count}, words are late, p50`,
        unit: 'ms',
        ...of((one) => one.p50),
        target: asked.p50 ? atMost(asked.p50) : undefined,
      })
      report({
        name: `${count}, words are late, p99`,
        unit: 'ms',
        ...of((one) => one.p99),
        target: asked.p99 ? atMost(asked.p99) : undefined,
      })
      report({
        name: `${count}, streams that lost anything`,
        unit: '',
        samples: waves.product.map(({ broken }) => broken),
        target: atMost(0),
      })
      for (const name of Object.keys(product.cpu)) {
        report({
          name: `${count}, CPU a stream, ${name}`,
          unit: 'ms',
          samples: waves.product.map((one) => (one.cpu[name] ?? Number.NaN) / count),
        })
      }
      report({
        name: `${count}, memory a stream`,
        unit: 'KB',
        samples: waves.product.map(({ kb }) => kb / count),
        target: atMost(MOST_KB),
      })
      const reason = waves.product.find(({ broken }) => broken > 0)?.reason
      if (reason) say(`${count}: ${reason}`)
      const wrong = waves.provider.find(({ broken }) => broken > 0)
      if (wrong) throw new Error(`the provider itself lost something: ${wrong.reason}`)
    }
  } finally {
    await product.stop()
  }
}
