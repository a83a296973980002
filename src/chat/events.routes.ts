import { z } from 'zod'
import { clientNetwork } from '../http/client-network.ts'
import { idParams } from '../http/input.ts'
import { defineStreamRoute, type Route, ticketInput } from '../http/route.ts'
import type { EventStreams } from '../realtime/sse.ts'

/** For clients that cannot set the Last-Event-ID header; the header wins, as it is newer when both are there. */
const eventsQuery = z.strictObject({ lastEventId: z.string().max(8_192).optional(), ticket: ticketInput })

/** The events of sockets as server-sent events, for a conversation and for one run. */
export const eventRoutes = (streams: EventStreams): Route[] => [
  defineStreamRoute({
    method: 'get',
    path: '/api/chat/conversations/:id/events',
    access: 'user',
    takesTicket: true,
    params: idParams,
    query: eventsQuery,
    handler: ({ user, params, query, req, res }) =>
      streams.open({
        userId: user.id,
        sessionId: user.sessionId,
        network: clientNetwork(req.ip ?? ''),
        of: { conversationId: params.id },
        lastEventId: req.get('last-event-id') ?? query.lastEventId,
        res,
      }),
  }),
  defineStreamRoute({
    method: 'get',
    path: '/api/chat/runs/:id/events',
    access: 'user',
    takesTicket: true,
    params: idParams,
    query: eventsQuery,
    handler: ({ user, params, query, req, res }) =>
      streams.open({
        userId: user.id,
        sessionId: user.sessionId,
        network: clientNetwork(req.ip ?? ''),
        of: { runId: params.id },
        lastEventId: req.get('last-event-id') ?? query.lastEventId,
        res,
      }),
  }),
]
