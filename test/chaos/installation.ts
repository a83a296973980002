import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiClient, type TestUser } from '../support/api-client.ts'
import { testSettings } from '../support/app.ts'
import { processSettings } from '../support/cluster.ts'
import { startMcpServer, type TestMcpServer } from '../support/mcp-server.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { startProcess } from '../support/processes.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { Balancer } from './balancer.ts'
import { ChaosPostgres } from './chaos-postgres.ts'
import { type FleetSize, type Place, startFleet } from './fleet.ts'
import { Guest } from './guest.ts'
import { NAMES } from './speech.ts'

/** Of the tests' settings these make recovery quick. A real run leaves them to the product's defaults. */
const QUICK = [
  'TURN_LEASE_MS',
  'JOB_LOCK_MS',
  'RECONCILE_INTERVAL_MS',
  'REDISPATCH_AFTER_MS',
  'TURN_BACKOFF_MS',
  'VERSION_POLL_MS',
  'DRAIN_MS',
]
/** What is away for seconds here is away for minutes elsewhere: patience in the same measure. */
export const SHORTENED = {
  PROVIDER_FIRST_BYTE_MS: '3000',
  PROVIDER_IDLE_TIMEOUT_MS: '3000',
  BREAKER_OPEN_MS: '2000',
  BREAKER_OPEN_MAX_MS: '8000',
  // A file's tries are few, for one that kills whoever reads it; here everybody is killed all the time.
  FILE_MAX_ATTEMPTS: '20',
  FILE_PROCESS_LEAST_MS: '60000',
}

/** The whole of it as an operator would have it, each part a process of its own, with people in it. */
export class Installation {
  readonly llm: MockLlm
  /** Of tools; its process lives on. */
  readonly server: TestMcpServer
  readonly redis: RedisServer
  readonly postgres: ChaosPostgres
  readonly balancer: Balancer
  readonly places: readonly Place[]
  readonly #undo: (() => unknown)[]

  private constructor(
    parts: Pick<Installation, 'llm' | 'server' | 'redis' | 'postgres' | 'balancer' | 'places'>,
    undo: (() => unknown)[],
  ) {
    this.llm = parts.llm
    this.server = parts.server
    this.redis = parts.redis
    this.postgres = parts.postgres
    this.balancer = parts.balancer
    this.places = parts.places
    this.#undo = undo
  }

  /** @throws Error when there is no redis-server on the PATH */
  static async open(size: FleetSize, { quick, env = {} }: { quick: boolean; env?: Record<string, string> }) {
    const undo: (() => unknown)[] = []
    try {
      const folder = await mkdtemp(join(tmpdir(), 'chaos-'))
      undo.push(() => rm(folder, { recursive: true, force: true }))
      const redis = await startRedis()
      if (!redis) throw new Error('Chaos needs a redis-server on the PATH.')
      undo.push(() => redis.stop())
      const [postgres, llm, server, balancer] = await Promise.all([
        ChaosPostgres.start(),
        startMockLlm(),
        startMcpServer(),
        Balancer.open(),
      ])
      undo.push(
        () => postgres.stop(),
        () => llm.stop(),
        () => server.stop(),
        () => balancer.close(),
      )
      const settings = Object.fromEntries(
        Object.entries({
          ...processSettings({ llm }),
          LOG_LEVEL: 'info',
          SIGNUP_GRANT: '1000000000',
          DATABASE_WAIT_MS: '30000',
          DATA_DIR: join(folder, 'data'),
          ...SHORTENED,
          ...env,
          DATABASE_URL: postgres.url,
          REDIS_URL: redis.url,
        }).filter(([name]) => quick || !QUICK.includes(name)),
      )
      const seeding = startProcess('src/db.ts', { args: ['seed'], env: settings })
      if ((await seeding.ended).code !== 0) throw new Error(`the database was not seeded:\n${seeding.output}`)
      const places = await startFleet(size, settings, folder, balancer)
      undo.push(() => Promise.all(places.map((place) => place.stop())))
      return new Installation({ llm, server, redis, postgres, balancer, places }, undo)
    } catch (error) {
      for (const step of undo.reverse()) await step()
      throw error
    }
  }

  /** People with so many conversations each: every second one on a connection of their own. The first of their agents has tools. */
  async invite(people: number, conversations: number, random: () => number): Promise<Guest[]> {
    const { url } = this.balancer
    const guests: Guest[] = []
    for (let person = 0; person < people; person++) {
      const user = await new ApiClient(url).register()
      const connection = { provider: 'openai-compatible', baseUrl: this.llm.baseUrl('openai-compatible') }
      const create = (name: string) => user.create('/api/agents', { name, instructions: 'Speak.' })
      const agentIds = person % 2 ? await user.agentsOn(connection, [...NAMES]) : await Promise.all(NAMES.map(create))
      await giveTools(user, agentIds[0] ?? '', this.server.url)
      for (let i = 0; i < conversations; i++) guests.push(new Guest({ user, agentIds, url, random }))
    }
    return guests
  }

  async close(): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) await step()
  }
}

/** Tools of a server of the user's: one that takes our key, one that only reads, and two that people are asked about. */
async function giveTools(user: TestUser, agentId: string, url: string): Promise<void> {
  const serverId = await user.create('/api/mcp/servers', { name: 'Notes', url })
  const listed = await user.post(`/api/mcp/servers/${serverId}/refresh`, {})
  const tools = [
    { serverId, name: 'add_keyed', policy: 'allow' },
    { serverId, name: 'read_notes', policy: 'allow' },
    { serverId, name: 'add_unkeyed', policy: 'ask' },
    { name: 'current_time', policy: 'ask' },
  ]
  const given = await user.put(`/api/agents/${agentId}`, { tools })
  if (listed.status !== 200 || given.status !== 200) throw new Error(JSON.stringify([listed.body, given.body]))
}

/** What the processes of a short run are told of time. */
export const quickened = (): Record<string, string> =>
  Object.fromEntries(Object.entries(testSettings).filter(([name]) => QUICK.includes(name)))
