import { z } from 'zod'
import { messagesQuery } from '../chat/chat.routes.ts'
import { sharedPageView } from '../contract/share-views.ts'
import { clientNetwork } from '../http/client-network.ts'
import type { RateLimiter } from '../http/rate-limit.ts'
import { defineRoute, defineStreamRoute, type Route } from '../http/route.ts'
import type { EventStreams } from '../realtime/sse.ts'
import type { SharedConversations } from './shared-conversations.ts'

/** Any text: what is no token is answered as one that leads nowhere. */
const tokenParams = z.strictObject({ token: z.string() })
/** For an `EventSource` that begins anew; the header wins. */
const eventsQuery = z.strictObject({ lastEventId: z.string().max(8_192).optional() })

interface SharedRouteServices {
  shared: SharedConversations
  watchers: EventStreams
  limiter: Pick<RateLimiter, 'beforeShared'>
}

/** What a link opens, without an account. */
export const sharedRoutes = ({ shared, watchers, limiter }: SharedRouteServices): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/shared/:token',
    access: 'public',
    scope: 'public',
    summary: 'The conversation that a link shows, with a page of its messages',
    response: sharedPageView,
    errors: ['share.not_found'],
    params: tokenParams,
    query: messagesQuery,
    handler: async ({ params, query, ip }) => {
      await limiter.beforeShared(clientNetwork(ip))
      return shared.page(params.token, query)
    },
  }),
  defineStreamRoute({
    method: 'get',
    path: '/api/shared/:token/events',
    access: 'public',
    scope: 'public',
    summary: 'What happens in the conversation that a link shows, as server-sent events',
    answers: {
      200: {
        types: ['text/event-stream'],
        says: 'Events as they happen, with less in them; docs/sharing.md has each.',
      },
    },
    headers: ['Last-Event-ID'],
    errors: ['share.not_found', 'stream.too_many', 'server.busy', 'server.closing'],
    params: tokenParams,
    query: eventsQuery,
    handler: async ({ params, query, req, res }) => {
      const network = clientNetwork(req.ip ?? '')
      await limiter.beforeShared(network)
      const { id, conversationId } = await shared.find(params.token)
      await watchers.open({
        userId: id,
        sessionId: id,
        network,
        of: { conversationId },
        lastEventId: req.get('last-event-id') ?? query.lastEventId,
        res,
      })
    },
  }),
]
