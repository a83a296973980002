import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 32
/** Of `idBytes`. */
export const ID_BYTES = 16

/** A key for one purpose, from the one that signs sessions: whoever changes that ends both. */
export const signingKey = (jwtSecret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', jwtSecret, '', purpose, KEY_BYTES))

const signatureOf = (key: Buffer, said: Buffer, context: string): Buffer =>
  createHmac('sha256', key).update(context).update(said).digest()

/** What is said, signed, for addresses. The context is signed too, and not said: whoever reads it knows it. */
export const signBytes = (key: Buffer, said: Buffer, context = ''): string =>
  Buffer.concat([said, signatureOf(key, said, context)]).toString('base64url')

/** What we said in this context, of so many bytes; undefined for anything else. */
export function readBytes(key: Buffer, token: string, length: number, context = ''): Buffer | undefined {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length !== length + SIGNATURE_BYTES) return undefined
  const said = bytes.subarray(0, length)
  return timingSafeEqual(signatureOf(key, said, context), bytes.subarray(length)) ? said : undefined
}

export const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex')

/** The id that these bytes are, from there on. */
export const idAt = (bytes: Buffer, start = 0): string =>
  bytes.toString('hex', start, start + ID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
