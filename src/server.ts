import { isDistributed } from './config/env.ts'
import { createContainer } from './container.ts'
import { SetupError } from './database/setup-error.ts'
import { openFoundation } from './foundation.ts'
import { runProcess } from './process.ts'
import { startWeb } from './web.ts'

/** A web process of the distributed profile. `npm start` runs web and worker in one. */
await runProcess(async ({ env, logger, shutdown }) => {
  if (!isDistributed(env)) {
    throw new SetupError('A web process of its own needs REDIS_URL and DATABASE_URL. Without Redis, use "npm start".')
  }
  const container = createContainer(await openFoundation(env, logger, shutdown))
  const { url } = await startWeb(container)
  logger.info({ url }, 'web is ready')
})
