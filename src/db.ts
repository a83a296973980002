import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createContainer } from './container.ts'
import { openDataSource } from './database/data-source.ts'
import { dumpTo } from './database/dump.ts'
import { migrate } from './database/migrate.ts'
import { generateMigration } from './database/migration-source.ts'
import { reachDatabase } from './database/reach-database.ts'
import { restoreFrom } from './database/restore.ts'
import { rollback } from './database/rollback.ts'
import { SetupError } from './database/setup-error.ts'
import { allEntities } from './entities.ts'
import { openFoundation } from './foundation.ts'
import { type ProcessContext, runProcess } from './process.ts'
import { seed } from './seed.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function databaseUrl({ env, logger, shutdown }: ProcessContext): Promise<string> {
  const database = await reachDatabase(env, logger)
  shutdown.add('PostgreSQL', database.close)
  return database.url
}

/**
 * `npm run db:migrate`: brings the schema up to date. The release phase of the distributed profile. `-- --unlimited`: no statement is
 * timed.
 */
async function migrateCommand({ env, logger, shutdown }: ProcessContext, flag?: string): Promise<void> {
  const url = await databaseUrl({ env, logger, shutdown })
  const applied = await migrate(url, { say, isUnlimited: isFlag(flag, '--unlimited') })
  say(applied.length ? `applied: ${applied.join(', ')}` : 'the schema is up to date')
}

/** `npm run db:rollback`: takes the last migration back, one. `-- --lose-data`: also when what it made holds data. */
async function rollbackCommand({ env, logger, shutdown }: ProcessContext, flag?: string): Promise<void> {
  const url = await databaseUrl({ env, logger, shutdown })
  const undone = await rollback(url, { say, mayLoseData: isFlag(flag, '--lose-data') })
  say(undone ? `taken back: ${undone}` : 'there is no migration to take back')
}

/** `npm run db:dump -- [file]`: all rows as they are at one moment, while the product runs; compressed when the name ends in .gz. */
async function dumpCommand({ env, logger, shutdown }: ProcessContext, file?: string): Promise<void> {
  const url = await databaseUrl({ env, logger, shutdown })
  const target = file ?? `chatsparty-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.sql.gz`
  const { rows } = await dumpTo(target, url)
  const count = Object.values(rows).reduce((sum, number) => sum + number, 0)
  say(`wrote ${count} rows of ${Object.keys(rows).length} tables to ${target}`)
  if (!env.ENCRYPTION_KEYS)
    say(`keep ${join(env.DATA_DIR, 'secrets.json')} with it: without its keys, providers' keys cannot be read`)
  if (env.STORAGE_PROVIDER === 'local') say(`uploaded files are not in it: copy ${join(env.DATA_DIR, 'files')} too`)
}

/** `npm run db:restore -- file`: fills an empty database from such a file. */
async function restoreCommand({ env, logger, shutdown }: ProcessContext, file?: string): Promise<void> {
  if (file === undefined) throw new SetupError('Say which file: npm run db:restore -- chatsparty.sql.gz')
  const url = await databaseUrl({ env, logger, shutdown })
  const rows = await restoreFrom(file, url, { say })
  say(
    `restored ${Object.values(rows).reduce((sum, count) => sum + count, 0)} rows of ${Object.keys(rows).length} tables`,
  )
}

/** @throws SetupError for a word that the command does not know: what it would do without is not what was meant */
function isFlag(given: string | undefined, known: string): boolean {
  if (given !== undefined && given !== known) throw new SetupError(`${given} is not known here; ${known} is.`)
  return given === known
}

/** `npm run db:seed`: administrator, prices, platform connections, demo agents; safe to repeat. */
async function seedCommand({ env, logger, shutdown }: ProcessContext): Promise<void> {
  const { adminNotice } = await seed(createContainer(await openFoundation(env, logger, shutdown)))
  say(adminNotice ?? 'seeded')
}

/** `npm run db:generate -- add-something`: a migration of what the entities have and the schema has not. */
async function generateCommand({ env, logger, shutdown }: ProcessContext, name = 'change-schema'): Promise<void> {
  const url = await databaseUrl({ env, logger, shutdown })
  await migrate(url)
  const db = await openDataSource({ url, entities: allEntities, poolSize: 2, pooler: 'transaction' })
  shutdown.add('database', () => db.destroy())
  const timestamp = Date.now()
  const source = await generateMigration(db, name, timestamp)
  if (!source) return say('the entities and the schema agree: there is nothing to generate')
  const file = new URL(`../migrations/${timestamp}-${name}.ts`, import.meta.url)
  await writeFile(file, source)
  say(`wrote migrations/${timestamp}-${name}.ts: read it before you commit it`)
}

/** `npm run db:push`: development only; all migrations, then whatever the entities have beyond them. */
async function pushCommand({ env, logger, shutdown }: ProcessContext): Promise<void> {
  if (env.NODE_ENV === 'production') throw new SetupError('db:push is refused in production: write a migration.')
  const url = await databaseUrl({ env, logger, shutdown })
  await migrate(url)
  const db = await openDataSource({ url, entities: allEntities, poolSize: 2, pooler: 'transaction' })
  shutdown.add('database', () => db.destroy())
  await db.synchronize()
  say('the schema is as the entities have it')
}

const commands = {
  migrate: migrateCommand,
  rollback: rollbackCommand,
  dump: dumpCommand,
  restore: restoreCommand,
  seed: seedCommand,
  generate: generateCommand,
  push: pushCommand,
}

await runProcess(async (context) => {
  const [name = '', ...args] = process.argv.slice(2)
  const command = Object.entries(commands).find(([known]) => known === name)?.[1]
  if (!command) throw new SetupError(`Say what to do: ${Object.keys(commands).join(', ')}`)
  await command(context, ...args)
  await context.shutdown.close()
})
