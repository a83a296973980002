import type { InvitationView } from '../contract/account-views.ts'
import { formatCredits } from '../shared/money.ts'
import type { Invitation } from './invitation.entity.ts'

/** An invitation as administrators see it; its code is not kept, so nobody sees it again. */
export const presentInvitation = (invitation: Invitation): InvitationView => ({
  id: invitation.id,
  grant: invitation.grant === null ? null : formatCredits(invitation.grant),
  uses: invitation.uses,
  used: invitation.used,
  email: invitation.email,
  expiresAt: invitation.expiresAt?.toISOString() ?? null,
  revokedAt: invitation.revokedAt?.toISOString() ?? null,
  createdAt: invitation.createdAt.toISOString(),
})
