import { Redis } from 'ioredis'
import type { DataSource } from 'typeorm'
import { type Env, isDistributed } from './config/env.ts'
import { loadSecrets, type Secrets } from './config/secrets.ts'
import { openDataSource } from './database/data-source.ts'
import { startEmbeddedPostgres } from './database/embedded/embedded-postgres.ts'
import { migrate, pendingMigrations } from './database/migrate.ts'
import { databaseTimes, findDatabase, type ProductDatabase } from './database/product-database.ts'
import { SetupError } from './database/setup-error.ts'
import { allEntities } from './entities.ts'
import { openQueues, type QueueBackend } from './queue/bullmq-backend.ts'
import { InProcessFeed } from './realtime/in-process-feed.ts'
import type { LiveFeed } from './realtime/live-feed.ts'
import { RedisFeed } from './realtime/redis-feed.ts'
import type { Logger } from './shared/logger.ts'
import type { Shutdown } from './shared/shutdown.ts'

/** What every process stands on: the rows, the queue, the live feed, the secrets. */
export interface Foundation {
  env: Env
  logger: Logger
  shutdown: Shutdown
  databaseUrl: string
  /** Around a pooler, if there is one. */
  directDatabaseUrl: string
  db: DataSource
  queue: QueueBackend
  feed: LiveFeed
  secrets: Secrets
  /** For rate limits; undefined in the embedded profile. */
  redis: Redis | undefined
}

/** The database of this installation: the one of DATABASE_URL, else the embedded server, which is started. */
async function openDatabase(env: Env, logger: Logger, shutdown: Shutdown): Promise<ProductDatabase> {
  if (env.DATABASE_URL) return findDatabase({ ...env, DATABASE_URL: env.DATABASE_URL }, logger)
  const server = await startEmbeddedPostgres({ dataDir: env.DATA_DIR, logger })
  shutdown.add('PostgreSQL', () => server.stop())
  return { url: server.url, directUrl: server.url, pooler: 'none' }
}

/**
 * Opens everything, in the profile that the environment chooses. Only the embedded profile migrates by itself; in the
 * distributed one that is the release phase's work, once, before new processes start.
 * @throws SetupError in plain words when something is missing
 */
export async function openFoundation(env: Env, logger: Logger, shutdown: Shutdown): Promise<Foundation> {
  const { url: databaseUrl, directUrl: directDatabaseUrl, pooler } = await openDatabase(env, logger, shutdown)
  if (isDistributed(env)) await requireMigrated(databaseUrl)
  else await migrate(directDatabaseUrl, { say: (line) => logger.info({ migration: line }, 'migrating') })
  const secrets = await loadSecrets(env)
  const db = await openDataSource({
    url: databaseUrl,
    entities: allEntities,
    poolSize: env.DATABASE_POOL,
    pooler,
    times: databaseTimes(env),
  })
  shutdown.add('database', () => db.destroy())
  const feed = isDistributed(env)
    ? await RedisFeed.open({ url: env.REDIS_URL, ttlMs: env.LIVE_TEXT_TTL_MS, logger })
    : new InProcessFeed({ ttlMs: env.LIVE_TEXT_TTL_MS, logger })
  shutdown.add('live feed', () => feed.close())
  const queue = await openQueues(
    isDistributed(env) ? { redisUrl: env.REDIS_URL } : { databaseUrl: directDatabaseUrl },
    logger,
  )
  shutdown.add('queue', () => queue.close())
  const redis = isDistributed(env) ? openLimiterRedis(env.REDIS_URL, logger) : undefined
  if (redis) shutdown.add('redis', async () => redis.disconnect())
  return { env, logger, shutdown, databaseUrl, directDatabaseUrl, db, queue, feed, secrets, redis }
}

async function requireMigrated(databaseUrl: string): Promise<void> {
  const pending = await pendingMigrations(databaseUrl)
  if (pending > 0) {
    throw new SetupError(
      `The database lacks ${pending} migration(s): run "npm run db:migrate" (the release step) first.`,
    )
  }
}

/** Limits must never hang a request: commands fail at once while Redis is away, and the limiter counts in memory. */
function openLimiterRedis(url: string, logger: Logger): Redis {
  const redis = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 })
  redis.on('error', (error: Error) => logger.debug({ reason: error.message }, 'rate limits count in memory'))
  return redis
}
