import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { SetupError } from './setup-error.ts'
import { mayPass } from './trouble.ts'

const PAUSE_MS = 250

/** Told to whoever starts us. */
export const unreachable = (error: unknown): SetupError =>
  new SetupError(`The database cannot be reached: ${messageOf(error)}. Check DATABASE_URL.`, { cause: error })

/**
 * Does what a process needs of the database before it begins, again from its start while the database is away: it may start later
 * than we do, restart, or be on its way to another place. So `work` must be harmless to do twice.
 * @throws SetupError in one line, after `waitMs`; at once what no waiting helps, as it was thrown
 */
export async function patiently<T>(work: () => Promise<T>, waitMs: number, logger: Logger): Promise<T> {
  const giveUpAt = performance.now() + waitMs
  for (let isTold = false; ; isTold = true) {
    try {
      return await work()
    } catch (error) {
      const trouble = error instanceof SetupError ? error.cause : error
      if (!mayPass(trouble)) throw error
      if (performance.now() + PAUSE_MS > giveUpAt) throw unreachable(trouble)
      if (!isTold) {
        logger.warn({ reason: messageOf(trouble), waitMs }, 'the database does not answer yet: waiting for it')
      }
    }
    await sleep(PAUSE_MS)
  }
}
