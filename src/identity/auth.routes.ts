import { signedInView, userView } from '../contract/account-views.ts'
import { loginBody, profileBody, registerBody } from '../contract/identity.schemas.ts'
import { clientNetwork } from '../http/client-network.ts'
import type { RateLimiter } from '../http/rate-limit.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES } from '../http/route.ts'
import type { SignupLimits } from '../http/signup-limits.ts'
import { AppError } from '../shared/errors.ts'
import type { AuthService } from './auth.service.ts'
import type { SignInService } from './sign-in.service.ts'
import { userState } from './user.presenter.ts'
import type { UserService } from './user.service.ts'

/** No wrong password: a server that had no time to look, an account that is closed and a code that is still to be given must not use up what somebody may try. */
const UNDECIDED: readonly string[] = ['auth.busy', 'auth.suspended', 'auth.totp_required']

/** The token that a client still has, though it asks for a new one; it shows a device that is known. */
const bearerOf = (authorization: string | undefined): string | undefined =>
  authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : undefined

export const authRoutes = (services: {
  auth: AuthService
  signIns: SignInService
  users: UserService
  limiter: RateLimiter
  signups: SignupLimits
}): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/auth/register',
    access: 'public',
    scope: 'public',
    summary: 'A new account, signed in',
    response: signedInView,
    errors: ['auth.email_taken', 'auth.busy', 'auth.too_many_sign_ins'],
    body: registerBody,
    example: { email: 'ada@example.com', password: 'correct horse battery' },
    status: 201,
    handler: async ({ body, ip }) => {
      await services.signups.beforeRegistration(ip)
      return services.auth.register(body)
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/login',
    access: 'public',
    scope: 'public',
    summary: 'A session, for an e-mail address and a password',
    response: signedInView,
    errors: [
      'auth.invalid_credentials',
      'auth.totp_required',
      'auth.totp_invalid',
      'auth.totp_unreadable',
      'auth.suspended',
      'auth.too_many_attempts',
      'auth.too_many_sign_ins',
      'auth.busy',
    ],
    body: loginBody,
    example: { email: 'ada@example.com', password: 'correct horse battery' },
    handler: async ({ body, headers }) => {
      const attempt = await services.signIns.attempt(body.email, bearerOf(headers.authorization))
      await services.limiter.beforeLogin(attempt)
      try {
        const signedIn = await services.signIns.login(attempt, body, () => services.limiter.beforeFactor(attempt))
        await services.limiter.loginSucceeded(attempt)
        if (body.totp !== undefined) await services.limiter.factorSucceeded(attempt)
        return signedIn
      } catch (error) {
        if (error instanceof AppError && UNDECIDED.includes(error.code)) await services.limiter.loginUndecided(attempt)
        throw error
      }
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/auth/me',
    access: 'user',
    scope: 'read',
    summary: 'Who is signed in',
    response: userView,
    state: userState,
    errors: ['user.not_found'],
    handler: ({ user }) => services.users.get(user, user.id),
  }),
  defineRoute({
    method: 'put',
    path: '/api/auth/profile',
    access: 'user',
    scope: 'session',
    guests: true,
    summary: "One's own name, address and password, changed",
    response: userView,
    state: userState,
    headers: ['If-Match'],
    errors: [
      'request.precondition_failed',
      'auth.wrong_password',
      'guest.not_allowed',
      'auth.email_taken',
      'auth.too_many_attempts',
      'auth.busy',
    ],
    body: profileBody,
    example: { name: 'Ada' },
    bodyMaxBytes: 2 * SMALL_BODY_BYTES,
    handler: async ({ user, body, ip, ifMatch }) => {
      const change = () => services.auth.updateProfile(user, body, (current) => ifMatch(userState(current)))
      if (body.currentPassword === undefined) return change()
      // Whoever has a session may not guess the password with it either, from wherever.
      const attempt = { account: user.id, place: 'profile', network: clientNetwork(ip), isKnown: true }
      await services.limiter.beforeLogin(attempt)
      const profile = await change()
      await services.limiter.loginSucceeded(attempt)
      return profile
    },
  }),
]
