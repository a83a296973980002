import { readFile } from 'node:fs/promises'
import { flushCompileCache } from 'node:module'
import { loadEnv } from '../../src/config/env.ts'
import { createContainer } from '../../src/container.ts'
import { holdAdvisoryLock } from '../../src/database/advisory-lock.ts'
import { openFoundation } from '../../src/foundation.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { startWeb } from '../../src/web.ts'
import { startWorker } from '../../workers/worker.ts'
import { isKillPoint } from './kill-points.ts'

/**
 * A worker process, or with WHOLE one that is web and worker at once, that dies by SIGKILL as soon as one of its turns comes to the step
 * which the file KILL_FILE has when it starts, for the n-th time (`tool.ran:n`, from 0). It says how many of such steps it has come to. Otherwise it is `workers/main.ts`, or
 * `workers/embedded.ts`.
 */
const { KILL_FILE = '', WHOLE, ...environment } = process.env
const [killAt, times] = (await readFile(KILL_FILE, 'utf8')).split(':')
let left = Number(times)
let steps = 0
const shutdown = new Shutdown(silentLogger)
const container = createContainer(await openFoundation(loadEnv(environment), silentLogger, shutdown))
if (WHOLE) {
  const { held } = await holdAdvisoryLock(container.directDatabaseUrl, 'embedded')
  if (held) await container.turnRepository.voidLeases()
  await startWeb(container)
}
await startWorker(container, {
  onStep: (step) => {
    if (step === killAt && left-- === 0) process.kill(process.pid, 'SIGKILL')
    if (isKillPoint(step)) console.log(`step ${steps++}`)
  },
})
// It is written at the exit, which a killed process does not have.
flushCompileCache()
console.log('worker is ready')
