import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

/** What nothing has come of for so long never comes. */
const LONG_MS = 90_000

/** How many of these are open when all have closed, or when none has for long. */
export async function leftOf(sockets: Duplex[]): Promise<number> {
  const closed = Promise.all(sockets.map((socket) => socket.destroyed || once(socket.resume(), 'close')))
  await Promise.race([closed, delay(LONG_MS, undefined, { ref: false })])
  return sockets.filter((socket) => !socket.destroyed).length
}
