import { isDistributed } from './config/env.ts'
import { createContainer } from './container.ts'
import { SetupError } from './database/setup-error.ts'
import { startHeartbeat } from './fleet/heartbeat.ts'
import { openFoundation } from './foundation.ts'
import type { HealthCheck } from './http/health.ts'
import { startMonitoring } from './monitoring.ts'
import { runProcess } from './process.ts'
import { startWeb } from './web.ts'

/** A worker that has missed so many of its reports is taken for dead. */
const MISSED_BEATS = 3

/** A web process of the distributed profile. `npm start` runs web and worker in one. */
await runProcess(async ({ env, logger, shutdown }) => {
  if (!isDistributed(env)) {
    throw new SetupError('A web process of its own needs REDIS_URL and DATABASE_URL. Without Redis, use "npm start".')
  }
  const container = createContainer(await openFoundation(env, logger, shutdown))
  await startMonitoring(container)
  const { processes } = container
  const intervalMs = env.HEARTBEAT_MS
  const workersCheck: HealthCheck = {
    name: 'workers',
    check: async () => {
      if (!(await processes.takesTurns(intervalMs * MISSED_BEATS))) throw new Error('no worker was heard of')
    },
    degrades: 'No worker takes turns. Messages are accepted, and wait.',
  }
  const { url } = await startWeb(container, { checks: [workersCheck], drainDelayMs: env.DRAIN_DELAY_MS })
  const state = () => (shutdown.isSignalled ? 'draining' : 'ready')
  const heartbeat = startHeartbeat({ processes, role: 'web', state, intervalMs, logger })
  shutdown.add('heartbeat', heartbeat.stop)
  logger.info({ url }, 'web is ready')
}, 'web')
