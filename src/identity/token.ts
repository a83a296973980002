import jwt from 'jsonwebtoken'
import { z } from 'zod'

const claims = z.object({ sub: z.uuid(), sid: z.uuid(), exp: z.number() })

/** What a token says: whose, which session. Unknown claims are ignored. */
export type TokenClaims = z.output<typeof claims>

/** A signed token that names a session and ends with it. */
export const signToken = (secret: string, userId: string, sessionId: string, expiresAt: Date): string =>
  jwt.sign({ sid: sessionId, exp: Math.floor(expiresAt.getTime() / 1000) }, secret, {
    subject: userId,
    algorithm: 'HS256',
  })

/** The claims of a token whose signature was verified; undefined when it is not one of ours. */
export const readClaims = (verified: unknown): TokenClaims | undefined => claims.safeParse(verified).data

/** Verifies a token's signature and time; undefined when either fails. */
export function verifyToken(secret: string, token: string): TokenClaims | undefined {
  try {
    return readClaims(jwt.verify(token, secret, { algorithms: ['HS256'] }))
  } catch {
    return undefined
  }
}

/** The claims of a token of ours that may have expired: whoever has it had that session. Undefined for one that is not ours. */
export function readExpiredToken(secret: string, token: string): TokenClaims | undefined {
  try {
    return readClaims(jwt.verify(token, secret, { algorithms: ['HS256'], ignoreExpiration: true }))
  } catch {
    return undefined
  }
}
