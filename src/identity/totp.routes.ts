import { recoveryCodesView, totpBegunView } from '../contract/account-views.ts'
import { totpBeginBody, totpConfirmBody, totpDisableBody } from '../contract/identity.schemas.ts'
import { clientNetwork } from '../http/client-network.ts'
import type { Attempt, RateLimiter } from '../http/rate-limit.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { TotpService } from './totp.service.ts'

/** Whoever has a session may not guess the password or a code with it, from wherever. */
const attemptOf = (userId: string, ip: string): Attempt => ({
  account: userId,
  place: 'profile',
  network: clientNetwork(ip),
  isKnown: true,
})

export const totpRoutes = (totp: TotpService, limiter: RateLimiter): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/auth/totp',
    access: 'user',
    scope: 'session',
    summary: 'A new secret for a second factor, to be confirmed',
    response: totpBegunView,
    errors: ['auth.wrong_password', 'auth.totp_enabled', 'auth.too_many_attempts', 'auth.busy'],
    body: totpBeginBody,
    example: { password: 'correct horse battery' },
    handler: async ({ user, body, ip }) => {
      const attempt = attemptOf(user.id, ip)
      await limiter.beforeLogin(attempt)
      const begun = await totp.begin(user, body.password)
      await limiter.loginSucceeded(attempt)
      return begun
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/totp/confirm',
    access: 'user',
    scope: 'session',
    summary: 'The second factor, turned on; recovery codes, shown here only',
    response: recoveryCodesView,
    errors: [
      'auth.totp_invalid',
      'auth.totp_enabled',
      'auth.totp_not_begun',
      'auth.totp_unreadable',
      'auth.too_many_attempts',
    ],
    body: totpConfirmBody,
    example: { code: '123456' },
    handler: async ({ user, body, ip }) => {
      const attempt = attemptOf(user.id, ip)
      await limiter.beforeLogin(attempt)
      const confirmed = await totp.confirm(user, body.code)
      await limiter.loginSucceeded(attempt)
      return confirmed
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/auth/totp',
    access: 'user',
    scope: 'session',
    summary: 'The second factor, turned off',
    response: null,
    errors: [
      'auth.wrong_password',
      'auth.totp_invalid',
      'auth.totp_off',
      'auth.totp_unreadable',
      'auth.too_many_attempts',
      'auth.busy',
    ],
    body: totpDisableBody,
    example: { code: '123456' },
    handler: async ({ user, body, ip }) => {
      const attempt = attemptOf(user.id, ip)
      await limiter.beforeLogin(attempt)
      if (body.code !== undefined) await limiter.beforeFactor(attempt)
      await totp.disable(user, body)
      if (body.code !== undefined) await limiter.factorSucceeded(attempt)
      await limiter.loginSucceeded(attempt)
    },
  }),
]
