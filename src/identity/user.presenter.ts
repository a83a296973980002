import type { User } from './user.entity.ts'

/** A user as the API shows it. */
export const presentUser = (user: User) => ({
  id: user.id,
  email: user.email,
  emailVerified: user.emailVerifiedAt !== null,
  name: user.name,
  role: user.role,
  totpEnabled: user.totpEnabledAt !== null,
  createdAt: user.createdAt.toISOString(),
  updatedAt: user.updatedAt.toISOString(),
})

/** The same as administrators see it. */
export const presentUserToAdmin = (user: User) => ({
  ...presentUser(user),
  suspendedAt: user.suspendedAt?.toISOString() ?? null,
  suspendedReason: user.suspendedReason,
})

export type UserView = ReturnType<typeof presentUser>
