import type { Redis } from 'ioredis'
import { z } from 'zod'
import {
  type ConversationEvent,
  isConversationEvent,
  isUserEvent,
  type ServerEvent,
  serverEvent,
  type UserEvent,
} from '../contract/events.ts'
import type { ConnectionOptions, RedisClient, RedisConnections } from '../redis/redis-connections.ts'
import { type Logger, silentLogger } from '../shared/logger.ts'
import { deltaEvent } from './in-process-feed.ts'
import { Listeners } from './listeners.ts'
import {
  type ControlSignal,
  type LiveAttempt,
  type LiveFeed,
  type LiveTurn,
  turnKey,
  type Unsubscribe,
} from './live-feed.ts'
import { APPEND, END, READ, REWRITE, type RedisScript, TOUCH } from './redis-scripts.ts'

const controlSignal = z.union([
  z.object({ type: z.literal('run.cancel'), runId: z.string() }),
  z.object({ type: z.literal('session.revoked'), sessionId: z.string() }),
  z.object({ type: z.literal('session.revoked'), userId: z.string() }),
])
const outcome = z.enum(['appended', 'gap', 'stale'])
const flatTurns = z.array(z.string())

/** The subscriber's server is asked whether it is there this often, in ms. */
const BEAT_MS = 5_000

export interface RedisFeedOptions {
  redis: RedisConnections
  /** How long live text stays after its last append, in ms. */
  ttlMs: number
  /** A command that takes longer than this rejects, in ms (default 1,000). */
  commandTimeoutMs?: number
  logger?: Logger
}

/**
 * The live feed of the distributed profile. One connection for commands, one for subscriptions. Commands reject at once
 * while Redis is away; subscriptions are made again when it is back, and then `onResubscribe` is told.
 */
export class RedisFeed implements LiveFeed {
  readonly #commands: RedisClient
  readonly #subscriber: Redis
  readonly #ttlMs: number
  readonly #prefix: string
  readonly #logger: Logger
  readonly #listeners: Listeners<string>
  readonly #resubscribed = new Set<() => void>()
  readonly #beat: NodeJS.Timeout
  #closed = false
  #parsed: { json: string; event: ServerEvent | undefined } | undefined
  /** Whether some subscription may have missed events since the last time all stood. */
  #missed = false

  private constructor(options: RedisFeedOptions) {
    this.#ttlMs = options.ttlMs
    this.#prefix = options.redis.names.base
    this.#logger = options.logger ?? silentLogger
    this.#listeners = new Listeners(this.#logger)
    const connection: ConnectionOptions = {
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      commandTimeout: options.commandTimeoutMs ?? 1_000,
      keepAlive: 10_000,
      retryStrategy: (times) => Math.min(50 * times, 1_000),
    }
    // What many speakers send in one turn of the event loop is one write.
    this.#commands = options.redis.commands({ ...connection, enableAutoPipelining: true })
    this.#subscriber = options.redis.subscriber(connection)
    for (const client of [this.#commands, this.#subscriber]) {
      // Each command rejects by itself; without a listener ioredis would print to stderr for every retry.
      client.on('error', (error: Error) => this.#logger.debug({ err: error }, 'live feed connection'))
    }
    this.#subscriber.on('message', (topic: string, json: string) => this.#listeners.emit(topic, json))
    this.#subscriber.on('ready', () => void this.#resubscribe())
    this.#subscriber.on('close', () => {
      this.#missed = true
    })
    this.#beat = setInterval(() => this.#check(), BEAT_MS).unref()
  }

  /** A subscriber only waits: that its server has gone without a word, it learns by asking. */
  #check(): void {
    if (this.#subscriber.status !== 'ready') return
    this.#subscriber.ping().catch(() => {
      if (this.#subscriber.status === 'ready') this.#subscriber.disconnect(true)
    })
  }

  /** Connects. When Redis is away it still resolves, within a few seconds, and goes on trying behind. */
  static async open(options: RedisFeedOptions): Promise<RedisFeed> {
    const feed = new RedisFeed(options)
    await Promise.all(
      [feed.#commands, feed.#subscriber].map((client) =>
        client.connect().catch((error: unknown) => feed.#logger.warn({ err: error }, 'Redis is away; trying again')),
      ),
    )
    return feed
  }

  async append(ref: LiveAttempt, offset: number, text: string): Promise<'appended' | 'gap' | 'stale'> {
    const event = text && JSON.stringify(deltaEvent(ref, offset, text))
    return outcome.parse(await this.#run(APPEND, this.#keys(ref), [...this.#store(ref, event), offset, ...piece(text)]))
  }

  async begin(ref: LiveAttempt, started: ConversationEvent): Promise<'begun' | 'stale'> {
    const event = JSON.stringify(started)
    const begun = await this.#run(REWRITE, this.#keys(ref), [...this.#store(ref, event), 0, ...piece('')])
    return outcome.exclude(['gap']).parse(begun) === 'stale' ? 'stale' : 'begun'
  }

  async rewrite(ref: LiveAttempt, text: string): Promise<'appended' | 'stale'> {
    const event = text && JSON.stringify(deltaEvent(ref, 0, text))
    const done = await this.#run(REWRITE, this.#keys(ref), [...this.#store(ref, event), 0, ...piece(text)])
    return outcome.exclude(['gap']).parse(done)
  }

  read(conversationId: string): Promise<LiveTurn[]> {
    return this.#read(conversationId, [])
  }

  async readTurn(ref: Pick<LiveAttempt, 'conversationId' | 'runId' | 'turn'>): Promise<LiveTurn | undefined> {
    const [found] = await this.#read(ref.conversationId, [turnKey(ref)])
    return found
  }

  async touch(ref: LiveAttempt): Promise<void> {
    await this.#run(TOUCH, this.#keys(ref), [this.#ttlMs])
  }

  async end(ref: LiveAttempt): Promise<void> {
    const [head, index] = this.#keys(ref)
    await this.#run(END, [head, index], this.#store(ref, ''))
  }

  async publish(conversationId: string, event: ConversationEvent): Promise<void> {
    await this.#commands.publish(this.#conversationChannel(conversationId), JSON.stringify(event))
  }

  async publishToUser(userId: string, event: UserEvent): Promise<void> {
    await this.#commands.publish(this.#userChannel(userId), JSON.stringify(event))
  }

  subscribe(conversationId: string, listener: (event: ConversationEvent) => void): Promise<Unsubscribe> {
    return this.#subscribe(this.#conversationChannel(conversationId), (json) => {
      const event = this.#parse(json)
      if (event && isConversationEvent(event)) listener(event)
    })
  }

  subscribeUser(userId: string, listener: (event: UserEvent) => void): Promise<Unsubscribe> {
    return this.#subscribe(this.#userChannel(userId), (json) => {
      const event = this.#parse(json)
      if (event && isUserEvent(event)) listener(event)
    })
  }

  onResubscribe(listener: () => void): () => void {
    this.#resubscribed.add(listener)
    return () => this.#resubscribed.delete(listener)
  }

  async signal(signal: ControlSignal): Promise<void> {
    await this.#commands.publish(`${this.#prefix}:signals`, JSON.stringify(signal))
  }

  onSignal(listener: (signal: ControlSignal) => void): Promise<Unsubscribe> {
    return this.#subscribe(`${this.#prefix}:signals`, (json) => {
      const signal = controlSignal.safeParse(JSON.parse(json))
      if (signal.success) listener(signal.data)
    })
  }

  async ping(): Promise<void> {
    await this.#commands.ping()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#beat)
    this.#listeners.clear()
    this.#commands.disconnect()
    this.#subscriber.disconnect()
  }

  async #read(conversationId: string, members: string[]): Promise<LiveTurn[]> {
    const base = this.#base(conversationId)
    const flat = flatTurns.parse(
      await this.#run(READ, [`${base}:index`], [`${base}:head:`, `${base}:text:`, ...members]),
    )
    const turns: LiveTurn[] = []
    for (let i = 0; i + 4 < flat.length; i += 5) {
      const [member = '', attempt = '', agentId = '', length = '', inner = ''] = flat.slice(i, i + 5)
      const [runId = '', turn = ''] = member.split(':')
      const text = z.string().parse(JSON.parse(`"${inner}"`))
      // A text that lost its beginning (expired beside its head) is worse than none: the worker will rewrite it.
      if (text.length !== Number(length)) continue
      turns.push({ conversationId, runId, turn: Number(turn), attempt: Number(attempt), agentId, text })
    }
    return turns
  }

  /** By the script's hash; the script itself goes only to a Redis that does not know it yet. */
  async #run({ sha, lua }: RedisScript, keys: string[], args: (string | number)[]): Promise<unknown> {
    try {
      return await this.#commands.evalsha(sha, keys.length, ...keys, ...args)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return this.#commands.eval(lua, keys.length, ...keys, ...args)
    }
  }

  async #subscribe(topic: string, listener: (json: string) => void): Promise<Unsubscribe> {
    const own = (json: string) => listener(json)
    this.#listeners.add(topic, own)
    // Always sent, even for a topic that is already known: its SUBSCRIBE may still be under way.
    await this.#subscriber.subscribe(topic).catch(() => {
      this.#missed = true
      // Refused or timed out on a standing connection: a new one subscribes to everything again.
      if (this.#subscriber.status === 'ready') this.#subscriber.disconnect(true)
    })
    return async () => {
      if (!this.#listeners.remove(topic, own) || this.#closed) return
      await this.#subscriber.unsubscribe(topic).catch(() => {})
    }
  }

  async #resubscribe(): Promise<void> {
    const topics = this.#listeners.topics()
    try {
      if (topics.length > 0) await this.#subscriber.subscribe(...topics)
    } catch (error) {
      // The connection dropped again (the next `ready` repeats this), or Redis refuses: then start over.
      this.#logger.warn({ err: error }, 'could not subscribe again')
      if (this.#subscriber.status === 'ready') this.#subscriber.disconnect(true)
      return
    }
    if (!this.#missed) return
    this.#missed = false
    for (const listener of this.#resubscribed) listener()
  }

  /** All listeners of a topic get the same string one after another: it is parsed once. */
  #parse(json: string): ServerEvent | undefined {
    if (this.#parsed?.json !== json) this.#parsed = { json, event: this.#decode(json) }
    return this.#parsed.event
  }

  #decode(json: string): ServerEvent | undefined {
    const result = serverEvent.safeParse(JSON.parse(json))
    if (result.success) return result.data
    this.#logger.warn({ issues: result.error.issues.slice(0, 3) }, 'an unreadable event was dropped')
    return undefined
  }

  #base(conversationId: string): string {
    return `${this.#prefix}:live:{${conversationId}}`
  }

  #conversationChannel(conversationId: string): string {
    return `${this.#prefix}:conversation:${conversationId}`
  }

  #userChannel(userId: string): string {
    return `${this.#prefix}:user:${userId}`
  }

  #keys(ref: LiveAttempt): [head: string, index: string, text: string] {
    const base = this.#base(ref.conversationId)
    const key = turnKey(ref)
    return [`${base}:head:${key}`, `${base}:index`, `${base}:text:${key}:${ref.attempt}`]
  }

  /** The first seven ARGV of the scripts; `event` is published, if it is one. */
  #store(ref: LiveAttempt, event: string): (string | number)[] {
    const key = turnKey(ref)
    return [
      ref.attempt,
      ref.agentId,
      this.#ttlMs,
      key,
      `${this.#base(ref.conversationId)}:text:${key}:`,
      this.#conversationChannel(ref.conversationId),
      event,
    ]
  }
}

/** A text as the scripts store it, and its length in UTF-16 units. */
const piece = (text: string): [inner: string, length: number] => [JSON.stringify(text).slice(1, -1), text.length]
