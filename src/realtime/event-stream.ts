import type { ServerResponse } from 'node:http'
import type { ConversationEvent } from '../contract/events.ts'
import { isTerminal, type RunView, SNAPSHOT_OVERLAP, type SnapshotView } from '../contract/views.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { ConversationWatch } from './conversation-watch.ts'
import type { LiveFeed } from './live-feed.ts'
import type { SocketPorts } from './socket-ports.ts'
import { StreamPosition } from './stream-position.ts'
import { missedEvents, type Placed, place, runEvent } from './stream-replay.ts'
import type { WatchRegistry } from './watch-registry.ts'

/** Bytes waiting for a slow client, from which on nothing is added: it is owed a snapshot instead. */
const PENDING_BYTES = 262_144
/** How soon a client that lost its stream should come back, in ms. */
const RETRY_MS = 1_000
/** A client that has read nothing for so many heartbeats is let go; it comes back with the id of its last event. */
const MOST_BEATS_BEHIND = 4

export interface StreamPorts extends Pick<SocketPorts, 'snapshot' | 'sessionAlive'> {
  /** @throws AppError 404 when it is not this user's. */
  run(userId: string, runId: string): Promise<RunView>
}

/** Who asks for a stream, of what, and from where on. */
export interface StreamRequest {
  userId: string
  sessionId: string
  /** Where it comes from, as limits count it. */
  network: string
  /** The events of a conversation, or of one run only, ending with it. */
  of: { conversationId: string } | { runId: string }
  /** The id of the last event that the client has; one that is not ours, or of something else, begins anew. */
  lastEventId: string | undefined
  res: ServerResponse
}

/** One client's stream. */
export class EventStream {
  readonly userId: string
  readonly sessionId: string
  readonly #res: ServerResponse
  readonly #ports: StreamPorts
  readonly #registry: WatchRegistry
  readonly #logger: Logger
  /** Set for the stream of one run, as it was before anything else was read. */
  readonly #run: RunView | undefined
  /** Runs that were over before what is read from now on. */
  readonly #ended = new Set<string>()
  readonly #position: StreamPosition
  readonly #resumes: boolean
  readonly #watch: ConversationWatch
  /** A snapshot is being turned into the events that were missed. */
  #isReplaying = false
  #closed = false
  /** Heartbeats in which nothing that waits was read. */
  #beatsBehind = 0

  constructor(options: {
    ports: StreamPorts
    feed: LiveFeed
    registry: WatchRegistry
    logger: Logger
    request: StreamRequest
    conversationId: string
    run: RunView | undefined
    position: StreamPosition | undefined
  }) {
    const { request, conversationId, ports, feed, logger } = options
    this.userId = request.userId
    this.sessionId = request.sessionId
    this.#res = request.res
    this.#ports = ports
    this.#registry = options.registry
    this.#logger = logger
    this.#run = options.run
    if (options.run && isTerminal(options.run.status)) this.#ended.add(options.run.id)
    this.#resumes = options.position !== undefined
    this.#position = options.position ?? new StreamPosition(conversationId)
    this.#watch = new ConversationWatch({
      conversationId,
      feed,
      rows: (afterSeq) => ports.snapshot(this.userId, conversationId, afterSeq),
      sink: { emit: (event) => this.#emit(event), isBehind: () => this.#isBehind() },
      logger,
    })
    request.res.on('drain', () => {
      this.#beatsBehind = 0
      this.#watch.drained()
    })
  }

  async open(): Promise<void> {
    const afterSeq = this.#resumes ? Math.max(this.#position.seq - SNAPSHOT_OVERLAP, 0) : undefined
    let mustHeal = false
    await this.#watch.open(afterSeq, async (snapshot) => {
      mustHeal = this.#resumes ? await this.#resume(snapshot) : this.#begin(snapshot)
    })
    if (this.#closed) return
    this.#registry.add(this.#watch)
    if (mustHeal) this.#watch.heal()
  }

  /** A comment, so that proxies and the client see that the stream lives. */
  beat(): void {
    if (this.#closed || !this.#res.headersSent) return
    if (!this.#isBehind()) this.#res.write(':\n\n')
    else if (++this.#beatsBehind >= MOST_BEATS_BEHIND) this.#res.destroy()
  }

  /** Bytes that wait for this client in this process. */
  get pendingBytes(): number {
    return this.#res.writableLength
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#res.headersSent) this.#res.end()
    this.#registry.remove(this.#watch)
    await this.#watch.close()
  }

  /** A fresh stream; true when something may be missing still. */
  #begin(snapshot: SnapshotView): boolean {
    const run = this.#run
    this.#writeHead()
    this.#position.begin(snapshot)
    const shown = run ? onlyOf(snapshot, run.id) : snapshot
    const event = { type: 'conversation.snapshot', conversationId: this.#position.conversationId, ...shown } as const
    if (!run || run.id === snapshot.activeRun?.id) {
      this.#writeAll([{ event, id: this.#position.toString() }])
      return false
    }
    this.#position.open(run.id)
    const id = this.#position.toString()
    this.#writeAll([{ event, id }, ...place(this.#position, runEvent(run))])
    return !isTerminal(run.status)
  }

  /** A stream that goes on; true when something may be missing still. */
  async #resume(snapshot: SnapshotView): Promise<boolean> {
    const isAll = await this.#replay(snapshot, () => this.#writeHead())
    return !isAll || snapshot.more === true
  }

  #writeHead(): void {
    if (this.#closed) return
    this.#res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // Tells nginx and the like to pass each event on as it comes.
      'x-accel-buffering': 'no',
    })
    this.#res.write(`retry: ${RETRY_MS}\n\n`)
  }

  /** Writes what the snapshot has and the client has not; false when more must be read. */
  async #replay(snapshot: SnapshotView, before = () => {}): Promise<boolean> {
    const { events, unsure } = await missedEvents(this.#position, snapshot, (id) => this.#findRun(id), this.#ended)
    before()
    this.#writeAll(events)
    for (const runId of unsure) this.#ended.add(runId)
    return unsure.length === 0
  }

  #emit(event: ConversationEvent): void {
    if (event.type === 'conversation.snapshot') void this.#heal(event)
    else this.#writeAll(place(this.#position, event))
  }

  /** The watch found that something was missed. Events that come while this reads are owed, not queued. */
  async #heal(snapshot: SnapshotView): Promise<void> {
    this.#isReplaying = true
    try {
      if (!(await this.#replay(snapshot))) this.#watch.heal()
    } catch (error) {
      // The client comes back, with the position of its last event.
      this.#logger.warn({ err: error, conversationId: this.#position.conversationId }, 'a stream could not be healed')
      await this.close()
    }
    this.#isReplaying = false
    this.#watch.drained()
  }

  async #findRun(runId: string): Promise<RunView | undefined> {
    return this.#ports.run(this.userId, runId).catch((error: unknown) => {
      if (error instanceof AppError && error.code === notFound('run').code) return undefined
      throw error
    })
  }

  #writeAll(placed: Placed[]): void {
    for (const { event, id } of placed) {
      if (this.#run && !concerns(event, this.#run.id)) continue
      this.#write(event, id)
      if ('run' in event && event.run.id === this.#run?.id && isTerminal(event.run.status)) void this.close()
    }
  }

  /** The id stands last: whoever has read it has read the data. */
  #write({ type, ...payload }: ConversationEvent, id: string): void {
    if (!this.#closed) this.#res.write(`event: ${type}\ndata: ${JSON.stringify(payload)}\nid: ${id}\n\n`)
  }

  #isBehind(): boolean {
    return this.#isReplaying || this.#res.writableLength > PENDING_BYTES
  }
}

const onlyOf = (snapshot: SnapshotView, runId: string): SnapshotView => ({
  ...snapshot,
  messages: snapshot.messages.filter((message) => message.runId === runId),
  live: snapshot.live.filter((live) => live.runId === runId),
})

function concerns(event: ConversationEvent, runId: string): boolean {
  if (event.type === 'conversation.snapshot') return true
  if ('run' in event) return event.run.id === runId
  if (event.type === 'message.created') return event.message.runId === runId
  return 'runId' in event && event.runId === runId
}
