import { ticketView } from '../contract/account-views.ts'
import { type TicketPurpose, ticketBody } from '../contract/ticket.schemas.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES } from '../http/route.ts'
import { signTicket, ticketKeyOf } from './ticket.ts'

/** A ticket is good for so long, in ms: to begin with, and to begin again after a drop. What has begun goes on. */
const TICKET_MS = 300_000

/** What tickets are for, each with its path: those routes take them (`takesTicket`). */
const PATHS: Record<TicketPurpose, (id: string) => string> = {
  'conversation.events': (id: string) => `/api/chat/conversations/${id}/events`,
  'run.events': (id: string) => `/api/chat/runs/${id}/events`,
  'file.download': (id: string) => `/api/storage/files/${id}/download`,
  'conversation.export': (id: string) => `/api/chat/conversations/${id}/export`,
}
/** Tickets for what is opened without a header. Whether there is anything to open, its own route says. */
export const ticketRoutes = (jwtSecret: string): Route[] => {
  const key = ticketKeyOf(jwtSecret)
  return [
    defineRoute({
      method: 'post',
      path: '/api/tickets',
      access: 'user',
      scope: 'read',
      guests: true,
      summary: "A ticket that opens one thing of one's own without a header, for a while",
      response: ticketView,
      errors: [],
      body: ticketBody,
      example: { for: 'file.download', id: '01990000-0000-7000-8000-0000000000a1' },
      bodyMaxBytes: SMALL_BODY_BYTES,
      status: 201,
      handler: async ({ user, body }) => {
        const expiresAt = new Date(Date.now() + TICKET_MS)
        const path = PATHS[body.for](body.id)
        const ticket = signTicket(key, path, { userId: user.id, sessionId: user.sessionId }, expiresAt)
        return { ticket, path: `${path}?ticket=${ticket}`, expiresAt: expiresAt.toISOString() }
      },
    }),
  ]
}
