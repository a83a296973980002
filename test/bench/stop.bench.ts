import type { Bench } from './bench-run.ts'
import { wallMs } from './clock.ts'
import { atMost, interleave, p50, p99 } from './harness.ts'
import { beginSpeaking, modelName, newKey, type Person, seatPerson } from './seats.ts'
import type { Product, Stage } from './stage.ts'

/** Long enough to be stopped in the middle, at any speed of the bench. */
const MODEL = modelName(900, 30)
const WAIT_MS = 10_000
const SUBJECTS = ['distributed', 'embedded', 'bare abort'] as const

/** When the provider's connection of this request ended, in ms since 1970. */
async function providerClosed(stage: Stage, key: string): Promise<number> {
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; ) {
    const at = (await stage.closed()).get(key)
    if (at !== undefined) return at
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`the provider's connection was still open after ${WAIT_MS} ms`)
}

interface Stopped {
  /** From the cancel to the end of the provider's connection, in ms. */
  closedMs: number
  /** From the cancel to its 200; of a bare abort there is none. */
  answeredMs: number
  /** What the API took for the least that it can be asked by somebody who is signed in. */
  leastMs: number
}

/** Begins so many turns, and stops each, one after the other, while all the others speak. */
async function stopTurns(stage: Stage, product: Product, person: Person, count: number): Promise<Stopped[]> {
  const speaking = await Promise.all(Array.from({ length: count }, () => beginSpeaking(product, person)))
  const stopped: Stopped[] = []
  for (const { key, runId, reader } of speaking) {
    const askedAt = wallMs()
    await person.user.get('/api/auth/me')
    const leastMs = wallMs() - askedAt
    const cancelledAt = wallMs()
    const answer = await person.user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    const answeredMs = wallMs() - cancelledAt
    if (answer.status !== 200) throw new Error(`the cancel was answered with ${answer.status}`)
    const closedMs = Math.max(0, (await providerClosed(stage, key)) - cancelledAt)
    await reader.until((event) => event.type === 'run.cancelled')
    reader.close()
    stopped.push({ closedMs, answeredMs, leastMs })
  }
  return stopped
}

/** The floor: a request to the provider itself, which its client aborts. */
async function abortBare(stage: Stage, count: number): Promise<Stopped[]> {
  const stopped: Stopped[] = []
  const url = `${await stage.modelUrl()}/v1/chat/completions`
  for (let i = 0; i < count; i++) {
    const key = newKey()
    const gone = new AbortController()
    const body = JSON.stringify({ model: MODEL, stream: true, messages: [{ role: 'user', content: `#${key}#` }] })
    const response = await fetch(url, { method: 'POST', body, signal: gone.signal })
    await response.body?.getReader().read()
    const abortedAt = wallMs()
    gone.abort()
    stopped.push({ closedMs: Math.max(0, (await providerClosed(stage, key)) - abortedAt), answeredMs: 0, leastMs: 0 })
  }
  return stopped
}

/** A cancel in the middle of a turn: until the provider's connection is closed, and until it is answered. */
export async function run({ stage, report, quick }: Bench): Promise<void> {
  const [distributed, embedded] = await Promise.all([stage.distributed(), stage.embedded()])
  const products = { distributed, embedded }
  const people = {
    distributed: await seatPerson(stage, distributed, MODEL),
    embedded: await seatPerson(stage, embedded, MODEL),
  }
  const count = quick ? 2 : 8
  const results = await interleave(
    SUBJECTS,
    quick ? 1 : 8,
    (subject) =>
      subject === 'bare abort' ? abortBare(stage, count) : stopTurns(stage, products[subject], people[subject], count),
    { warmUp: !quick },
  )
  const floor = results('bare abort').map((round) => p50(round.map(({ closedMs }) => closedMs)))
  for (const subject of ['distributed', 'embedded'] as const) {
    const all = results(subject).flat()
    const least = results(subject).map((round) => p50(round.map(({ leastMs }) => leastMs)))
    for (const [what, of, baseline] of [
      ["provider's connection closed", ({ closedMs }: Stopped) => closedMs, { name: 'bare abort', samples: floor }],
      ['answered with 200', ({ answeredMs }: Stopped) => answeredMs, { name: 'GET /api/auth/me', samples: least }],
    ] as const) {
      const samples = results(subject).map((round) => p50(round.map(of)))
      report({ name: `${subject}, ${what}, p50`, unit: 'ms', samples, baseline, target: atMost(50) })
      // Of all rounds together: a round has too few for a 99th percentile.
      report({ name: `${subject}, ${what}, p99`, unit: 'ms', samples: [p99(all.map(of))], target: atMost(250) })
    }
  }
}
