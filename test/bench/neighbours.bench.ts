import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench-run.ts'
import { atMost, p50 } from './harness.ts'
import { beginSpeaking, modelName, type Person, seatPerson } from './seats.ts'
import type { Product, Stage } from './stage.ts'

/** At a pace, so that whoever watches sees the first words come. */
const MODEL = modelName(20, 50)
const KINDS = ['hang', 'slow', 'limit', 'flood'] as const
/** Of every hostile account, all the time. */
const POSTS_A_SECOND = 2

/** First words of one honest user, one turn after the other, in ms. */
async function firstWords(product: Product, person: Person, count: number): Promise<number[]> {
  const found: number[] = []
  for (let n = 0; n < count; n++) {
    const { reader, firstWordMs } = await beginSpeaking(product, person)
    found.push(firstWordMs)
    await reader.until((event) => event.type === 'run.completed')
    reader.close()
  }
  return found
}

/** An account with an agent on each kind of server. */
async function hostile(product: Product, url: string) {
  const user = await product.api.register()
  const agents = await Promise.all(
    KINDS.map(async (kind) => {
      const connection = { provider: 'openai-compatible', baseUrl: `${url}/${kind}`, model: 'm' }
      return (await user.agentsOn(connection, [kind]))[0] ?? ''
    }),
  )
  let posted = 0
  const post = () => {
    const agentId = agents[posted++ % agents.length]
    return user.post('/api/chat', { agentId, message: 'Speak.' }).then(() => {})
  }
  return { post }
}

/**
 * What an honest user sees of others: 20 accounts at full rate, each with servers that hang, drip, refuse and flood; and one
 * with 2,000 turns that wait. First words against those of an idle system, on the same machine.
 */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const accounts = quick ? 2 : 20
  const turns = quick ? 3 : 30
  const servers = await stage.child('test/bench/hostile-server.child.ts')
  const hosts = [await stage.modelUrl(), servers.url].map((url) => new URL(url).host)
  const env = { REQUESTS_PER_MINUTE: '10000000', OUTBOUND_ALLOW: hosts.join(',') }
  const product = await stage.startDistributed({ workers: 1, env })
  try {
    const honest = await seatPerson(stage, product, MODEL)
    await firstWords(product, honest, quick ? 1 : 10)
    const idle = p50(await firstWords(product, honest, turns))
    report({ name: 'first words, idle system, p50', unit: 'ms', samples: [idle] })
    const allowed = atMost(2 * idle + 200)

    const queued = await backlog(stage, product, quick ? 20 : 2_000)
    const behind = p50(await firstWords(product, honest, turns))
    report({
      name: `first words beside ${queued} queued turns of one user, p50`,
      unit: 'ms',
      samples: [behind],
      target: allowed,
    })

    const crowd: Awaited<ReturnType<typeof hostile>>[] = []
    while (crowd.length < accounts) crowd.push(await hostile(product, servers.url))
    // Each fills its shares first.
    for (const { post } of crowd) await Promise.all(Array.from({ length: quick ? 4 : 32 }, post))
    let isOver = false
    const attacking = crowd.map(async ({ post }) => {
      while (!isOver) {
        await post()
        await sleep(1_000 / POSTS_A_SECOND)
      }
    })
    const beside = await firstWords(product, honest, turns)
    isOver = true
    await Promise.all(attacking)
    say(`${accounts} accounts, ${POSTS_A_SECOND} posts a second each, on servers that hang, drip, refuse and flood`)
    report({ name: 'first words beside hostile accounts, p50', unit: 'ms', samples: [p50(beside)], target: allowed })
    report({ name: 'first words beside hostile accounts, slowest', unit: 'ms', samples: [Math.max(...beside)] })
  } finally {
    await product.stop()
    await servers.process.kill('SIGKILL')
  }
}

/** Has one user ask so much at once, on a model that takes its time; resolves with how many once all are accepted. */
async function backlog(stage: Stage, product: Product, count: number): Promise<number> {
  const { user, agentId } = await seatPerson(stage, product, modelName(50, 30))
  let left = count
  const ask = async () => {
    while (left-- > 0) await user.accept('/api/chat', { agentId, message: 'Speak, please.' })
  }
  await Promise.all(Array.from({ length: 8 }, ask))
  return count
}
