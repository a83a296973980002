import { ID_BYTES, idAt, idBytes, readBytes, signBytes, signingKey } from '../shared/signed-bytes.ts'
import type { LinkPurpose } from './email-link.entity.ts'

/** The key of links. */
export const linkKeyOf = (jwtSecret: string): Buffer => signingKey(jwtSecret, 'chatsparty e-mail links')

/**
 * What a link carries: the id of its row, signed. Nothing of it is stored, not even a hash: who reads the database can make none,
 * and a mail that is sent a second time has the same.
 */
export const signLink = (key: Buffer, purpose: LinkPurpose, linkId: string): string =>
  signBytes(key, idBytes(linkId), `${purpose}\0`)

/** The row's id of a link that we signed for this purpose; undefined for anything else. */
export function readLink(key: Buffer, purpose: LinkPurpose, token: string): string | undefined {
  const said = readBytes(key, token, ID_BYTES, `${purpose}\0`)
  return said && idAt(said)
}
