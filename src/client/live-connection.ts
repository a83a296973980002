/**
 * The live side of the client: one link for all conversations that are followed, and for a moment two, while it moves from a
 * server that is about to end to another one. No Node-only imports.
 */
import { z } from 'zod'
import {
  type ConversationEvent,
  isConversationEvent,
  isUserEvent,
  type ServerEvent,
  type UserEvent,
} from '../contract/events.ts'
import { ApiError } from './api-error.ts'
import { type LinkOwner, LiveLink } from './live-link.ts'

/**
 * Of the time that a draining server gives, this share is used to spread over. Who moves last still has the rest of it to be
 * let in elsewhere before the old link ends.
 */
const SPREAD = 0.8

/** When to move, in ms from now, with so many left. */
export const moveInMs = (leftMs: number, random: number): number => Math.max(0, leftMs) * SPREAD * random

/** Whether what happens is told: `reconnecting` heals by itself, `ended` does not, because the session is over. */
export type LiveStatus = 'idle' | 'connected' | 'reconnecting' | 'ended'

/** Who follows a conversation over the connection. */
export interface Subscriber {
  /** The link whose events this subscriber takes: the last one on which it joined. Until then none. */
  readonly source: LiveLink | undefined
  /** A link stands, for the first time or again: nothing comes over it before a join. */
  onConnected(link: LiveLink): void
  onEvent(event: ConversationEvent): void
  /** The session is over: the connection does not come back by itself. */
  onEnded(error: ApiError): void
}

/**
 * Connects when the first subscriber comes, and again after any drop, until `close` or the end of the session. Told that its
 * server ends, it opens a second link, has all subscribers join there while the first one goes on, and closes that then: nobody
 * sees a pause. A second link that meets a draining server, too, is refused and tries again; the first one stays for as long.
 */
export class LiveConnection implements LinkOwner {
  readonly #open: () => LiveLink
  readonly #subscribers = new Map<string, Set<Subscriber>>()
  readonly #userListeners = new Set<(event: UserEvent) => void>()
  readonly #onStatus: (status: LiveStatus) => void
  /** What is listened to. */
  #link: LiveLink
  /** Where it moves to. */
  #next: LiveLink | undefined
  /** Until when to have moved away from a link, by `performance.now()`. */
  readonly #leaveBy = new Map<LiveLink, number>()
  #moveTimer: ReturnType<typeof setTimeout> | undefined

  /** `token` is asked for at every connection. */
  constructor(url: string, token: () => string | undefined, onStatus: (status: LiveStatus) => void = () => {}) {
    this.#onStatus = onStatus
    this.#open = () => new LiveLink(url, token, this)
    this.#link = this.#open()
  }

  get connected(): boolean {
    return this.#link.connected
  }

  add(conversationId: string, subscriber: Subscriber): void {
    const set = this.#subscribers.get(conversationId) ?? new Set()
    this.#subscribers.set(conversationId, set.add(subscriber))
    const link = this.#next?.connected ? this.#next : this.#link
    if (link.connected) subscriber.onConnected(link)
    else link.connect()
  }

  remove(conversationId: string, subscriber: Subscriber): void {
    const set = this.#subscribers.get(conversationId)
    if (!set?.delete(subscriber)) return
    if (set.size === 0) {
      this.#subscribers.delete(conversationId)
      for (const link of this.#links()) link.tell('conversation.leave', { conversationId })
    }
    this.moved()
  }

  /** Credits and files. */
  onUserEvent(listener: (event: UserEvent) => void): () => void {
    this.#userListeners.add(listener)
    this.#link.connect()
    return () => this.#userListeners.delete(listener)
  }

  /** Gives the server another token. @throws ApiError */
  async refresh(token: string): Promise<void> {
    // Both while there are two: the second one has perhaps shown the old token, and the first one ends soon.
    const told = this.#links().map(
      (link) =>
        new Promise<void>((resolve, reject) => {
          link.command('auth.refresh', { token }, z.object({}), (answer) => {
            if (answer instanceof ApiError) reject(answer)
            else resolve()
          })
        }),
    )
    await Promise.any(told).catch((error: unknown) => {
      throw error instanceof AggregateError ? error.errors[0] : error
    })
  }

  /** A subscriber has another source, or is gone: when all are over there, the first link has done its work. */
  moved(): void {
    const next = this.#next
    if (next?.connected && this.#all().every(({ source }) => source === next)) this.#take(next)
  }

  /** Drops the transport, as a network would; the connection comes back by itself. For tests. */
  drop(): void {
    this.#link.drop()
  }

  close(): void {
    clearTimeout(this.#moveTimer)
    for (const link of this.#links()) link.close()
    this.#next = undefined
    this.#leaveBy.clear()
    this.#subscribers.clear()
    this.#userListeners.clear()
  }

  onConnected(link: LiveLink): void {
    // Another server, or the same one that has been started again.
    this.#leaveBy.delete(link)
    this.#onStatus('connected')
    for (const subscriber of this.#all()) subscriber.onConnected(link)
    this.moved()
  }

  onDropped(link: LiveLink): void {
    // Nothing comes over the old one any more, so it is not waited for.
    if (link === this.#link && this.#next) this.#take(this.#next)
    if (!this.#link.connected) this.#onStatus('reconnecting')
  }

  onUnreachable(): void {
    if (!this.#link.connected) this.#onStatus('reconnecting')
  }

  onDraining(link: LiveLink, withinMs: number): void {
    this.#leaveBy.set(link, performance.now() + withinMs)
    // One that is told while it is moved to is first moved to.
    if (link === this.#link) this.#moveSoon()
  }

  onEvent(event: ServerEvent, link: LiveLink): void {
    // From both links while there are two: each such event replaces what came before.
    if (isUserEvent(event)) for (const listener of this.#userListeners) listener(event)
    if (!isConversationEvent(event)) return
    for (const subscriber of [...(this.#subscribers.get(event.conversationId) ?? [])]) {
      if (subscriber.source === link) subscriber.onEvent(event)
    }
  }

  onEnded(error: ApiError): void {
    this.#onStatus('ended')
    for (const subscriber of this.#all()) subscriber.onEnded(error)
  }

  /** Moves at a moment of its own: all at once would be a crowd before the doors of the other servers. */
  #moveSoon(): void {
    const leaveBy = this.#leaveBy.get(this.#link)
    if (leaveBy === undefined || this.#next) return
    clearTimeout(this.#moveTimer)
    const move = () => {
      if (this.#next || !this.#leaveBy.has(this.#link)) return
      this.#next = this.#open()
      this.#next.connect()
    }
    this.#moveTimer = setTimeout(move, moveInMs(leaveBy - performance.now(), Math.random()))
  }

  #take(next: LiveLink): void {
    this.#leaveBy.delete(this.#link)
    this.#link.close()
    this.#link = next
    this.#next = undefined
    this.#moveSoon()
  }

  #links(): LiveLink[] {
    return this.#next ? [this.#link, this.#next] : [this.#link]
  }

  #all(): Subscriber[] {
    return [...this.#subscribers.values()].flatMap((set) => [...set])
  }
}
