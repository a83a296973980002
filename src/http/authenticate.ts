import type { Request, Response } from 'express'
import { Passport } from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import { type AuthUser, KEY_PREFIX } from '../contract/auth-user.ts'
import { requireScope } from '../contract/required-scope.ts'
import { AppError } from '../shared/errors.ts'
import { openToGuests } from './guest-access.ts'
import type { Route } from './route.ts'

/** What of a route says who may call it. */
type Guarded = Pick<Route, 'access' | 'scope' | 'guests' | 'method'>

/** Answers who calls, or throws: 401 without a live session or key, 403 where an admin, another scope or more than a guest is needed. */
export type Authenticate = (request: Request, response: Response, route: Guarded) => Promise<AuthUser | undefined>

/** Where callers are looked up. What they find nobody for was revoked, has expired or never was. */
export interface Callers {
  /** The live session that a verified token names. */
  session: (claims: unknown) => Promise<AuthUser | undefined>
  /** The owner of an API key. */
  key: (secret: string) => Promise<AuthUser | undefined>
}

const unauthorized = () => new AppError('auth.unauthorized')
const bearerOf = ExtractJwt.fromAuthHeaderAsBearerToken()

/**
 * Bearer tokens: of sessions by passport-jwt, and API keys, which are told by how they begin. Either is looked up, so that one that was
 * revoked ends at once.
 */
export function createAuthenticate(secret: string, { session, key }: Callers): Authenticate {
  // By name: passport then works on a copy for each request. A strategy passed itself would be shared, and requests at
  // the same time would be answered as each other's user.
  const passport = new Passport()
  const strategy = new Strategy(
    { jwtFromRequest: bearerOf, secretOrKey: secret, algorithms: ['HS256'] },
    (claims: unknown, done) => {
      session(claims).then((user) => done(null, user ?? false), done)
    },
  )
  passport.use('jwt', strategy)
  const verify = (request: Request, response: Response): Promise<AuthUser> =>
    new Promise((resolve, reject) => {
      const answer = (error: unknown, user: AuthUser | false) => {
        if (error) reject(error)
        else if (user) resolve(user)
        else reject(unauthorized())
      }
      passport.authenticate('jwt', { session: false }, answer)(request, response, reject)
    })
  const caller = async (request: Request, response: Response): Promise<AuthUser> => {
    const token = bearerOf(request)
    if (!token?.startsWith(KEY_PREFIX)) return verify(request, response)
    const user = await key(token)
    if (!user) throw new AppError('auth.unauthorized/key')
    return user
  }
  return async (request, response, route) => {
    const { access, scope } = route
    if (scope === 'public') return undefined
    const user = await caller(request, response)
    requireScope(user.key, scope)
    if (user.isGuest && access === 'user' && !openToGuests(route)) throw new AppError('guest.not_allowed')
    if (access === 'admin' && user.role !== 'admin') throw new AppError('auth.forbidden/admin')
    return user
  }
}
