import { mailAcceptedView, verifiedEmailView } from '../contract/account-views.ts'
import { forgotBody, linkBody, resetBody } from '../contract/identity.schemas.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { SignupLimits } from '../http/signup-limits.ts'
import type { EmailLinkService } from './email-link.service.ts'

const ACCEPTED = { status: 'accepted' as const }

export const emailLinkRoutes = (links: EmailLinkService, limits: SignupLimits): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/auth/verify-email',
    access: 'public',
    scope: 'public',
    summary: 'A proven e-mail address, for the token of a mailed link',
    response: verifiedEmailView,
    errors: ['auth.invalid_link'],
    body: linkBody,
    example: { token: 'the token of the mailed link' },
    handler: ({ body }) => links.verify(body.token),
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/verify-email/resend',
    access: 'user',
    scope: 'session',
    summary: 'Another mail with the link',
    response: mailAcceptedView,
    status: 202,
    errors: ['mail.not_set_up', 'mail.rate_limited', 'auth.email_verified'],
    handler: async ({ user }) => {
      await links.resend(user)
      return ACCEPTED
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/password/forgot',
    access: 'public',
    scope: 'public',
    summary: 'A mail with a link to a new password, should there be such an account',
    response: mailAcceptedView,
    status: 202,
    errors: ['mail.not_set_up'],
    body: forgotBody,
    example: { email: 'ada@example.com' },
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
    scope: 'public',
    summary: 'A new password, for the token of a mailed link; all sessions end',
    response: null,
    errors: ['auth.invalid_link', 'auth.busy'],
    body: resetBody,
    example: { token: 'the token of the mailed link', newPassword: 'another horse battery' },
    handler: ({ body }) => links.reset(body.token, body.newPassword),
  }),
]
