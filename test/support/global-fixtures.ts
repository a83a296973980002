import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { killProcesses } from './processes.ts'

/**
 * One PostgreSQL for the whole run: the server of TEST_DATABASE_URL, else an embedded one in a temporary folder. It starts with
 * the first test that asks, so that a run of plain unit tests does not wait for it.
 */
export interface TestServer {
  /** A database of the server in which CREATE DATABASE can be said. */
  adminUrl: string
  /** For dropping databases: the server's own workers may be in them, whom only the superuser may end. */
  superUrl: string
  /** Name of the migrated database that tests clone. */
  template: string
  stop(): Promise<void>
}

/** How mocha's parallel workers, which are processes, learn of the server that the main process started. */
const SHARED = 'CHATSPARTY_TEST_SERVER'
const FOLDER_PREFIX = 'chatsparty-test-'
/** A younger folder may be of a run that has not taken its lock yet. */
const ABANDONED_AFTER_MS = 60_000
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

let started: Promise<TestServer> | undefined

/** The server of this run; started, and its template migrated, by the first call. */
export function testServer(): Promise<TestServer> {
  const shared = process.env[SHARED]
  started ??= shared ? Promise.resolve({ ...JSON.parse(shared), stop: async () => {} }) : start()
  return started
}

/** Runs statements one by one, each outside a transaction, as CREATE DATABASE wants it. */
export async function runSql(url: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** The same server's address with another database name. */
export function withDatabase(url: string, name: string): string {
  const address = new URL(url)
  address.pathname = `/${name}`
  return address.href
}

/** In parallel mode the server must be there before the workers are; otherwise it starts on demand. */
export async function mochaGlobalSetup(this: { isParallelMode?(): boolean }): Promise<void> {
  if (!this.isParallelMode?.()) return
  const { adminUrl, superUrl, template } = await testServer()
  process.env[SHARED] = JSON.stringify({ adminUrl, superUrl, template })
}

/** Runs also after failures. */
export async function mochaGlobalTeardown(): Promise<void> {
  await killProcesses()
  const server = started
  started = undefined
  delete process.env[SHARED]
  await (await server?.catch(() => undefined))?.stop()
}

async function start(): Promise<TestServer> {
  const server = process.env.TEST_DATABASE_URL
    ? { url: process.env.TEST_DATABASE_URL, superUrl: process.env.TEST_DATABASE_URL, stop: async () => {} }
    : await startTemporary()
  const template = `test_template_${randomBytes(4).toString('hex')}`
  const stop = async () => {
    // Nothing of ours stays on a server that is not ours.
    if (process.env.TEST_DATABASE_URL) await runSql(server.url, `DROP DATABASE IF EXISTS ${template} WITH (FORCE)`)
    await server.stop()
  }
  try {
    await runSql(server.url, `CREATE DATABASE ${template} TEMPLATE template0`)
    await migrate(withDatabase(server.url, template))
  } catch (error) {
    await stop()
    throw error
  }
  return { adminUrl: server.url, superUrl: server.superUrl, template, stop }
}

async function startTemporary(): Promise<{ url: string; superUrl: string; stop(): Promise<void> }> {
  await sweep()
  const dataDir = await mkdtemp(join(tmpdir(), FOLDER_PREFIX))
  const remove = () => rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  try {
    const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger, fsync: false })
    // Tests make databases; beyond that they have what the product has.
    await runSql(server.superUrl, `ALTER ROLE ${new URL(server.url).username} CREATEDB`)
    const stop = async () => {
      for (const signal of SIGNALS) process.off(signal, onSignal)
      await server.stop()
      await remove()
    }
    // Mocha ends at once on Ctrl-C and runs no teardown.
    const onSignal = () => void stop().finally(() => process.exit(130))
    for (const signal of SIGNALS) process.on(signal, onSignal)
    return { url: server.url, superUrl: server.superUrl, stop }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Ends and removes what runs that were killed have left. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue
    const dataDir = join(tmpdir(), name)
    try {
      if (Date.now() - (await stat(dataDir)).birthtimeMs < ABANDONED_AFTER_MS) continue
      // Adopts the server; throws when the folder is another run's, alive.
      await (await startEmbeddedPostgres({ dataDir, logger: silentLogger, fsync: false })).stop()
      await rm(dataDir, { recursive: true, force: true })
    } catch {}
  }
}
