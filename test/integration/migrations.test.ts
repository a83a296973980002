import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from 'pg'
import type { QueryRunner } from 'typeorm'
import { migrate } from '../../src/database/migrate.ts'
import type { Migration } from '../../src/database/migration.ts'
import { rollback } from '../../src/database/rollback.ts'
import { useDatabase } from '../support/database.ts'

/** A migration of a test. */
const make = (name: string, up: string, down = '', isLong = false) =>
  class implements Migration {
    name = name
    isLong = isLong
    up = async (runner: QueryRunner) => void (await runner.query(up))
    down = async (runner: QueryRunner) => void (await runner.query(down))
  }

const ADD_TABLE = make('AddNotes1790000009001', 'CREATE TABLE notes (id int PRIMARY KEY)', 'DROP TABLE notes')
const ADD_COLUMN = make(
  'AddPinned1790000009002',
  'ALTER TABLE notes ADD COLUMN pinned boolean NOT NULL DEFAULT false, ADD COLUMN word text',
  'ALTER TABLE notes DROP COLUMN pinned, DROP COLUMN word',
)

describe('Migrations', () => {
  const database = useDatabase()
  let other: Client
  beforeEach(async () => {
    other = new Client({ connectionString: database.url })
    await other.connect()
  })
  afterEach(async () => {
    await other.end()
    await database.dataSource.query('DROP TABLE IF EXISTS notes, slow')
    await database.dataSource.query(`DELETE FROM migrations WHERE name LIKE '%17900000090__'`)
  })

  const migrateWith = (...migrations: ReturnType<typeof make>[]) => {
    const lines: string[] = []
    const options = { migrations, say: (line: string) => void lines.push(line), lockTimeoutMs: 50, lockPauseMs: 10 }
    return { lines, done: migrate(database.url, options) }
  }
  const reasonOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: Error) => error.message,
    )

  it('are said line by line, each as it begins and as it ends, and the long ones are called so', async () => {
    const { lines, done } = migrateWith(ADD_TABLE, make('Slow1790000009003', 'CREATE TABLE slow ()', '', true))
    expect(await done).to.deep.equal(['AddNotes1790000009001', 'Slow1790000009003'])
    expect(lines.map((line) => line.replace(/\d+ ms$/, '… ms'))).to.deep.equal([
      '1/2 AddNotes1790000009001',
      '1/2 AddNotes1790000009001: done in … ms',
      '2/2 Slow1790000009003 (may take long)',
      '2/2 Slow1790000009003: done in … ms',
    ])
  })

  it('let a lock go that is not free and try again, so that whoever wants it too gets through', async () => {
    await migrateWith(ADD_TABLE).done
    await other.query('BEGIN; INSERT INTO notes VALUES (1)')
    const { lines, done } = migrateWith(ADD_TABLE, ADD_COLUMN)
    while (lines.filter((line) => line.includes('a lock was not free')).length < 2) {
      await database.dataSource.query('SELECT count(*) FROM notes')
    }
    await other.query('COMMIT')
    expect(await done).to.deep.equal(['AddPinned1790000009002'])
  })

  it('that are long may take their time; another whose statement does not end is taken back with words about it', async () => {
    const limitOf = (name: string, isLong: boolean) =>
      make(name, `CREATE TABLE slow AS SELECT current_setting('statement_timeout') AS "limit"`, '', isLong)
    await migrateWith(limitOf('Slow1790000009003', true)).done
    expect(await database.dataSource.query('SELECT * FROM slow')).to.deep.equal([{ limit: '0' }])
    const cancelled = make(
      'Stuck1790000009004',
      `SET LOCAL statement_timeout = 20; CREATE TABLE notes (); SELECT pg_sleep(60)`,
    )
    expect(await reasonOf(migrateWith(cancelled).done)).to.match(
      /^The migration Stuck1790000009004 was not done, and nothing of it is left: .*npm run db:migrate -- --unlimited$/,
    )
    expect(await database.dataSource.query(`SELECT to_regclass('notes') AS notes`)).to.deep.equal([{ notes: null }])
  })

  it('wait for another process that changes the schema, and say so', async () => {
    await other.query('SELECT pg_advisory_lock(728064001)')
    const { lines, done } = migrateWith(ADD_TABLE)
    while (!lines.includes('another process is changing the schema: waiting for it')) await delay(20)
    await other.query('SELECT pg_advisory_unlock(728064001)')
    expect(await done).to.have.length(1)
  })

  it('go back one at a time, and not when that loses what somebody wrote', async () => {
    const migrations = [ADD_TABLE, ADD_COLUMN]
    await migrateWith(...migrations).done
    const back = (mayLoseData = false) => rollback(database.url, { migrations, mayLoseData })
    await database.dataSource.query('INSERT INTO notes (id) VALUES (1), (2)')
    // What only ever had its default can be put back.
    expect(await back()).to.equal('AddPinned1790000009002')
    await migrateWith(...migrations).done
    await database.dataSource.query(`UPDATE notes SET word = 'kept' WHERE id = 1`)
    expect(await reasonOf(back())).to.match(
      /^AddPinned1790000009002 was not taken back, .* is in notes\.word\. Keep a dump/,
    )
    expect(await database.dataSource.query('SELECT word FROM notes ORDER BY id')).to.deep.equal([
      { word: 'kept' },
      { word: null },
    ])
    expect(await back(true)).to.equal('AddPinned1790000009002')
    expect(await reasonOf(back())).to.match(/loses what is in notes\./)
    await database.dataSource.query('DELETE FROM notes')
    expect(await back()).to.equal('AddNotes1790000009001')
  })

  it('are not taken back by a version that does not know them', async () => {
    await migrateWith(ADD_TABLE).done
    expect(await reasonOf(rollback(database.url))).to.match(
      /^The last migration of this database is AddNotes1790000009001, which this version does not know/,
    )
  })
})
