import type { Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** What is told to clients before their connections end. */
export interface Movable {
  /** Has clients connect anew, elsewhere, each at a moment of its own within so many milliseconds. */
  moveOn(withinMs: number): void
}

/**
 * The time between being told to end and refusing connections. Readiness says 503 from its first moment, while everything is still
 * served: balancers look every few seconds. Each answer closes its connection, so that a balancer keeps none that would end in the middle of a request.
 * In the second half, when newcomers go elsewhere, clients that are connected for long are asked to follow.
 */
export async function untilUnnoticed(delayMs: number, movables: Movable[]): Promise<void> {
  await delay(delayMs / 2)
  for (const movable of movables) movable.moveOn(delayMs / 2)
  await delay(delayMs / 2)
}

/** How often connections that have become idle are closed while the server closes, in ms. */
const SWEEP_MS = 50

/** Lets requests that are under way end, for up to `ms`; a connection is closed as soon as it is idle. */
export async function closeServer(server: Server, ms: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
  const force = setTimeout(() => server.closeAllConnections(), ms)
  await closed
  clearInterval(sweep)
  clearTimeout(force)
}
