import type { ProviderFailure } from './provider-errors.ts'

/**
 * What a failure says about the account and the server behind a connection. `limit`: this account is asked too often, and has to
 * wait. `outage`: the server does not answer, or answers that it cannot. Undefined: nothing; it answers, and the call is to blame.
 */
export type Trouble = 'limit' | 'outage' | undefined

const OUTAGES = new Set(['provider.unreachable', 'provider.unavailable', 'provider.timeout'])

export const troubleOf = ({ code }: Pick<ProviderFailure, 'code'>): Trouble =>
  code === 'provider.rate_limited' ? 'limit' : OUTAGES.has(code) ? 'outage' : undefined
