import { randomBytes, randomUUID } from 'node:crypto'
import type { DataSource } from 'typeorm'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { runSql, testServer, withDatabase } from './global-fixtures.ts'

/** A database of a test's own, with the schema and no rows but those that migrations put there. */
export interface TestDatabase {
  url: string
  /** Drops it, whoever is still connected. */
  drop(): Promise<void>
}

/** A fresh database for a test that starts processes; others want `useDatabase`. */
export async function createDatabase(): Promise<TestDatabase> {
  const { adminUrl, superUrl, template } = await testServer()
  const name = `test_${randomBytes(6).toString('hex')}`
  await runSql(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`)
  return {
    url: withDatabase(adminUrl, name),
    drop: () => runSql(superUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

/**
 * Gives the suite in which it is called (or the file) a fresh database, dropped afterwards.
 *
 * @example
 * const db = useDatabase()
 * it('starts empty', async () => expect(await new AgentRepository(db.dataSource).count()).to.equal(0))
 */
export function useDatabase(options: { poolSize?: number } = {}): {
  readonly dataSource: DataSource
  readonly url: string
} {
  let database: TestDatabase | undefined
  let dataSource: DataSource | undefined

  before('a fresh database', async function () {
    // The first one starts the server and migrates.
    this.timeout(60_000)
    database = await createDatabase()
    dataSource = await createDataSource({
      url: database.url,
      entities: allEntities,
      poolSize: options.poolSize ?? 10,
    }).initialize()
  })

  after('drop the database', async () => {
    if (dataSource?.isInitialized) await dataSource.destroy()
    await database?.drop()
  })

  const ready = <T>(value: T | undefined): T => {
    if (value === undefined)
      throw new Error('The database exists from the first before() hook on: use it in hooks and tests.')
    return value
  }
  return {
    get dataSource() {
      return ready(dataSource)
    },
    get url() {
      return ready(database?.url)
    },
  }
}

/** A user who has nothing but an id. */
export async function insertUser(dataSource: DataSource): Promise<string> {
  const id = randomUUID()
  await dataSource.query(
    `INSERT INTO users (id, email, email_key, name, password_hash, role) VALUES ($1, $2, $2, '', '', 'user')`,
    [id, id],
  )
  return id
}
