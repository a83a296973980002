import type { Server as HttpServer } from 'node:http'
import { type DefaultEventsMap, Server } from 'socket.io'
import { AppError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { Budget } from './budget.ts'
import type { LiveFeed, Unsubscribe } from './live-feed.ts'
import { type AppSocket, SocketClient, type SocketLimits } from './socket-client.ts'
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
  pendingChars: 262_144,
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
  readonly #io: Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, { session: SocketSession }>
  readonly #users = new Map<string, { clients: Set<SocketClient>; budget: Budget }>()
  #timer: NodeJS.Timeout | undefined
  #stopSignals: Unsubscribe | undefined
  #closing = false

  constructor(options: SocketServerOptions) {
    this.#ports = options.ports
    this.#feed = options.feed
    this.#registry = options.registry
    this.#logger = options.logger
    this.#pollMs = options.pollMs
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#io = new Server({
      serveClient: false,
      maxHttpBufferSize: this.#limits.packetBytes,
      connectTimeout: 10_000,
      cors: { origin: options.corsOrigin ?? false },
      allowRequest: (_request, decide) => decide(this.#closing ? 'the server is closing' : null, !this.#closing),
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

  async #authenticate(socket: AppSocket): Promise<void> {
    const token: unknown = socket.handshake.auth.token
    if (typeof token !== 'string' || token.length > 8_192) {
      throw new AppError('auth.unauthorized/socket')
    }
    const session = await this.#ports.authenticate(token)
    if ((this.#users.get(session.userId)?.clients.size ?? 0) >= this.#limits.socketsPerUser) {
      throw new AppError('socket.too_many_sockets')
    }
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
    const now = Date.now()
    for (const client of clients) if (client.session.expiresAt.getTime() <= now) client.refuse()
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
