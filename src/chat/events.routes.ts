import { z } from 'zod'
import { idParams } from '../http/input.ts'
import { readerOf } from '../http/reader.ts'
import { defineStreamRoute, type Route, ticketInput } from '../http/route.ts'
import type { EventStreams } from '../realtime/sse.ts'

/** For clients that cannot set the Last-Event-ID header; the header wins, as it is newer when both are there. */
const eventsQuery = z.strictObject({ lastEventId: z.string().max(8_192).optional(), ticket: ticketInput })

const EVENTS: Route['answers'] = {
  200: { types: ['text/event-stream'], says: 'Events as they happen; `/asyncapi.json` describes each.' },
  /** The run is over, and all of it was sent: an `EventSource` asks no more. */
  204: null,
}

/** The events of sockets as server-sent events, for a conversation and for one run. */
export const eventRoutes = (streams: EventStreams): Route[] => [
  defineStreamRoute({
    method: 'get',
    path: '/api/chat/conversations/:id/events',
    access: 'user',
    takesTicket: true,
    scope: 'read',
    summary: 'What happens in a conversation, as server-sent events',
    answers: EVENTS,
    headers: ['Last-Event-ID'],
    errors: ['conversation.not_found', 'stream.too_many', 'server.closing'],
    params: idParams,
    query: eventsQuery,
    handler: ({ user, params, query, req, res }) =>
      streams.open({
        ...readerOf({ user, ip: req.ip ?? '' }),
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
    scope: 'read',
    summary: 'What happens in a run, as server-sent events, to its end',
    answers: EVENTS,
    headers: ['Last-Event-ID'],
    errors: ['run.not_found', 'stream.too_many', 'server.closing'],
    params: idParams,
    query: eventsQuery,
    handler: ({ user, params, query, req, res }) =>
      streams.open({
        ...readerOf({ user, ip: req.ip ?? '' }),
        of: { runId: params.id },
        lastEventId: req.get('last-event-id') ?? query.lastEventId,
        res,
      }),
  }),
]
