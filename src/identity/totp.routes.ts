import { clientNetwork } from '../http/client-network.ts'
import type { Attempt, RateLimiter } from '../http/rate-limit.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { totpBeginBody, totpConfirmBody, totpDisableBody } from './identity.schemas.ts'
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
    body: totpBeginBody,
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
    body: totpConfirmBody,
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
    body: totpDisableBody,
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
