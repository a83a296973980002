import { startBare, startMastraServer } from './baselines.ts'
import type { Bench } from './bench-run.ts'
import { atLeast, atMost, interleave } from './harness.ts'
import type { Seat } from './load-tasks.ts'
import { cpuDuring } from './process-figures.ts'
import { modelName, seatsOf } from './seats.ts'

const SUBJECTS = ['distributed', 'embedded', 'Mastra server', 'bare Agent.stream', 'bare doStream'] as const
const TOKENS = [50, 300]
type Subject = (typeof SUBJECTS)[number]

interface Slice {
  /** Turns per second. */
  rate: number
  /** Processor time of a turn, by process, in ms. */
  cpu: Record<string, number>
}

const total = ({ cpu }: Slice): number => Object.values(cpu).reduce((sum, ms) => sum + ms, 0)

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
        const { result, cpu } = await take(subject, model, seats)
        const perTurn = Object.entries(cpu).map(([name, used]) => [name, used / result.turns])
        return { rate: (result.turns * 1_000) / result.ms, cpu: Object.fromEntries(perTurn) }
      }
      const slices = await interleave(SUBJECTS, rounds, slice, { warmUp: !quick })

      const rateOf = (subject: Subject) => slices(subject).map(({ rate }) => rate)
      const cpuOf = (subject: Subject) => slices(subject).map(total)
      for (const subject of ['distributed', 'embedded'] as const) {
        const [share, most] = subject === 'distributed' ? [0.7, 22] : [0.5, 28]
        const name = `${subject}, ${tokens} tokens`
        for (const baseline of ['Mastra server', 'bare Agent.stream', 'bare doStream'] as const) {
          report({
            name: `${name}, turns`,
            unit: '/s',
            samples: rateOf(subject),
            baseline: { name: baseline, samples: rateOf(baseline) },
            target: tokens === 50 && baseline === 'Mastra server' ? atLeast(share, 'ratio') : undefined,
          })
        }
        report({
          name: `${name}, CPU a turn, all processes`,
          unit: 'ms',
          samples: cpuOf(subject),
          baseline: { name: 'Mastra server', samples: cpuOf('Mastra server') },
          target: tokens === 50 ? atMost(most) : undefined,
        })
        const bareAgent = { name: 'bare Agent.stream', samples: cpuOf('bare Agent.stream') }
        report({
          name: `${name}, CPU a turn, all processes`,
          unit: 'ms',
          samples: cpuOf(subject),
          baseline: bareAgent,
          target: tokens === 50 && subject === 'distributed' ? atMost(2.5, 'ratio') : undefined,
        })
        for (const process of Object.keys(products[subject].cpu)) {
          report({
            name: `${name}, CPU a turn, ${process}`,
            unit: 'ms',
            samples: slices(subject).map(({ cpu }) => cpu[process] ?? Number.NaN),
            baseline: bareAgent,
            target: tokens === 300 && process === 'worker' ? atMost(1, 'ratio') : undefined,
          })
        }
      }
    }
  } finally {
    await Promise.all([bare.stop(), mastra.stop()])
  }
}
