import type { ShareInput } from '../contract/share.schemas.ts'
import { type SharedPageView, type ShareView, sharedPageView, shareView } from '../contract/share-views.ts'
import { listOf } from '../contract/views.ts'
import type { MessagesQuery } from './conversations-api.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'
import { type FollowSharedOptions, SharedFollower } from './shared-follower.ts'

/** Links to one's own conversations: whoever has one sees what was said, and what is said later, until it is revoked. */
export class SharesApi extends ApiPart {
  /** @throws ApiError 404; 409 `share.too_many` */
  create(conversationId: string, body: ShareInput = {}, options: CallOptions = {}): Promise<ShareView> {
    const request = { params: { id: conversationId }, body, ...options }
    return this.rest.call('POST /api/chat/conversations/:id/shares', shareView, request)
  }

  /** Those to one conversation, newest first, each with its token. */
  of(conversationId: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<ShareView>> {
    const request = { params: { id: conversationId }, query, ...options }
    return this.rest.call('GET /api/chat/conversations/:id/shares', listOf(shareView), request)
  }

  /** All of one's own. */
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<ShareView>> {
    return this.rest.call('GET /api/shares', listOf(shareView), { query, ...options })
  }

  /** It leads nowhere any more; who watches by it is cut off. */
  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/shares/:id', null, { params: { id }, ...options })
  }

  /** What a link shows, with a page of its messages. It takes no account. @throws ApiError 404 `share.not_found` */
  open(token: string, query: MessagesQuery = {}, options: CallOptions = {}): Promise<SharedPageView> {
    return this.rest.call('GET /api/shared/:token', sharedPageView, { params: { token }, query, ...options })
  }

  /**
   * What a link shows, as it happens: its latest messages, then all that changes. It takes no account, reconnects by itself, and shows
   * no character twice. Ends with an ApiError 404 when the link leads nowhere any more.
   */
  follow(token: string, options: FollowSharedOptions = {}): SharedFollower {
    return new SharedFollower(this.rest, token, options)
  }
}
