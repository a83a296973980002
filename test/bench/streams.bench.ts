import { startBare } from './baselines.ts'
import type { Bench } from './bench-run.ts'
import { atMost, interleave } from './harness.ts'
import type { StreamsResult } from './load-tasks.ts'
import { type CpuProbes, cpuDuring, residentOf } from './process-figures.ts'
import { modelName, seatsOf } from './seats.ts'

const PER_SECOND = 30
/** One user may have so many event streams open. */
const SEATS_A_USER = 20
const LOOK_MS = 200
const WARM_UP = 50
/** One round of three waves takes half a minute. */
const ROUNDS: Record<number, number> = { 300: 2 }
/** What is asked of each crowd; `ideal` is of the model's own time. */
const ASKED: Record<number, { ideal?: number; p50?: number; p99?: number }> = {
  300: { ideal: 1.15, p50: 30, p99: 150 },
  1000: { p99: 500 },
}
const MOST_KB = 200

/** The largest sum of resident memory of these processes while `work` ran, above what it was before, in KB. */
async function memoryDuring<T>(pids: number[], work: () => Promise<T>): Promise<{ result: T; kb: number }> {
  const look = async () => (await Promise.all(pids.map(residentOf))).reduce((sum, bytes) => sum + bytes, 0) / 1_024
  const before = await look()
  let most = before
  const timer = setInterval(() => {
    look().then(
      (now) => (most = Math.max(most, now)),
      // A process that ended is what `work` fails of.
      () => {},
    )
  }, LOOK_MS)
  try {
    return { result: await work(), kb: most - before }
  } finally {
    clearInterval(timer)
  }
}

/** What a wave of streams cost: processor time by process in ms, memory in KB. */
interface Cost {
  cpu: Record<string, number>
  kb: number
}

async function costOf<T>(pids: number[], probes: CpuProbes<string>, work: () => Promise<T>) {
  const { result, kb } = await memoryDuring(pids, () => cpuDuring(probes, work))
  return { wave: result.result, cost: { cpu: result.cpu, kb } }
}

/**
 * So many turns at 30 tokens a second that begin at once, on one web and one worker, each watched over an event stream: when the
 * last ends, how late words are, what a stream costs, and whether all of them came. The same from the provider itself shows what
 * the load generator and the provider make of it; the same through bare agents, what Mastra takes.
 */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const crowds = quick ? [10] : [100, 300, 1_000]
  const tokens = quick ? 20 : 300
  const idealS = tokens / PER_SECOND
  const model = modelName(tokens, PER_SECOND)
  const most = Math.max(...crowds)
  const env = { WORKER_CONCURRENCY: String(most), USER_CONCURRENCY: String(most) }
  const [product, bare] = await Promise.all([stage.startDistributed({ workers: 1, env }), startBare(stage)])
  try {
    const seats = await seatsOf(stage, product, model, most, SEATS_A_USER)
    const url = await stage.modelUrl()
    const pids = product.processes.map(({ pid }) => pid)
    const ours = (count: number) =>
      costOf(pids, product.cpu, () =>
        stage.load({ kind: 'streams', of: { product: 'chatsparty', seats: seats.slice(0, count) }, tokens }),
      )
    const direct = (count: number): Promise<StreamsResult> =>
      stage.load({ kind: 'streams', of: { product: 'provider', url, model, clients: count }, tokens })
    const agents = async (count: number): Promise<Cost> =>
      (await costOf([bare.pid], bare.cpu, () => bare.run({ layer: 'agent', model, clients: count, turns: 1 }))).cost

    // So that the first wave is not the one in which everything is compiled.
    if (!quick) await Promise.all([ours(WARM_UP), agents(WARM_UP)])
    for (const count of crowds) {
      const waves: StreamsResult[] = []
      const costs: Cost[] = []
      const fromProvider: StreamsResult[] = []
      const ofAgents: Cost[] = []
      await interleave(
        ['ours', 'direct', 'agents'] as const,
        quick ? 1 : (ROUNDS[count] ?? 1),
        async (subject) => {
          if (subject === 'direct') return void fromProvider.push(await direct(count))
          if (subject === 'agents') return void ofAgents.push(await agents(count))
          const { wave, cost } = await ours(count)
          waves.push(wave)
          costs.push(cost)
        },
        { warmUp: false },
      )
      const wrong = fromProvider.find(({ broken }) => broken > 0)
      if (wrong) throw new Error(`the provider itself lost something: ${wrong.reason}`)
      const reason = waves.find(({ broken }) => broken > 0)?.reason
      if (reason) say(`${count}: ${reason}`)

      const asked = ASKED[count] ?? {}
      const late = (pick: (wave: StreamsResult) => number) => ({
        unit: 'ms',
        samples: waves.map(pick),
        baseline: { name: 'provider itself', samples: fromProvider.map(pick) },
      })
      const each = (pick: (cost: Cost) => number) => ({
        samples: costs.map((cost) => pick(cost) / count),
        baseline: { name: 'bare Agent.stream', samples: ofAgents.map((cost) => pick(cost) / count) },
      })
      const sumOf = ({ cpu }: Cost) => Object.values(cpu).reduce((sum, ms) => sum + ms, 0)
      const target = (limit: number | undefined, of?: 'ratio') => (limit === undefined ? undefined : atMost(limit, of))
      report({
        name: `${count}, first POST to the last end`,
        unit: 's',
        samples: waves.map(({ ms }) => ms / 1_000),
        baseline: { name: 'ideal', samples: waves.map(() => idealS) },
        target: target(asked.ideal, 'ratio'),
      })
      report({
        name: `${count}, all POSTs answered`,
        unit: 's',
        samples: waves.map(({ acceptedMs }) => acceptedMs / 1_000),
      })
      report({ name: `${count}, words are late, p50`, ...late((wave) => wave.p50), target: target(asked.p50) })
      report({ name: `${count}, words are late, p99`, ...late((wave) => wave.p99), target: target(asked.p99) })
      report({
        name: `${count}, streams that lost anything`,
        unit: 'streams',
        samples: waves.map(({ broken }) => broken),
        target: atMost(0),
      })
      report({ name: `${count}, CPU a stream, all processes`, unit: 'ms', ...each(sumOf) })
      for (const name of Object.keys(product.cpu)) {
        report({
          name: `${count}, CPU a stream, ${name}`,
          unit: 'ms',
          samples: each(({ cpu }) => cpu[name] ?? 0).samples,
        })
      }
      report({
        name: `${count}, memory a stream`,
        unit: 'KB',
        samples: each(({ kb }) => kb).samples,
        target: atMost(MOST_KB),
      })
      say(`${count}: a bare agent's stream takes ${Math.round((ofAgents[0]?.kb ?? 0) / count)} KB`)
    }
  } finally {
    await Promise.all([product.stop(), bare.stop()])
  }
}
