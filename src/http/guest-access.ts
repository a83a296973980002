import type { Route } from './route.ts'

/**
 * Whether guests may call a route: what is there they may read; all else is closed to them but where the route opens it (`guests: true`),
 * so that nothing new is open to whoever happens to come by.
 */
export const openToGuests = ({ guests, method }: Pick<Route, 'guests' | 'method'>): boolean =>
  guests ?? method === 'get'
