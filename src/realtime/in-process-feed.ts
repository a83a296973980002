import type { ConversationEvent, UserEvent } from '../contract/events.ts'
import { type Logger, silentLogger } from '../shared/logger.ts'
import { Listeners } from './listeners.ts'
import {
  type ControlSignal,
  type LiveAttempt,
  type LiveFeed,
  type LiveTurn,
  turnKey,
  type Unsubscribe,
} from './live-feed.ts'

/** `ended` keeps refusing attempts after the text is forgotten. */
type Entry = { ref: LiveAttempt; text: string; ended: boolean; expiresAt: number }

const SIGNALS = 'signals'

/** The live feed of the embedded profile: web and worker share the process, so this map is all there is. */
export class InProcessFeed implements LiveFeed {
  readonly #ttlMs: number
  readonly #now: () => number
  readonly #conversations = new Map<string, Map<string, Entry>>()
  readonly #events: Listeners<ConversationEvent>
  readonly #userEvents: Listeners<UserEvent>
  readonly #signals: Listeners<ControlSignal>
  #nextSweep = 0

  /** `ttlMs`: how long live text stays after its last append. */
  constructor(options: { ttlMs: number; logger?: Logger; now?: () => number }) {
    const logger = options.logger ?? silentLogger
    this.#ttlMs = options.ttlMs
    this.#now = options.now ?? Date.now
    this.#events = new Listeners(logger)
    this.#userEvents = new Listeners(logger)
    this.#signals = new Listeners(logger)
  }

  async append(ref: LiveAttempt, offset: number, text: string): Promise<'appended' | 'gap' | 'stale'> {
    const entry = this.#entry(ref)
    if (isStale(entry, ref)) return 'stale'
    const soFar = entry?.ref.attempt === ref.attempt ? entry.text : ''
    if (soFar.length !== offset) return 'gap'
    this.#store(ref, soFar + text)
    this.#publishDelta(ref, offset, text)
    return 'appended'
  }

  async begin(ref: LiveAttempt, started: ConversationEvent): Promise<'begun' | 'stale'> {
    if (isStale(this.#entry(ref), ref)) return 'stale'
    this.#store(ref, '')
    this.#events.emit(ref.conversationId, started)
    return 'begun'
  }

  async rewrite(ref: LiveAttempt, text: string): Promise<'appended' | 'stale'> {
    if (isStale(this.#entry(ref), ref)) return 'stale'
    this.#store(ref, text)
    this.#publishDelta(ref, 0, text)
    return 'appended'
  }

  async read(conversationId: string): Promise<LiveTurn[]> {
    const now = this.#now()
    return [...(this.#conversations.get(conversationId)?.values() ?? [])]
      .filter((entry) => !entry.ended && entry.expiresAt > now)
      .map((entry) => ({ ...entry.ref, text: entry.text }))
  }

  async readTurn(ref: Pick<LiveAttempt, 'conversationId' | 'runId' | 'turn'>): Promise<LiveTurn | undefined> {
    const entry = this.#entry(ref)
    return entry && !entry.ended ? { ...entry.ref, text: entry.text } : undefined
  }

  async touch(ref: LiveAttempt): Promise<void> {
    const entry = this.#entry(ref)
    if (entry) entry.expiresAt = this.#now() + this.#ttlMs
  }

  async end(ref: LiveAttempt): Promise<void> {
    const entry = this.#entry(ref)
    if (entry && entry.ref.attempt > ref.attempt) return
    this.#store(ref, '', true)
  }

  async publish(conversationId: string, event: ConversationEvent): Promise<void> {
    this.#events.emit(conversationId, event)
  }

  async publishToUser(userId: string, event: UserEvent): Promise<void> {
    this.#userEvents.emit(userId, event)
  }

  async subscribe(conversationId: string, listener: (event: ConversationEvent) => void): Promise<Unsubscribe> {
    return subscribeTo(this.#events, conversationId, listener)
  }

  async subscribeUser(userId: string, listener: (event: UserEvent) => void): Promise<Unsubscribe> {
    return subscribeTo(this.#userEvents, userId, listener)
  }

  /** Never called: nothing comes between the parts of one process. */
  onResubscribe(): () => void {
    return () => {}
  }

  async signal(signal: ControlSignal): Promise<void> {
    this.#signals.emit(SIGNALS, signal)
  }

  async onSignal(listener: (signal: ControlSignal) => void): Promise<Unsubscribe> {
    return subscribeTo(this.#signals, SIGNALS, listener)
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#conversations.clear()
    this.#events.clear()
    this.#userEvents.clear()
    this.#signals.clear()
  }

  /** Forgets all live text, as a flushed Redis does; for tests. */
  flush(): void {
    this.#conversations.clear()
  }

  #entry(ref: Pick<LiveAttempt, 'conversationId' | 'runId' | 'turn'>): Entry | undefined {
    const entry = this.#conversations.get(ref.conversationId)?.get(turnKey(ref))
    return entry && entry.expiresAt > this.#now() ? entry : undefined
  }

  #store(ref: LiveAttempt, text: string, ended = false): void {
    this.#sweep()
    const turns = this.#conversations.get(ref.conversationId) ?? new Map<string, Entry>()
    this.#conversations.set(ref.conversationId, turns)
    // Callers pass what they have, a claim with its token for one: that must not come out of `read`.
    const { conversationId, runId, turn, attempt, agentId } = ref
    turns.set(turnKey(ref), {
      ref: { conversationId, runId, turn, attempt, agentId },
      text,
      ended,
      expiresAt: this.#now() + this.#ttlMs,
    })
  }

  #publishDelta(ref: LiveAttempt, offset: number, text: string): void {
    if (text) this.#events.emit(ref.conversationId, deltaEvent(ref, offset, text))
  }

  #sweep(): void {
    const now = this.#now()
    if (now < this.#nextSweep) return
    this.#nextSweep = now + this.#ttlMs / 4
    for (const [conversationId, turns] of this.#conversations) {
      for (const [key, entry] of turns) if (entry.expiresAt <= now) turns.delete(key)
      if (turns.size === 0) this.#conversations.delete(conversationId)
    }
  }
}

function isStale(entry: Entry | undefined, ref: LiveAttempt): boolean {
  if (!entry) return false
  return entry.ref.attempt > ref.attempt || (entry.ended && entry.ref.attempt === ref.attempt)
}

function subscribeTo<E>(listeners: Listeners<E>, topic: string, listener: (event: E) => void): Unsubscribe {
  // One function may be subscribed twice: each subscription needs an identity of its own.
  const own = (event: E) => listener(event)
  listeners.add(topic, own)
  return async () => {
    listeners.remove(topic, own)
  }
}

/** The event that an append or a rewrite publishes. */
export function deltaEvent(ref: LiveAttempt, offset: number, text: string): ConversationEvent {
  return {
    type: 'turn.delta',
    conversationId: ref.conversationId,
    runId: ref.runId,
    turn: ref.turn,
    attempt: ref.attempt,
    offset,
    text,
  }
}
