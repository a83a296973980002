import type { DataSource } from 'typeorm'
import { type Env, isDistributed } from './config/env.ts'
import { loadSecrets, type Secrets } from './config/secrets.ts'
import { requireRightKeys } from './connections/key-check.ts'
import { SealedSecrets } from './connections/sealed-secret.ts'
import { SealedValueRepository } from './connections/sealed-value.repository.ts'
import { openDataSource } from './database/data-source.ts'
import { startEmbeddedPostgres } from './database/embedded/embedded-postgres.ts'
import { migrate, pendingMigrations } from './database/migrate.ts'
import { patiently } from './database/patience.ts'
import { databaseTimes, findDatabase, type ProductDatabase } from './database/product-database.ts'
import { SetupError } from './database/setup-error.ts'
import { allEntities } from './entities.ts'
import { findInstallation, type InstallationIdentity } from './fleet/installation.repository.ts'
import { openQueues, type QueueBackend } from './queue/bullmq-backend.ts'
import { InProcessFeed } from './realtime/in-process-feed.ts'
import type { LiveFeed } from './realtime/live-feed.ts'
import { RedisFeed } from './realtime/redis-feed.ts'
import { claimPrefix } from './redis/prefix-claim.ts'
import { type RedisClient, RedisConnections } from './redis/redis-connections.ts'
import { untilReady } from './redis/redis-fitness.ts'
import { RedisNames } from './redis/redis-names.ts'
import { readRedisSettings } from './redis/redis-settings.ts'
import { sealedColumns } from './sealed-columns.ts'
import type { Logger } from './shared/logger.ts'
import type { Shutdown } from './shared/shutdown.ts'
import { noTracing, type Tracing } from './shared/tracing.ts'
import { createStore } from './storage/store/create-store.ts'
import type { Store } from './storage/store/store.ts'

/** What every process stands on: the rows, the files, the queue, the live feed, the secrets. */
export interface Foundation {
  env: Env
  logger: Logger
  shutdown: Shutdown
  databaseUrl: string
  /** Around a pooler, if there is one. */
  directDatabaseUrl: string
  db: DataSource
  /** Of files. */
  store: Store
  queue: QueueBackend
  feed: LiveFeed
  secrets: Secrets
  tracing: Tracing
  /** For rate limits; undefined in the embedded profile. */
  limiterRedis: { client: RedisClient; prefix: string } | undefined
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
  if (isDistributed(env)) await patiently(() => requireMigrated(databaseUrl), env.DATABASE_WAIT_MS, logger)
  else await migrate(directDatabaseUrl, { say: (line) => logger.info({ migration: line }, 'migrating') })
  const secrets = await loadSecrets(env)
  const tracing = await openTracing(env, shutdown)
  const options = {
    url: databaseUrl,
    entities: allEntities,
    poolSize: env.DATABASE_POOL,
    pooler,
    times: databaseTimes(env),
  }
  const db = await patiently(() => openDataSource(options), env.DATABASE_WAIT_MS, logger)
  shutdown.add('database', () => db.destroy())
  const installation = await patiently(
    async () => {
      await requireRightKeys(new SealedSecrets(secrets.encryptionKeys), new SealedValueRepository(db), sealedColumns)
      return isDistributed(env) ? findInstallation(db) : undefined
    },
    env.DATABASE_WAIT_MS,
    logger,
  )
  const redis = isDistributed(env) && installation ? await openRedis(env, installation) : undefined
  const feed = redis
    ? await RedisFeed.open({ redis: redis.connections, ttlMs: env.LIVE_TEXT_TTL_MS, logger })
    : new InProcessFeed({ ttlMs: env.LIVE_TEXT_TTL_MS, logger })
  shutdown.add('live feed', () => feed.close())
  const queue = await openQueues(redis ? { redis: redis.connections } : { databaseUrl: directDatabaseUrl }, logger)
  shutdown.add('queue', () => queue.close())
  const limiterRedis = redis && openLimiterRedis(redis.connections, logger)
  if (redis && limiterRedis) {
    const { client } = limiterRedis
    shutdown.add('redis', async () => client.disconnect())
    await untilReady(client)
    const claim = await claimPrefix(client, redis.claim, logger)
    shutdown.add('claim of the Redis prefix', claim.stop)
  }
  const store = await createStore(env)
  return {
    env,
    logger,
    shutdown,
    databaseUrl,
    directDatabaseUrl,
    db,
    store,
    queue,
    feed,
    secrets,
    tracing,
    limiterRedis,
  }
}

/** Nothing of OpenTelemetry is loaded where nobody collects. */
async function openTracing(env: Env, shutdown: Shutdown): Promise<Tracing> {
  if (!env.OTEL_EXPORTER_OTLP_ENDPOINT) return noTracing
  const { openOtlpTracing } = await import('./tracing/otlp-tracing.ts')
  const tracing = openOtlpTracing(env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_SERVICE_NAME)
  shutdown.add('traces', () => tracing.close())
  return tracing
}

/** The Redis of this installation, and its claim on the prefix. */
async function openRedis(env: Env & { REDIS_URL: string }, { id, database }: InstallationIdentity) {
  const names = new RedisNames(env.REDIS_PREFIX, id)
  const connections = new RedisConnections(await readRedisSettings(env), names)
  return { connections, claim: { key: names.claim, owner: `${id} ${database}` } }
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
function openLimiterRedis(redis: RedisConnections, logger: Logger): { client: RedisClient; prefix: string } {
  const client = redis.commands({ enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 500 })
  client.on('error', (error: Error) => logger.debug({ reason: error.message }, 'rate limits count in memory'))
  return { client, prefix: redis.names.base }
}
