import { readdir } from 'node:fs/promises'
import type { MigrationInterface } from 'typeorm'
import { z } from 'zod'
import { lockSession } from './advisory-lock.ts'
import { openDataSource } from './data-source.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)
const migrationClass = z.custom<new () => MigrationInterface>((value) => typeof value === 'function')

/** All migrations of `migrations/`, oldest first. */
export async function loadMigrations(): Promise<Array<new () => MigrationInterface>> {
  const isMigration = (name: string) => /^\d+-.*\.(ts|js)$/.test(name) && !name.endsWith('.d.ts')
  const files = (await readdir(FOLDER)).filter(isMigration).sort()
  const modules = await Promise.all(files.map((name) => import(new URL(name, FOLDER).href)))
  return modules.map((module) => migrationClass.parse(Object.values(module)[0]))
}

/** Brings the schema of this database up to date; safe when several processes start at once. Answers what was applied. */
export async function migrate(url: string): Promise<string[]> {
  const db = await openDataSource({ url, entities: [], migrations: await loadMigrations(), poolSize: 2 })
  const lock = db.createQueryRunner()
  try {
    await lockSession('migrations', lock)
    const applied = await db.runMigrations({ transaction: 'each' })
    return applied.map((migration) => migration.name)
  } finally {
    // Ending the connection releases the lock.
    await lock.release()
    await db.destroy()
  }
}

/** How many migrations this code has that the database has not. */
export async function pendingMigrations(url: string): Promise<number> {
  const migrations = await loadMigrations()
  const db = await openDataSource({ url, entities: [], migrations, poolSize: 1 })
  try {
    const [table] = z
      .array(z.object({ exists: z.boolean() }))
      .parse(await db.query(`SELECT to_regclass('migrations') IS NOT NULL AS exists`))
    if (!table?.exists) return migrations.length
    const applied = z.array(z.object({ name: z.string() })).parse(await db.query('SELECT name FROM migrations'))
    const names = new Set(applied.map((migration) => migration.name))
    return migrations.filter((migration) => !names.has(new migration().name ?? migration.name)).length
  } finally {
    await db.destroy()
  }
}
