import { setTimeout } from 'node:timers/promises'
import { isDistributed } from '../src/config/env.ts'
import { createContainer } from '../src/container.ts'
import { SetupError } from '../src/database/setup-error.ts'
import { openFoundation } from '../src/foundation.ts'
import { NotYet } from '../src/http/health.ts'
import { startMonitoring } from '../src/monitoring.ts'
import { serveProbes } from '../src/probes.ts'
import { runProcess } from '../src/process.ts'
import type { Liveness } from './liveness.ts'
import { reportWorker } from './report-worker.ts'
import { startWorker } from './worker.ts'

/** A stuck worker has this long to close what is left after the drain, in ms. */
const CLOSE_MS = 5_000

/** A worker process of the distributed profile. One that is stuck ends with code 1, so that its supervisor starts it again. */
await runProcess(async ({ env, logger, shutdown }) => {
  if (!isDistributed(env)) {
    throw new SetupError(
      'A separate worker needs REDIS_URL (and DATABASE_URL): without Redis, live text and cancel signals stay within one process. Use "npm start", which runs web and worker in one.',
    )
  }
  const container = createContainer(await openFoundation(env, logger, shutdown))
  await startMonitoring(container)
  // What made it stuck may also keep it from closing.
  const restart = async () => {
    await Promise.race([shutdown.close(), setTimeout(env.DRAIN_MS + CLOSE_MS)])
    process.exit(1)
  }
  let worker: Liveness | undefined
  const checkWorker = async () => {
    if (!worker) throw new NotYet('it starts')
    await worker.check()
  }
  if (env.PROBE_PORT) await serveProbes(container, env.PROBE_PORT, [{ name: 'worker', check: checkWorker }])
  worker = await startWorker(container, { onStuck: () => void restart() })
  await reportWorker(container, 'worker', worker)
  logger.info('worker is ready')
}, 'worker')
