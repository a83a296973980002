import { readdir, readFile } from 'node:fs/promises'
import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { OWNER_LOCKS } from '../../src/database/advisory-lock.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { loadMigrations, migrate, pendingMigrations } from '../../src/database/migrate.ts'
import { generateMigration } from '../../src/database/migration-source.ts'
import { useDatabase } from '../support/database.ts'
import { readSources } from './source-files.ts'

/** Everything of the schema that has a definition, by name: tables with columns, indexes, constraints, functions, triggers. */
const describeSchema = async (db: DataSource): Promise<string[]> => {
  const found: Array<{ line: string }> = await db.query(`
    SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' ' || coalesce(column_default, '') AS line
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migrations'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migrations'
    UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'migrations'
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function ' || proname || ' ' || md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
    ORDER BY line`)
  return found.map(({ line }) => line)
}

describe('The schema', () => {
  const database = useDatabase()

  it('is what the entities say, down to the names of indexes and constraints', async () => {
    const { upQueries } = await database.dataSource.driver.createSchemaBuilder().log()
    expect(upQueries.map(({ query }) => query)).to.deep.equal([])
    expect(await generateMigration(database.dataSource, 'nothing', 1)).to.equal(undefined)
  })

  it('has every entity that there is', () => {
    const exported = readSources('src').filter(({ path }) => path.endsWith('.entity.ts'))
    const loaded = readSources('src')
      .find(({ path }) => path === 'src/entities.ts')
      ?.imports.map(({ file }) => file)
    expect(loaded).to.include.members(exported.map(({ path }) => path))
  })

  it('has an index for every foreign key, so that deleting what it refers to reads no whole table', async () => {
    const missing = await database.dataSource.query(`
      SELECT conname FROM pg_constraint c
      WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL
          AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
      ORDER BY conname`)
    expect(missing.map(({ conname }: { conname: string }) => conname)).to.deep.equal([])
  })

  it('names every foreign key after its table and column, so that a broken one can be told by its name', async () => {
    const keys: Array<{ name: string; table: string; column: string }> = await database.dataSource.query(`
      SELECT conname AS name, conrelid::regclass AS table, attname AS column FROM pg_constraint c
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
      WHERE contype = 'f' AND connamespace = 'public'::regnamespace`)
    expect(keys).to.not.deep.equal([])
    for (const { name, table, column } of keys) expect(name).to.equal(`${table}_${column.replace(/_id$/, '')}_fk`)
  })

  it('has the functions of the .sql files in src, to the letter, and no others; their locks are in the registry', async () => {
    const folder = new URL('../../src/', import.meta.url)
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.sql'))
    const sql = (await Promise.all(files.map((name) => readFile(new URL(name, folder), 'utf8')))).join('\n')
    const session = database.dataSource.createQueryRunner()
    try {
      await session.query('CREATE SCHEMA as_written')
      await session.query('SET search_path TO as_written, public')
      // Functions of one file call those of another, whichever comes first.
      await session.query('SET check_function_bodies TO off')
      await session.query(sql)
      const functionsOf = async (schema: string): Promise<string[]> => {
        const found: Array<{ definition: string }> = await session.query(
          `SELECT pg_get_functiondef(oid) AS definition FROM pg_proc WHERE pronamespace = $1::regnamespace AND prorettype <> 'trigger'::regtype ORDER BY 1`,
          [schema],
        )
        return found.map(({ definition }) => definition.replace(`FUNCTION ${schema}.`, 'FUNCTION '))
      }
      const written = await functionsOf('as_written')
      const locks = Array.from(sql.matchAll(/pg_advisory_xact_lock\((\d+)/g), ([, lock]) => Number(lock))
      expect([...new Set(locks)]).to.have.members([
        OWNER_LOCKS.account,
        OWNER_LOCKS.admission,
        OWNER_LOCKS.counts,
        OWNER_LOCKS.toolCalls,
      ])
      expect(written.length).to.be.greaterThan(5)
      expect(await functionsOf('public')).to.deep.equal(written)
    } finally {
      await session.query('DROP SCHEMA IF EXISTS as_written CASCADE')
      await session.query('RESET search_path')
      await session.query('RESET check_function_bodies')
      await session.release()
    }
  })

  it('goes back with each migration to exactly what was there before it', async () => {
    const migrations = await loadMigrations()
    const upTo = async <T>(count: number, work: (db: DataSource) => Promise<T>): Promise<T> => {
      const options = { url: database.url, entities: [], migrations: migrations.slice(0, count), poolSize: 2 }
      const db = await createDataSource(options).initialize()
      return work(db).finally(() => db.destroy())
    }
    const afterUndo: string[][] = []
    await upTo(migrations.length, async (db) => {
      for (const _ of migrations) {
        afterUndo.unshift(await describeSchema(db))
        await db.undoLastMigration({ transaction: 'each' })
      }
    })
    for (const [index, { name }] of migrations.entries()) {
      const put = await upTo(index + 1, async (db) => {
        await db.runMigrations({ transaction: 'each' })
        return describeSchema(db)
      })
      expect(put, name).to.deep.equal(afterUndo[index])
    }
  })

  it('can be taken down, migration by migration, and put up again as it was', async () => {
    const migrations = await loadMigrations()
    const before = await describeSchema(database.dataSource)
    expect(before.length).to.be.greaterThan(50)
    const db = createDataSource({ url: database.url, entities: [], migrations, poolSize: 2 })
    await db.initialize()
    try {
      for (const _ of migrations) await db.undoLastMigration({ transaction: 'each' })
      expect(await describeSchema(db)).to.deep.equal([])
    } finally {
      await db.destroy()
    }
    expect(await pendingMigrations(database.url)).to.equal(migrations.length)
    expect(await migrate(database.url)).to.have.length(migrations.length)
    expect(await describeSchema(database.dataSource)).to.deep.equal(before)
    expect(await migrate(database.url), 'a second time there is nothing to do').to.deep.equal([])
    expect(await pendingMigrations(database.url)).to.equal(0)
  })

  it('is put up once when several processes start at the same time', async () => {
    await database.dataSource.query('DROP SCHEMA public CASCADE')
    await database.dataSource.query('CREATE SCHEMA public')
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database.url)))
    const lengths = applied.map(({ length }) => length).sort()
    expect(lengths).to.deep.equal([0, 0, (await loadMigrations()).length])
  })
})
