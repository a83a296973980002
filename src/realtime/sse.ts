import type { ServerResponse } from 'node:http'
import { isTerminal, type RunView } from '../contract/views.ts'
import { AppError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { Seats } from '../shared/seats.ts'
import { EventStream, type StreamPorts } from './event-stream.ts'
import type { LiveFeed, Unsubscribe } from './live-feed.ts'
import { RunEvents } from './run-events.ts'
import { type ShowEvent, SseOutlet, type StreamOutlet } from './stream-outlet.ts'
import { StreamPosition } from './stream-position.ts'
import type { WatchRegistry } from './watch-registry.ts'

/** Who asks for a stream. */
export interface StreamReader {
  userId: string
  sessionId: string
  /** Where it comes from, as limits count it. */
  network: string
}

/** Who asks for a stream, of what, and from where on. */
export interface StreamRequest extends StreamReader {
  /** The events of a conversation, or of one run only, ending with it. */
  of: { conversationId: string } | { runId: string }
  /** The id of the last event that the client has; one that is not ours, or of something else, begins anew. */
  lastEventId: string | undefined
  res: ServerResponse
}

/** Streams at once in this process; as many as fit of all together where that is not said. */
export interface StreamLimits {
  perUser: number
  perNetwork: number
  all?: number
  /** Bytes that may wait for all of them before another one begins. */
  pendingBytes?: number
}

interface StreamsOptions {
  ports: StreamPorts
  feed: LiveFeed
  /** Started and closed by its owner; shared with the sockets. */
  registry: WatchRegistry
  logger: Logger
  /** How often sessions are checked (VERSION_POLL_MS). */
  pollMs: number
  /** SSE_HEARTBEAT_MS. */
  heartbeatMs: number
  limits: StreamLimits
  /** What of events is sent: all of it where nothing is said. */
  show?: ShowEvent
}

/**
 * Event streams (SSE): what sockets carry, for clients without Socket.IO. A fresh stream begins with a
 * `conversation.snapshot`; one that resumes goes on with exactly what was missed, as the events of it.
 */
export class EventStreams {
  readonly #options: StreamsOptions
  readonly #streams = new Set<EventStream>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #userSeats: Seats
  readonly #networkSeats: Seats
  #stopSignals: Unsubscribe | undefined
  #closing = false

  constructor(options: StreamsOptions) {
    this.#options = options
    const { perUser, all = Number.POSITIVE_INFINITY } = options.limits
    this.#userSeats = new Seats({ each: perUser, all })
    this.#networkSeats = new Seats({ each: options.limits.perNetwork })
  }

  async start(): Promise<void> {
    const { feed, pollMs, heartbeatMs } = this.#options
    this.#stopSignals = await feed.onSignal((signal) => {
      if (signal.type === 'session.revoked') void this.#checkSessions()
    })
    this.#timers.push(
      setInterval(() => void this.#checkSessions(), pollMs).unref(),
      setInterval(() => {
        for (const stream of this.#streams) stream.beat()
      }, heartbeatMs).unref(),
    )
  }

  /** Open streams of this process. */
  get size(): number {
    return this.#streams.size
  }

  /** Bytes that wait for slow clients in this process. */
  get pendingBytes(): number {
    return [...this.#streams].reduce((sum, stream) => sum + stream.pendingBytes, 0)
  }

  /**
   * Answers the request with a stream; resolves when it has begun. 204 when nothing can come any more: the client has seen the
   * run's end.
   * @throws AppError 404 when it is not this user's, 429 for too many streams, 503 while the server closes
   */
  async open(request: StreamRequest): Promise<void> {
    const leave = this.place(request)
    request.res.once('close', leave)
    // Before somebody listened.
    if (request.res.destroyed) leave()
    await this.#open(request)
  }

  /**
   * A place for one more stream of this reader, which may begin later; to be given back, once or more often, by calling it.
   * @throws AppError 429 `stream.too_many`, 503 `server.busy`
   */
  place({ userId, network }: Pick<StreamReader, 'userId' | 'network'>): () => void {
    const { limits } = this.#options
    if (this.pendingBytes > (limits.pendingBytes ?? Number.POSITIVE_INFINITY)) throw allTaken()
    const leaveUser = this.#userSeats.take(userId)
    if (leaveUser === 'all') throw allTaken()
    if (leaveUser === 'each') throw tooManyStreams(limits.perUser)
    const leaveNetwork = this.#networkSeats.take(network)
    if (typeof leaveNetwork === 'function') {
      return () => {
        leaveUser()
        leaveNetwork()
      }
    }
    leaveUser()
    throw tooManyStreams(limits.perNetwork)
  }

  /**
   * Takes a place before anything is begun: who cannot be told is not listened to. It is given back when `begin` fails, else by `leave`.
   * @throws AppError 429; what `begin` throws
   */
  async placed<T>(
    reader: Pick<StreamReader, 'userId' | 'network'>,
    begin: (leave: () => void) => Promise<T>,
  ): Promise<T> {
    const leave = this.place(reader)
    try {
      return await begin(leave)
    } catch (error) {
      leave()
      throw error
    }
  }

  /**
   * All events of a run, from its first message or behind the event of `lastEventId` on, to be read in this process; `close` it. What becomes of
   * other runs of its conversation is among them, for it may wait for one. Who has not taken a `place` for it is not counted.
   * @throws AppError 404 when it is not this user's, 503 while the server closes
   */
  async follow(
    reader: Pick<StreamReader, 'userId' | 'sessionId'>,
    runId: string,
    lastEventId?: string,
  ): Promise<{ events: RunEvents; close: () => void }> {
    const { ports } = this.#options
    const run = await ports.run(reader.userId, runId)
    const { conversationId } = run
    let position = StreamPosition.parse(lastEventId, conversationId)
    if (!position) {
      position = new StreamPosition(conversationId)
      position.seq = Math.max((await ports.firstSeq(conversationId, runId)) - 1, 0)
      position.open(runId)
    }
    if (this.#closing) throw closing()
    const events = new RunEvents()
    const stream = this.#add(reader, events, conversationId, run, position, true)
    const close = () => {
      this.#streams.delete(stream)
      void stream.close('over')
    }
    try {
      await stream.open()
    } catch (error) {
      close()
      throw error
    }
    return { events, close }
  }

  #add(
    reader: Pick<StreamReader, 'userId' | 'sessionId'>,
    outlet: StreamOutlet,
    conversationId: string,
    run: RunView | undefined,
    position: StreamPosition | undefined,
    hearsOthers = false,
  ): EventStream {
    const stream = new EventStream({ ...this.#options, reader, outlet, conversationId, run, position, hearsOthers })
    this.#streams.add(stream)
    return stream
  }

  async #open(request: StreamRequest): Promise<void> {
    const { userId, of, res } = request
    const { ports } = this.#options
    const run = 'runId' in of ? await ports.run(userId, of.runId) : undefined
    const conversationId = 'runId' in of ? (run?.conversationId ?? '') : of.conversationId
    const position = StreamPosition.parse(request.lastEventId, conversationId)
    if (run && position && isTerminal(run.status) && !position.openRuns.has(run.id)) {
      res.writeHead(204).end()
      return
    }
    if (this.#closing) throw closing()
    // Gone while this looked: its 'close' has been.
    if (res.destroyed) return
    const stream = this.#add(request, new SseOutlet(res, this.#options.show), conversationId, run, position)
    res.on('close', () => {
      this.#streams.delete(stream)
      void stream.close('over')
    })
    try {
      await stream.open()
      if (!res.headersSent && !res.destroyed) throw closing()
    } catch (error) {
      this.#streams.delete(stream)
      await stream.close('trouble')
      if (!res.headersSent) throw error
      this.#options.logger.warn({ err: error, conversationId }, 'a stream could not go on')
    }
  }

  /**
   * Ends each stream at a moment of its own within so many milliseconds; its client comes again, and gets what it missed. One that is
   * read in this process has a client that knows no way to come again: it goes on for as long as the server does.
   */
  moveOn(withinMs: number): void {
    for (const stream of this.#streams) {
      if (stream.isMovable) setTimeout(() => void stream.close('server'), withinMs * Math.random()).unref()
    }
  }

  /** Ends all streams, so that clients go on elsewhere. */
  async close(): Promise<void> {
    this.#closing = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#stopSignals?.()
    await Promise.all([...this.#streams].map((stream) => stream.close('server')))
  }

  /** Ends streams whose session is over. Never rejects: without the database they go on until it is back. */
  async #checkSessions(): Promise<void> {
    const streams = [...this.#streams]
    if (streams.length === 0) return
    try {
      const alive = await this.#options.ports.sessionAlive([...new Set(streams.map(({ sessionId }) => sessionId))])
      for (const stream of streams) if (!alive.has(stream.sessionId)) void stream.close('session')
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'sessions of streams could not be checked')
    }
  }
}

const tooManyStreams = (limit: number) => new AppError('stream.too_many', { words: { limit }, details: { limit } })

/** Somebody leaves by then. */
const RETRY_AFTER_SECONDS = 10
const allTaken = () => new AppError('server.busy', { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } })

/** Also the answer to a stream that was ended before it began. */
const closing = () => new AppError('server.closing')
