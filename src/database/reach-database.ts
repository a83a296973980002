import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataSource } from 'typeorm'
import { databaseAddress } from '../config/database-address.ts'
import type { Env } from '../config/env.ts'
import type { Logger } from '../shared/logger.ts'
import { openDataSource } from './data-source.ts'
import { startEmbeddedPostgres } from './embedded/embedded-postgres.ts'
import { embeddedState, productUrl } from './embedded/product-role.ts'
import { awaitServer } from './server-facts.ts'
import { FolderBusy } from './setup-error.ts'

/** A database to work on, and how to let go of it. */
export interface ReachedDatabase {
  url: string
  close(): Promise<void>
}

/**
 * The database of this installation, for commands beside the application: that of DATABASE_DIRECT_URL or DATABASE_URL, else the embedded one,
 * started if it does not run and left alone if the application runs it.
 */
export async function reachDatabase(
  env: Pick<Env, 'DATABASE_URL' | 'DATABASE_DIRECT_URL' | 'DATABASE_CA' | 'DATABASE_WAIT_MS' | 'DATA_DIR'>,
  logger: Logger,
): Promise<ReachedDatabase> {
  const given = env.DATABASE_DIRECT_URL ?? env.DATABASE_URL
  if (given) {
    const url = databaseAddress(given, env.DATABASE_CA)
    await awaitServer(url, env.DATABASE_WAIT_MS, logger)
    return { url, close: async () => {} }
  }
  try {
    const server = await startEmbeddedPostgres({ dataDir: env.DATA_DIR, logger })
    return { url: server.url, close: () => server.stop() }
  } catch (error) {
    if (!(error instanceof FolderBusy)) throw error
    const text = await readFile(join(env.DATA_DIR, 'postgres.json'), 'utf8').catch(() => 'null')
    const state = embeddedState.safeParse(JSON.parse(text))
    if (!state.success) throw error
    const { rolePassword, port } = state.data
    if (rolePassword === undefined || port === undefined) throw error
    return { url: productUrl(rolePassword, port), close: async () => {} }
  }
}

/** Works on the database of this installation, through at most `poolSize` connections, and lets go of it whatever comes. */
export async function withDatabase<T>(
  env: Parameters<typeof reachDatabase>[0],
  { poolSize, logger }: { poolSize: number; logger: Logger },
  work: (db: DataSource) => Promise<T>,
): Promise<T> {
  const database = await reachDatabase(env, logger)
  try {
    const db = await openDataSource({ url: database.url, entities: [], poolSize, pooler: 'transaction' })
    return await work(db).finally(() => db.destroy())
  } finally {
    await database.close()
  }
}
