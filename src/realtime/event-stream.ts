import type { ConversationEvent } from '../contract/events.ts'
import { isTerminal, type RunView, SNAPSHOT_OVERLAP, type SnapshotView } from '../contract/views.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { ConversationWatch } from './conversation-watch.ts'
import type { LiveFeed } from './live-feed.ts'
import type { SocketPorts } from './socket-ports.ts'
import type { StreamEnd, StreamOutlet } from './stream-outlet.ts'
import { StreamPosition } from './stream-position.ts'
import { missedEvents, type Placed, place, runEvent } from './stream-replay.ts'
import type { WatchRegistry } from './watch-registry.ts'

export interface StreamPorts extends Pick<SocketPorts, 'snapshot' | 'sessionAlive'> {
  /** @throws AppError 404 when it is not this user's. */
  run(userId: string, runId: string): Promise<RunView>
  /** The `seq` of the first message of a run, and the conversation's last one when it has none. */
  firstSeq(conversationId: string, runId: string): Promise<number>
}

/** One reader's stream. */
export class EventStream {
  readonly userId: string
  readonly sessionId: string
  readonly #outlet: StreamOutlet
  readonly #ports: StreamPorts
  readonly #registry: WatchRegistry
  readonly #logger: Logger
  /** Set for the stream of one run, as it was before anything else was read. */
  readonly #run: RunView | undefined
  /** Whether that stream also has what becomes of other runs, which its own may wait for. */
  readonly #hearsOthers: boolean
  /** Runs that were over before what is read from now on. */
  readonly #ended = new Set<string>()
  readonly #position: StreamPosition
  readonly #resumes: boolean
  readonly #watch: ConversationWatch
  /** A snapshot is being turned into the events that were missed. */
  #isReplaying = false
  #closed = false

  constructor(options: {
    ports: StreamPorts
    feed: LiveFeed
    registry: WatchRegistry
    logger: Logger
    reader: { userId: string; sessionId: string }
    outlet: StreamOutlet
    conversationId: string
    run: RunView | undefined
    position: StreamPosition | undefined
    hearsOthers?: boolean
  }) {
    const { reader, outlet, conversationId, ports, feed, logger } = options
    this.userId = reader.userId
    this.sessionId = reader.sessionId
    this.#outlet = outlet
    this.#ports = ports
    this.#registry = options.registry
    this.#logger = logger
    this.#run = options.run
    this.#hearsOthers = options.hearsOthers ?? false
    if (options.run && isTerminal(options.run.status)) this.#ended.add(options.run.id)
    this.#resumes = options.position !== undefined
    this.#position = options.position ?? new StreamPosition(conversationId)
    this.#watch = new ConversationWatch({
      conversationId,
      feed,
      rows: (afterSeq) => ports.snapshot(this.userId, conversationId, afterSeq),
      sink: {
        emit: (event) => this.#emit(event),
        isBehind: () => this.#isBehind(),
        gone: () => void this.close('gone'),
      },
      logger,
    })
    outlet.onDrain(() => this.#watch.drained())
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

  /** False for a reader that cannot come back by itself. */
  get isMovable(): boolean {
    return this.#outlet.isMovable
  }

  beat(): void {
    if (!this.#closed) this.#outlet.beat()
  }

  /** Bytes that wait for this client in this process. */
  get pendingBytes(): number {
    return this.#outlet.pendingBytes
  }

  async close(why: StreamEnd): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#outlet.end(why)
    this.#registry.remove(this.#watch)
    await this.#watch.close()
  }

  /** A fresh stream; true when something may be missing still. */
  #begin(snapshot: SnapshotView): boolean {
    const run = this.#run
    this.#beginOutlet()
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
    const isAll = await this.#replay(snapshot, () => this.#beginOutlet())
    return !isAll || snapshot.more === true
  }

  #beginOutlet(): void {
    if (!this.#closed) this.#outlet.begin()
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
      await this.close('trouble')
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
    for (const one of placed) {
      const { event } = one
      const isWanted = !this.#run || concerns(event, this.#run.id) || (this.#hearsOthers && 'run' in event)
      if (!isWanted) continue
      if (!this.#closed) this.#outlet.write(one)
      if ('run' in event && event.run.id === this.#run?.id && isTerminal(event.run.status)) void this.close('over')
    }
  }

  #isBehind(): boolean {
    return this.#isReplaying || this.#outlet.isFull
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
