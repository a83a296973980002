import type { Bench } from './bench-run.ts'
import { atLeast, interleave } from './harness.ts'
import { modelName, seatsOf } from './seats.ts'
import type { Product } from './stage.ts'

/** Turns that a worker takes at once here: so few that the provider's time is the limit, and not the processors that all share. */
const PLACES = 8
/** A turn takes the provider 3 s. */
const MODEL = modelName(30, 10)
/** More than two workers take at once, so that a place that is free is taken at once. */
const CLIENTS = 4 * PLACES
/** Of each client a round: together they fill the places of one worker and of two to the end. */
const TURNS = 3

const SUBJECTS = ['one worker', 'two workers'] as const

/** What a second worker adds where providers are what turns wait for: the same people, one worker or two, in turn. */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const env = { OWN_CONCURRENCY: String(PLACES), WORKER_CONCURRENCY: String(PLACES) }
  const product = await stage.startDistributed({ workers: 2, env })
  try {
    // One each: a user's share of the places is then what anybody's is.
    const seats = await seatsOf(stage, product, MODEL, CLIENTS, 1)
    const second = secondOf(product)
    let isThere = true
    const measure = async (subject: (typeof SUBJECTS)[number]) => {
      if (subject === 'one worker' && isThere) await second.kill('SIGTERM')
      if (subject === 'two workers' && !isThere) await second.start()
      isThere = subject === 'two workers'
      const { turns, ms } = await stage.turns({ of: { product: 'chatsparty', seats }, turns: quick ? 1 : TURNS })
      return (turns * 1_000) / ms
    }
    const rates = await interleave(SUBJECTS, quick ? 1 : 3, measure, { warmUp: !quick })
    report({
      name: 'provider-bound turns, two workers',
      unit: '/s',
      samples: rates('two workers'),
      baseline: { name: 'one worker', samples: rates('one worker') },
      target: atLeast(1.8, 'ratio'),
    })
    say(`${PLACES} places a worker, ${CLIENTS} clients, 3 s a turn`)
  } finally {
    await product.stop()
  }
}

function secondOf({ processes }: Product) {
  const second = processes.find(({ name }) => name === 'worker 1')
  if (!second) throw new Error('there is no second worker')
  return second
}
