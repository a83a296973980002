/** The live side of the client: one socket for all conversations that are followed. No Node-only imports. */
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import { type ConversationEvent, drainingNotice, serverEvent, type UserEvent } from '../contract/events.ts'
import { failureView } from '../contract/views.ts'
import { ApiError } from './rest.ts'

const refusal = z.object({ ok: z.literal(false), error: failureView })
/** How long an acknowledgement may take, in ms. */
const ANSWER_MS = 10_000
/** How long to wait after a refused connection that may be taken later, in ms. */
const AGAIN_MS = 1_000

/** Who follows a conversation over the connection. */
export interface Subscriber {
  /** Connected, for the first time or again: nothing comes before a join. */
  onConnected(): void
  onEvent(event: ConversationEvent): void
  /** The session is over: the connection does not come back by itself. */
  onEnded(error: ApiError): void
}

/** Connects when the first subscriber comes, and again after any drop, until `close` or the end of the session. */
export class LiveConnection {
  readonly #socket: Socket
  readonly #subscribers = new Map<string, Set<Subscriber>>()
  readonly #userListeners = new Set<(event: UserEvent) => void>()
  #again: ReturnType<typeof setTimeout> | undefined

  /** `token` is asked for at every connection. */
  constructor(url: string, token: () => string | undefined) {
    this.#socket = io(url, {
      transports: ['websocket'],
      auth: (give) => give({ token: token() }),
      autoConnect: false,
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 2_000,
    })
    this.#socket.on('connect', () => {
      for (const subscriber of this.#all()) subscriber.onConnected()
    })
    this.#socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect') {
        this.#end(new ApiError(401, 'auth.unauthorized', 'The server ended the session.'))
      }
    })
    this.#socket.on('server.draining', (notice: unknown) => this.#moveOn(notice))
    this.#socket.on('connect_error', (error) => this.#refused(error))
    this.#socket.onAny((type: string, payload: object) => this.#receive({ type, ...payload }))
  }

  get connected(): boolean {
    return this.#socket.connected
  }

  add(conversationId: string, subscriber: Subscriber): void {
    const set = this.#subscribers.get(conversationId) ?? new Set()
    this.#subscribers.set(conversationId, set.add(subscriber))
    if (this.#socket.connected) subscriber.onConnected()
    else this.#socket.connect()
  }

  remove(conversationId: string, subscriber: Subscriber): void {
    const set = this.#subscribers.get(conversationId)
    if (!set?.delete(subscriber) || set.size > 0) return
    this.#subscribers.delete(conversationId)
    if (this.#socket.connected) this.#socket.emit('conversation.leave', { conversationId })
  }

  /** Credits and files. */
  onUserEvent(listener: (event: UserEvent) => void): () => void {
    this.#userListeners.add(listener)
    this.#socket.connect()
    return () => this.#userListeners.delete(listener)
  }

  /**
   * Sends a command. `done` is called before any event that the server sent behind the acknowledgement, which a promise
   * could not promise: snapshots are applied in it.
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
      if (refused) return done(new ApiError(refused.status ?? 0, refused.code, refused.message, refused.details))
      const result = answer.safeParse(reply)
      done(
        result.success ? result.data : new ApiError(0, 'client.unexpected', `${name} answered something unexpected.`),
      )
    })
  }

  /** Drops the transport, as a network would; the connection comes back by itself. For tests. */
  drop(): void {
    this.#socket.io.engine.close()
  }

  close(): void {
    clearTimeout(this.#again)
    this.#socket.disconnect()
    this.#subscribers.clear()
    this.#userListeners.clear()
  }

  #receive(message: unknown): void {
    const event = serverEvent.safeParse(message).data
    // Events of a newer server that this client does not know.
    if (!event) return
    if (!('conversationId' in event)) {
      for (const listener of this.#userListeners) listener(event)
      return
    }
    for (const subscriber of [...(this.#subscribers.get(event.conversationId) ?? [])]) subscriber.onEvent(event)
  }

  /** The server ends soon: goes to another one before, at a moment of its own. */
  #moveOn(notice: unknown): void {
    const within = drainingNotice.safeParse(notice).data?.reconnectWithinMs
    if (within === undefined) return
    clearTimeout(this.#again)
    this.#again = setTimeout(() => this.#socket.disconnect().connect(), within * Math.random())
  }

  /** Transport errors are tried again by Socket.IO; a refusal by the server is not. */
  #refused(error: Error): void {
    const failure = failureView.safeParse('data' in error ? error.data : undefined).data
    if (!failure) return
    if (failure.code.startsWith('auth.')) {
      this.#end(new ApiError(401, failure.code, failure.message, failure.details))
      return
    }
    clearTimeout(this.#again)
    this.#again = setTimeout(() => this.#socket.connect(), AGAIN_MS)
  }

  #end(error: ApiError): void {
    for (const subscriber of this.#all()) subscriber.onEnded(error)
  }

  #all(): Subscriber[] {
    return [...this.#subscribers.values()].flatMap((set) => [...set])
  }
}
