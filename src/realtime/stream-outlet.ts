import type { ServerResponse } from 'node:http'
import type { ConversationEvent } from '../contract/events.ts'
import type { Placed } from './stream-replay.ts'

/** Why a stream ended: with its run; because its conversation, its session or this server did; or it could not be read on. */
export type StreamEnd = 'over' | 'gone' | 'session' | 'server' | 'trouble'

/** Where the events of a stream go. */
export interface StreamOutlet {
  /** Whether its reader comes back by itself when it is ended, and goes on where it was. */
  readonly isMovable: boolean
  /** Before the first event; nothing can be refused any more. */
  begin(): void
  write(placed: Placed): void
  /** Shows that the stream lives. */
  beat(): void
  /** True while more is waiting to be read than should. */
  readonly isFull: boolean
  /** Bytes that wait in this process. */
  readonly pendingBytes: number
  /** Called whenever some of it was read. */
  onDrain(listener: () => void): void
  end(why: StreamEnd): void
}

/** Of every answer that is server-sent events. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // Tells nginx and the like to pass each event on as it comes.
  'x-accel-buffering': 'no',
}
/** Bytes waiting for a slow client, from which on nothing is added: it is owed a snapshot instead. */
const PENDING_BYTES = 262_144
/** How soon a client that lost its stream should come back, in ms. */
const RETRY_MS = 1_000
/** A client that has read nothing for so many heartbeats is let go: it comes back with the id of its last event, where it has one. */
export const MOST_BEATS_BEHIND = 4

/** What of an event is sent; undefined for nothing. */
export type ShowEvent = (event: ConversationEvent) => { type: string } | undefined

const whole: ShowEvent = (event) => event

/** Server-sent events as an answer. */
export class SseOutlet implements StreamOutlet {
  readonly isMovable = true
  readonly #res: ServerResponse
  readonly #show: ShowEvent
  /** Heartbeats in which nothing that waits was read. */
  #beatsBehind = 0

  constructor(res: ServerResponse, show = whole) {
    this.#res = res
    this.#show = show
  }

  get #hasBegun(): boolean {
    return this.#res.headersSent
  }

  get isFull(): boolean {
    return this.#res.writableLength > PENDING_BYTES
  }

  get pendingBytes(): number {
    return this.#res.writableLength
  }

  onDrain(listener: () => void): void {
    this.#res.on('drain', () => {
      this.#beatsBehind = 0
      listener()
    })
  }

  begin(): void {
    this.#res.writeHead(200, EVENT_STREAM_HEADERS)
    this.#res.write(`retry: ${RETRY_MS}\n\n`)
  }

  /** The id stands last: whoever has read it has read the data. */
  write({ event, id }: Placed): void {
    const shown = this.#show(event)
    if (!shown) return
    const { type, ...payload } = shown
    this.#res.write(`event: ${type}\ndata: ${JSON.stringify(payload)}\nid: ${id}\n\n`)
  }

  /** A comment, so that proxies and the client see that the stream lives. */
  beat(): void {
    if (!this.#hasBegun) return
    if (!this.isFull) this.#res.write(':\n\n')
    else if (++this.#beatsBehind >= MOST_BEATS_BEHIND) this.#res.destroy()
  }

  /** Whoever may not read on does not get either what still waits. */
  end(why: StreamEnd): void {
    if (!this.#hasBegun) return
    if (why === 'session' && this.#res.writableLength > 0) this.#res.destroy()
    else this.#res.end()
  }
}
