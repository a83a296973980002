import type { DefaultEventsMap, Socket } from 'socket.io'
import { clientCommands, type DrainingNotice, type ServerEvent, type UserEvent } from '../contract/events.ts'
import { requireScope } from '../contract/required-scope.ts'
import { AppError, invalidRequest } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { Budget } from './budget.ts'
import { ConversationWatch } from './conversation-watch.ts'
import type { LiveFeed, Unsubscribe } from './live-feed.ts'
import {
  type Command,
  command,
  failureOf,
  parseSend,
  type Reply,
  scopeOf,
  tooFast,
  unknownCommand,
} from './socket-commands.ts'
import type { SocketPorts, SocketSession } from './socket-ports.ts'
import type { WatchRegistry } from './watch-registry.ts'

/** What one socket, and one user on this node, may do. */
export interface SocketLimits {
  /** Commands of one socket per second; twice as many at once. */
  commandsPerSecond: number
  /** Commands of all of a user's sockets on this node per second; twice as many at once. */
  userCommandsPerSecond: number
  /** Bytes that one socket may send per second; four times as many at once. More ends the connection. */
  bytesPerSecond: number
  /** The largest packet from a client, in bytes. */
  packetBytes: number
  /** Conversations that one socket watches. */
  joins: number
  socketsPerUser: number
  /** Sockets of one network on this node, signed in or not. */
  socketsPerNetwork: number
  /** A socket that has not signed in within this is closed, in ms. */
  signInMs: number
  /** Characters waiting for a slow client, from which on it is owed a snapshot instead. Sixteen times as many end it. */
  pendingChars: number
}

export type AppSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, { session: SocketSession }>

/** Refused commands that a socket may send before it is ended as abusive. */
const MAX_REFUSED = 500

/** One connected socket: its session, its commands, and the conversations that it watches. */
export class SocketClient {
  readonly #socket: AppSocket
  readonly #ports: SocketPorts
  readonly #feed: LiveFeed
  readonly #registry: WatchRegistry
  readonly #limits: SocketLimits
  readonly #logger: Logger
  readonly #budget: Budget
  readonly #userBudget: Budget
  readonly #refusals = new Budget(MAX_REFUSED / 10, MAX_REFUSED)
  readonly #watches = new Map<string, ConversationWatch>()
  readonly #commands: Map<string, Command>
  readonly #inFlight = new Set<Promise<void>>()
  /** The latest of each kind of user event that a slow client has not got yet. */
  readonly #owed = new Map<string, UserEvent>()
  #unsubscribeUser: Unsubscribe | undefined
  #session: SocketSession
  #pendingChars = 0
  #closed = false

  constructor(options: {
    socket: AppSocket
    ports: SocketPorts
    feed: LiveFeed
    registry: WatchRegistry
    limits: SocketLimits
    /** Shared by all sockets of the user. */
    userBudget: Budget
    logger: Logger
  }) {
    this.#socket = options.socket
    this.#ports = options.ports
    this.#feed = options.feed
    this.#registry = options.registry
    this.#limits = options.limits
    this.#logger = options.logger
    this.#session = options.socket.data.session
    this.#userBudget = options.userBudget
    this.#budget = new Budget(options.limits.commandsPerSecond, options.limits.commandsPerSecond * 2)
    this.#commands = new Map([
      ['conversation.join', command(clientCommands['conversation.join'], (body, reply) => this.#join(body, reply))],
      ['conversation.leave', command(clientCommands['conversation.leave'], (body, reply) => this.#leave(body, reply))],
      ['message.send', (body: unknown, reply: Reply) => this.#send(body, reply)],
      ['run.cancel', command(clientCommands['run.cancel'], (body, reply) => this.#cancel(body, reply))],
      ['auth.refresh', command(clientCommands['auth.refresh'], (body, reply) => this.#refresh(body, reply))],
    ])
    this.#measure()
    options.socket.onAny((name: unknown, ...args: unknown[]) => this.#receive(String(name), args))
  }

  get session(): SocketSession {
    return this.#session
  }

  /** Characters that wait for this client in this process. */
  get pendingChars(): number {
    return this.#pendingChars
  }

  /** Begins with the user's own events (credits, files). */
  async start(): Promise<void> {
    const unsubscribe = await this.#feed.subscribeUser(this.#session.userId, (event) => this.#emitToUser(event))
    if (this.#closed) await unsubscribe()
    else this.#unsubscribeUser = unsubscribe
  }

  /** Ends the connection for good: clients do not reconnect by themselves after this. */
  refuse(): void {
    this.#socket.disconnect(true)
  }

  /** Asks the client to connect anew, elsewhere. */
  moveOn(withinMs: number): void {
    const notice: DrainingNotice = { reconnectWithinMs: Math.round(withinMs) }
    this.#socket.emit('server.draining', notice)
  }

  /** Resolves when the commands under way are answered. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
  }

  /** After the disconnect. */
  async close(): Promise<void> {
    this.#closed = true
    this.#owed.clear()
    const watches = [...this.#watches.values()]
    this.#watches.clear()
    for (const watch of watches) this.#registry.remove(watch)
    await Promise.all([this.#unsubscribeUser?.(), ...watches.map((watch) => watch.close())])
  }

  #receive(name: string, args: unknown[]): void {
    const last = args.at(-1)
    const acknowledge = typeof last === 'function' ? (answer: object) => void last(answer) : () => {}
    const body = typeof last === 'function' ? args.slice(0, -1) : args
    const work = this.#run(name, body, (answer) => acknowledge({ ok: true, ...answer })).catch((error: unknown) => {
      if (!(error instanceof AppError)) this.#logger.error({ err: error, command: name }, 'a socket command failed')
      acknowledge({ ok: false, error: failureOf(error) })
    })
    this.#inFlight.add(work)
    void work.finally(() => this.#inFlight.delete(work))
  }

  async #run(name: string, args: unknown[], reply: Reply): Promise<void> {
    if (isExpired(this.#session) && name !== 'auth.refresh') throw new AppError('auth.unauthorized/expired')
    if (this.#pendingChars > this.#limits.pendingChars * 16 || !this.#budget.take() || !this.#userBudget.take()) {
      if (!this.#refusals.take()) this.refuse()
      throw tooFast()
    }
    // WebSockets refuse what is no UTF-8 themselves; long polling decodes it, each such byte as this sign.
    if (this.#socket.conn.transport.name === 'polling' && JSON.stringify(args).includes('\ufffd')) {
      throw invalidRequest([{ path: '', message: 'The command is not valid UTF-8.' }])
    }
    const run = this.#commands.get(name)
    if (!run) throw unknownCommand()
    requireScope(this.#session.key, scopeOf(name))
    await run(args.length > 1 ? args : args[0], reply)
  }

  async #join(body: { conversationId: string; afterSeq?: number | undefined }, reply: Reply): Promise<void> {
    const { conversationId, afterSeq } = body
    const known = this.#watches.get(conversationId)
    if (known) return known.open(afterSeq, reply)
    if (this.#watches.size >= this.#limits.joins) {
      throw new AppError('socket.too_many_joins', { words: { limit: this.#limits.joins } })
    }
    const watch = new ConversationWatch({
      conversationId,
      feed: this.#feed,
      rows: (after) => this.#ports.snapshot(this.#session.userId, conversationId, after),
      sink: { emit: (event) => this.#emit(event), isBehind: () => this.#isBehind() },
      logger: this.#logger,
    })
    this.#watches.set(conversationId, watch)
    try {
      await watch.open(afterSeq, reply)
    } catch (error) {
      if (this.#watches.get(conversationId) === watch) this.#watches.delete(conversationId)
      await watch.close()
      throw error
    }
    if (this.#watches.get(conversationId) === watch) this.#registry.add(watch)
  }

  async #leave({ conversationId }: { conversationId: string }, reply: Reply): Promise<void> {
    const watch = this.#watches.get(conversationId)
    this.#watches.delete(conversationId)
    if (watch) {
      this.#registry.remove(watch)
      await watch.close()
    }
    reply({})
  }

  async #send(body: unknown, reply: Reply): Promise<void> {
    const { userId, key } = this.#session
    reply(await this.#ports.send(userId, parseSend(body), key?.id))
  }

  async #cancel({ runId }: { runId: string }, reply: Reply): Promise<void> {
    reply({ run: await this.#ports.cancel(this.#session.userId, runId) })
  }

  /** A new token for the same user: the connection and its watches stay. */
  async #refresh({ token }: { token: string }, reply: Reply): Promise<void> {
    const session = await this.#ports.authenticate(token)
    if (session.userId !== this.#session.userId) throw new AppError('auth.forbidden/other_user')
    requireScope(session.key, 'read')
    this.#session = session
    this.#socket.data.session = session
    reply({ expiresAt: session.expiresAt?.toISOString() ?? null })
  }

  #emit(event: ServerEvent): void {
    const { type, ...payload } = event
    this.#socket.emit(type, payload)
  }

  /** Each of these replaces the one before: a slow client gets the latest. */
  #emitToUser(event: UserEvent): void {
    if (!this.#isBehind()) this.#emit(event)
    else this.#owed.set(subjectOf(event), event)
  }

  #isBehind(): boolean {
    return this.#pendingChars > this.#limits.pendingChars
  }

  /**
   * Counts what waits in the connection's buffer (engine.io announces each packet that enters it, and when all of it
   * is handed to the transport, which happens only when the transport has written what it had before).
   */
  #measure(): void {
    const { conn } = this.#socket
    conn.on('packetCreate', (packet: { data?: unknown }) => {
      this.#pendingChars += sizeOf(packet.data)
    })
    conn.on('flush', () => {
      const wasBehind = this.#isBehind()
      this.#pendingChars = 0
      // Not at once: engine.io is about to take the very buffer that an emit would now add to.
      if (wasBehind) setImmediate(() => this.#drained())
    })
    const bytes = new Budget(this.#limits.bytesPerSecond, this.#limits.bytesPerSecond * 4)
    conn.on('packet', (packet: { data?: unknown }) => {
      // Commands are texts.
      if (!bytes.take(sizeOf(packet.data)) || Buffer.isBuffer(packet.data)) conn.close(true)
    })
  }

  #drained(): void {
    if (this.#closed) return
    for (const [key, event] of this.#owed) {
      this.#owed.delete(key)
      this.#emit(event)
    }
    for (const watch of this.#watches.values()) watch.drained()
  }
}

/** By this process's clock; the rows are looked at besides. */
export const isExpired = ({ expiresAt }: SocketSession): boolean =>
  expiresAt !== null && expiresAt.getTime() <= Date.now()

/** What a user's event is of: of each only the latest is told. An update of a conversation that is not known is a new one. */
const subjectOf = (event: UserEvent): string =>
  'conversationId' in event ? event.conversationId : event.type === 'file.updated' ? event.file.id : event.type

export const sizeOf = (data: unknown): number => (typeof data === 'string' || Buffer.isBuffer(data) ? data.length : 0)
