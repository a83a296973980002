/** One socket of the client, to whichever server a balancer chooses. No Node-only imports. */
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import { drainingNotice, type ServerEvent, serverEvent } from '../contract/events.ts'
import { failureView } from '../contract/views.ts'
import { ApiError } from './api-error.ts'

const refusal = z.object({ ok: z.literal(false), error: failureView })
/** How long an acknowledgement may take, in ms. */
const ANSWER_MS = 10_000
/** How long to wait after a refused connection that may be taken later, in ms. */
const AGAIN_MS = 1_000

/** What its owner is told of a link. */
export interface LinkOwner {
  /** Connected, for the first time or again: the server knows nothing of this client yet. */
  onConnected(link: LiveLink): void
  /** The connection is lost, and comes back by itself. */
  onDropped(link: LiveLink): void
  /** A connection did not come to be: it is tried again by itself. */
  onUnreachable(): void
  /** The server ends within so many ms. */
  onDraining(link: LiveLink, withinMs: number): void
  onEvent(event: ServerEvent, link: LiveLink): void
  /** The session is over: the link does not come back by itself. */
  onEnded(error: ApiError): void
}

/** Connects at `connect`, and again after any drop, until `close` or the end of the session. */
export class LiveLink {
  readonly #socket: Socket
  readonly #owner: LinkOwner
  #again: ReturnType<typeof setTimeout> | undefined

  /** `token` is asked for at every connection. */
  constructor(url: string, token: () => string | undefined, owner: LinkOwner) {
    this.#owner = owner
    this.#socket = io(url, {
      transports: ['websocket'],
      auth: (give) => give({ token: token() }),
      autoConnect: false,
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 2_000,
    })
    this.#socket.on('connect', () => owner.onConnected(this))
    this.#socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect') {
        owner.onEnded(new ApiError(401, 'auth.unauthorized', 'The server ended the session.'))
      } else if (reason !== 'io client disconnect') owner.onDropped(this)
    })
    this.#socket.on('server.draining', (notice: unknown) => {
      const within = drainingNotice.safeParse(notice).data?.reconnectWithinMs
      if (within !== undefined) owner.onDraining(this, within)
    })
    this.#socket.on('connect_error', (error) => this.#refused(error))
    this.#socket.onAny((type: string, payload: object) => {
      const event = serverEvent.safeParse({ type, ...payload }).data
      // Events of a newer server that this client does not know are left out.
      if (event) owner.onEvent(event, this)
    })
  }

  get connected(): boolean {
    return this.#socket.connected
  }

  connect(): void {
    this.#socket.connect()
  }

  /**
   * Sends a command. `done` is called before any event that the server sent behind the acknowledgement, which a promise
   * could not promise: snapshots are applied in it. After `close` it is not called any more, or with an error.
   */
  command<S extends z.ZodType>(
    name: string,
    body: object,
    answer: S,
    done: (result: z.output<S> | ApiError) => void,
  ): void {
    this.#socket.timeout(ANSWER_MS).emit(name, body, (error: Error | null, reply: unknown) => {
      if (error) return done(new ApiError(0, 'client.unreachable', 'The server did not acknowledge in time.'))
      const refused = refusal.safeParse(reply).data?.error
      if (refused)
        return done(new ApiError(refused.status ?? 0, refused.code, refused.message, { details: refused.details }))
      const result = answer.safeParse(reply)
      done(
        result.success ? result.data : new ApiError(0, 'client.unexpected', `${name} answered something unexpected.`),
      )
    })
  }

  /** Sends a command whose answer nobody waits for; none without a connection, because a new one begins from nothing. */
  tell(name: string, body: object): void {
    if (this.#socket.connected) this.#socket.emit(name, body)
  }

  /** Drops the transport, as a network would; the connection comes back by itself. For tests. */
  drop(): void {
    this.#socket.io.engine.close()
  }

  /** For good. */
  close(): void {
    clearTimeout(this.#again)
    this.#socket.offAny()
    this.#socket.disconnect()
  }

  /** Transport errors are tried again by Socket.IO; a refusal by the server is not. */
  #refused(error: Error): void {
    const failure = failureView.safeParse('data' in error ? error.data : undefined).data
    if (!failure) {
      this.#owner.onUnreachable()
      return
    }
    if (failure.code.startsWith('auth.')) {
      this.#owner.onEnded(new ApiError(401, failure.code, failure.message, { details: failure.details }))
      return
    }
    this.#owner.onUnreachable()
    clearTimeout(this.#again)
    this.#again = setTimeout(() => this.#socket.connect(), AGAIN_MS)
  }
}
