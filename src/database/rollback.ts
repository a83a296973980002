import type { DataSource } from 'typeorm'
import { z } from 'zod'
import { withMigrationLock } from './advisory-lock.ts'
import { openDataSource } from './data-source.ts'
import { appliedNames, loadMigrations, type MigrateOptions, step } from './migrate.ts'
import { SetupError } from './setup-error.ts'
import type { Tx } from './transaction.ts'

export interface RollbackOptions extends MigrateOptions {
  /** Goes back although what was written into tables and columns is lost with them. */
  mayLoseData?: boolean
}

/** Thrown to take a transaction back that turned out to lose something. */
class WouldLose extends Error {
  readonly lost: Column[]

  constructor(lost: Column[]) {
    super('would lose data')
    this.lost = lost
  }
}

const columns = z.array(z.object({ table: z.string(), column: z.string(), hasDefault: z.boolean() }))
type Column = z.output<typeof columns>[number]

/**
 * Takes the last migration back, one. Answers its name; undefined when there is none.
 * @throws SetupError in plain words, nothing changed: when this code does not know it, or when what it made holds data
 */
export async function rollback(url: string, options: RollbackOptions = {}): Promise<string | undefined> {
  const { say = () => {} } = options
  const db = await openDataSource({ url, entities: [], poolSize: 2, pooler: 'transaction' })
  try {
    return await withMigrationLock(db, say, () => undoLast(db, options))
  } finally {
    await db.destroy()
  }
}

async function undoLast(db: DataSource, options: RollbackOptions): Promise<string | undefined> {
  const [last] = await appliedNames(db)
  if (last === undefined) return undefined
  const migrations = options.migrations ?? (await loadMigrations())
  const migration = migrations.map((one) => new one()).find(({ name }) => name === last)
  if (!migration) {
    throw new SetupError(
      `The last migration of this database is ${last}, which this version does not know. Take it back with the version that it came with.`,
    )
  }
  const undo = (mayLose: boolean) =>
    step(db, migration, options, async (session) => {
      const before = await columnsOf(session.manager)
      await migration.down(session)
      await session.query('DELETE FROM migrations WHERE name = $1', [last])
      const after = new Set((await columnsOf(session.manager)).map(({ table, column }) => `${table}.${column}`))
      const lost = before.filter(({ table, column }) => !after.has(`${table}.${column}`))
      if (lost.length > 0 && !mayLose) throw new WouldLose(lost)
    })
  options.say?.(`back before ${last}`)
  try {
    await undo(options.mayLoseData ?? false)
  } catch (error) {
    const cause = error instanceof SetupError ? error.cause : error
    if (!(cause instanceof WouldLose)) throw error
    const held = await holding(db, cause.lost)
    if (held.length > 0) {
      throw new SetupError(
        `${last} was not taken back, because that loses what is in ${held.join(', ')}. Keep a dump (npm run db:dump), then: npm run db:rollback -- --lose-data`,
      )
    }
    await undo(true)
  }
  return last
}

const columnsOf = async (tx: Tx): Promise<Column[]> =>
  columns.parse(
    await tx.query(`SELECT table_name AS "table", column_name AS "column", column_default IS NOT NULL AS "hasDefault"
      FROM information_schema.columns
      WHERE table_schema = current_schema() AND table_name <> 'migrations' ORDER BY 1, ordinal_position`),
  )

const isHolding = z.tuple([z.object({ holds: z.boolean() })])

/** What of these holds something that nobody could put back: values that differ, or that are no default. */
async function holding(db: DataSource, lost: Column[]): Promise<string[]> {
  const left = (await columnsOf(db.manager)).filter(
    (one) => !lost.some((other) => other.column === one.column && other.table === one.table),
  )
  const held = new Set<string>()
  for (const { table, column, hasDefault } of lost) {
    const [{ holds }] = isHolding.parse(
      await db.query(
        `SELECT min(value) IS DISTINCT FROM max(value) OR count(value) NOT IN (0, count(*)) OR count(value) > 0 AND NOT $1 AS holds
         FROM (SELECT "${column}"::text AS value FROM "${table}") AS found`,
        [hasDefault],
      ),
    )
    if (holds) held.add(left.some((one) => one.table === table) ? `${table}.${column}` : table)
  }
  return [...held]
}
