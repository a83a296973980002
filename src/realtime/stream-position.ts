import { z } from 'zod'
import type { TurnName } from '../contract/attempt.ts'
import type { ConversationEvent, EventOf } from '../contract/events.ts'
import { INT4_MAX, idInput } from '../contract/inputs.ts'
import { isTerminal, type MessageView, type SnapshotView } from '../contract/views.ts'
import { turnKey } from './live-feed.ts'

/** Where a client is in one attempt at a turn; `offset` counts UTF-16 units of its text. */
type TextPosition = { attempt: number; offset: number }

/** Messages known beyond a hole; more than this many are not remembered, and come again. */
const MAX_AHEAD = 50
/** Open runs that are remembered; of older ones the end is not told any more. */
const MAX_OPEN = 50

/** Counts of columns, and of characters: what claims more was not made here. */
const counts = z.number().int().min(0).max(INT4_MAX)
const wire = z.tuple([
  z.literal(1),
  idInput,
  counts,
  counts,
  z.array(z.tuple([idInput, counts, counts.min(1), counts])).max(100),
  z.array(idInput).max(100),
  z.array(counts).max(MAX_AHEAD),
])

/**
 * All that a client of an event stream has been given, so small that it is the `id` of every event: whoever has the last
 * id goes on from there at any web node, at the very character.
 */
export class StreamPosition {
  readonly conversationId: string
  /** All commits up to this version are known. */
  version = 0
  /** All messages up to this one are known. */
  seq = 0
  readonly #ahead = new Set<number>()
  readonly #texts = new Map<string, TextPosition>()
  readonly #openRuns = new Set<string>()

  constructor(conversationId: string) {
    this.conversationId = conversationId
  }

  /** The position that an id names; undefined when it is none of this conversation. */
  static parse(id: string | undefined, conversationId: string): StreamPosition | undefined {
    const read = wire.safeParse(parseJson(id)).data
    if (read?.[1] !== conversationId) return undefined
    const [, , version, seq, texts, openRuns, ahead] = read
    const position = new StreamPosition(conversationId)
    position.version = version
    position.seq = seq
    for (const [runId, turn, attempt, offset] of texts)
      position.#texts.set(turnKey({ runId, turn }), { attempt, offset })
    for (const runId of openRuns) position.#openRuns.add(runId)
    for (const known of ahead) position.#ahead.add(known)
    return position
  }

  toString(): string {
    const texts = [...this.#texts].map(([key, { attempt, offset }]) => {
      const [runId, turn] = key.split(':')
      return [runId, Number(turn), attempt, offset]
    })
    const parts = [1, this.conversationId, this.version, this.seq, texts, [...this.#openRuns], [...this.#ahead]]
    return Buffer.from(JSON.stringify(parts)).toString('base64url')
  }

  /** A client that has this snapshot and nothing else. */
  begin({ conversation, messages, activeRun, live }: SnapshotView): void {
    this.version = conversation.version
    this.seq = messages.at(-1)?.seq ?? this.seq
    if (activeRun) this.open(activeRun.id)
    for (const turn of live) this.#texts.set(turnKey(turn), { attempt: turn.attempt, offset: turn.text.length })
  }

  /** Runs that the client was told of, and not of their end. */
  get openRuns(): ReadonlySet<string> {
    return this.#openRuns
  }

  knows(message: Pick<MessageView, 'seq'>): boolean {
    return message.seq <= this.seq || this.#ahead.has(message.seq)
  }

  /** The attempt of a turn that the client saw text of. */
  attemptOf(turn: TurnName): number | undefined {
    return this.#texts.get(turnKey(turn))?.attempt
  }

  /** Notes that the client is given this event; answers what of it is new, undefined when nothing is. */
  take(event: ConversationEvent): ConversationEvent | undefined {
    if (event.type === 'turn.delta') return this.#takeText(event)
    if (event.type === 'turn.started') {
      const known = this.#texts.get(turnKey(event))
      if (!known || known.attempt < event.attempt)
        this.#texts.set(turnKey(event), { attempt: event.attempt, offset: 0 })
      this.open(event.runId)
    }
    const message = 'message' in event ? event.message : null
    const isKnown = message !== null && this.knows(message) && message.status !== 'superseded'
    if (event.type === 'turn.completed') this.#texts.delete(turnKey(event))
    if (message) this.#takeMessage(message)
    if ('run' in event && isTerminal(event.run.status)) this.#endRun(event.run.id)
    else if ('run' in event) this.open(event.run.id)
    if (event.version === this.version + 1) this.version++
    return isKnown ? undefined : event
  }

  #takeText(event: EventOf<'turn.delta'>): ConversationEvent | undefined {
    const known = this.#texts.get(turnKey(event))
    if (known && known.attempt > event.attempt) return undefined
    const offset = known?.attempt === event.attempt ? known.offset : 0
    const fresh = event.offset > offset ? '' : event.text.slice(offset - event.offset)
    if (!fresh) return undefined
    this.#texts.set(turnKey(event), { attempt: event.attempt, offset: offset + fresh.length })
    return { ...event, offset, text: fresh }
  }

  #takeMessage({ seq, role, runId, turn }: MessageView): void {
    if (runId && turn !== null) this.#texts.delete(turnKey({ runId, turn }))
    if (runId && role === 'user') this.open(runId)
    if (seq > this.seq && this.#ahead.size < MAX_AHEAD) this.#ahead.add(seq)
    while (this.#ahead.delete(this.seq + 1)) this.seq++
    // What a hole was filled with by other means.
    for (const known of this.#ahead) if (known <= this.seq) this.#ahead.delete(known)
  }

  /** Notes a run whose end the client is owed. */
  open(runId: string): void {
    this.#openRuns.add(runId)
    const [oldest] = this.#openRuns
    if (oldest && this.#openRuns.size > MAX_OPEN) this.#openRuns.delete(oldest)
  }

  #endRun(runId: string): void {
    this.#openRuns.delete(runId)
    for (const key of this.#texts.keys()) if (key.startsWith(`${runId}:`)) this.#texts.delete(key)
  }
}

function parseJson(id: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(id ?? '', 'base64url').toString())
  } catch {
    return undefined
  }
}
