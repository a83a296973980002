import { ID_BYTES, idAt, idBytes, readBytes, signBytes, signingKey } from '../shared/signed-bytes.ts'

const TIME_BYTES = 6

/** The key of tickets. */
export const boardKeyOf = (jwtSecret: string): Buffer => signingKey(jwtSecret, 'chatsparty queue board')

/** Lets an administrator's browser, which sends no header by itself, look at the board until then. It is good for nothing else. */
export function signTicket(key: Buffer, userId: string, until: Date): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(until.getTime(), 0, TIME_BYTES)
  return signBytes(key, Buffer.concat([time, idBytes(userId)]))
}

/** Whose ticket it is; undefined for one that is not ours, or over. */
export function readTicket(key: Buffer, ticket: string, now: Date = new Date()): string | undefined {
  const said = readBytes(key, ticket, TIME_BYTES + ID_BYTES)
  if (!said || said.readUIntBE(0, TIME_BYTES) < now.getTime()) return undefined
  return idAt(said, TIME_BYTES)
}
