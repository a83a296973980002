import { resolve } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { z } from 'zod'
import { ChatspartyClient } from '../../src/client/client.ts'
import { type ClusterProcess, useCluster } from '../support/cluster.ts'
import { eventually, moved, usePace } from '../support/pace.ts'

/** SOAK_TURNS=6000 is an hour of a busy evening. */
const TURNS = Number(process.env.SOAK_TURNS ?? 360)
const LANES = 8
const TURNS_A_PARTY = 6
/** The first is for what is made once: compiled code, pools, caches. */
const PARTS = 3
/** What a process may hold more after a third of the turns than after the one before, when all garbage is collected. */
const MOST_GROWTH_BYTES = 16 * 1_048_576

const heapAnswer = z.object({ bytes: z.number() })

/** Rows that are there while something is under way. */
const TRANSIENT = `
  SELECT (SELECT count(*)::int FROM runs WHERE status NOT IN ('completed', 'failed', 'cancelled')) AS runs,
    (SELECT count(*)::int FROM turns WHERE status IN ('queued', 'running')) AS turns,
    (SELECT count(*)::int FROM holds WHERE status = 'pending') AS holds,
    (SELECT count(*)::int FROM worker_places) AS places,
    (SELECT coalesce(sum(taken), 0)::int FROM worker_places) AS taken,
    (SELECT count(*)::int FROM breakers) AS breakers,
    (SELECT count(*)::int FROM processes) AS processes`

describe(`${TURNS} turns one after another`, () => {
  usePace()
  const probe = resolve(import.meta.dirname, '../support/heap-probe.ts')
  const env = { NODE_OPTIONS: `--import=${probe}`, SIGNUP_GRANT: '1000000000', LIVE_TEXT_TTL_MS: '10000' }
  const at = useCluster({ webs: 1, workers: 1, env })
  const one = async (sql: string): Promise<Record<string, unknown>> => {
    const db = new Client({ connectionString: at.databaseUrl })
    await db.connect()
    try {
      return (await db.query(sql)).rows[0]
    } finally {
      await db.end()
    }
  }
  /** Keys of Redis, those that stay for ever and those that go by themselves. */
  const keys = async () => {
    const redis = new Redis(at.redis.url)
    try {
      const all = await redis.keys('*')
      const left = await Promise.all(all.map((key) => redis.pttl(key)))
      return { staying: left.filter((ms) => ms === -1).length, going: left.filter((ms) => ms > 0).length }
    } finally {
      redis.disconnect()
    }
  }

  const heapOf = async ({ output }: ClusterProcess): Promise<number> => {
    const port = /heap probe on (\d+)/.exec(output)?.[1]
    return heapAnswer.parse(await (await fetch(`http://127.0.0.1:${port}`)).json()).bytes
  }
  const heaps = async () => ({ web: await heapOf(at.cluster.web(0)), worker: await heapOf(at.cluster.worker(0)) })
  const connections = async (): Promise<number> =>
    Number((await one('SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()')).count)
  const transient = (): Promise<unknown> => one(TRANSIENT)

  it('leave nothing behind: no memory, no key in Redis, no connection, no row of what was under way', async () => {
    const people = await Promise.all(
      Array.from({ length: LANES }, async () => {
        const user = await at.cluster.api().register()
        const agentIds = await Promise.all(
          ['Ada', 'Blaise'].map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })),
        )
        return { agentIds, token: user.token }
      }),
    )
    at.llm.reply({ text: 'Tea, of course, and a biscuit. 🫖' })
    const before = { rows: await transient(), connections: await connections(), keys: await keys() }
    let turns = 0
    const speak = async ({ agentIds, token }: (typeof people)[number]) => {
      // Comes and goes: what is kept of a socket goes with it.
      const client = new ChatspartyClient({ url: at.cluster.web(0).url, token })
      const { conversationId, runId } = await client.startParty({ agentIds, message: 'Tea?', maxTurns: TURNS_A_PARTY })
      for await (const change of client.follow(conversationId, { untilRun: runId })) {
        moved()
        if (change.type === 'turn.completed') turns++
      }
      client.close()
    }
    const rounds = Math.ceil(TURNS / PARTS / LANES / TURNS_A_PARTY)
    const seen: { web: number; worker: number; keys: { staying: number; going: number } }[] = []
    for (let part = 0; part < PARTS; part++) {
      await Promise.all(
        people.map(async (person) => {
          for (let round = 0; round < rounds; round++) await speak(person)
        }),
      )
      at.llm.reset()
      at.llm.reply({ text: 'Tea, of course, and a biscuit. 🫖' })
      await eventually(async () => JSON.stringify(await transient()) === JSON.stringify(before.rows))
      seen.push({ ...(await heaps()), keys: await keys() })
    }
    const megabytes = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MB`
    for (const { web, worker, keys } of seen)
      console.log(
        `      web ${megabytes(web)}, worker ${megabytes(worker)}, ${keys.staying} keys in Redis that stay and ${keys.going} that go`,
      )
    expect(turns).to.be.at.least(TURNS)
    const [, second, third] = seen
    if (!second || !third) throw new Error('there were no three parts')
    expect(third.web - second.web).to.be.below(MOST_GROWTH_BYTES)
    expect(third.worker - second.worker).to.be.below(MOST_GROWTH_BYTES)
    expect(third.keys.staying).to.be.at.most(second.keys.staying)
    // What a turn leaves (that it has ended, for who comes late) goes by itself.
    await eventually(async () => (await keys()).going <= before.keys.going)
    await eventually(async () => (await connections()) <= before.connections)
  })
})
