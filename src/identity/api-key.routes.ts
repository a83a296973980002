import { apiKeyBody } from '../contract/api-key.schemas.ts'
import { apiKeyView, newApiKeyView } from '../contract/api-key-views.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentApiKey } from './api-key.presenter.ts'
import type { ApiKeyService } from './api-key.service.ts'

/** All of them take a session: a key makes no keys, and ends none. */
export const apiKeyRoutes = (keys: ApiKeyService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/keys',
    access: 'user',
    scope: 'session',
    summary: "One's own API keys, newest first",
    response: listOf(apiKeyView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query }) =>
      page(await keys.list(user, query.limit + 1, query.cursor), query.limit, presentApiKey),
  }),
  defineRoute({
    method: 'post',
    path: '/api/keys',
    access: 'user',
    scope: 'session',
    summary: 'A new API key, shown here only',
    response: newApiKeyView,
    errors: ['key.too_many', 'auth.forbidden'],
    body: apiKeyBody,
    example: { name: 'Newsletter', scopes: ['chat'], monthlyCredits: '500' },
    status: 201,
    handler: async ({ user, body }) => {
      const { key, secret } = await keys.create(user, body)
      return { ...presentApiKey(key), key: secret }
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/keys/:id',
    access: 'user',
    scope: 'session',
    summary: 'An API key that opens nothing any more',
    response: null,
    errors: ['key.not_found'],
    params: idParams,
    handler: ({ user, params }) => keys.revoke(user, params.id),
  }),
]
