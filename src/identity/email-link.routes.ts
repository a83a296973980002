import { defineRoute, Reply, type Route } from '../http/route.ts'
import type { SignupLimits } from '../http/signup-limits.ts'
import type { EmailLinkService } from './email-link.service.ts'
import { forgotBody, linkBody, resetBody } from './identity.schemas.ts'

const ACCEPTED = new Reply(202, { status: 'accepted' })

export const emailLinkRoutes = (links: EmailLinkService, limits: SignupLimits): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/auth/verify-email',
    access: 'public',
    body: linkBody,
    handler: ({ body }) => links.verify(body.token),
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/verify-email/resend',
    access: 'user',
    handler: async ({ user }) => {
      await links.resend(user)
      return ACCEPTED
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/password/forgot',
    access: 'public',
    body: forgotBody,
    handler: async ({ body, ip }) => {
      links.requireMail()
      await limits.beforeMail(ip)
      await links.forgot(body.email)
      return ACCEPTED
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/password/reset',
    access: 'public',
    body: resetBody,
    handler: ({ body }) => links.reset(body.token, body.newPassword),
  }),
]
