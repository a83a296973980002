import { readIdsUntil, signIdsUntil, signingKey } from '../shared/signed-ids.ts'

/** The key of tickets. */
export const boardKeyOf = (jwtSecret: string): Buffer => signingKey(jwtSecret, 'chatsparty queue board')

/** Lets an administrator's browser, which sends no header by itself, look at the board until then. It is good for nothing else. */
export const signTicket = (key: Buffer, userId: string, until: Date): string => signIdsUntil(key, [userId], until)

/** Whose ticket it is; undefined for one that is not ours, or over. */
export const readTicket = (key: Buffer, ticket: string, now?: Date): string | undefined =>
  readIdsUntil(key, ticket, 1, { now })?.[0]
