import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 32
const ID_BYTES = 16
const TIME_BYTES = 6

/** A key for one purpose, from the one that signs sessions: whoever changes that ends both. */
export const signingKey = (jwtSecret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', jwtSecret, '', purpose, KEY_BYTES))

const signatureOf = (key: Buffer, said: Buffer, context: string): Buffer =>
  createHmac('sha256', key).update(context).update(said).digest()

/** What is said, signed, as base64url. The context is signed too, and not said: whoever reads it knows it. */
const signBytes = (key: Buffer, said: Buffer, context = ''): string =>
  Buffer.concat([said, signatureOf(key, said, context)]).toString('base64url')

/** What we said in this context, of so many bytes; undefined for anything else. */
function readBytes(key: Buffer, token: string, length: number, context = ''): Buffer | undefined {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length !== length + SIGNATURE_BYTES) return undefined
  const said = bytes.subarray(0, length)
  return timingSafeEqual(signatureOf(key, said, context), bytes.subarray(length)) ? said : undefined
}

const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex')

const idAt = (bytes: Buffer, start: number): string =>
  bytes.toString('hex', start, start + ID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** These ids, signed, for addresses. The context is signed too, and not said: whoever reads it knows it. */
export const signIds = (key: Buffer, ids: string[], context = ''): string =>
  signBytes(key, Buffer.concat(ids.map(idBytes)), context)

/** So many ids that we signed in this context; undefined for anything else. */
export function readIds(key: Buffer, token: string, count: number, context = ''): string[] | undefined {
  const said = readBytes(key, token, count * ID_BYTES, context)
  return said && Array.from({ length: count }, (_, place) => idAt(said, place * ID_BYTES))
}

/** The same, good until then. */
export function signIdsUntil(key: Buffer, ids: string[], until: Date, context = ''): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(until.getTime(), 0, TIME_BYTES)
  return signBytes(key, Buffer.concat([time, ...ids.map(idBytes)]), context)
}

/** So many ids that we signed in this context, and that are good still. */
export function readIdsUntil(
  key: Buffer,
  token: string,
  count: number,
  { context = '', now = new Date() }: { context?: string; now?: Date | undefined } = {},
): string[] | undefined {
  const said = readBytes(key, token, TIME_BYTES + count * ID_BYTES, context)
  if (!said || said.readUIntBE(0, TIME_BYTES) < now.getTime()) return undefined
  return Array.from({ length: count }, (_, place) => idAt(said, TIME_BYTES + place * ID_BYTES))
}
