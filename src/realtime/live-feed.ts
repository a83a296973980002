import type { Attempt } from '../contract/attempt.ts'
import type { ConversationEvent, UserEvent } from '../contract/events.ts'

/** An attempt that speaks live. */
export interface LiveAttempt extends Attempt {
  conversationId: string
  agentId: string
}

/** What an attempt has said so far. */
export interface LiveTurn extends LiveAttempt {
  text: string
}

/** What one process tells all others at once; the rows say the same, later. */
export type ControlSignal =
  | { type: 'run.cancel'; runId: string }
  | { type: 'session.revoked'; sessionId: string }
  | { type: 'session.revoked'; userId: string }

/** Ends a subscription. Safe to call twice. */
export type Unsubscribe = () => Promise<void>

/**
 * Live text and events between processes. Nothing here is the truth: all of it may be lost at any moment (a flushed
 * Redis), and snapshots of the rows heal it. A feed that is away makes calls reject quickly; it never hangs a turn.
 *
 * Offsets and lengths are UTF-16 code units, as `String.length` counts.
 */
export interface LiveFeed {
  /**
   * Adds `text` at `offset` and publishes `turn.delta` in the same step. An empty text at 0 begins the attempt: from
   * then on earlier ones are refused.
   * - 'appended': done
   * - 'gap': the text so far does not end at `offset`, nothing was changed; the caller rewrites
   * - 'stale': a later attempt has begun, or the turn has ended; the caller's attempt is over
   */
  append(ref: LiveAttempt, offset: number, text: string): Promise<'appended' | 'gap' | 'stale'>
  /**
   * Begins an attempt with no text yet, and publishes the event that tells of it, in one step: from then on earlier attempts are
   * refused. 'stale': a later attempt has begun, or the turn has ended; nothing was published.
   */
  begin(ref: LiveAttempt, started: ConversationEvent): Promise<'begun' | 'stale'>
  /** Sets the whole text, and publishes it as a `turn.delta` at offset 0 so that watchers converge. */
  rewrite(ref: LiveAttempt, text: string): Promise<'appended' | 'stale'>
  /** The live turns of a conversation: the latest attempt of each. */
  read(conversationId: string): Promise<LiveTurn[]>
  /** The latest attempt of one turn. */
  readTurn(ref: Pick<LiveAttempt, 'conversationId' | 'runId' | 'turn'>): Promise<LiveTurn | undefined>
  /** Makes live text outlive its turn by the ttl from now; call it with each lease renewal. */
  touch(ref: LiveAttempt): Promise<void>
  /** Forgets the live text of a turn, after the commit that settled it. Attempts up to this one stay refused. */
  end(ref: LiveAttempt): Promise<void>

  publish(conversationId: string, event: ConversationEvent): Promise<void>
  publishToUser(userId: string, event: UserEvent): Promise<void>
  /**
   * Resolves when events published from now on will reach `listener`. While the feed is away it resolves too: the
   * subscription is made when the feed is back, and `onResubscribe` tells.
   */
  subscribe(conversationId: string, listener: (event: ConversationEvent) => void): Promise<Unsubscribe>
  subscribeUser(userId: string, listener: (event: UserEvent) => void): Promise<Unsubscribe>
  /** Called after subscriptions were interrupted and stand again: what was published meanwhile is lost. */
  onResubscribe(listener: () => void): () => void

  signal(signal: ControlSignal): Promise<void>
  onSignal(listener: (signal: ControlSignal) => void): Promise<Unsubscribe>

  /** Rejects when the feed is away. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** The name of a turn whatever its attempt. */
export const turnKey = (ref: Pick<LiveAttempt, 'runId' | 'turn'>): string => `${ref.runId}:${ref.turn}`
