import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { repeat } from '../shared/repeat.ts'
import { VERSION } from '../shared/version.ts'
import type { ProcessState, Role } from './fleet-process.entity.ts'
import type { FleetProcessRepository } from './fleet-process.repository.ts'

export interface HeartbeatOptions {
  processes: FleetProcessRepository
  role: Role
  state: () => ProcessState
  /** HEARTBEAT_MS. */
  intervalMs: number
  logger: Logger
}

/** Reports this process again and again, until stopped: then its row goes. */
export function startHeartbeat({ processes, role, state, intervalMs, logger }: HeartbeatOptions) {
  const own = { id: randomUUID(), role, host: hostname(), pid: process.pid, version: VERSION }
  const beat = async () => {
    try {
      await processes.report({ ...own, state: state() })
    } catch (error) {
      // Without a database there is more to say than this, and others say it.
      logger.debug({ reason: messageOf(error) }, 'this process could not be reported')
    }
  }
  const beating = repeat('heartbeat', intervalMs, beat, logger)
  return {
    /** Reports at once, such as that the end begins. */
    beat,
    stop: async () => {
      await beating.stop()
      await processes.remove(own.id).catch(() => {})
    },
  }
}
