import { isDistributed } from '../src/config/env.ts'
import { createContainer } from '../src/container.ts'
import { openFoundation } from '../src/foundation.ts'
import { runProcess } from '../src/process.ts'
import { seed } from '../src/seed.ts'
import { startWeb } from '../src/web.ts'
import { startWorker } from './worker.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Web and worker in one process: `npm start`. */
await runProcess(async ({ env, logger, shutdown }) => {
  const container = createContainer(await openFoundation(env, logger, shutdown))
  const { adminEmail, adminPassword } = await seed(container)
  // This is the only process there is, so whoever held a lease is dead.
  if (!isDistributed(env)) await container.turns.voidLeases()
  const { url } = await startWeb(container)
  await startWorker(container)
  say(`Chatsparty listens on ${url}`)
  if (adminPassword) say(`Administrator: ${adminEmail}  password (shown only now): ${adminPassword}`)
  say('Try: npm run demo -- "Should a startup use microservices?"')
})
