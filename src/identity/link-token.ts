import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { LinkPurpose } from './email-link.entity.ts'

const ID_BYTES = 16
const SIGNATURE_BYTES = 32

/** The key of links, from the one that signs sessions: whoever changes that ends both. */
export const linkKeyOf = (jwtSecret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', jwtSecret, '', 'chatsparty e-mail links', SIGNATURE_BYTES))

const signatureOf = (key: Buffer, purpose: LinkPurpose, id: Buffer): Buffer =>
  createHmac('sha256', key).update(`${purpose}\0`).update(id).digest()

/**
 * What a link carries: the id of its row, signed. Nothing of it is stored, not even a hash: who reads the database can make none,
 * and a mail that is sent a second time has the same.
 */
export function signLink(key: Buffer, purpose: LinkPurpose, linkId: string): string {
  const id = Buffer.from(linkId.replaceAll('-', ''), 'hex')
  return Buffer.concat([id, signatureOf(key, purpose, id)]).toString('base64url')
}

/** The row's id of a link that we signed for this purpose; undefined for anything else. */
export function readLink(key: Buffer, purpose: LinkPurpose, token: string): string | undefined {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length !== ID_BYTES + SIGNATURE_BYTES) return undefined
  const id = bytes.subarray(0, ID_BYTES)
  if (!timingSafeEqual(signatureOf(key, purpose, id), bytes.subarray(ID_BYTES))) return undefined
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
