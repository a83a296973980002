import { ID_BYTES, idAt, idBytes, readBytes, signBytes, signingKey } from '../shared/signed-bytes.ts'

const TIME_BYTES = 6

/** Whose ticket it is, and of which session or API key. */
export interface TicketHolder {
  userId: string
  sessionId: string
}

/** The key of tickets. */
export const ticketKeyOf = (jwtSecret: string): Buffer => signingKey(jwtSecret, 'chatsparty tickets')

/**
 * Lets somebody who can send no header (an `EventSource`, a link) read this one path until then. It names a session and ends with
 * it; it is no token, and opens nothing else.
 */
export function signTicket(key: Buffer, path: string, { userId, sessionId }: TicketHolder, until: Date): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(until.getTime(), 0, TIME_BYTES)
  return signBytes(key, Buffer.concat([time, idBytes(userId), idBytes(sessionId)]), `GET ${path}\0`)
}

/** Whose ticket for this path it is; undefined for one that is not ours, for another path, or over. */
export function readTicket(
  key: Buffer,
  path: string,
  ticket: string,
  now: Date = new Date(),
): (TicketHolder & { expiresAt: Date }) | undefined {
  const said = readBytes(key, ticket, TIME_BYTES + 2 * ID_BYTES, `GET ${path}\0`)
  if (!said) return undefined
  const expiresAt = new Date(said.readUIntBE(0, TIME_BYTES))
  if (expiresAt.getTime() < now.getTime()) return undefined
  return { userId: idAt(said, TIME_BYTES), sessionId: idAt(said, TIME_BYTES + ID_BYTES), expiresAt }
}
