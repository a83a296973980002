import type { CallingKey } from '../contract/auth-user.ts'
import type { SendCommand } from '../contract/events.ts'
import type { AcceptedView, ConversationView, MessageView, RunView } from '../contract/views.ts'

/** A signed-in session or an API key, as a token proves it. */
export interface SocketSession {
  userId: string
  /** The key's id where it is one. */
  sessionId: string
  role: 'user' | 'admin'
  /** Undefined for a session. */
  key?: CallingKey | undefined
  /** Null: it does not expire. */
  expiresAt: Date | null
}

/** What a conversation's rows say. */
export interface ConversationRows {
  conversation: ConversationView
  /** Ascending by `seq`. */
  messages: MessageView[]
  activeRun: RunView | null
  /** There are messages after these, which did not fit. */
  more: boolean
}

/**
 * What live connections (Socket.IO, SSE) need of the domains behind them; the composition root wires it.
 * Methods throw AppError, which becomes the acknowledgement's error.
 */
export interface SocketPorts {
  /** @throws AppError 401 for a token that is forged, expired or of a session that was revoked. */
  authenticate(token: string): Promise<SocketSession>
  /** Those of the sessions and keys that are neither revoked nor expired. One query. */
  sessionAlive(sessionIds: string[]): Promise<Set<string>>
  /**
   * The conversation with its messages after `afterSeq`, oldest first and at most a page, bounded in number and bytes (`more`
   * says that it is to be asked for the rest), or with the latest page of them. All of it in one snapshot of the database, or the version
   * first: a version newer than the messages would lose some.
   * @throws AppError 404 when it is not this user's.
   */
  snapshot(userId: string, conversationId: string, afterSeq?: number): Promise<ConversationRows>
  /** The current version of each conversation that exists. One query for all. */
  versions(conversationIds: string[]): Promise<Map<string, number>>
  /** Accepts a message as the chat POSTs do; `keyId` names the API key that it came with. */
  send(userId: string, body: SendCommand, keyId?: string): Promise<AcceptedView>
  /** @throws AppError 404 when the run is not this user's. */
  cancel(userId: string, runId: string): Promise<RunView>
}
