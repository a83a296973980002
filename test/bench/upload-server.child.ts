import { createServer } from 'node:http'
import { z } from 'zod'
import { createDataSource } from '../../src/database/data-source.ts'
import { createApp } from '../../src/http/app.ts'
import { Health } from '../../src/http/health.ts'
import { createRateLimiter } from '../../src/http/rate-limit.ts'
import { defineRoute } from '../../src/http/route.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { storageRoutes } from '../../src/storage/storage.routes.ts'
import { S3Store } from '../../src/storage/store/s3-store.ts'
import { createFilesWorld } from '../integration/files-world.ts'
import { memoryOf } from '../support/memory.ts'
import { announce } from './child.ts'

// The web process of the upload bench: only the files API. Prints its address, and its resident memory when asked.
const [url = '', bucket] = process.argv.slice(2)
const db = await createDataSource({ url, entities: [], poolSize: 4 }).initialize()
const endpoint = process.env.S3_TEST_ENDPOINT
const store = bucket
  ? () =>
      new S3Store({
        bucket,
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        accessKeyId: 'test',
        secretAccessKey: 'testtest',
      })
  : undefined
const limits = { uploadMaxBytes: 2 ** 31, userBytes: 2 ** 32 }
const world = await createFilesWorld(db, { limits, store })
const userId = await world.user()
const memory = defineRoute({
  method: 'get',
  path: '/memory',
  access: 'public',
  scope: 'public',
  summary: 'Memory of this process',
  response: z.looseObject({}),
  errors: [],
  handler: () => memoryOf('self'),
})
const app = createApp({
  routes: [...storageRoutes(world.domain), memory],
  authenticate: async () => ({ id: userId, role: 'user', sessionId: userId }),
  limiter: createRateLimiter({ requestsPerMinute: 1e9, loginAttempts: 10 }),
  health: new Health([], silentLogger),
  corsOrigins: [],
  trustProxy: 0,
  jsonBodyMaxBytes: 100_000,
  logger: silentLogger,
})
announce(createServer(app))
process.on('SIGTERM', async () => {
  await world.close()
  process.exit(0)
})
