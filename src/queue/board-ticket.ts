import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

const SIGNATURE_BYTES = 32
const TIME_BYTES = 6
const ID_BYTES = 16

/** The key of tickets, from the one that signs sessions: whoever changes that ends both. */
export const boardKeyOf = (jwtSecret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', jwtSecret, '', 'chatsparty queue board', SIGNATURE_BYTES))

const signatureOf = (key: Buffer, said: Buffer): Buffer => createHmac('sha256', key).update(said).digest()

/** Lets an administrator's browser, which sends no header by itself, look at the board until then. It is good for nothing else. */
export function signTicket(key: Buffer, userId: string, until: Date): string {
  const said = Buffer.alloc(TIME_BYTES + ID_BYTES)
  said.writeUIntBE(until.getTime(), 0, TIME_BYTES)
  Buffer.from(userId.replaceAll('-', ''), 'hex').copy(said, TIME_BYTES)
  return Buffer.concat([said, signatureOf(key, said)]).toString('base64url')
}

/** Whose ticket it is; undefined for one that is not ours, or over. */
export function readTicket(key: Buffer, ticket: string, now: Date = new Date()): string | undefined {
  const bytes = Buffer.from(ticket, 'base64url')
  if (bytes.length !== TIME_BYTES + ID_BYTES + SIGNATURE_BYTES) return undefined
  const said = bytes.subarray(0, TIME_BYTES + ID_BYTES)
  if (!timingSafeEqual(signatureOf(key, said), bytes.subarray(said.length))) return undefined
  if (said.readUIntBE(0, TIME_BYTES) < now.getTime()) return undefined
  return said.toString('hex', TIME_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
