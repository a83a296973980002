import { isDistributed } from '../src/config/env.ts'
import { createContainer } from '../src/container.ts'
import { SetupError } from '../src/database/setup-error.ts'
import { openFoundation } from '../src/foundation.ts'
import { runProcess } from '../src/process.ts'
import { startWorker } from './worker.ts'

/** A worker process of the distributed profile. */
await runProcess(async ({ env, logger, shutdown }) => {
  if (!isDistributed(env)) {
    throw new SetupError(
      'A separate worker needs REDIS_URL (and DATABASE_URL): without Redis, live text and cancel signals stay within one process. Use "npm start", which runs web and worker in one.',
    )
  }
  await startWorker(createContainer(await openFoundation(env, logger, shutdown)))
  logger.info('worker is ready')
})
