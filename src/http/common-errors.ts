import type { ErrorCode } from '../shared/error-words.ts'
import { openToGuests } from './guest-access.ts'
import type { Route } from './route.ts'

/** What may be wrong with any request, or with us. */
const ANYWHERE = [
  'request.invalid',
  'request.rate_limited',
  'request.timeout',
  'request.too_large',
  'request.unsupported_type',
  'server.error',
  'database.unavailable',
] as const satisfies ErrorCode[]

/** Codes that a route may answer because of what it asks for, beside its own `errors`. */
export function commonErrors(route: Pick<Route, 'access' | 'params' | 'guests' | 'method'>): ErrorCode[] {
  const { access, params } = route
  return [
    ...ANYWHERE,
    ...(access === 'public' ? [] : (['auth.unauthorized', 'key.scope'] as const)),
    ...(access === 'user' && !openToGuests(route) ? (['guest.not_allowed'] as const) : []),
    ...(access === 'admin' ? (['auth.forbidden'] as const) : []),
    // An id that is none names nothing.
    ...(params ? (['request.not_found'] as const) : []),
  ]
}

/** Every code that a route may answer, each once. */
export const errorsOf = (route: Pick<Route, 'access' | 'params' | 'guests' | 'method' | 'errors'>): ErrorCode[] => [
  ...new Set([...route.errors, ...commonErrors(route)]),
]
