import type { NeededScope } from '../contract/key-scopes.ts'
import type { Route } from './route.ts'

/** What is about the account itself, and not about what it is for: a key may not take it over, nor make others. */
const OF_ACCOUNTS = ['/api/auth/', '/api/keys', '/api/users/', '/api/admin/queues/ticket']
/** What tells who somebody is, and nothing else. */
const TOLD = ['GET /api/auth/me', 'GET /api/users/:id']
/** They are posted, because they have a body; nothing comes of them. */
const ASKED = ['POST /api/credits/estimate', 'POST /api/tickets']

/** What an API key needs to call a route. Administrators' routes about accounts are theirs to script, all but the tickets of the board. */
export function scopeOf({ method, path, access }: Pick<Route, 'method' | 'path' | 'access'>): NeededScope {
  const name = `${method.toUpperCase()} ${path}`
  if (access === 'admin') return path === '/api/admin/queues/ticket' ? 'session' : 'admin'
  if (TOLD.includes(name) || ASKED.includes(name)) return 'read'
  if (OF_ACCOUNTS.some((start) => path.startsWith(start))) return 'session'
  return method === 'get' ? 'read' : 'chat'
}
