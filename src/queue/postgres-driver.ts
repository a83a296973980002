import { createPostgresBackend, runMigrations, withBackend } from 'bullmq'
import { Client } from 'pg'
import { FreshPool } from '../database/fresh-pool.ts'
import type { Logger } from '../shared/logger.ts'
import { type BullMqDriver, QUEUE_OPTIONS, troubleLogger } from './bullmq-driver.ts'
import { within } from './deadline.ts'
import { QUEUES } from './job.ts'

const { Queue, Worker } = withBackend(createPostgresBackend)

/** BullMQ's tables live beside ours, in a schema of their own that BullMQ migrates itself. */
const SCHEMA = 'bullmq'
/**
 * Each queue's worker keeps a connection to LISTEN; where those are all that there are, whoever enqueues waits for ever. Two
 * consumers in one process, as tests have them, leave a third of these.
 */
const MOST_CONNECTIONS = 3 * QUEUES.length
/** A connection that died silently would not end; closing takes this long at most, in milliseconds. */
const CLOSE_MS = 2_000

/**
 * BullMQ on PostgreSQL.
 * @throws Error when the database cannot be reached or may not be changed.
 */
export async function openPostgresDriver(databaseUrl: string, logger: Logger): Promise<BullMqDriver> {
  await migrate(databaseUrl)
  const pool = new FreshPool({
    connectionString: databaseUrl,
    application_name: 'chatsparty:queue',
    // Not with the start-up packet, where a pooler refuses it.
    onConnect: (client) => client.query(`SET search_path TO ${SCHEMA}`),
    max: MOST_CONNECTIONS,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    // A query of a connection that died silently must end, so that the pool replaces it.
    query_timeout: 10_000,
  })
  // Every queue and worker listens for its errors, and goes on after it is closed.
  pool.setMaxListeners(0)
  pool.on('error', troubleLogger(logger, 'postgres queue'))

  return {
    openQueue: (name) => new Queue(name, { ...QUEUE_OPTIONS, connection: pool }),
    openWorker: (name, processor, options) => new Worker(name, processor, { ...options, connection: pool }),
    ping: async () => {
      await pool.query('SELECT 1')
    },
    close: async () => {
      // The pool does not wait for its sockets, so the server may end one first: that concerns nobody any more.
      pool.removeAllListeners('error').on('error', () => {})
      await within(CLOSE_MS, pool.end())
    },
  }
}

/** Safe for several processes at once: BullMQ takes an advisory lock, and late ones find nothing to do. */
async function migrate(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    await runMigrations(client, SCHEMA)
  } finally {
    await client.end()
  }
}
