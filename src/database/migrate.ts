import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DataSource, QueryFailedError, type QueryRunner } from 'typeorm'
import { z } from 'zod'
import { messageOf } from '../shared/errors.ts'
import { withMigrationLock } from './advisory-lock.ts'
import { openDataSource } from './data-source.ts'
import { isLong, type Migration, type MigrationClass, timestampOf } from './migration.ts'
import { SetupError } from './setup-error.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)
const migrationClass = z.custom<MigrationClass>((value) => typeof value === 'function')

/** Nobody waits longer than this behind a migration that waits for a lock itself, in ms. */
const LOCK_TIMEOUT_MS = 3_000
const LOCK_ATTEMPTS = 40
const LOCK_PAUSE_MS = 1_000
/** A statement of a migration that is not marked long. */
const STATEMENT_TIMEOUT_MS = 30_000
/** A migration that takes long says so this often, in ms. */
const SAY_EVERY_MS = 10_000

const LOCK_NOT_AVAILABLE = '55P03'
const DEADLOCK_DETECTED = '40P01'
const QUERY_CANCELED = '57014'

export interface MigrateOptions {
  /** Takes what happens, a line at a time. */
  say?: (line: string) => void
  /** No statement is timed, as if every migration were marked long. */
  isUnlimited?: boolean
  /** For tests. */
  lockTimeoutMs?: number
  lockPauseMs?: number
  migrations?: MigrationClass[]
}

/** All migrations of `migrations/`, oldest first. */
export async function loadMigrations(): Promise<MigrationClass[]> {
  const isMigration = (name: string) => /^\d+-.*\.(ts|js)$/.test(name) && !name.endsWith('.d.ts')
  const files = (await readdir(FOLDER)).filter(isMigration).sort()
  const modules = await Promise.all(files.map((name) => import(new URL(name, FOLDER).href)))
  return modules.map((module) => migrationClass.parse(Object.values(module)[0]))
}

/**
 * Brings the schema of this database up to date; safe when several processes start at once, and through a pooler. Answers what
 * was applied. A lock that is not free for some seconds is let go and tried again, so that nobody queues behind us.
 * @throws SetupError in plain words when one does not succeed; it left nothing, and those before it stay
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  const { say = () => {} } = options
  const migrations = options.migrations ?? (await loadMigrations())
  const db = await openDataSource({ url, entities: [], poolSize: 2, pooler: 'transaction' })
  try {
    return await withMigrationLock(db, say, async () => {
      const pending = await pendingOf(db, migrations)
      for (const [index, migration] of pending.entries()) {
        const startedAt = performance.now()
        say(`${index + 1}/${pending.length} ${migration.name}${isLong(migration) ? ' (may take long)' : ''}`)
        await step(db, migration, options, async (session) => {
          await migration.up(session)
          await session.query('INSERT INTO migrations (timestamp, name) VALUES ($1, $2)', [
            timestampOf(migration),
            migration.name,
          ])
        })
        say(`${index + 1}/${pending.length} ${migration.name}: done in ${Math.round(performance.now() - startedAt)} ms`)
      }
      return pending.map(({ name }) => name)
    })
  } finally {
    await db.destroy()
  }
}

/**
 * One transaction of a migration, whichever way it goes.
 * @throws SetupError when it does not succeed
 */
export async function step(
  db: DataSource,
  migration: Migration,
  options: MigrateOptions,
  work: (session: QueryRunner) => Promise<void>,
): Promise<void> {
  const { say = () => {}, lockTimeoutMs = LOCK_TIMEOUT_MS, lockPauseMs = LOCK_PAUSE_MS } = options
  const statementMs = options.isUnlimited || isLong(migration) ? 0 : STATEMENT_TIMEOUT_MS
  for (let attempt = 1; ; attempt++) {
    try {
      return await timed(migration.name, say, () =>
        inTransaction(db, async (session) => {
          await session.query(`SET LOCAL statement_timeout = ${statementMs}`)
          await session.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`)
          await session.query('SET LOCAL idle_in_transaction_session_timeout = 0')
          await work(session)
        }),
      )
    } catch (error) {
      const code = error instanceof QueryFailedError ? Object(error.driverError).code : undefined
      const isLocked = code === LOCK_NOT_AVAILABLE || code === DEADLOCK_DETECTED
      if (!isLocked || attempt === LOCK_ATTEMPTS) throw failed(migration, code, error)
      say(`${migration.name}: a lock was not free for ${lockTimeoutMs} ms; again (${attempt + 1} of ${LOCK_ATTEMPTS})`)
      await sleep(lockPauseMs)
    }
  }
}

function failed({ name }: Migration, code: unknown, error: unknown): Error {
  if (error instanceof SetupError) return error
  const why =
    code === QUERY_CANCELED
      ? `a statement took longer than ${STATEMENT_TIMEOUT_MS / 1_000} s. Give it the time: npm run db:migrate -- --unlimited`
      : code === LOCK_NOT_AVAILABLE
        ? 'what it locks is in use all the time. Try again when there is less traffic'
        : messageOf(error)
  return new SetupError(`The migration ${name} was not done, and nothing of it is left: ${why}`, { cause: error })
}

async function inTransaction(db: DataSource, work: (session: QueryRunner) => Promise<void>): Promise<void> {
  const session = db.createQueryRunner()
  try {
    await session.startTransaction()
    await work(session)
    await session.commitTransaction()
  } catch (error) {
    if (session.isTransactionActive) await session.rollbackTransaction().catch(() => {})
    throw error
  } finally {
    await session.release()
  }
}

/** Says from time to time that it is still at work. */
async function timed<T>(name: string, say: (line: string) => void, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const tell = () => say(`${name}: for ${Math.round((performance.now() - startedAt) / 1_000)} s now`)
  const timer = setInterval(tell, SAY_EVERY_MS)
  return work().finally(() => clearInterval(timer))
}

/** Where TypeORM notes what was applied, as it would make it. */
const NOTES = `CREATE TABLE IF NOT EXISTS migrations (id SERIAL NOT NULL, timestamp bigint NOT NULL, name character varying NOT NULL,
  CONSTRAINT "PK_8c82d7f526340ab734260ea46be" PRIMARY KEY (id))`

const notes = z.array(z.object({ name: z.string() }))

/** The names of those that were applied, the latest first. */
export async function appliedNames(db: DataSource): Promise<string[]> {
  const [table] = z
    .array(z.object({ exists: z.boolean() }))
    .parse(await db.query(`SELECT to_regclass('migrations') IS NOT NULL AS exists`))
  if (!table?.exists) return []
  return notes
    .parse(await db.query('SELECT name FROM migrations ORDER BY timestamp DESC, id DESC'))
    .map(({ name }) => name)
}

async function pendingOf(db: DataSource, migrations: MigrationClass[]): Promise<Migration[]> {
  await db.query(NOTES)
  const applied = new Set(await appliedNames(db))
  return migrations.map((one) => new one()).filter(({ name }) => !applied.has(name))
}

/** How many migrations this code has that the database has not. */
export async function pendingMigrations(url: string): Promise<number> {
  const migrations = await loadMigrations()
  const db = await openDataSource({ url, entities: [], poolSize: 1, pooler: 'transaction' })
  try {
    const applied = new Set(await appliedNames(db))
    return migrations.filter((one) => !applied.has(new one().name)).length
  } finally {
    await db.destroy()
  }
}
