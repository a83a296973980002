import type { AuthUser } from '../contract/auth-user.ts'
import type { BreakerView, ConnectionView, TroubleView } from '../contract/connection-views.ts'
import type { BreakerState } from './breaker.repository.ts'
import type { Connection } from './connection.entity.ts'
import { dialectsSchema, inWords } from './dialects/traits.ts'

/** A connection as the API shows it. Of the platform's, its address and key are the administrators' business. */
export function presentConnection(
  connection: Connection,
  viewer: Pick<AuthUser, 'role'>,
  breaker?: BreakerState,
): ConnectionView {
  const isPlatform = connection.userId === null
  const isShown = !isPlatform || viewer.role === 'admin'
  return {
    id: connection.id,
    name: connection.name,
    provider: connection.provider,
    baseUrl: isShown ? connection.baseUrl : null,
    model: connection.model,
    apiKeyLast4: isShown ? connection.apiKeyLast4 : null,
    hasApiKey: isShown && connection.apiKeySealed !== null,
    scope: isPlatform ? 'platform' : 'user',
    isDefault: connection.isDefault,
    breaker: presentBreaker(breaker),
    learnt: isShown ? learntOf(connection) : [],
    createdAt: connection.createdAt.toISOString(),
    updatedAt: connection.updatedAt.toISOString(),
  }
}

/** What of a connection its owner may change. */
export const connectionState = ({ breaker: _, learnt: __, updatedAt: ___, ...state }: ConnectionView) => state

/** Whether calls go there now. */
function presentBreaker(breaker: BreakerState | undefined): BreakerView {
  const openUntil = breaker?.openUntil
  if (!breaker || !openUntil) return { state: 'closed', until: null, code: null }
  const isOpen = openUntil.getTime() > Date.now()
  return {
    state: isOpen ? 'open' : 'half_open',
    until: isOpen ? openUntil.toISOString() : null,
    code: breaker.code,
  }
}

/** A connection or a host in trouble. */
export const presentTrouble = (breaker: BreakerState): TroubleView => ({
  subject: breaker.subject,
  failures: breaker.failures,
  opens: breaker.opens,
  ...presentBreaker(breaker),
  code: breaker.code,
})

/** What its models turned out to need, in words. */
const learntOf = ({ dialects }: Pick<Connection, 'dialects'>) =>
  Object.entries(dialectsSchema.parse(dialects)).map(([model, traits]) => ({ model, notes: inWords(traits) }))
