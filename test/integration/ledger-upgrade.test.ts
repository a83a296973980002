import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { createDataSource } from '../../src/database/data-source.ts'
import { loadMigrations, migrate } from '../../src/database/migrate.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, ledgerWorld, newTurn, receiptsOf } from './ledger-fixtures.ts'

describe('a ledger of the time when each attempt had a row of holds', () => {
  const db = useDatabase()

  /** Works on the ledger of the time before a migration, then brings it up to date. */
  const asItWas = async (work: (older: DataSource) => Promise<void>, before = 'SlimLedger') => {
    const migrations = await loadMigrations()
    const since = migrations.findIndex(({ name }) => name.startsWith(before))
    const older = createDataSource({ url: db.url, entities: [], migrations, poolSize: 1 })
    await older.initialize()
    try {
      for (const _ of migrations.slice(since)) await older.undoLastMigration()
      await work(older)
    } finally {
      await older.destroy()
    }
    await migrate(db.url)
  }

  it('goes back to it, each hold with what it gave back itself', async () => {
    const world = await ledgerWorld(db.dataSource)
    const userId = await world.user(100n)
    const [turn, other] = [newTurn(), newTurn()]
    const hold = (each: ReturnType<typeof newTurn>, attempt: number, amount: bigint) =>
      world.transactions.run((tx) =>
        world.ledger.placeHold({ ...each, userId, attempt, claimToken: randomUUID(), amount }, tx),
      )
    await hold(turn, 1, 40n)
    await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
    await hold(turn, 2, 10n)
    await hold(other, 1, 50n)
    await asItWas(async (older) => {
      for (const { runId } of [turn, other]) await older.query('SELECT ledger_void(NULL, $1, 0, $2)', [runId, newId()])
    })
    expect(await world.ledger.balance(userId)).to.include({ available: 100n, held: 0n })
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })

  it('comes along: its pending hold can be settled, and what was given back stays known', async () => {
    const world = await ledgerWorld(db.dataSource)
    const userId = await world.user(100n)
    const turn = { ...newTurn(), userId }
    const attempts = [newId(), newId(), newId()]
    const pending = attempts[2] ?? ''
    const drained = { ...newTurn(), userId, holdId: newId() }
    await asItWas(async (older) => {
      const hold = (id: string, { runId }: { runId: string }, attempt: number, amount: number) =>
        older.query('SELECT ledger_hold($1, $2, $3, $4, $5, $6, $7, $8)', [
          ...[id, newId(), userId, runId, 0, attempt, randomUUID(), amount],
        ])
      for (const [index, id] of attempts.entries()) {
        await hold(id, turn, index + 1, 40)
        if (id !== pending) await older.query('SELECT ledger_void($1, NULL, NULL, $2)', [id, newId()])
      }
      await hold(drained.holdId, drained, 1, 20)
    })

    expect(await differencesOf(db.dataSource)).to.deep.equal([])
    const settle = { ...turn, attempt: 3, holdId: pending, calls: [world.call(10)] }
    const settled = await world.transactions.run((tx) => world.ledger.settleHold(settle, tx))
    expect(settled).to.deep.equal({ charged: 10n, released: 30n, lost: 0n, available: 70n, held: 20n })
    const receipt = (await receiptsOf(db.dataSource, [turn.runId])).get(turn.runId)
    expect(receipt).to.include({ credits: 10n, released: 110n })

    // What a worker of that time left is raised and given back like any other hold.
    const raise = { ...drained, amount: 5n, key: 'extend' }
    expect(await world.transactions.run((tx) => world.ledger.extendHold(raise, tx))).to.equal('held')
    await world.transactions.run((tx) => world.ledger.voidHold(drained, tx))
    expect(await world.ledger.balance(userId)).to.include({ available: 90n, held: 0n })
    expect((await receiptsOf(db.dataSource, [drained.runId])).get(drained.runId)).to.include({ released: 25n })
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })

  it('comes along from when its functions answered by place, workers of the time before that included', async () => {
    const world = await ledgerWorld(db.dataSource)
    const userId = await world.user(100n)
    const [held, charged, older] = [newTurn(), newTurn(), newTurn()]
    const holdIds = [newId(), newId(), newId()]
    await asItWas(async (before) => {
      for (const [index, { runId }] of [held, charged, older].entries()) {
        await before.query('SELECT ledger_hold($1, $2, $3, $4, 0, 1, $5, 20)', [
          ...[holdIds[index], newId(), userId, runId, randomUUID()],
        ])
      }
      const charge = 'SELECT ledger_charge($1, $2, $3, 0, 1, $4, $5, $6, $7) AS result'
      const settled = await before.query(charge, [
        ...[userId, holdIds[1], charged.runId, '[]', newId(), 'settle', newId()],
      ])
      expect(settled).to.deep.equal([{ result: ['0', '20', '0', '60', '40'] }])
      await before.query(`SELECT ledger_extend($1, $2, 5, 'raise')`, [newId(), holdIds[2]])
      await before.query('SELECT ledger_void(NULL, $1, 0, $2)', [older.runId, newId()])
    }, 'DropOldLedgerFunctions')

    expect(await differencesOf(db.dataSource)).to.deep.equal([])
    const settle = { ...held, userId, holdId: holdIds[0] ?? '', calls: [world.call(7)] }
    const settled = await world.transactions.run((tx) => world.ledger.settleHold(settle, tx))
    expect(settled).to.deep.equal({ charged: 7n, released: 13n, lost: 0n, available: 93n, held: 0n })
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })
})
