import { startBare, startMastraServer } from './baselines.ts'
import type { Bench } from './bench-run.ts'
import { atLeast, atMost, type Figure, interleave } from './harness.ts'
import type { Seat } from './load-tasks.ts'
import { cpuDuring, totalOf } from './process-figures.ts'
import { modelName, seatsOf } from './seats.ts'

const SUBJECTS = ['distributed', 'embedded', 'Mastra server', 'bare Agent.stream', 'bare doStream'] as const
const TOKENS = [50, 300]
type Subject = (typeof SUBJECTS)[number]

interface Slice {
  /** Turns per second. */
  rate: number
  /** Processor time of a turn, by process, in ms. */
  cpu: Record<string, number>
  /** The same of the scripted provider and of the load generator: what the bench itself takes from the processors. */
  benchCpu: number
}

/** What one way to run did with turns of so many tokens, beside the others. */
function figuresOf(
  subject: 'distributed' | 'embedded',
  tokens: number,
  slices: (subject: Subject) => Slice[],
): Figure[] {
  const [share, most] = subject === 'distributed' ? [0.7, 22] : [0.5, 28]
  const of = (what: string, unit: string, pick: (slice: Slice) => number) => ({
    name: `${subject}, ${tokens} tokens, ${what}`,
    unit,
    samples: slices(subject).map(pick),
  })
  const against = (name: Subject, pick: (slice: Slice) => number) => ({ name, samples: slices(name).map(pick) })
  const rate = (slice: Slice) => slice.rate
  const all = (slice: Slice) => totalOf(slice.cpu)
  const bench = (slice: Slice) => slice.benchCpu
  const cpu = of('CPU a turn, all processes', 'ms', all)
  const processes = Object.keys(slices(subject)[0]?.cpu ?? {})
  const isAsked = tokens === 50
  return [
    ...(['Mastra server', 'bare Agent.stream', 'bare doStream'] as const).map((name) => ({
      ...of('turns', '/s', rate),
      baseline: against(name, rate),
      target: isAsked && name === 'Mastra server' ? atLeast(share, 'ratio') : undefined,
    })),
    { ...cpu, baseline: against('Mastra server', all), target: isAsked ? atMost(most) : undefined },
    {
      ...cpu,
      baseline: against('bare Agent.stream', all),
      target: isAsked && subject === 'distributed' ? atMost(2.5, 'ratio') : undefined,
    },
    ...processes.map((name) => ({
      ...of(`CPU a turn, ${name}`, 'ms', (slice) => slice.cpu[name] ?? Number.NaN),
      baseline: against('bare Agent.stream', all),
      target: tokens === 300 && name === 'worker' ? atMost(1, 'ratio') : undefined,
    })),
    { ...of('CPU a turn, the bench itself', 'ms', bench), baseline: against('Mastra server', bench) },
  ]
}

/**
 * Settled, watched turns a second and what each costs the processors, beside Mastra's own server, its bare agent and the bare
 * provider on the same scripted model, which sends all its tokens at once.
 */
export async function run({ stage, report, quick }: Bench): Promise<void> {
  const clients = quick ? 4 : 50
  const ms = quick ? 300 : 3_000
  const rounds = quick ? 1 : 3
  const models = TOKENS.map((tokens) => modelName(tokens))
  const [distributed, embedded, bare, mastra] = await Promise.all([
    stage.distributed(),
    stage.embedded(),
    startBare(stage),
    startMastraServer(stage, models),
  ])
  const products = { distributed, embedded }
  const take = (subject: Subject, model: string, seats: Record<'distributed' | 'embedded', Seat[]>) => {
    if (subject === 'distributed' || subject === 'embedded') {
      const of = { product: 'chatsparty' as const, seats: seats[subject] }
      return cpuDuring(products[subject].cpu, () => stage.turns({ of, ms }))
    }
    if (subject === 'Mastra server') {
      const of = { product: 'mastra' as const, url: mastra.url, agent: model, clients }
      return cpuDuring(mastra.cpu, () => stage.turns({ of, ms }))
    }
    const layer = subject === 'bare doStream' ? 'provider' : 'agent'
    return cpuDuring(bare.cpu, () => bare.run({ layer, model, clients, ms }))
  }
  try {
    for (const tokens of TOKENS) {
      const model = modelName(tokens)
      const seats = {
        distributed: await seatsOf(stage, products.distributed, model, clients),
        embedded: await seatsOf(stage, products.embedded, model, clients),
      }
      const slice = async (subject: Subject): Promise<Slice> => {
        const { result: taken, cpu: benchCpu } = await cpuDuring(stage.cpu, () => take(subject, model, seats))
        const { result, cpu } = taken
        const perTurn = Object.entries(cpu).map(([name, used]) => [name, used / result.turns])
        return {
          rate: (result.turns * 1_000) / result.ms,
          cpu: Object.fromEntries(perTurn),
          benchCpu: totalOf(benchCpu) / result.turns,
        }
      }
      const slices = await interleave(SUBJECTS, rounds, slice, { warmUp: !quick })
      for (const subject of ['distributed', 'embedded'] as const)
        for (const figure of figuresOf(subject, tokens, slices)) report(figure)
    }
  } finally {
    await Promise.all([bare.stop(), mastra.stop()])
  }
}
