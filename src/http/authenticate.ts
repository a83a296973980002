import type { Request, Response } from 'express'
import { Passport } from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import type { AuthUser } from '../contract/auth-user.ts'
import { AppError } from '../shared/errors.ts'
import type { Access } from './route.ts'

/** Answers who calls, or throws: 401 without a live session, 403 where an admin is needed. */
export type Authenticate = (request: Request, response: Response, access: Access) => Promise<AuthUser | undefined>

/** Finds the live session that a verified token names; undefined when it was revoked, has expired or never was. */
export type FindSession = (claims: unknown) => Promise<AuthUser | undefined>

const unauthorized = () => new AppError('auth.unauthorized')

/** Bearer tokens by passport-jwt; the token only names a session, which is looked up so that a revoked one ends at once. */
export function createAuthenticate(secret: string, findSession: FindSession): Authenticate {
  // By name: passport then works on a copy for each request. A strategy passed itself would be shared, and requests at
  // the same time would be answered as each other's user.
  const passport = new Passport()
  const strategy = new Strategy(
    { jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: secret, algorithms: ['HS256'] },
    (claims: unknown, done) => {
      findSession(claims).then((user) => done(null, user ?? false), done)
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
  return async (request, response, access) => {
    if (access === 'public') return undefined
    const user = await verify(request, response)
    if (access === 'admin' && user.role !== 'admin') throw new AppError('auth.forbidden/admin')
    return user
  }
}
