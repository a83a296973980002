import { startMastraServer } from './baselines.ts'
import type { Bench } from './bench-run.ts'
import { atMost, interleave, p50 } from './harness.ts'
import { modelName, seatsOf } from './seats.ts'

const MODEL = modelName(50)
const SUBJECTS = ['distributed', 'embedded', 'Mastra server'] as const

/** One idle client on a machine that does nothing else: from the POST to the sight of `run.completed`, with a model without delay. */
export async function run({ stage, report, quick }: Bench): Promise<void> {
  const [distributed, embedded, mastra] = await Promise.all([
    stage.distributed(),
    stage.embedded(),
    startMastraServer(stage, [MODEL]),
  ])
  try {
    const seats = {
      distributed: await seatsOf(stage, distributed, MODEL, 1),
      embedded: await seatsOf(stage, embedded, MODEL, 1),
    }
    const results = await interleave(
      SUBJECTS,
      quick ? 1 : 5,
      async (subject) => {
        const of =
          subject === 'Mastra server'
            ? { product: 'mastra' as const, url: mastra.url, agent: MODEL, clients: 1 }
            : { product: 'chatsparty' as const, seats: seats[subject] }
        const { latencies } = await stage.turns({ of, turns: quick ? 5 : 20, pauseMs: quick ? 5 : 20 })
        return p50(latencies)
      },
      { warmUp: !quick },
    )
    for (const subject of ['distributed', 'embedded'] as const) {
      report({
        name: `${subject}, POST to run.completed, p50`,
        unit: 'ms',
        samples: results(subject),
        baseline: { name: 'Mastra server', samples: results('Mastra server') },
        target: atMost(20),
      })
    }
  } finally {
    await mastra.stop()
  }
}
