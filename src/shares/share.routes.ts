import { shareBody } from '../contract/share.schemas.ts'
import { shareView } from '../contract/share-views.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES } from '../http/route.ts'
import type { ShareService } from './share.service.ts'

/** All of them take a session: a link works on when a key has ended, so a key makes none, shows none and ends none. */
export const shareRoutes = (shares: ShareService): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/chat/conversations/:id/shares',
    access: 'user',
    scope: 'session',
    summary: 'A link that shows a conversation to whoever has it, also what is said later',
    response: shareView,
    errors: ['conversation.not_found', 'share.too_many'],
    params: idParams,
    body: shareBody,
    example: {},
    bodyMaxBytes: SMALL_BODY_BYTES,
    status: 201,
    handler: ({ user, params, body }) => shares.create(user.id, params.id, body),
  }),
  defineRoute({
    method: 'get',
    path: '/api/chat/conversations/:id/shares',
    access: 'user',
    scope: 'session',
    summary: 'The links to a conversation, newest first',
    response: listOf(shareView),
    errors: ['conversation.not_found'],
    params: idParams,
    query: pageQuery,
    handler: async ({ user, params, query: { limit, cursor } }) =>
      page(await shares.list(user.id, params.id, limit + 1, cursor), limit, (share) => share),
  }),
  defineRoute({
    method: 'get',
    path: '/api/shares',
    access: 'user',
    scope: 'session',
    summary: "All links to one's own conversations, newest first",
    response: listOf(shareView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query: { limit, cursor } }) =>
      page(await shares.list(user.id, undefined, limit + 1, cursor), limit, (share) => share),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/shares/:id',
    access: 'user',
    scope: 'session',
    summary: 'A link that leads nowhere any more; who watches by it is cut off',
    response: null,
    errors: ['share.not_found'],
    params: idParams,
    handler: ({ user, params }) => shares.revoke(user.id, params.id),
  }),
]
