import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { ApiClient } from '../support/api-client.ts'
import { ClusterProcess } from '../support/cluster.ts'
import { runSql, withDatabase } from '../support/global-fixtures.ts'
import { flagsOf, startProcess, type TestProcess } from '../support/processes.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { askChild } from './child.ts'
import { type AskOf, type StreamsResult, streamsResult, type TurnsResult, turnsResult } from './load-tasks.ts'
import { type CpuProbes, cpuOf, cpuOfFamily } from './process-figures.ts'

const START_MS = 60_000
const TEMPLATE = 'bench_template'

interface BenchServer {
  url: string
  superUrl: string
  pid: number
  stop(): Promise<void>
}

interface BenchDatabase {
  url: string
  drop(): Promise<void>
}

/** One way in which the product runs, as real processes on a database of its own. */
export interface Product {
  readonly api: ApiClient
  readonly databaseUrl: string
  /** Of all its processes, the servers that it uses among them. */
  readonly cpu: CpuProbes
  readonly processes: readonly ClusterProcess[]
  stop(): Promise<void>
}

/**
 * What the benches share: one PostgreSQL (synced to disk, as in production), one Redis, one scripted provider, one load generator,
 * each a process of its own that starts when it is first asked for. All of it ends with `close`.
 */
export class Stage {
  #postgres: Promise<BenchServer> | undefined
  #redis: Promise<RedisServer> | undefined
  #model: Promise<{ process: TestProcess; url: string }> | undefined
  #load: Promise<{ process: TestProcess; url: string }> | undefined
  #embedded: Promise<Product> | undefined
  #distributed: Promise<Product> | undefined
  readonly #secrets = {
    JWT_SECRET: randomBytes(48).toString('base64'),
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_PASSWORD: randomBytes(18).toString('base64url'),
  }

  /** The administrator of every database here. */
  get admin(): { email: string; password: string } {
    return { email: 'admin@chatsparty.local', password: this.#secrets.ADMIN_PASSWORD }
  }

  /** A migrated and seeded database, dropped with the server at the latest. */
  async createDatabase(): Promise<BenchDatabase> {
    const { url, superUrl } = await this.#server()
    const name = `bench_${randomBytes(6).toString('hex')}`
    await runSql(url, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`)
    return {
      url: withDatabase(url, name),
      // By the superuser: the server's own workers may be in it.
      drop: () => runSql(superUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    }
  }

  /** @throws Error when there is no redis-server on the PATH */
  redis(): Promise<RedisServer> {
    this.#redis ??= startRedis().then((redis) => {
      if (!redis) throw new Error('This bench needs a redis-server on the PATH.')
      return redis
    })
    return this.#redis
  }

  /** Where the scripted provider listens, without the `/v1`. */
  async modelUrl(): Promise<string> {
    this.#model ??= this.child('test/bench/model-server.child.ts')
    return (await this.#model).url
  }

  /** When the provider's connections of the requests with these names ended, in ms since 1970. */
  async closed(): Promise<Map<string, number>> {
    const answer: unknown = await (await fetch(`${await this.modelUrl()}/closed`)).json()
    return new Map(Object.entries(z.record(z.string(), z.number()).parse(answer)))
  }

  /** Has the load generator do this. */
  turns = (task: AskOf<'turns'>): Promise<TurnsResult> => this.#ask(turnsResult, { kind: 'turns', ...task })
  posts = (task: AskOf<'posts'>): Promise<TurnsResult> => this.#ask(turnsResult, { kind: 'posts', ...task })
  streams = (task: AskOf<'streams'>): Promise<StreamsResult> => this.#ask(streamsResult, { kind: 'streams', ...task })

  /** Of what the benches themselves need: the scripted provider and the load generator. */
  readonly cpu: CpuProbes = {
    provider: async () => cpuOf((await this.#model)?.process.pid ?? 0),
    load: async () => cpuOf((await this.#load)?.process.pid ?? 0),
  }

  /** A process of the benches that says `listening <port>`, with its address; the caller may kill it. */
  async child(
    entry: string,
    options: { args?: string[]; env?: Record<string, string | undefined> } = {},
  ): Promise<{ process: TestProcess; url: string }> {
    const started = startProcess(entry, { ...options, env: { NODE_ENV: 'production', ...options.env } })
    const port = (await started.waitForLine(/listening (\d+)/, START_MS))[1]
    return { process: started, url: `http://127.0.0.1:${port}` }
  }

  /** The embedded profile with its defaults, shared by the benches. */
  embedded(): Promise<Product> {
    this.#embedded ??= this.startEmbedded()
    return this.#embedded
  }

  /** The distributed profile with its defaults, one web and one worker, shared by the benches. */
  distributed(): Promise<Product> {
    this.#distributed ??= this.startDistributed({ workers: 1 })
    return this.#distributed
  }

  async startEmbedded(env: Record<string, string> = {}): Promise<Product> {
    const database = await this.createDatabase()
    const flags = await flagsOf('start')
    const options = [flags, env.NODE_OPTIONS].filter(Boolean).join(' ')
    const settings = { ...(await this.#settings(env)), DATABASE_URL: database.url, NODE_OPTIONS: options }
    const node = new ClusterProcess('node', 'workers/embedded.ts', settings, true)
    return this.#product(database, [node])
  }

  /** One web process and so many workers. */
  async startDistributed({ workers, env }: { workers: number; env?: Record<string, string> }): Promise<Product> {
    const database = await this.createDatabase()
    const redis = await this.redis()
    const settings = { ...(await this.#settings(env)), DATABASE_URL: database.url, REDIS_URL: redis.url }
    // What one product left in the queue is not for the next.
    if (this.#distributed === undefined) await redis.flush()
    const make = async (name: string, entry: string, script: 'web' | 'worker') =>
      new ClusterProcess(
        name,
        entry,
        { ...settings, NODE_OPTIONS: [await flagsOf(script), env?.NODE_OPTIONS].filter(Boolean).join(' ') },
        script === 'web',
      )
    const all = [await make('web', 'src/server.ts', 'web')]
    for (let i = 0; i < workers; i++) {
      all.push(await make(workers > 1 ? `worker ${i}` : 'worker', 'workers/main.ts', 'worker'))
    }
    return this.#product(database, all, redis)
  }

  /** Stops the shared products: a bench of memory or of the crowd wants the machine for itself. */
  async clear(): Promise<void> {
    const shared = [this.#embedded, this.#distributed]
    this.#embedded = undefined
    this.#distributed = undefined
    for (const product of shared) await (await product?.catch(() => undefined))?.stop()
  }

  async close(): Promise<void> {
    await this.clear()
    for (const child of [this.#load, this.#model]) await (await child?.catch(() => undefined))?.process.kill('SIGKILL')
    await (await this.#redis?.catch(() => undefined))?.stop()
    await (await this.#postgres?.catch(() => undefined))?.stop()
  }

  async #ask<T>(answer: z.ZodType<T>, task: { kind: string }): Promise<T> {
    this.#load ??= this.child('test/bench/load.child.ts')
    return askChild((await this.#load).url, task, answer)
  }

  async #product(database: BenchDatabase, processes: ClusterProcess[], redis?: RedisServer): Promise<Product> {
    const { pid } = await this.#server()
    const stop = async () => {
      await Promise.all(processes.map((one) => one.kill('SIGKILL')))
      await database.drop()
    }
    try {
      await Promise.all(processes.map((one) => one.start()))
    } catch (error) {
      await stop()
      throw error
    }
    const cpu: CpuProbes = Object.fromEntries(processes.map((one) => [one.name, () => cpuOf(one.pid)]))
    cpu.PostgreSQL = () => cpuOfFamily(pid)
    if (redis) cpu.Redis = () => cpuOf(redis.pid)
    return { api: new ApiClient(processes[0]?.url ?? ''), databaseUrl: database.url, cpu, processes, stop }
  }

  /** As in production, with the product's defaults but for what the benches must have. */
  async #settings(env: Record<string, string> = {}): Promise<Record<string, string>> {
    return {
      NODE_ENV: 'production',
      STORAGE_SHARED: 'true',
      ...this.#secrets,
      OUTBOUND_ALLOW: new URL(await this.modelUrl()).host,
      SIGNUP_GRANT: '1000000000',
      SIGNUP_GRANT_FOR: 'everybody',
      SIGNUP_GRANTS_PER_DAY: '999999999999',
      REGISTRATIONS_PER_HOUR: '1000000000',
      REGISTRATIONS_PER_DAY: '1000000000',
      REQUESTS_PER_MINUTE: '1000000000',
      HANDSHAKES_PER_MINUTE: '1000000000',
      NETWORK_CONNECTIONS: '1000000',
      NETWORK_SOCKETS: '1000000',
      MAX_CONNECTIONS: '1000000',
      // A title is a second model call, which the baselines do not make.
      TITLE_ATTEMPTS: '0',
      ...env,
    }
  }

  #server(): Promise<BenchServer> {
    this.#postgres ??= this.#startPostgres()
    return this.#postgres
  }

  async #startPostgres(): Promise<BenchServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'chatsparty-bench-'))
    const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger, maxConnections: 300 })
    // Each bench has a database of its own.
    await runSql(server.superUrl, `ALTER ROLE ${new URL(server.url).username} CREATEDB`)
    const stop = async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
    }
    try {
      const pid = Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0])
      await runSql(server.url, `CREATE DATABASE ${TEMPLATE} TEMPLATE template0`)
      const url = withDatabase(server.url, TEMPLATE)
      await migrate(url)
      const env = { ...(await this.#settings()), DATABASE_URL: url }
      const seeding = startProcess('src/db.ts', { args: ['seed'], env })
      if ((await seeding.ended).code !== 0) throw new Error(`the database was not seeded:\n${seeding.output}`)
      return { url: server.url, superUrl: server.superUrl, pid, stop }
    } catch (error) {
      await stop()
      throw error
    }
  }
}
