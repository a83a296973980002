import { guestTermsView, signedInView } from '../contract/account-views.ts'
import { keepBody } from '../contract/identity.schemas.ts'
import { emptyBody } from '../http/input.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES } from '../http/route.ts'
import type { SignupLimits } from '../http/signup-limits.ts'
import type { GuestService } from './guest.service.ts'

export const guestRoutes = (guests: GuestService, signups: SignupLimits): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/auth/guest',
    access: 'public',
    scope: 'public',
    summary: 'Whether guests are taken in, and on what terms',
    response: guestTermsView,
    errors: [],
    handler: async () => guests.terms(),
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/guest',
    access: 'public',
    scope: 'public',
    summary: 'A guest, signed in: an account without an e-mail address, which goes when it is not used',
    response: signedInView,
    errors: ['guest.off', 'guest.too_many', 'auth.too_many_sign_ins'],
    body: emptyBody,
    example: {},
    status: 201,
    handler: async ({ ip }) => {
      guests.requireOffered()
      await signups.beforeRegistration(ip)
      return guests.arrive()
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/auth/guest/keep',
    access: 'user',
    scope: 'session',
    guests: true,
    summary: "A guest's account that stays: with an e-mail address and a password, and all that it has",
    response: signedInView,
    errors: ['guest.kept', 'auth.email_taken', 'auth.busy'],
    body: keepBody,
    example: { email: 'ada@example.com', password: 'correct horse battery' },
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: async ({ user, body, ip }) => {
      // An address that is taken is told of here too, and a password hashed: as often as registering does, and no more.
      await signups.beforeRegistration(ip)
      return guests.keep(user, body)
    },
  }),
]
