import { readIds, signIds, signingKey } from '../shared/signed-ids.ts'

const CONTEXT = 'share\0'

/** The key of links. */
export const shareKeyOf = (jwtSecret: string): Buffer => signingKey(jwtSecret, 'chatsparty shares')

/**
 * The token of a link: its id, and 256 bits that only this server can make of it. So nothing of it is stored, its owner can be shown
 * it again, and whoever guesses costs no look into the database.
 */
export const signShare = (key: Buffer, shareId: string): string => signIds(key, [shareId], CONTEXT)

/** The link that a token is of; undefined for what is none. There is one way to write a token. */
export function readShare(key: Buffer, token: string): string | undefined {
  const [id] = readIds(key, token, 1, CONTEXT) ?? []
  return id !== undefined && signShare(key, id) === token ? id : undefined
}
