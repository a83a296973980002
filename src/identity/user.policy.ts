import type { AuthUser } from './auth-user.ts'
import type { UserBody } from './identity.schemas.ts'

/** Users see and change themselves, administrators everybody. */
export const mayManage = (actor: AuthUser, userId: string): boolean => actor.id === userId || actor.role === 'admin'

/** Only administrators give roles. */
export const mayChange = (actor: AuthUser, change: UserBody): boolean =>
  change.role === undefined || actor.role === 'admin'
