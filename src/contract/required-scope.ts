import { AppError } from '../shared/errors.ts'
import type { CallingKey } from './auth-user.ts'
import { type NeededScope, scopesReach } from './key-scopes.ts'

/** Whoever calls by a session may do all that their user may. @throws AppError 403 `key.scope` that says what is needed */
export function requireScope(key: CallingKey | undefined, needed: NeededScope): void {
  if (!key || scopesReach(key.scopes, needed)) return
  const details = { needed, scopes: key.scopes }
  if (needed === 'session') throw new AppError('key.scope/session', { details })
  throw new AppError('key.scope', { words: { needed }, details })
}
