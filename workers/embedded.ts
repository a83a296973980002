import { DEFAULT_PORT, isDistributed } from '../src/config/env.ts'
import { createContainer } from '../src/container.ts'
import { holdAdvisoryLock } from '../src/database/advisory-lock.ts'
import { openFoundation } from '../src/foundation.ts'
import { NotYet } from '../src/http/health.ts'
import { requireFreePort } from '../src/listen.ts'
import { startMonitoring } from '../src/monitoring.ts'
import { runProcess } from '../src/process.ts'
import { seed } from '../src/seed.ts'
import { startWeb } from '../src/web.ts'
import type { Liveness } from './liveness.ts'
import { reportWorker } from './report-worker.ts'
import { startWorker } from './worker.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Web and worker in one process: `npm start`. */
await runProcess(async ({ env, logger, shutdown }) => {
  // Before a database is made, which takes a while.
  await requireFreePort(env)
  const container = createContainer(await openFoundation(env, logger, shutdown))
  await startMonitoring(container)
  const { adminNotice } = await seed(container)
  // At once: it is stored, and whatever fails from here on, nobody could ever read it again.
  if (adminNotice) say(adminNotice)
  if (!isDistributed(env)) {
    const alone = await holdAdvisoryLock(container.directDatabaseUrl, 'embedded')
    shutdown.add('embedded lock', alone.release)
    // This is the only process there is, so whoever held a lease is dead.
    if (alone.held) await container.turnRepository.voidLeases()
    else
      say(
        'Another Chatsparty runs on this database. Live text and cancels reach only their own process: set REDIS_URL.',
      )
  }
  let worker: Liveness | undefined
  const checkWorker = async () => {
    if (!worker) throw new NotYet('it starts')
    await worker.check()
  }
  const { url } = await startWeb(container, { checks: [{ name: 'worker', check: checkWorker }] })
  worker = await startWorker(container)
  await reportWorker(container, 'embedded', worker)
  say(`Chatsparty listens on ${url}`)
  // The demo looks at the default port, or at the one of its own environment.
  const elsewhere = url === `http://localhost:${DEFAULT_PORT}` ? '' : `--url ${url} `
  say(`Try: npm run demo -- ${elsewhere}"Should a startup use microservices?"`)
}, 'embedded')
