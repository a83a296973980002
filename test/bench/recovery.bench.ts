import { randomUUID } from 'node:crypto'
import { EventReader } from '../support/event-reader.ts'
import type { Bench } from './bench-run.ts'
import { atMost, p50 } from './harness.ts'
import { modelName, type Person, seatPerson } from './seats.ts'
import type { Product, Stage } from './stage.ts'

/** Longer than it takes to recover. */
const MODEL = modelName(900, 30)
const STREAMS = 8
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
async function killOne(stage: Stage, product: Product, { user, agentId }: Person, index: number): Promise<Killed> {
  const firstWords: number[] = []
  const speaking = await Promise.all(
    Array.from({ length: STREAMS }, async () => {
      const key = `k${randomUUID().replaceAll('-', '')}`
      const askedAt = performance.now()
      const { runId } = await user.accept('/api/chat', { agentId, message: `Speak, please. #${key}#` })
      const reader = await EventReader.open(`${product.api.url}/api/chat/runs/${runId}/events`, user.token)
      await reader.until((event) => event.type === 'turn.delta')
      firstWords.push(performance.now() - askedAt)
      return { key, runId, reader }
    }),
  )
  const victim = product.processes.filter(({ name }) => name.startsWith('worker'))[index]
  const killedAt = performance.now()
  await victim?.kill('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, CLOSED_WITHIN_MS))
  const closed = await stage.closed()
  const hit = speaking.filter(({ key }) => closed.has(key))
  if (hit.length === 0) throw new Error('the killed worker had no turn')
  const again = Promise.all(
    hit.map(async ({ reader }) => {
      await reader.until((event) => event.type === 'turn.delta' && event.attempt > 1)
      return performance.now() - killedAt
    }),
  )
  const tooLong = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`${hit.length} turns of a killed worker were silent for ${WAIT_MS} ms`))
    setTimeout(fail, WAIT_MS).unref()
  })
  const silences = await Promise.race([again, tooLong])
  await Promise.all([
    victim?.start(),
    ...speaking.map(async ({ runId, reader }) => {
      reader.close()
      await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    }),
  ])
  return { silences, firstWords }
}

/** A worker is killed in the middle of its turns: how long until another of them speaks on. With the default settings. */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const settings = quick ? { TURN_LEASE_MS: '1000', JOB_LOCK_MS: '1000', RECONCILE_INTERVAL_MS: '200' } : undefined
  const product = await stage.startDistributed({ workers: 2, env: settings })
  try {
    const person = await seatPerson(stage, product, MODEL)
    const rounds: Killed[] = []
    for (let round = 0; round < (quick ? 1 : 3); round++) rounds.push(await killOne(stage, product, person, round % 2))
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
