import { clientNetwork } from '../http/client-network.ts'
import type { RateLimiter } from '../http/rate-limit.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES } from '../http/route.ts'
import type { AuthService } from './auth.service.ts'
import { emailKeyOf } from './email-key.ts'
import { loginBody, profileBody, registerBody } from './identity.schemas.ts'
import type { UserService } from './user.service.ts'

export const authRoutes = (services: { auth: AuthService; users: UserService; limiter: RateLimiter }): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/auth/register',
    access: 'public',
    body: registerBody,
    status: 201,
    handler: ({ body }) => services.auth.register(body),
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/login',
    access: 'public',
    body: loginBody,
    handler: async ({ body, ip }) => {
      const key = `${clientNetwork(ip)}:${emailKeyOf(body.email)}`
      await services.limiter.beforeLogin(key)
      const signedIn = await services.auth.login(body.email, body.password)
      await services.limiter.loginSucceeded(key)
      return signedIn
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/logout',
    access: 'user',
    handler: ({ user }) => services.auth.logout(user),
  }),
  defineRoute({
    method: 'get',
    path: '/api/auth/me',
    access: 'user',
    handler: ({ user }) => services.users.get(user, user.id),
  }),
  defineRoute({
    method: 'put',
    path: '/api/auth/profile',
    access: 'user',
    body: profileBody,
    bodyMaxBytes: 2 * SMALL_BODY_BYTES,
    handler: async ({ user, body }) => {
      if (body.currentPassword === undefined) return services.auth.updateProfile(user, body)
      // Whoever has a session may not guess the password with it either, from wherever.
      const key = `profile:${user.id}`
      await services.limiter.beforeLogin(key)
      const profile = await services.auth.updateProfile(user, body)
      await services.limiter.loginSucceeded(key)
      return profile
    },
  }),
]
