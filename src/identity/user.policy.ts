import type { AuthUser } from '../contract/auth-user.ts'
import type { UserBody } from '../contract/identity.schemas.ts'
import { emailKeyOf } from './email-key.ts'
import type { User } from './user.entity.ts'

/** Users see and change themselves, administrators everybody. */
export const mayManage = (actor: AuthUser, userId: string): boolean => actor.id === userId || actor.role === 'admin'

/** Only administrators give roles. */
export const mayChange = (actor: AuthUser, change: UserBody): boolean =>
  change.role === undefined || actor.role === 'admin'

/** What makes an account more than a guest's is the guest's alone to give: an address, and what takes one. */
export const takesAddress = (change: UserBody): boolean => change.email !== undefined || change.role === 'admin'

/** An address is a way into an account: users change theirs where the password is asked for, and nowhere else. */
export const mayChangeEmail = (actor: AuthUser, user: Pick<User, 'id' | 'emailKey'>, change: UserBody): boolean =>
  change.email === undefined || actor.id !== user.id || emailKeyOf(change.email) === user.emailKey
