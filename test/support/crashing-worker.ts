import { existsSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { loadEnv } from '../../src/config/env.ts'
import { createContainer } from '../../src/container.ts'
import { openFoundation } from '../../src/foundation.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { startWorker } from '../../workers/worker.ts'
import { EffectTools } from './effects.ts'

/**
 * A worker process that dies by SIGKILL at CRASH_AT, a step of its first turn, or hangs there until the file HANG_UNTIL exists, with its event loop
 * blocked, so that it neither renews its lease nor notices anything. With AS_IT_IS it knows of no steps, as in production: a
 * statement that is a transaction by itself is then not taken apart.
 */
const { CRASH_AT, HANG_UNTIL, AS_IT_IS, EFFECTS_URL, ...environment } = process.env
/** Tools whose deeds the test counts. */
const toolSources = EFFECTS_URL ? [new EffectTools(EFFECTS_URL)] : []
const env = loadEnv(environment)
const container = createContainer(await openFoundation(env, silentLogger, new Shutdown(silentLogger)))
let done = false
const onStep = (step: string) => {
  if (step !== CRASH_AT || done) return
  done = true
  if (!HANG_UNTIL) process.kill(process.pid, 'SIGKILL')
  console.log('hanging')
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  while (HANG_UNTIL && !existsSync(HANG_UNTIL)) Atomics.wait(nothing, 0, 0, 20)
  console.log('back')
}
await startWorker(container, AS_IT_IS ? { toolSources } : { onStep, toolSources })
// It is written at the exit, which a killed process does not have.
flushCompileCache()
console.log('ready')
