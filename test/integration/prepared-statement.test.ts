import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createDataSource } from '../../src/database/data-source.ts'
import { prepared } from '../../src/database/prepared-statement.ts'
import { useDatabase } from '../support/database.ts'

describe('a declared statement', () => {
  const db = useDatabase()
  const fresh = () => `test_${randomUUID()}`

  it('is parsed and planned once by each connection, and every other text each time', async () => {
    const name = fresh()
    const sum = prepared<{ sum: number }>(name, `SELECT $1::int + $2::int AS sum /* ${name} */`)
    const connection = await createDataSource({ url: db.url, entities: [], poolSize: 1 }).initialize()
    try {
      for (const figure of [1, 2, 3]) {
        expect(await sum([figure, 1], connection.manager)).to.deep.equal([{ sum: figure + 1 }])
        await connection.query(`SELECT $1::int AS sum /* ${name} */`, [figure])
      }
      const known = await connection.query(
        'SELECT name, (generic_plans + custom_plans)::int AS used FROM pg_prepared_statements',
      )
      expect(known).to.deep.equal([{ name, used: 3 }])
    } finally {
      await connection.destroy()
    }
  })

  it('gives its rows inside a transaction too, those of a change as well', async () => {
    const name = fresh()
    const touch = prepared<{ user_id: string }>(
      name,
      `UPDATE accounts SET available = available WHERE user_id = $1 RETURNING user_id /* ${name} */`,
    )
    const userId = randomUUID()
    await db.dataSource.query('INSERT INTO accounts (user_id) VALUES ($1)', [userId])
    const touched = await db.dataSource.transaction((tx) => touch([userId], tx))
    expect(touched).to.deep.equal([{ user_id: userId }])
  })

  it('has a name and a text of its own, or the module that declares it does not load', () => {
    const name = fresh()
    const sql = `SELECT 1 AS one /* ${name} */`
    prepared(name, sql)
    expect(() => prepared(name, `${sql} `)).to.throw(RangeError, `Two statements are called ${name}.`)
    expect(() => prepared(fresh(), sql)).to.throw(RangeError, `is ${name} already`)
    expect(() => prepared('x'.repeat(64), `${sql}  `)).to.throw(RangeError, '64')
    expect(() => prepared('', `${sql}   `)).to.throw(RangeError)
  })
})
