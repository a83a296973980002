import type { ManagedUserView, UserView } from '../contract/account-views.ts'
import { isKept, type User } from './user.entity.ts'

/** What of an account its user, or an administrator, may change, and is shown. */
export const userState = ({ email, name, role }: Pick<User, 'email' | 'name' | 'role'>) => ({
  email: email ?? '',
  name,
  role,
})

/** A user as the API shows it. */
export const presentUser = (user: User): UserView => ({
  id: user.id,
  email: user.email ?? '',
  emailVerified: user.emailVerifiedAt !== null,
  name: user.name,
  role: user.role,
  guest: !isKept(user),
  totpEnabled: user.totpEnabledAt !== null,
  createdAt: user.createdAt.toISOString(),
  updatedAt: user.updatedAt.toISOString(),
})

/** The same as administrators see it. */
export const presentUserToAdmin = (user: User): ManagedUserView => ({
  ...presentUser(user),
  suspendedAt: user.suspendedAt?.toISOString() ?? null,
  suspendedReason: user.suspendedReason,
})
