import type { EditInput } from '../contract/chat.schemas.ts'
import type { ConversationChange, FeedbackInput } from '../contract/conversation.schemas.ts'
import {
  type AcceptedView,
  acceptedView,
  type ConversationPageView,
  type ConversationView,
  conversationPageView,
  conversationView,
  type ListedConversationView,
  listedConversationView,
  listOf,
  type MessageView,
  messageView,
  type ReadMarkView,
  type RunView,
  readMarkView,
  runView,
} from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** Which messages of a conversation; without any of it the latest. `cursor` is the `nextCursor` of the page before. */
export interface MessagesQuery extends PageQuery {
  beforeSeq?: number | undefined
  afterSeq?: number | undefined
}

/** What may be repeated: the same key makes the same request the same run. */
export interface SendOptions extends CallOptions {
  idempotencyKey?: string | undefined
}

/** Which conversations; without `archived` all. */
export interface ConversationsQuery extends PageQuery {
  archived?: boolean | undefined
  /** Words to look for, in titles and in what was said; what is found has `found` with where. */
  q?: string | undefined
}

/** `/api/chat/conversations`: pinned ones, then those last spoken in. */
export class ConversationsApi extends ApiPart {
  list(query: ConversationsQuery = {}, options: CallOptions = {}): Promise<ListOf<ListedConversationView>> {
    return this.rest.call('GET /api/chat/conversations', listOf(listedConversationView), { query, ...options })
  }

  /** With a page of its messages, ascending by `seq`, and its latest files. */
  get(id: string, query: MessagesQuery = {}, options: CallOptions = {}): Promise<ConversationPageView> {
    const request = { params: { id }, query, ...options }
    return this.rest.call('GET /api/chat/conversations/:id', conversationPageView, request)
  }

  /** What is left out stays as it is. */
  update(id: string, body: ConversationChange, options: CallOptions = {}): Promise<ConversationView> {
    return this.rest.call('PATCH /api/chat/conversations/:id', conversationView, { params: { id }, body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/chat/conversations/:id', null, { params: { id }, ...options })
  }

  /** The user has seen it up to this message; the mark moves forward only. */
  markRead(id: string, seq: number, options: CallOptions = {}): Promise<ReadMarkView> {
    const request = { params: { id }, body: { seq }, ...options }
    return this.rest.call('PUT /api/chat/conversations/:id/read', readMarkView, request)
  }

  /** Another conversation, which goes on from this message. */
  branch(id: string, messageId: string, options: CallOptions = {}): Promise<ConversationView> {
    const request = { params: { id }, body: { messageId }, ...options }
    return this.rest.call('POST /api/chat/conversations/:id/branch', conversationView, request)
  }

  /** All that stands of it, as a document that is made while it is sent: `.text()`, or `.body`, which is a stream. */
  export(id: string, format: 'markdown' | 'json' = 'markdown', options: CallOptions = {}): Promise<Response> {
    const request = { params: { id }, query: { format }, ...options }
    return this.rest.send('GET /api/chat/conversations/:id/export', request)
  }

  /** Its runs, newest first. */
  runs(id: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<RunView>> {
    const request = { params: { id }, query, ...options }
    return this.rest.call('GET /api/chat/conversations/:id/runs', listOf(runView), request)
  }
}

/** `/api/chat/runs`: what became of an accepted request to speak. */
export class RunsApi extends ApiPart {
  get(id: string, options: CallOptions = {}): Promise<RunView> {
    return this.rest.call('GET /api/chat/runs/:id', runView, { params: { id }, ...options })
  }

  /** Stops it: the words so far stay, what was used is paid, the rest is released. Of a run that is over, nothing changes. */
  cancel(id: string, options: CallOptions = {}): Promise<RunView> {
    return this.rest.call('POST /api/chat/runs/:id/cancel', runView, { params: { id }, ...options })
  }

  /** A run that failed or was stopped, once more from the user's message on. Safe to repeat. @throws ApiError 402, 409 */
  retry(id: string, options: SendOptions = {}): Promise<AcceptedView> {
    const request = { params: { id }, ...keyed(options) }
    return this.rest.call('POST /api/chat/runs/:id/retry', acceptedView, request)
  }
}

/** `/api/chat/messages`. */
export class MessagesApi extends ApiPart {
  /** What an agent said last, said anew; the old words stay as superseded. Safe to repeat. */
  regenerate(id: string, options: SendOptions = {}): Promise<AcceptedView> {
    const request = { params: { id }, ...keyed(options) }
    return this.rest.call('POST /api/chat/messages/:id/regenerate', acceptedView, request)
  }

  /** The user's last words, said otherwise and answered anew; the old ones stay as superseded. Safe to repeat. */
  edit(id: string, body: EditInput, options: SendOptions = {}): Promise<AcceptedView> {
    const request = { params: { id }, body, ...keyed(options) }
    return this.rest.call('POST /api/chat/messages/:id/edit', acceptedView, request)
  }

  /** What the user thinks of what an agent said. */
  giveFeedback(id: string, body: FeedbackInput, options: CallOptions = {}): Promise<MessageView> {
    return this.rest.call('PUT /api/chat/messages/:id/feedback', messageView, { params: { id }, body, ...options })
  }

  deleteFeedback(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/chat/messages/:id/feedback', null, { params: { id }, ...options })
  }
}

/** A key of its own makes one call harmless to repeat below this client, such as by a proxy. */
export const keyed = ({ idempotencyKey = crypto.randomUUID(), signal }: SendOptions) => ({
  headers: { 'idempotency-key': idempotencyKey },
  signal,
})
