import { performance } from 'node:perf_hooks'
import type { McpServer } from '../../src/mcp/mcp-server.entity.ts'
import type { McpSession } from '../../src/mcp/mcp-session.ts'
import type { McpSessions, OpenSession } from '../../src/mcp/mcp-sessions.ts'

/** A session that nobody uses is ended after this time. */
const IDLE_MS = 30_000
/** What a server lists is looked at again by this time, by a session of its own. */
const LONGEST_MS = 300_000
/** Sessions of one process that wait for somebody to use them. */
const MOST_IDLE = 100

/** A session that calls share. */
export class PooledSession {
  readonly key: string
  readonly session: McpSession
  /** Of what its server lists now: a tool is called while it is what its owner allowed. */
  hashes: ReadonlyMap<string, string>
  readonly openedAt = performance.now()
  users = 0
  isDropped = false
  idleTimer: NodeJS.Timeout | undefined

  constructor(key: string, { session, listing }: OpenSession) {
    this.key = key
    this.session = session
    this.hashes = hashesOf(listing)
  }
}

const hashesOf = ({ tools }: OpenSession['listing']): ReadonlyMap<string, string> =>
  new Map(tools.map(({ name, hash }) => [name, hash]))

/** Sessions of this process with MCP servers: one for each server as it is configured, for as long as it is used. */
export class SessionPool {
  readonly #sessions: Pick<McpSessions, 'open' | 'list'>
  readonly #openMs: number
  readonly #idleMs: number
  /** By server and configuration. */
  readonly #pool = new Map<string, Promise<PooledSession>>()
  readonly #idle = new Set<PooledSession>()

  /** @param openMs for a session's beginning, all requests together */
  constructor(sessions: Pick<McpSessions, 'open' | 'list'>, openMs: number, idleMs = IDLE_MS) {
    this.#sessions = sessions
    this.#openMs = openMs
    this.#idleMs = idleMs
  }

  /** To be given back. `isNew` is true for whoever it was begun for. @throws McpFault; the signal's reason */
  async take(server: McpServer, signal: AbortSignal): Promise<{ pooled: PooledSession; isNew: boolean }> {
    signal.throwIfAborted()
    const key = `${server.id} ${server.updatedAt.getTime()}`
    const known = this.#pool.get(key)
    const pooled = await untilAborted(known ?? this.#open(key, server), signal)
    if (performance.now() - pooled.openedAt > LONGEST_MS) this.drop(pooled)
    // Nothing is awaited between this look and its being in use.
    if (pooled.isDropped) return this.take(server, signal)
    return { pooled: await this.#used(server, pooled, signal), isNew: known === undefined }
  }

  give(pooled: PooledSession): void {
    pooled.users--
    if (pooled.users > 0) return
    if (pooled.isDropped) {
      void pooled.session.close()
      return
    }
    this.#rest(pooled)
  }

  /** Nobody is given it any more; it ends with its last use. */
  drop(pooled: PooledSession): void {
    if (pooled.isDropped) return
    pooled.isDropped = true
    clearTimeout(pooled.idleTimer)
    this.#idle.delete(pooled)
    this.#pool.delete(pooled.key)
    if (pooled.users === 0) void pooled.session.close()
  }

  /** Ends all sessions. Never rejects. */
  async close(): Promise<void> {
    const open = await Promise.allSettled(this.#pool.values())
    this.#pool.clear()
    for (const { idleTimer } of this.#idle) clearTimeout(idleTimer)
    this.#idle.clear()
    await Promise.all(open.flatMap((one) => (one.status === 'fulfilled' ? [one.value.session.close()] : [])))
  }

  /** Not under the signal of whoever asks first: others wait for it too. */
  #open(key: string, server: McpServer): Promise<PooledSession> {
    const opening = this.#sessions.open(server, AbortSignal.timeout(this.#openMs)).then((open) => {
      const pooled = new PooledSession(key, open)
      // Whoever waited for it may have gone by now.
      this.#rest(pooled)
      return pooled
    })
    this.#pool.set(key, opening)
    opening.catch(() => {
      if (this.#pool.get(key) === opening) this.#pool.delete(key)
    })
    return opening
  }

  /** Nobody uses it now. */
  #rest(pooled: PooledSession): void {
    this.#idle.add(pooled)
    pooled.idleTimer = setTimeout(() => this.drop(pooled), this.#idleMs).unref()
    const [oldest] = this.#idle
    if (oldest && this.#idle.size > MOST_IDLE) this.drop(oldest)
  }

  async #used(server: McpServer, pooled: PooledSession, signal: AbortSignal): Promise<PooledSession> {
    clearTimeout(pooled.idleTimer)
    this.#idle.delete(pooled)
    pooled.users++
    try {
      if (pooled.session.isStale) pooled.hashes = hashesOf(await this.#sessions.list(server, pooled.session, signal))
      return pooled
    } catch (error) {
      this.give(pooled)
      throw error
    }
  }
}

/** The same, or a rejection with the signal's reason when it comes first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
