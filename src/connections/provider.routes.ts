import { providerView } from '../contract/connection-views.ts'
import { listOf } from '../contract/views.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { KNOWN_PROVIDERS, presentProvider } from './dialects/known-providers.ts'

/** What a connection can be made to, so that nobody has to know an address by heart. */
export const providerRoutes = (): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/providers',
    access: 'user',
    scope: 'read',
    summary: 'Providers and servers, with what a connection to each needs',
    response: listOf(providerView),
    errors: [],
    handler: async () => ({ data: KNOWN_PROVIDERS.map(presentProvider), nextCursor: null }),
  }),
]
