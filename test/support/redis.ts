import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRedisAddress } from '../../src/config/redis-address.ts'
import { RedisConnections } from '../../src/redis/redis-connections.ts'
import { RedisNames } from '../../src/redis/redis-names.ts'
import { freePort } from './processes.ts'
import { NO_REDIS, skip } from './programs.ts'

/** A redis-server of the test's own: no persistence, a port and a folder of its own. It dies with the test process. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Of the process; 0 when it does not run. */
  readonly pid: number
  /** Ends the server and what it held. Clients see their connections drop. */
  stop(): Promise<void>
  /** Starts it again, empty, on the same port; stops it first when it runs. */
  restart(): Promise<void>
  /** FLUSHALL. */
  flush(): Promise<void>
  /** Freezes the process: connections stay open and nothing answers. */
  pause(): void
  /** Ends `pause`. */
  resume(): void
}

/**
 * Starts a redis-server; `args` are added to its command line.
 * @returns undefined when there is no redis-server on the PATH (then the caller skips), unless REQUIRE_REDIS=1.
 * @throws Error when it does not start, or when REQUIRE_REDIS=1 and there is none.
 */
export async function startRedis(args: string[] = []): Promise<RedisServer | undefined> {
  // Another process may take a free port before Redis does.
  for (let attempt = 1; ; attempt++) {
    const server = new TemporaryRedis(await freePort(), args)
    try {
      await server.restart()
      return server
    } catch (error) {
      await server.stop()
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        if (process.env.REQUIRE_REDIS === '1') throw new Error('REQUIRE_REDIS=1, but no redis-server is on the PATH')
        return undefined
      }
      if (attempt === 3) throw error
    }
  }
}

/** Connections to a single Redis, of an installation that this test makes up or knows. */
export const connectionsTo = (url: string, installationId = 'installation-of-a-test'): RedisConnections =>
  new RedisConnections(
    { ...parseRedisAddress(url), tls: undefined, kind: 'single', sentinel: undefined },
    new RedisNames('chatsparty', installationId),
  )

/** Where the queue is, for suites that run on both. */
export const QUEUES = ['PostgreSQL', 'Redis'] as const

/**
 * Gives the suite in which it is called a Redis when its queue wants one; it outlives the suite's other things. Without a
 * redis-server on the PATH such a suite is skipped (REQUIRE_REDIS=1 makes it fail).
 */
export function useRedis(queue: (typeof QUEUES)[number]) {
  let redis: RedisServer | undefined
  before('start Redis', async function () {
    if (queue !== 'Redis') return
    redis = await startRedis()
    if (!redis) return skip(this, NO_REDIS)
    // Only now, so that it runs behind the hooks that stop what uses it.
    this.test?.parent?.afterAll('stop Redis', () => redis?.stop())
  })
  return {
    /** Undefined when the queue is on PostgreSQL. */
    get server() {
      return redis
    },
    /** What tells a process of it. */
    get env(): { REDIS_URL?: string } {
      return redis ? { REDIS_URL: redis.url } : {}
    },
  }
}

class TemporaryRedis implements RedisServer {
  readonly port: number
  readonly #args: string[]
  #folder: string | undefined
  #process: ChildProcess | undefined

  constructor(port: number, args: string[]) {
    this.port = port
    this.#args = args
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  async restart(): Promise<void> {
    await this.stop()
    this.#folder = mkdtempSync(join(tmpdir(), 'redis-'))
    const settings = { port: this.port, bind: '127.0.0.1', dir: this.#folder, save: '', appendonly: 'no' }
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    const child = spawn('redis-server', [...flags, ...this.#args], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#process = child
    process.once('exit', this.#kill)
    await new Promise<void>((resolve, reject) => {
      let output = ''
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${output}`)))
      child.stdout?.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes('Ready to accept connections')) resolve()
      })
    })
  }

  async stop(): Promise<void> {
    const child = this.#process
    process.removeListener('exit', this.#kill)
    const isRunning = child?.pid !== undefined && child.exitCode === null && child.signalCode === null
    const ended = isRunning ? once(child, 'exit') : undefined
    this.#kill()
    await ended
    this.#process = undefined
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write('FLUSHALL\r\n'))
      socket.once('error', reject)
      socket.once('data', (reply) => {
        socket.destroy()
        if (reply.toString().startsWith('+OK')) resolve()
        else reject(new Error(`FLUSHALL answered ${reply.toString()}`))
      })
    })
  }

  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  readonly #kill = (): void => {
    this.#process?.kill('SIGKILL')
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }
}
