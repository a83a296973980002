import { readIds, signIds, signingKey } from '../shared/signed-ids.ts'
import type { LinkPurpose } from './email-link.entity.ts'

/** The key of links. */
export const linkKeyOf = (jwtSecret: string): Buffer => signingKey(jwtSecret, 'chatsparty e-mail links')

/**
 * What a link carries: the id of its row, signed. Nothing of it is stored, not even a hash: who reads the database can make none,
 * and a mail that is sent a second time has the same.
 */
export const signLink = (key: Buffer, purpose: LinkPurpose, linkId: string): string =>
  signIds(key, [linkId], `${purpose}\0`)

/** The row's id of a link that we signed for this purpose; undefined for anything else. */
export const readLink = (key: Buffer, purpose: LinkPurpose, token: string): string | undefined =>
  readIds(key, token, 1, `${purpose}\0`)?.[0]
