import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { type DefaultEventsMap, Server } from 'socket.io'
import { Decoder, Encoder } from 'socket.io-parser'
import { requireScope } from '../contract/required-scope.ts'
import { AppError } from '../shared/errors.ts'
import { inspectJson } from '../shared/json-size.ts'
import type { Logger } from '../shared/logger.ts'
import { Seats } from '../shared/seats.ts'
import { Budget } from './budget.ts'
import type { LiveFeed, Unsubscribe } from './live-feed.ts'
import { type AppSocket, isExpired, SocketClient, type SocketLimits, sizeOf } from './socket-client.ts'
import { failureOf } from './socket-commands.ts'
import type { SocketPorts, SocketSession } from './socket-ports.ts'
import type { WatchRegistry } from './watch-registry.ts'

const DEFAULT_LIMITS: SocketLimits = {
  commandsPerSecond: 20,
  userCommandsPerSecond: 60,
  bytesPerSecond: 262_144,
  packetBytes: 262_144,
  joins: 50,
  socketsPerUser: 20,
  socketsPerNetwork: 300,
  signInMs: 5_000,
  pendingChars: 262_144,
}

/** What a connection may send before it is signed in: a token, some times over. */
const UNKNOWN_BYTES = 32_768
const UNKNOWN_PACKETS = 16

const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/** Parses no packet that takes long to parse: who sends one is let go. */
class BoundedDecoder extends Decoder {
  override add(packet: unknown): void {
    if (typeof packet === 'string' && inspectJson(Buffer.from(packet)).isTooLarge) throw new Error('too many values')
    super.add(packet)
  }
}

/** How long `close` waits for commands under way. */
const DRAIN_MS = 2_000

export interface SocketServerOptions {
  ports: SocketPorts
  feed: LiveFeed
  /** Started and closed by its owner; shared with other carriers (SSE). */
  registry: WatchRegistry
  logger: Logger
  /** How often sessions are checked (VERSION_POLL_MS). */
  pollMs: number
  /** Origins that browsers may connect from; true for any. */
  corsOrigin?: string[] | boolean
  /** Where a connection comes from, as limits count it; without it all come from one place. */
  networkOf?: (request: IncomingMessage) => string
  /** False for a network that opens too many sockets too quickly. */
  mayConnect?: (network: string) => Promise<boolean>
  limits?: Partial<SocketLimits>
}

/**
 * The Socket.IO side of the API, on the default namespace. Needs no sticky balancer with `transports: ['websocket']`
 * (long polling does). Nodes share nothing but the live feed and the rows.
 *
 * @example
 * const sockets = new SocketServer({ ports, feed, registry, logger, pollMs })
 * await sockets.attach(httpServer)
 */
export class SocketServer {
  readonly #ports: SocketPorts
  readonly #feed: LiveFeed
  readonly #registry: WatchRegistry
  readonly #logger: Logger
  readonly #pollMs: number
  readonly #limits: SocketLimits
  readonly #userSeats: Seats
  readonly #networkSeats: Seats
  readonly #networkOf: (request: IncomingMessage) => string
  readonly #mayConnect: (network: string) => Promise<boolean>
  /** Connections that have signed in. */
  readonly #known = new WeakSet<object>()
  readonly #io: Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, { session: SocketSession }>
  readonly #users = new Map<string, { clients: Set<SocketClient>; budget: Budget }>()
  #timer: NodeJS.Timeout | undefined
  #stopSignals: Unsubscribe | undefined
  #closing = false
  /** Until when all sockets are to have gone elsewhere, by `performance.now()`; undefined while they may stay. */
  #moveBy: number | undefined

  constructor(options: SocketServerOptions) {
    this.#ports = options.ports
    this.#feed = options.feed
    this.#registry = options.registry
    this.#logger = options.logger
    this.#pollMs = options.pollMs
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    const { socketsPerUser, socketsPerNetwork } = this.#limits
    this.#userSeats = new Seats({ each: socketsPerUser })
    this.#networkSeats = new Seats({ each: socketsPerNetwork })
    this.#networkOf = options.networkOf ?? (() => '')
    this.#mayConnect = options.mayConnect ?? (async () => true)
    this.#io = new Server({
      serveClient: false,
      parser: { Encoder, Decoder: BoundedDecoder },
      maxHttpBufferSize: this.#limits.packetBytes,
      connectTimeout: this.#limits.signInMs,
      cors: { origin: options.corsOrigin ?? false },
      allowRequest: (request, decide) => {
        this.#refusal(request).then(
          (refusal) => decide(refusal, refusal === null),
          (error: unknown) => {
            this.#logger.error({ err: error }, 'a socket could not be counted')
            decide('the server has trouble', false)
          },
        )
      },
    })
    this.#io.use((socket, next) => {
      this.#authenticate(socket).then(
        () => next(),
        (error: unknown) => {
          if (!(error instanceof AppError)) this.#logger.error({ err: error }, 'a socket could not be authenticated')
          const failure = failureOf(error)
          next(Object.assign(new Error(failure.message), { data: failure }))
        },
      )
    })
    this.#io.on('connection', (socket) => this.#connect(socket))
  }

  /** Begins to accept sockets on this server, whose owner closes it. */
  async attach(server: HttpServer): Promise<void> {
    this.#stopSignals = await this.#feed.onSignal((signal) => {
      if (signal.type === 'session.revoked') void this.#revoke(signal)
    })
    this.#io.attach(server)
    this.#io.engine.on('connection', (conn: AppSocket['conn']) => this.#admit(conn))
    const next = () => {
      this.#timer = setTimeout(
        () => void this.#checkSessions(this.#clients()).finally(() => !this.#closing && next()),
        this.#pollMs,
      )
      this.#timer.unref()
    }
    next()
  }

  /** Connected sockets of this process. */
  get size(): number {
    return this.#clients().length
  }

  /** Characters that wait for slow clients in this process. */
  get pendingChars(): number {
    return this.#clients().reduce((sum, client) => sum + client.pendingChars, 0)
  }

  /**
   * Refuses new sockets, and asks those that are connected to come again elsewhere, each at a moment of its own within so many
   * milliseconds: all at once they would be a crowd before the doors of the others.
   */
  moveOn(withinMs: number): void {
    this.#moveBy = performance.now() + withinMs
    for (const client of this.#clients()) client.moveOn(withinMs)
  }

  /** Refuses new sockets, answers the commands under way, then drops connections so that clients reconnect elsewhere. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    clearTimeout(this.#timer)
    await this.#stopSignals?.()
    const clients = this.#clients()
    const settled = Promise.all(clients.map((client) => client.settled()))
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())])
    this.#io.engine?.close()
    await Promise.all(clients.map((client) => client.close()))
  }

  /** Why a connection is not even begun; null when it may be. */
  async #refusal(request: IncomingMessage): Promise<string | null> {
    if (this.#closing || this.#moveBy !== undefined) {
      // Engine.IO would say 400, which is nobody's to take elsewhere; balancers try another server after a 503.
      if (request.headers.upgrade) request.socket.end(UNAVAILABLE)
      return 'the server is closing'
    }
    const network = this.#networkOf(request)
    if (!this.#networkSeats.isFree(network) || !(await this.#mayConnect(network))) return 'too many connections'
    return null
  }

  /** A connection of which nothing is known yet: it counts, and it may say little before it signs in. */
  #admit(conn: AppSocket['conn']): void {
    const leave = this.#networkSeats.take(this.#networkOf(conn.request))
    if (typeof leave !== 'function') return void conn.close(true)
    conn.once('close', leave)
    let [bytes, packets] = [UNKNOWN_BYTES, UNKNOWN_PACKETS]
    const count = ({ data }: { data?: unknown }) => {
      if (this.#known.has(conn)) return void conn.off('packet', count)
      bytes -= sizeOf(data)
      packets -= 1
      if (bytes < 0 || packets < 0) conn.close(true)
    }
    conn.on('packet', count)
  }

  async #authenticate(socket: AppSocket): Promise<void> {
    const token: unknown = socket.handshake.auth.token
    if (typeof token !== 'string' || token.length > 8_192) {
      throw new AppError('auth.unauthorized/socket')
    }
    const session = await this.#ports.authenticate(token)
    requireScope(session.key, 'read')
    // Taken here, where nothing comes between: many that connect at once would all find room.
    const leave = this.#userSeats.take(session.userId)
    if (typeof leave !== 'function') throw new AppError('socket.too_many_sockets')
    if (socket.conn.readyState !== 'open') leave()
    else socket.conn.once('close', leave)
    this.#known.add(socket.conn)
    socket.data.session = session
  }

  #connect(socket: AppSocket): void {
    const { userId } = socket.data.session
    const perSecond = this.#limits.userCommandsPerSecond
    const user = this.#users.get(userId) ?? { clients: new Set(), budget: new Budget(perSecond, perSecond * 2) }
    this.#users.set(userId, user)
    const client = new SocketClient({
      socket,
      ports: this.#ports,
      feed: this.#feed,
      registry: this.#registry,
      limits: this.#limits,
      userBudget: user.budget,
      logger: this.#logger,
    })
    user.clients.add(client)
    // It was on its way in when the others were asked to go.
    if (this.#moveBy !== undefined) client.moveOn(Math.max(0, this.#moveBy - performance.now()))
    socket.once('disconnect', () => {
      user.clients.delete(client)
      if (user.clients.size === 0 && this.#users.get(userId) === user) this.#users.delete(userId)
      client.close().catch((error: unknown) => this.#logger.warn({ err: error }, 'a socket did not close cleanly'))
    })
    client.start().catch((error: unknown) => this.#logger.warn({ err: error }, "a user's events cannot be received"))
  }

  async #revoke(signal: { sessionId: string } | { userId: string }): Promise<void> {
    if ('sessionId' in signal) {
      for (const client of this.#clients()) if (client.session.sessionId === signal.sessionId) client.refuse()
    } else {
      // Some of the user's sessions may have been kept: the rows say which.
      await this.#checkSessions([...(this.#users.get(signal.userId)?.clients ?? [])])
    }
  }

  /** Ends sockets whose session is over. Never rejects: without the database sessions go on until it is back. */
  async #checkSessions(clients: SocketClient[]): Promise<void> {
    for (const client of clients) if (isExpired(client.session)) client.refuse()
    if (clients.length === 0) return
    try {
      const checked = clients.map((client) => ({ client, sessionId: client.session.sessionId }))
      const alive = await this.#ports.sessionAlive([...new Set(checked.map(({ sessionId }) => sessionId))])
      for (const { client, sessionId } of checked) {
        // A refresh may have changed the session meanwhile.
        if (!alive.has(sessionId) && client.session.sessionId === sessionId) client.refuse()
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'sessions could not be checked')
    }
  }

  #clients(): SocketClient[] {
    return [...this.#users.values()].flatMap((user) => [...user.clients])
  }
}
