/** What API keys may do. Pure: browsers import this file too. */

/**
 * `read` changes nothing; `chat` speaks and keeps what is spoken with, and reads; `admin` does what administrators do, and nothing
 * else: a key that watches a server speaks at nobody's cost.
 */
export const keyScopes = ['read', 'chat', 'admin'] as const
export type KeyScope = (typeof keyScopes)[number]

/** What a call needs of whoever calls. `session`: no key is ever enough, it takes somebody who has signed in. */
export type NeededScope = KeyScope | 'session'

/** What a key may do that has these scopes; a session has no key, and may do all that its user may. */
export const scopesReach = (scopes: readonly KeyScope[], needed: NeededScope): boolean =>
  scopes.some((scope) => scope === needed || (scope === 'chat' && needed === 'read'))
