/** Accounts as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { creditsAmount, idView, timeView } from './views.ts'

const user = {
  id: idView,
  /** Empty of a guest. */
  email: z.string().meta({ examples: ['ada@example.com'] }),
  emailVerified: z.boolean(),
  name: z.string().meta({ examples: ['Ada'] }),
  role: z.enum(['user', 'admin']),
  /** An account without an e-mail address, which goes when it is not used; `POST /api/auth/guest/keep` makes it one that stays. */
  guest: z.boolean(),
  totpEnabled: z.boolean(),
  createdAt: timeView,
  updatedAt: timeView,
}
export const userView = z
  .object({
    ...user,
    /** Administrators are told. */
    suspendedAt: timeView.nullable().optional(),
    suspendedReason: z.string().nullable().optional(),
  })
  .meta({ id: 'User' })
export type UserView = z.infer<typeof userView>

/** A user as administrators see them. */
export const managedUserView = z
  .object({ ...user, suspendedAt: timeView.nullable(), suspendedReason: z.string().nullable() })
  .meta({ id: 'ManagedUser' })
export type ManagedUserView = z.infer<typeof managedUserView>

/** `token` is what `Authorization: Bearer` takes until `expiresAt`. */
export const signedInView = z
  .object({ user: userView, token: z.string(), expiresAt: timeView })
  .meta({ id: 'SignedIn' })
export type SignedInView = z.infer<typeof signedInView>

/** Whether this server takes guests, what they are given, and after how many days without use they are gone. */
export const guestTermsView = z
  .object({ offered: z.boolean(), credits: creditsAmount, days: z.number().int().min(0) })
  .meta({ id: 'GuestTerms' })
export type GuestTermsView = z.infer<typeof guestTermsView>

/** `lastUsedAt` is right to some minutes; `current` is the session that asks. */
export const sessionView = z
  .object({
    id: idView,
    createdAt: timeView,
    lastUsedAt: timeView,
    expiresAt: timeView,
    network: z.string().nullable(),
    userAgent: z.string().nullable(),
    current: z.boolean(),
  })
  .meta({ id: 'Session' })
export type SessionView = z.infer<typeof sessionView>

/** An address that was proven to be its user's. */
export const verifiedEmailView = z.object({ email: z.string(), emailVerified: z.literal(true) })

/** What was asked for is done when it can be; whether there was anything to do is not said. */
export const mailAcceptedView = z.object({ status: z.literal('accepted') })

/** For an authenticator app: as text, and as what a QR code carries. It counts from its confirmation on. */
export const totpBegunView = z.object({ secret: z.string(), otpauthUrl: z.string() })
/** Each is good once, in the place of a code. They are not shown again. */
export const recoveryCodesView = z.object({ recoveryCodes: z.array(z.string()) })

/** Opens `path` without a header, to begin with until then. */
export const ticketView = z.object({ ticket: z.string(), path: z.string(), expiresAt: timeView }).meta({ id: 'Ticket' })
export type TicketView = z.infer<typeof ticketView>

const invitation = {
  id: idView,
  /** Null: what any newcomer is granted. */
  grant: creditsAmount.nullable(),
  uses: z.number().int().min(1),
  used: z.number().int().min(0),
  email: z.string().nullable(),
  expiresAt: timeView.nullable(),
  revokedAt: timeView.nullable(),
  createdAt: timeView,
}
export const invitationView = z.object(invitation).meta({ id: 'Invitation' })
export type InvitationView = z.infer<typeof invitationView>
/** The only answer that has the code. */
export const newInvitationView = z.object({ ...invitation, code: z.string() }).meta({ id: 'NewInvitation' })
