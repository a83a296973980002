import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createDataSource } from '../../src/database/data-source.ts'
import { loadMigrations, migrate } from '../../src/database/migrate.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, ledgerWorld, newTurn } from './ledger-fixtures.ts'

describe('a ledger of the time when each attempt had a row of holds', () => {
  const db = useDatabase()

  it('comes along: its pending hold can be settled, and what was given back stays known', async () => {
    const world = await ledgerWorld(db.dataSource)
    const userId = await world.user(100n)
    const turn = { ...newTurn(), userId }
    const [released, pending] = [newId(), newId()]
    const migrations = await loadMigrations()
    const since = migrations.findIndex(({ name }) => name.startsWith('OneHoldATurn'))
    const older = createDataSource({ url: db.url, entities: [], migrations, poolSize: 1 })
    await older.initialize()
    try {
      for (const _ of migrations.slice(since)) await older.undoLastMigration()
      const hold = (id: string, attempt: number) =>
        older.query('SELECT ledger_hold($1, $2, $3, $4, $5, $6, $7, $8)', [
          ...[id, newId(), userId, turn.runId, turn.turn, attempt, randomUUID(), 40],
        ])
      await hold(released, 1)
      await older.query('SELECT ledger_void($1, NULL, NULL, $2)', [released, newId()])
      await hold(pending, 2)
    } finally {
      await older.destroy()
    }
    await migrate(db.url)

    expect(await differencesOf(db.dataSource)).to.deep.equal([])
    const settle = { ...turn, attempt: 2, holdId: pending, calls: [world.call(10)] }
    const settled = await world.transactions.run((tx) => world.ledger.settleHold(tx, settle))
    expect(settled).to.deep.equal({ charged: 10n, released: 30n, lost: 0n, available: 90n, held: 0n })
    const receipt = (await world.ledger.receiptsOf([turn.runId])).get(turn.runId)
    expect(receipt).to.include({ credits: 10n, released: 70n })
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })
})
