import type { AuthUser } from '../contract/auth-user.ts'
import type { BreakerState } from './breaker.repository.ts'
import type { Connection } from './connection.entity.ts'
import { dialectsSchema, inWords } from './dialects/traits.ts'

/** A connection as the API shows it. Of the platform's, its address and key are the administrators' business. */
export function presentConnection(connection: Connection, viewer: Pick<AuthUser, 'role'>, breaker?: BreakerState) {
  const isPlatform = connection.userId === null
  const isShown = !isPlatform || viewer.role === 'admin'
  return {
    id: connection.id,
    name: connection.name,
    provider: connection.provider,
    baseUrl: isShown ? connection.baseUrl : null,
    model: connection.model,
    apiKeyLast4: isShown ? connection.apiKeyLast4 : null,
    /** A key that is too short for its end to be shown is one, too. */
    hasApiKey: isShown && connection.apiKeySealed !== null,
    scope: isPlatform ? 'platform' : 'user',
    isDefault: connection.isDefault,
    breaker: presentBreaker(breaker),
    learnt: isShown ? learntOf(connection) : [],
    createdAt: connection.createdAt.toISOString(),
    updatedAt: connection.updatedAt.toISOString(),
  }
}

/**
 * Whether calls go there now. `open`: nobody is called until then; `half_open`: one call tries it; else `closed`. `code` is of the
 * failure that opened it.
 */
export function presentBreaker(breaker: BreakerState | undefined) {
  const openUntil = breaker?.openUntil
  if (!breaker || !openUntil) return { state: 'closed' as const, until: null, code: null }
  const isOpen = openUntil.getTime() > Date.now()
  return {
    state: isOpen ? ('open' as const) : ('half_open' as const),
    until: isOpen ? openUntil.toISOString() : null,
    code: breaker.code,
  }
}

/** What its models turned out to need, in words. */
const learntOf = ({ dialects }: Pick<Connection, 'dialects'>) =>
  Object.entries(dialectsSchema.parse(dialects)).map(([model, traits]) => ({ model, notes: inWords(traits) }))
