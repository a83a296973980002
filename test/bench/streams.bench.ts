import { memoryOf } from '../support/memory.ts'
import { startBare } from './baselines.ts'
import type { Bench } from './bench-run.ts'
import { atMost, type Figure, interleave } from './harness.ts'
import type { StreamsResult } from './load-tasks.ts'
import { type CpuProbes, cpuDuring, totalOf } from './process-figures.ts'
import { modelName, seatsOf } from './seats.ts'

const PER_SECOND = 30
/** One user may have twenty event streams open; those of the last wave may still be closing. */
const SEATS_A_USER = 16
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

/** What a wave of streams cost. */
interface Cost {
  /** Processor time by process, in ms. */
  cpu: Record<string, number>
  /** The largest sum of resident memory of the processes while it ran, in KB. */
  peakKb: number
}

async function costOf<T>(pids: number[], probes: CpuProbes, work: () => Promise<T>) {
  const look = async () => (await Promise.all(pids.map(memoryOf))).reduce((sum, { now }) => sum + now, 0) / 1_024
  let peakKb = await look()
  const timer = setInterval(() => {
    look().then(
      (now) => (peakKb = Math.max(peakKb, now)),
      // A process that ended is what `work` fails of.
      () => {},
    )
  }, LOOK_MS)
  try {
    const { result, cpu } = await cpuDuring(probes, work)
    return { wave: result, cost: { cpu, peakKb } }
  } finally {
    clearInterval(timer)
  }
}

/** Of one crowd, one of each a round. */
interface Waves {
  ours: StreamsResult[]
  costs: Cost[]
  direct: StreamsResult[]
  agents: Cost[]
}

interface Peak {
  count: number
  ours: number
  agents: number
}

const peakOf = (costs: Cost[]): number => Math.max(...costs.map(({ peakKb }) => peakKb))

function figuresOf(count: number, idealS: number, { ours, costs, direct, agents }: Waves): Figure[] {
  const asked = ASKED[count] ?? {}
  const late = (name: 'p50' | 'p99'): Figure => ({
    name: `${count}, words are late, ${name}`,
    unit: 'ms',
    samples: ours.map((wave) => wave[name]),
    baseline: { name: 'provider itself', samples: direct.map((wave) => wave[name]) },
    target: asked[name] === undefined ? undefined : atMost(asked[name]),
  })
  const processes = Object.keys(costs[0]?.cpu ?? {})
  return [
    {
      name: `${count}, first POST to the last end`,
      unit: 's',
      samples: ours.map(({ ms }) => ms / 1_000),
      baseline: { name: 'ideal', samples: ours.map(() => idealS) },
      target: asked.ideal === undefined ? undefined : atMost(asked.ideal, 'ratio'),
    },
    { name: `${count}, all POSTs answered`, unit: 's', samples: ours.map(({ acceptedMs }) => acceptedMs / 1_000) },
    late('p50'),
    late('p99'),
    {
      name: `${count}, streams that lost anything`,
      unit: 'streams',
      samples: ours.map(({ broken }) => broken),
      target: atMost(0),
    },
    {
      name: `${count}, CPU a stream, all processes`,
      unit: 'ms',
      samples: costs.map(({ cpu }) => totalOf(cpu) / count),
      baseline: { name: 'bare Agent.stream', samples: agents.map(({ cpu }) => totalOf(cpu) / count) },
    },
    ...processes.map((name) => ({
      name: `${count}, CPU a stream, ${name}`,
      unit: 'ms',
      samples: costs.map(({ cpu }) => (cpu[name] ?? 0) / count),
    })),
  ]
}

/**
 * So many turns at 30 tokens a second that begin at once, on one web and one worker, each watched over an event stream: when the
 * last ends, how late words are, what a stream costs, and whether all of them came. The same from the provider itself shows what
 * the load generator and the provider make of it; the same through bare agents, what Mastra takes.
 */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const crowds = quick ? [5, 15] : [100, 300, 1_000]
  const tokens = quick ? 20 : 300
  const model = modelName(tokens, PER_SECOND)
  const most = Math.max(...crowds)
  // A user gets at most half of the room that there is.
  const env = { OWN_CONCURRENCY: String(4 * most), USER_CONCURRENCY: String(most) }
  const [product, bare] = await Promise.all([stage.startDistributed({ workers: 1, env }), startBare(stage)])
  try {
    const seats = await seatsOf(stage, product, model, most, SEATS_A_USER)
    const url = await stage.modelUrl()
    const pids = product.processes.map(({ pid }) => pid)
    const ours = (count: number) =>
      costOf(pids, product.cpu, () =>
        stage.streams({ of: { product: 'chatsparty', seats: seats.slice(0, count) }, tokens }),
      )
    const direct = (count: number): Promise<StreamsResult> =>
      stage.streams({ of: { product: 'provider', url, model, clients: count }, tokens })
    const agents = async (count: number): Promise<Cost> =>
      (await costOf([bare.pid], bare.cpu, () => bare.run({ layer: 'agent', model, clients: count, turns: 1 }))).cost

    // So that the first wave is not the one in which everything is compiled.
    if (!quick) await Promise.all([ours(WARM_UP), agents(WARM_UP)])
    const peaks: Peak[] = []
    for (const count of crowds) {
      const waves: Waves = { ours: [], costs: [], direct: [], agents: [] }
      const rounds = quick ? 1 : (ROUNDS[count] ?? 1)
      await interleave(
        ['ours', 'direct', 'agents'] as const,
        rounds,
        async (subject) => {
          if (subject === 'direct') return void waves.direct.push(await direct(count))
          if (subject === 'agents') return void waves.agents.push(await agents(count))
          const { wave, cost } = await ours(count)
          waves.ours.push(wave)
          waves.costs.push(cost)
        },
        { warmUp: false },
      )
      const wrong = waves.direct.find(({ broken }) => broken > 0)
      if (wrong) throw new Error(`the provider itself lost something: ${wrong.reason}`)
      const reason = waves.ours.find(({ broken }) => broken > 0)?.reason
      if (reason) say(`${count}: ${reason}`)
      for (const figure of figuresOf(count, tokens / PER_SECOND, waves)) report(figure)
      peaks.push({ count, ours: peakOf(waves.costs), agents: peakOf(waves.agents) })
    }
    // Each crowd is larger than all before it. What is the same in all of them, such as compiled code, is no stream's.
    const [smallest, largest] = [peaks[0], peaks.at(-1)]
    if (!smallest || !largest) return
    const more = largest.count - smallest.count
    report({
      name: `memory a stream, of ${more} more`,
      unit: 'KB',
      samples: [(largest.ours - smallest.ours) / more],
      target: atMost(MOST_KB),
    })
    say(`a bare agent's stream takes ${Math.round((largest.agents - smallest.agents) / more)} KB`)
  } finally {
    await Promise.all([product.stop(), bare.stop()])
  }
}
