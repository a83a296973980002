import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { useDatabase } from '../support/database.ts'
import { differencesOf, type LedgerWorld, ledgerWorld, newTurn } from './ledger-fixtures.ts'

describe('the ledger under a crowd', () => {
  const db = useDatabase({ poolSize: 40 })
  let world: LedgerWorld

  before(async () => {
    world = await ledgerWorld(db.dataSource)
  })

  afterEach(async () => {
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })

  const deadlocks = async (): Promise<number> => {
    const [row] = await db.dataSource.query(
      'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
    )
    return row.deadlocks
  }

  it('holds exactly what an account affords: 50 of 200 turns at once', async () => {
    const userId = await world.user(5_000n)
    const turns = Array.from({ length: 200 }, newTurn)
    const placed = await Promise.all(
      turns.map((turn) =>
        world.transactions.run((tx) => world.ledger.placeHold({ ...turn, userId, amount: 100n }, tx)),
      ),
    )
    expect(placed.filter(({ held }) => held)).to.have.length(50)
    expect(await world.ledger.balance(userId)).to.include({ available: 0n, held: 5_000n })

    const settled = await Promise.all(
      placed.flatMap((each, index) => {
        const turn = turns[index]
        if (!each.held || !turn) return []
        const calls = [world.call(100)]
        return world.transactions.run((tx) =>
          world.ledger.settleHold({ ...turn, userId, holdId: each.holdId, calls }, tx),
        )
      }),
    )
    expect(settled.reduce((sum, { charged }) => sum + charged, 0n)).to.equal(5_000n)
    expect(await world.ledger.balance(userId)).to.include({ available: 0n, held: 0n, spent: 5_000n })
  })

  it('lets 200 turns that roll their holds spend all there is and not more, without a deadlock', async function () {
    this.timeout(60_000)
    const userId = await world.user(5_000n)
    const turns = Array.from({ length: 200 }, newTurn)
    const outcomes = await Promise.all(
      turns.map(async (turn) => {
        const placed = await world.transactions.run((tx) =>
          world.ledger.placeHold({ ...turn, userId, amount: 20n }, tx),
        )
        if (!placed.held) return '402'
        const { holdId } = placed
        let used = 20
        let extension = 'held'
        for (let step = 1; step <= 4 && extension === 'held'; step++) {
          const request = { ...turn, holdId, amount: 20n, key: `extend:${holdId}:${step}` }
          extension = await world.ledger.extendHold(request, db.dataSource.manager)
          if (extension === 'held') used += 20
        }
        const calls = [world.call(used)]
        const settled = await world.transactions.run((tx) =>
          world.ledger.settleHold({ ...turn, userId, holdId, calls }, tx),
        )
        expect(settled).to.include({ charged: BigInt(used), lost: 0n })
        return extension === 'held' ? 'completed' : 'credits_exhausted'
      }),
    )
    const { available, held, spent } = await world.ledger.balance(userId)
    expect(held).to.equal(0n)
    expect(available + spent).to.equal(5_000n)
    // What is left is less than the smallest hold, so nobody was refused while there was something to be had.
    expect(available < 20n).to.equal(true)
    expect(outcomes).to.include('credits_exhausted')
    expect(await deadlocks()).to.equal(0)
  })

  it('mixes many users, settling, voiding and taking over at once, without a deadlock', async function () {
    this.timeout(60_000)
    const users = await Promise.all(Array.from({ length: 10 }, () => world.user(1_000n)))
    const games = Array.from({ length: 150 }, async (_, index) => {
      const userId = users[index % users.length] ?? ''
      const turn = { ...newTurn(), userId }
      const placed = await world.transactions.run((tx) => world.ledger.placeHold({ ...turn, amount: 30n }, tx))
      if (!placed.held) return
      const { holdId } = placed
      await world.transactions.run(async (tx) => {
        if (index % 3 === 0) {
          await world.ledger.voidHold(turn, tx)
          await world.ledger.recordLoss({ ...turn, calls: [world.call(11)] }, tx)
          await world.ledger.placeHold({ ...turn, attempt: 2, claimToken: randomUUID(), amount: 10n }, tx)
        } else {
          await world.ledger.settleHold({ ...turn, holdId, calls: [world.call(index % 50)] }, tx)
          await world.ledger.chargeCalls({ ...turn, key: holdId, calls: [world.call(2, { call: 1 })] }, tx)
        }
      })
      await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
    })
    await Promise.all(games)
    expect(await deadlocks()).to.equal(0)
  })

  it("keeps each statement's line exact, whatever the others do", async () => {
    const userId = await world.user(2_000n)
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const turn = { ...newTurn(), userId }
        const placed = await world.transactions.run((tx) => world.ledger.placeHold({ ...turn, amount: 15n }, tx))
        if (!placed.held) return
        const calls = [world.call(index % 20), world.call(index % 7, { call: 1 })]
        await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, holdId: placed.holdId, calls }, tx))
      }),
    )
    const lines = (await world.statements.list(userId, {}, 1_000)).reverse()
    expect(lines).to.have.length(121)
    let balance = 0n
    for (const line of lines) {
      balance += line.amount
      expect(line.balanceAfter).to.equal(balance)
    }
    expect(await world.ledger.balance(userId)).to.include({ available: balance, held: 0n })
  })
})
