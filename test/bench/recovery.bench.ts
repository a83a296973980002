import type { Bench } from './bench-run.ts'
import { atMost, p50 } from './harness.ts'
import { beginSpeaking, modelName, type Person, seatPerson } from './seats.ts'
import type { Product, Stage } from './stage.ts'

/** Longer than it takes to recover. */
const MODEL = modelName(900, 30)
const STREAMS = 8
const ROUNDS = 3
const MOST_KILLS = 6
const WAIT_MS = 60_000
/** The kernel closes the connections of a killed process within this. */
const CLOSED_WITHIN_MS = 1_000

interface Killed {
  /** Of each turn that the killed worker had, from the kill to its next word, in ms. */
  silences: number[]
  /** Of each turn, from its POST to its first word, in ms. */
  firstWords: number[]
}

/** Kills one of two workers while both speak. */
async function killOne(stage: Stage, product: Product, person: Person, index: number): Promise<Killed> {
  const speaking = await Promise.all(Array.from({ length: STREAMS }, () => beginSpeaking(product, person)))
  const victim = product.processes.filter(({ name }) => name.startsWith('worker'))[index]
  const killedAt = performance.now()
  const again = new Map(
    speaking.map(({ key, reader }) => {
      const silence = reader
        .until((event) => event.type === 'turn.delta' && event.attempt > 1)
        .then(() => performance.now() - killedAt)
      // Of a turn that was not hit: it is hung up on.
      silence.catch(() => {})
      return [key, silence]
    }),
  )
  await victim?.kill('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, CLOSED_WITHIN_MS))
  const closed = await stage.closed()
  const hit = [...again].filter(([key]) => closed.has(key)).map(([, silence]) => silence)
  const tooLong = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`${hit.length} turns of a killed worker were silent for ${WAIT_MS} ms`))
    setTimeout(fail, WAIT_MS).unref()
  })
  const silences = await Promise.race([Promise.all(hit), tooLong])
  await Promise.all([
    victim?.start(),
    ...speaking.map(async ({ runId, reader }) => {
      reader.close()
      await person.user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    }),
  ])
  return { silences, firstWords: speaking.map(({ firstWordMs }) => firstWordMs) }
}

/** A worker is killed in the middle of its turns: how long until another of them speaks on. With the default settings. */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const settings = quick ? { TURN_LEASE_MS: '1000', JOB_LOCK_MS: '1000', RECONCILE_INTERVAL_MS: '200' } : undefined
  const product = await stage.startDistributed({ workers: 2, env: settings })
  try {
    const person = await seatPerson(stage, product, MODEL)
    const rounds: Killed[] = []
    for (let kill = 0; rounds.length < (quick ? 1 : ROUNDS); kill++) {
      const round = await killOne(stage, product, person, kill % 2)
      // A worker may have had none of the turns.
      if (round.silences.length > 0) rounds.push(round)
      else if (kill === MOST_KILLS) throw new Error(`in ${MOST_KILLS} kills no turn was hit`)
    }
    report({
      name: "a killed worker's turn speaks again, p50",
      unit: 's',
      samples: rounds.map(({ silences }) => p50(silences) / 1_000),
      baseline: { name: 'first word of a new turn', samples: rounds.map(({ firstWords }) => p50(firstWords) / 1_000) },
      target: atMost(5),
    })
    const all = rounds.flatMap(({ silences }) => silences)
    const slowest = Math.max(...all) / 1_000
    report({ name: "a killed worker's turn speaks again, slowest", unit: 's', samples: [slowest] })
    say(`${all.length} turns were cut in ${rounds.length} kills`)
  } finally {
    await product.stop()
  }
}
