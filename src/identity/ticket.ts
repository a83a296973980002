import { readIdsUntil, signIdsUntil, signingKey } from '../shared/signed-ids.ts'

/** Whose ticket it is, and of which session or API key. */
export interface TicketHolder {
  userId: string
  sessionId: string
}

/** The key of tickets. */
export const ticketKeyOf = (jwtSecret: string): Buffer => signingKey(jwtSecret, 'chatsparty tickets')

const contextOf = (path: string): string => `GET ${path}\0`

/**
 * Lets somebody who can send no header (an `EventSource`, a link) read this one path until then. It names a session and ends with
 * it; it is no token, and opens nothing else.
 */
export const signTicket = (key: Buffer, path: string, { userId, sessionId }: TicketHolder, until: Date): string =>
  signIdsUntil(key, [userId, sessionId], until, contextOf(path))

/** Whose ticket for this path it is; undefined for one that is not ours, for another path, or over. */
export function readTicket(key: Buffer, path: string, ticket: string): TicketHolder | undefined {
  const [userId, sessionId] = readIdsUntil(key, ticket, 2, { context: contextOf(path) }) ?? []
  return userId && sessionId ? { userId, sessionId } : undefined
}
