import type { ConversationEvent, EventOf } from '../contract/events.ts'
import { isOpenTurn, isTerminal, SNAPSHOT_OVERLAP, type SnapshotView } from '../contract/views.ts'
import type { Logger } from '../shared/logger.ts'
import { wholeEnd } from '../shared/text-ends.ts'
import { type LiveFeed, type LiveTurn, turnKey, type Unsubscribe } from './live-feed.ts'
import type { ConversationRows } from './socket-ports.ts'

/** The one client that a watch serves, whatever carries it. */
export interface WatchSink {
  emit(event: ConversationEvent): void
  /** True while more is waiting to be sent than should. Then nothing is added; `drained()` tells that it is over. */
  isBehind(): boolean
  /** The conversation was deleted: nothing comes any more. */
  gone?(): void
}

/** Where this client is in one turn; `sent` counts UTF-16 units of the attempt's text. */
type Cursor = { attempt: number; sent: number; closed: boolean }
/** What is missing: live text only, or anything. */
type Need = 'text' | 'rows'

/** Events kept while rows are read; if more come, they are dropped and read again. */
const MAX_HELD = 2_000
/** The same by their words, in UTF-16 units. */
const MAX_HELD_CHARS = 1_048_576
/** So much of live text, in UTF-16 units, is sent at once; what follows waits until the client has read that. */
const PIECE_CHARS = 262_144
const MAX_ENDED_RUNS = 32
/** Turns that are remembered; of all but the latest nothing comes any more. */
const MAX_CURSORS = 200
/** At least this long between two readings: a text that the feed lost comes back with the worker's next words. */
const PAUSE_MS = 100
/** The same after a reading that failed. */
const FAILURE_PAUSE_MS = 1_000

/**
 * One client watching one conversation. Guarantees: nothing is sent before the snapshot of `open`; live text goes out
 * without gap or repetition within an attempt; what was missed (a lost publish, a slow client) is read again, as one
 * delta or as a `conversation.snapshot`. Memory is bounded: a client that does not keep up is owed a snapshot, not a queue.
 */
export class ConversationWatch {
  readonly conversationId: string
  readonly #feed: LiveFeed
  readonly #rows: (afterSeq?: number) => Promise<ConversationRows>
  readonly #sink: WatchSink
  readonly #logger: Logger
  readonly #cursors = new Map<string, Cursor>()
  readonly #endedRuns = new Set<string>()
  readonly #laterVersions = new Set<number>()
  #unsubscribe: Unsubscribe | undefined
  #held: ConversationEvent[] | undefined
  #heldChars = 0
  #need: Need | undefined
  #busy: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #notBefore = 0
  /** The version of the last snapshot that was sent. */
  #snapshotVersion = -1
  /** The last snapshot was a part, up to this message: the next one goes on behind it. */
  #partUpTo: number | undefined
  /** All commits up to this version are known to the client. */
  #version = -1
  /** The client was given nothing up to this `seq`, or asked for what is after it. */
  #floor = 0
  /** All messages up to this `seq` are known to the client. */
  #seq = 0
  #closed = false

  /** `rows` reads the conversation for its owner (AppError 404 for anybody else). */
  constructor(options: {
    conversationId: string
    feed: LiveFeed
    rows: (afterSeq?: number) => Promise<ConversationRows>
    sink: WatchSink
    logger: Logger
  }) {
    this.conversationId = options.conversationId
    this.#feed = options.feed
    this.#rows = options.rows
    this.#sink = options.sink
    this.#logger = options.logger
  }

  /**
   * Hands the snapshot to `acknowledge` and lets events follow it. May be called again on the same watch.
   * @throws AppError 404; a watch that was never opened is then closed.
   */
  async open(
    afterSeq: number | undefined,
    acknowledge: (snapshot: SnapshotView) => void | Promise<void>,
  ): Promise<void> {
    while (this.#busy) await this.#busy
    await this.#exclusive(async () => {
      this.#unsubscribe ??= await this.#feed.subscribe(this.conversationId, (event) => this.#receive(event))
      if (this.#closed) return this.#unsubscribe()
      const snapshot = await this.#snapshot(afterSeq)
      this.#floor = afterSeq ?? (snapshot.messages[0]?.seq ?? 1) - 1
      if (!this.#closed) await acknowledge(snapshot)
    })
  }

  /** False when a commit made this version that the client was not told of. */
  explains(version: number): boolean {
    return version <= this.#version
  }

  /** To be called when there is no such conversation any more. */
  gone(): void {
    if (!this.#closed) this.#sink.gone?.()
  }

  /** Sends a snapshot: something was missed. */
  heal(): void {
    this.#demand('rows')
  }

  /** Sends the live text that the client lacks: events may have been missed, but no commits. */
  catchUp(): void {
    this.#demand('text')
  }

  /** To be called when the sink is no longer behind. */
  drained(): void {
    if (this.#need) this.#settle()
  }

  /** Nothing is sent any more. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    await this.#unsubscribe?.()
  }

  #receive(event: ConversationEvent): void {
    if (this.#closed) return
    if (!this.#held) this.#deliver(event)
    else if (this.#held.length < MAX_HELD && this.#heldChars < MAX_HELD_CHARS) {
      this.#held.push(event)
      this.#heldChars += wordsOf(event)
    } else this.#need = 'rows'
  }

  #deliver(event: ConversationEvent): void {
    if (event.type === 'turn.delta') this.#deliverText(event)
    else if (this.#sink.isBehind()) this.#demand('rows')
    else {
      this.#note(event)
      if (!this.#isInSnapshot(event)) this.#sink.emit(event)
    }
  }

  /** Snapshots do not hold runs that ended: how they ended is always told. */
  #isInSnapshot(event: ConversationEvent): boolean {
    if (event.version === undefined || event.version > this.#snapshotVersion) return false
    return !('run' in event && isTerminal(event.run.status))
  }

  #deliverText(event: EventOf<'turn.delta'>): void {
    const cursor = this.#cursor(event)
    if (!cursor) return
    if (this.#sink.isBehind() || event.offset > cursor.sent) this.#demand('text')
    else this.#sendText(event, cursor, event.offset, event.text)
  }

  #sendText(ref: { runId: string; turn: number; attempt: number }, cursor: Cursor, offset: number, text: string): void {
    const fresh = text.slice(cursor.sent - offset)
    if (!fresh) return
    const { runId, turn, attempt } = ref
    const at = { type: 'turn.delta', conversationId: this.conversationId, runId, turn, attempt } as const
    this.#sink.emit({ ...at, offset: cursor.sent, text: fresh })
    cursor.sent += fresh.length
  }

  /** The cursor to send this attempt's text at; undefined when the text is of the past. */
  #cursor(ref: { runId: string; turn: number; attempt: number }): Cursor | undefined {
    if (this.#endedRuns.has(ref.runId)) return undefined
    const key = turnKey(ref)
    const known = this.#cursors.get(key)
    if (known && known.attempt >= ref.attempt) {
      return known.attempt === ref.attempt && !known.closed ? known : undefined
    }
    const cursor = { attempt: ref.attempt, sent: 0, closed: false }
    this.#cursors.set(key, cursor)
    return cursor
  }

  /** Remembers what the client knows once it got this event. */
  #note(event: ConversationEvent): void {
    if (event.type === 'turn.completed' || event.type === 'turn.failed') {
      const known = this.#cursors.get(turnKey(event))
      if (!known || known.attempt <= event.attempt) {
        this.#cursors.set(turnKey(event), { attempt: event.attempt, sent: 0, closed: true })
      }
    }
    if ('run' in event && isTerminal(event.run.status)) this.#endRun(event.run.id)
    if ('message' in event && event.message?.seq === this.#seq + 1) this.#seq++
    if (event.version === undefined || event.version <= this.#version) return
    this.#laterVersions.add(event.version)
    while (this.#laterVersions.delete(this.#version + 1)) this.#version++
  }

  #endRun(runId: string): void {
    this.#endedRuns.add(runId)
    for (const key of this.#cursors.keys()) if (key.startsWith(`${runId}:`)) this.#cursors.delete(key)
    const [oldest] = this.#endedRuns
    if (oldest && this.#endedRuns.size > MAX_ENDED_RUNS) this.#endedRuns.delete(oldest)
  }

  /** Live text first, then rows: a turn that settles in between is seen in the rows, and its live text dropped. */
  async #snapshot(afterSeq: number | undefined): Promise<SnapshotView> {
    const texts = await this.#texts()
    const rows = await this.#rows(afterSeq)
    const open = texts.filter((turn) => isOpen(turn, rows))
    const run = rows.activeRun
    for (const turn of run?.turns ?? []) {
      if (!run || isOpenTurn(turn.status)) continue
      this.#cursors.set(turnKey({ runId: run.id, turn: turn.index }), { attempt: turn.attempt, sent: 0, closed: true })
    }
    // Deltas that were published before these messages were committed may still be on their way.
    for (const { runId, turn } of rows.messages.slice(-SNAPSHOT_OVERLAP)) {
      if (!runId || turn === null) continue
      this.#cursors.set(turnKey({ runId, turn }), { attempt: Number.POSITIVE_INFINITY, sent: 0, closed: true })
    }
    const cut = open.map(({ text }) => pieceOf(text, 0, Math.ceil(PIECE_CHARS / open.length)))
    for (const [place, turn] of open.entries()) {
      this.#cursors.set(turnKey(turn), { attempt: turn.attempt, sent: cut[place]?.length ?? 0, closed: false })
    }
    for (const key of [...this.#cursors.keys()].slice(0, -MAX_CURSORS)) this.#cursors.delete(key)
    this.#seq = Math.max(rows.messages.at(-1)?.seq ?? afterSeq ?? 0, this.#seq)
    this.#snapshotVersion = rows.conversation.version
    this.#version = Math.max(rows.conversation.version, this.#version)
    this.#laterVersions.clear()
    this.#partUpTo = rows.more ? rows.messages.at(-1)?.seq : undefined
    if (cut.some(({ length }, place) => length < (open[place]?.text.length ?? 0))) this.#need ??= 'text'
    return {
      ...rows,
      live: open.map(({ runId, turn, attempt, agentId }, place) => ({
        ...{ runId, turn, attempt, agentId },
        text: cut[place] ?? '',
      })),
    }
  }

  /** Without the feed there is no live text, but the rows still answer. */
  #texts(): Promise<LiveTurn[]> {
    return this.#feed.read(this.conversationId).catch((error: unknown) => {
      this.#logger.warn({ err: error, conversationId: this.conversationId }, 'live text could not be read')
      return []
    })
  }

  #demand(need: Need): void {
    if (need === 'rows' || !this.#need) this.#need = need
    this.#settle()
  }

  #settle(): void {
    if (this.#closed || this.#busy || this.#retry || !this.#need || this.#sink.isBehind()) return
    const waitMs = this.#notBefore - performance.now()
    if (waitMs > 0) {
      this.#retry = setTimeout(() => {
        this.#retry = undefined
        this.#settle()
      }, waitMs)
      return
    }
    const need = this.#need
    this.#need = undefined
    this.#exclusive(() => (need === 'rows' ? this.#sendSnapshot() : this.#sendTexts())).catch((error: unknown) => {
      this.#logger.warn({ err: error, conversationId: this.conversationId }, 'a conversation could not be read again')
      this.#notBefore = performance.now() + FAILURE_PAUSE_MS
      this.#demand(need)
    })
  }

  async #sendSnapshot(): Promise<void> {
    const snapshot = await this.#snapshot(this.#partUpTo ?? Math.max(this.#seq - SNAPSHOT_OVERLAP, this.#floor))
    if (this.#closed) return
    this.#sink.emit({ type: 'conversation.snapshot', conversationId: this.conversationId, ...snapshot })
    if (snapshot.more) this.#need = 'rows'
  }

  async #sendTexts(): Promise<void> {
    for (const turn of await this.#feed.read(this.conversationId)) {
      const cursor = this.#closed ? undefined : this.#cursor(turn)
      while (cursor && cursor.sent < turn.text.length && !this.#sink.isBehind())
        this.#sendText(turn, cursor, cursor.sent, pieceOf(turn.text, cursor.sent, PIECE_CHARS))
      if (cursor && cursor.sent < turn.text.length) this.#need ??= 'text'
    }
  }

  /** Holds events while `work` reads, and lets them go behind it. One at a time. */
  async #exclusive(work: () => Promise<void>): Promise<void> {
    this.#held = []
    this.#heldChars = 0
    const done = work()
    this.#busy = done.catch(() => {})
    try {
      await done
    } finally {
      const held = this.#held
      this.#held = undefined
      this.#busy = undefined
      this.#notBefore = performance.now() + PAUSE_MS
      for (const event of held) this.#receive(event)
      this.#settle()
    }
  }
}

/** A piece of a text from here on, which splits no pair; a half that is all there is goes out. */
function pieceOf(text: string, from: number, most: number): string {
  const piece = text.slice(from, from + most)
  return piece.slice(0, wholeEnd(piece) || piece.length)
}

const wordsOf = (event: ConversationEvent): number => {
  if (event.type === 'turn.delta') return event.text.length
  return 'message' in event ? (event.message?.content.length ?? 0) : 0
}

/** Rows are read after live text: what they call ended has ended. */
function isOpen(live: LiveTurn, rows: ConversationRows): boolean {
  if (rows.activeRun?.id !== live.runId) return false
  if (rows.messages.some((message) => message.runId === live.runId && message.turn === live.turn)) return false
  const turn = rows.activeRun.turns.find(({ index }) => index === live.turn)
  return !turn || (turn.attempt <= live.attempt && isOpenTurn(turn.status))
}
