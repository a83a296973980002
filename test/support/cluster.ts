import { Client } from 'pg'
import { loadEnv } from '../../src/config/env.ts'
import { createContainer } from '../../src/container.ts'
import { openFoundation } from '../../src/foundation.ts'
import type { RedisConnections } from '../../src/redis/redis-connections.ts'
import { seed } from '../../src/seed.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { ApiClient } from './api-client.ts'
import { testSettings } from './app.ts'
import { createDatabase } from './database.ts'
import type { LinkTarget } from './link.ts'
import { memoryOf } from './memory.ts'
import { type MockLlm, startMockLlm } from './mock-llm.ts'
import { type Ended, flagsOf, freePort, startProcess, type TestProcess } from './processes.ts'
import { NO_REDIS, needPrograms, skip } from './programs.ts'
import { connectionsTo, type RedisServer, startRedis } from './redis.ts'

/** A process starts within this, on a busy machine too. */
const START_MS = 60_000
/** Of each process, so many of its last lines are shown when a test fails. */
const SHOWN_LINES = 60

export interface ClusterOptions {
  /** Web processes (`src/server.ts`). */
  webs: number
  /** Worker processes (`workers/main.ts`). */
  workers: number
  redis: Pick<RedisServer, 'url'>
  /** A migrated database; it is seeded. */
  databaseUrl: string
  /** Answers as the platform's OpenAI, which is then the default connection. */
  llm?: MockLlm
  /** Beside `testSettings`; wins over them. */
  env?: Record<string, string>
}

/** One process of a cluster, under the same name and, if it can be had, at the same port through all its lives. */
export class ClusterProcess implements LinkTarget {
  readonly name: string
  readonly #entry: string
  readonly #env: Record<string, string>
  readonly #listens: boolean
  #process: TestProcess | undefined
  #port = 0

  constructor(name: string, entry: string, env: Record<string, string>, listens: boolean) {
    this.name = name
    this.#entry = entry
    this.#env = env
    this.#listens = listens
  }

  /** 0 for a worker. */
  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** The end of its present life. */
  get ended(): Promise<Ended> | undefined {
    return this.#process?.ended
  }

  /** What its present or last life wrote. */
  get output(): string {
    return this.#process?.output ?? ''
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      if (this.#listens && (this.#port === 0 || attempt > 1)) this.#port = await freePort()
      const env = { ...this.#env, PORT: String(this.#port), HOST: '127.0.0.1' }
      const started = startProcess(this.#entry, { env })
      this.#process = started
      try {
        await started.waitForLine(/(web|worker) is ready|Chatsparty listens on/, START_MS)
        return
      } catch (error) {
        // Another process may have taken the port meanwhile.
        if (attempt === 3 || !/Port \d+ is taken/.test(started.output)) throw error
      }
    }
  }

  /** Resolves with the first line of its present life that matches. @throws Error when it ends first, or is silent for `quietMs` */
  async said(pattern: RegExp, quietMs?: number): Promise<void> {
    await this.#process?.waitForLine(pattern, quietMs)
  }

  /** Ends it and waits for the end: SIGKILL as a crash, SIGTERM as a deploy. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ended | undefined> {
    return this.#process?.kill(signal)
  }

  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.kill(signal)
    await this.start()
  }

  /** Resident memory in bytes. */
  async rss(): Promise<number> {
    return (await memoryOf(this.pid)).now
  }
}

/** The distributed profile as real processes. */
export interface Cluster {
  readonly webs: readonly ClusterProcess[]
  readonly workers: readonly ClusterProcess[]
  web(index: number): ClusterProcess
  worker(index: number): ClusterProcess
  /** The API through a web process (default the first), whatever its port is then. */
  api(index?: number): ApiClient
  /** The last lines of every process: to be shown when a test fails. */
  report(): string
  stop(): Promise<void>
}

/** What the processes of a cluster, or an embedded one, are told. */
export function processSettings({ llm, env }: Pick<ClusterOptions, 'llm' | 'env'>): Record<string, string> {
  return {
    ...testSettings,
    // They say at this level that they are ready.
    LOG_LEVEL: 'info',
    ...(llm && { OPENAI_API_KEY: 'test-key-1234', OPENAI_BASE_URL: llm.baseUrl('openai') }),
    ...env,
  }
}

/** What `npm run db:seed` does, without a process for it. Traces are those of the processes. */
async function seedDatabase({ OTEL_EXPORTER_OTLP_ENDPOINT, ...env }: Record<string, string>): Promise<void> {
  const shutdown = new Shutdown(silentLogger)
  try {
    await seed(createContainer(await openFoundation(loadEnv(env), silentLogger, shutdown)))
  } finally {
    await shutdown.close()
  }
}

/**
 * Starts the processes, all at once, on a seeded database.
 *
 * @example
 * const cluster = await startCluster({ webs: 2, workers: 2, redis, databaseUrl: database.url, llm })
 * await cluster.worker(0).restart('SIGKILL')
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const env = { ...processSettings(options), DATABASE_URL: options.databaseUrl, REDIS_URL: options.redis.url }
  await seedDatabase(env)
  const make = async (name: 'web' | 'worker', entry: string, count: number) => {
    const flags = [await flagsOf(name), options.env?.NODE_OPTIONS].filter(Boolean).join(' ')
    const settings = { ...env, NODE_OPTIONS: flags }
    return Array.from({ length: count }, (_, i) => new ClusterProcess(`${name} ${i}`, entry, settings, name === 'web'))
  }
  const webs = await make('web', 'src/server.ts', options.webs)
  const workers = await make('worker', 'workers/main.ts', options.workers)
  const all = [...webs, ...workers]
  const stop = async () => void (await Promise.all(all.map((one) => one.kill('SIGKILL'))))
  const at = (list: ClusterProcess[], index: number): ClusterProcess => {
    const found = list[index]
    if (!found) throw new Error(`the cluster has no process ${index} of this kind`)
    return found
  }
  try {
    await Promise.all(all.map((one) => one.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    webs,
    workers,
    web: (index) => at(webs, index),
    worker: (index) => at(workers, index),
    api: (index = 0) => new ApiClient(at(webs, index).url),
    report: () => all.map(lastLines).join('\n'),
    stop,
  }
}

/** The end of what a process wrote, under its name. */
export const lastLines = ({ name, output }: Pick<ClusterProcess, 'name' | 'output'>): string =>
  `--- ${name}\n${output.split('\n').slice(-SHOWN_LINES).join('\n')}`

export interface ClusterFixture {
  readonly cluster: Cluster
  readonly redis: RedisServer
  readonly llm: MockLlm
  readonly databaseUrl: string
  /** To what the processes of this cluster have in Redis, under the same names. */
  redisConnections(): Promise<RedisConnections>
}

/** The id under which the processes on this database keep things in Redis. */
export async function installationOf(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return (await client.query('SELECT id FROM installation')).rows[0].id
  } finally {
    await client.end()
  }
}

/**
 * Gives the suite in which it is called a cluster with a database, a Redis and a mocked provider of its own. Without a
 * redis-server on the PATH the suite is skipped and says so (REQUIRE_REDIS=1 makes it fail). When a test fails, the last lines
 * of every process are shown.
 */
export function useCluster(
  options: Pick<ClusterOptions, 'webs' | 'workers' | 'env'> & {
    redisArgs?: string[]
    /** Of the system, without which the suite is skipped too. */
    programs?: string[]
  },
): ClusterFixture {
  let fixture: ClusterFixture | undefined
  const undo: (() => Promise<void>)[] = []

  before('start the cluster', async function () {
    this.timeout(120_000)
    needPrograms(this, ...(options.programs ?? []))
    const redis = await startRedis(options.redisArgs)
    if (!redis) return skip(this, NO_REDIS)
    undo.push(() => redis.stop())
    const database = await createDatabase()
    undo.push(() => database.drop())
    const llm = await startMockLlm()
    undo.push(() => llm.stop())
    const cluster = await startCluster({ ...options, redis, databaseUrl: database.url, llm })
    undo.push(() => cluster.stop())
    const redisConnections = async () => connectionsTo(redis.url, await installationOf(database.url))
    fixture = { cluster, redis, llm, databaseUrl: database.url, redisConnections }
  })

  afterEach('show what the processes wrote', function () {
    if (this.currentTest?.state === 'failed') console.log(fixture?.cluster.report())
  })

  after('stop the cluster', async function () {
    this.timeout(30_000)
    for (const step of undo.reverse()) await step()
  })

  const ready = (): ClusterFixture => {
    if (!fixture) throw new Error('The cluster exists from the first before() hook on.')
    return fixture
  }
  return {
    get cluster() {
      return ready().cluster
    },
    get redis() {
      return ready().redis
    },
    get llm() {
      return ready().llm
    },
    get databaseUrl() {
      return ready().databaseUrl
    },
    redisConnections: () => ready().redisConnections(),
  }
}
