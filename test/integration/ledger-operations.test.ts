import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createDataSource } from '../../src/database/data-source.ts'
import { AppError } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, type LedgerWorld, ledgerWorld, newTurn, receiptsOf } from './ledger-fixtures.ts'

describe('the ledger', () => {
  const db = useDatabase()
  let world: LedgerWorld

  before(async () => {
    world = await ledgerWorld(db.dataSource)
  })

  // Whatever a story did, the books balance after it.
  afterEach(async () => {
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })

  const balance = (userId: string) => world.ledger.balance(userId)
  const hold = async (userId: string, amount: bigint, turn = newTurn()) => {
    const placed = await world.transactions.run((tx) => world.ledger.placeHold({ ...turn, userId, amount }, tx))
    if (!placed.held) throw new Error('the hold was refused')
    return { ...turn, userId, holdId: placed.holdId }
  }
  const entriesOf = (userId: string): Promise<{ kind: string; amount: string; total: string }[]> =>
    db.dataSource.query(
      `SELECT kind, amount, available_after + held_after AS total FROM ledger_entries
       WHERE user_id = $1 ORDER BY number NULLS LAST`,
      [userId],
    )
  const kindsOf = async (userId: string) => (await entriesOf(userId)).map(({ kind, amount }) => `${kind} ${amount}`)
  const rejection = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )
  const codeOf = async (work: Promise<unknown>) => {
    const error = await rejection(work)
    return error instanceof AppError ? `${error.status} ${error.code}` : error
  }

  it('opens an account with a grant, once', async () => {
    const userId = await world.user(10_000n)
    await world.transactions.run((tx) => world.ledger.openAccount(userId, 10_000n, tx))
    expect(await balance(userId)).to.deep.equal({ available: 10_000n, held: 0n, granted: 10_000n, spent: 0n })
    expect(await kindsOf(userId)).to.deep.equal(['grant 10000'])
  })

  it('holds, extends, posts what was used and releases the rest', async () => {
    const userId = await world.user(1_000n)
    const turn = await hold(userId, 100n)
    expect(await balance(userId)).to.include({ available: 900n, held: 100n })
    const extension = { ...turn, amount: 50n, key: `extend:${turn.holdId}:1` }
    expect(await world.transactions.run((tx) => world.ledger.extendHold(extension, tx))).to.equal('held')
    expect(await balance(userId)).to.include({ available: 850n, held: 150n })

    const calls = [world.call(30, { purpose: 'supervise' }), world.call(90, { call: 1 })]
    const settled = await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls }, tx))
    expect(settled).to.deep.equal({ charged: 120n, released: 30n, lost: 0n, available: 880n, held: 0n })
    expect(await balance(userId)).to.deep.equal({ available: 880n, held: 0n, granted: 1_000n, spent: 120n })
    expect(await kindsOf(userId)).to.deep.equal([
      'grant 1000',
      'hold 100',
      'extend 50',
      'post 30',
      'post 90',
      'release 30',
    ])
  })

  it('takes usage above the hold from the balance, and what is not there from the platform', async () => {
    const userId = await world.user(100n)
    const turn = await hold(userId, 40n)
    const calls = [world.call(30), world.call(100, { call: 1 })]
    const settled = await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls }, tx))
    expect(settled).to.deep.equal({ charged: 100n, released: 0n, lost: 30n, available: 0n, held: 0n })
    expect(await kindsOf(userId)).to.deep.equal(['grant 100', 'hold 40', 'extend 60', 'post 30', 'post 70', 'loss 30'])
  })

  it('posts an explicit zero for a call that costs nothing', async () => {
    const userId = await world.user(100n)
    const turn = await hold(userId, 10n)
    const calls = [world.call(500, { ratePpm: 0n })]
    const settled = await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls }, tx))
    expect(settled).to.include({ charged: 0n, released: 10n })
    expect(await kindsOf(userId)).to.deep.equal(['grant 100', 'hold 10', 'post 0', 'release 10'])
  })

  it('refuses a hold that the balance does not cover, and holds nothing for it', async () => {
    const userId = await world.user(50n)
    const request = { ...newTurn(), userId, amount: 51n }
    expect(await world.transactions.run((tx) => world.ledger.placeHold(request, tx))).to.deep.equal({ held: false })
    expect(await balance(userId)).to.include({ available: 50n, held: 0n })
    const nobody = { ...newTurn(), userId: newId(), amount: 1n }
    expect(await world.transactions.run((tx) => world.ledger.placeHold(nobody, tx))).to.deep.equal({ held: false })
  })

  it('gives the same claim the hold that it has, and another claim none until that is resolved', async () => {
    const userId = await world.user(100n)
    const turn = newTurn()
    const first = await hold(userId, 40n, turn)
    const again = await hold(userId, 40n, turn)
    expect(again.holdId).to.equal(first.holdId)
    expect(await balance(userId)).to.include({ available: 60n, held: 40n })

    const takeover = { ...turn, userId, attempt: 2, claimToken: randomUUID(), amount: 40n }
    const place = () => world.transactions.run((tx) => world.ledger.placeHold(takeover, tx))
    expect(await codeOf(place())).to.equal('409 credits.hold_pending')
    expect(await world.transactions.run((tx) => world.ledger.pendingHold(turn, tx))).to.equal(first.holdId)
    const given = await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
    expect(given).to.deep.equal({ released: 40n, available: 100n, held: 0n })
    expect(await place()).to.have.property('held', true)
    await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
  })

  it('takes a hold again with each attempt, and counts what all of them gave back', async () => {
    const userId = await world.user(100n)
    const turn = newTurn()
    const first = await hold(userId, 40n, turn)
    await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
    const second = await hold(userId, 50n, { ...turn, attempt: 2, claimToken: randomUUID() })
    expect(second.holdId).not.to.equal(first.holdId)
    const stale = world.transactions.run((tx) => world.ledger.settleHold({ ...first, calls: [world.call(10)] }, tx))
    expect(await codeOf(stale), 'the first hold is not the second').to.equal('409 credits.hold_resolved')
    await world.transactions.run((tx) => world.ledger.settleHold({ ...second, calls: [world.call(10)] }, tx))
    const receipt = (await receiptsOf(db.dataSource, [turn.runId])).get(turn.runId)
    expect(receipt).to.include({ credits: 10n, released: 80n })
    expect(await balance(userId)).to.include({ available: 90n, held: 0n })
  })

  it('is refused a hold after an attempt that had one, and has none then', async () => {
    const userId = await world.user(100n)
    const turn = newTurn()
    await hold(userId, 40n, turn)
    await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
    const tooMuch = { ...turn, userId, attempt: 2, claimToken: randomUUID(), amount: 101n }
    expect(await world.transactions.run((tx) => world.ledger.placeHold(tooMuch, tx))).to.deep.equal({ held: false })
    expect(await world.transactions.run((tx) => world.ledger.pendingHold(turn, tx))).to.equal(null)
    expect(await balance(userId)).to.include({ available: 100n, held: 0n })
  })

  it('has the database parse and plan its operations once per connection', async () => {
    const userId = await world.user(100n)
    const connection = await createDataSource({ url: db.url, entities: [], poolSize: 1 }).initialize()
    try {
      for (const turn of [newTurn(), newTurn()]) {
        const placed = await world.ledger.placeHold({ ...turn, userId, amount: 10n }, connection.manager)
        expect(placed).to.have.property('held', true)
        await world.ledger.voidHold(turn, connection.manager)
      }
      const used = await connection.query(
        `SELECT substring(name FROM '^\\w+') AS name, (generic_plans + custom_plans)::int AS used
         FROM pg_prepared_statements ORDER BY name`,
      )
      expect(used).to.deep.equal([
        { name: 'ledger_hold', used: 2 },
        { name: 'ledger_void', used: 2 },
      ])
    } finally {
      await connection.destroy()
    }
  })

  it('resolves a hold once: what comes later is told so and changes nothing', async () => {
    const userId = await world.user(100n)
    const turn = await hold(userId, 40n)
    await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls: [world.call(10)] }, tx))
    const before = await balance(userId)

    const late = world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls: [world.call(10)] }, tx))
    expect(await codeOf(late)).to.equal('409 credits.hold_resolved')
    expect(await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))).to.equal(undefined)
    const extension = { ...turn, amount: 5n, key: randomUUID() }
    expect(await world.transactions.run((tx) => world.ledger.extendHold(extension, tx))).to.equal('resolved')
    expect(await balance(userId)).to.deep.equal(before)
  })

  it('never charges a call of a turn twice, whichever attempt or hold brings it', async () => {
    const userId = await world.user(100n)
    const turn = newTurn()
    const first = await hold(userId, 40n, turn)
    await world.transactions.run((tx) => world.ledger.settleHold({ ...first, calls: [world.call(10)] }, tx))
    const second = await hold(userId, 40n, { ...turn, attempt: 2, claimToken: randomUUID() })
    const twice = world.transactions.run((tx) => world.ledger.settleHold({ ...second, calls: [world.call(10)] }, tx))
    expect(await rejection(twice))
      .to.be.an('error')
      .with.property('message')
      .that.matches(/unique/)
    expect(await balance(userId)).to.include({ available: 50n, held: 40n, spent: 10n })
    await world.transactions.run((tx) => world.ledger.voidHold(second, tx))
  })

  it('settles a turn that never took a hold', async () => {
    const userId = await world.user(100n)
    const turn = { ...newTurn(), userId, holdId: null }
    const nothing = await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls: [] }, tx))
    expect(nothing).to.deep.equal({ charged: 0n, released: 0n, lost: 0n, available: 100n, held: 0n })
    const some = await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls: [world.call(30)] }, tx))
    expect(some).to.deep.equal({ charged: 30n, released: 0n, lost: 0n, available: 70n, held: 0n })
  })

  it('charges calls outside turns from the balance, once per key', async () => {
    const userId = await world.user(100n)
    const request = {
      key: `title:${newId()}`,
      userId,
      conversationId: newId(),
      calls: [world.call(120, { purpose: 'title' })],
    }
    const charge = () => world.transactions.run((tx) => world.ledger.chargeCalls(request, tx))
    expect(await charge()).to.deep.equal({ charged: 100n, released: 0n, lost: 20n, available: 0n, held: 0n })
    expect(await charge()).to.deep.equal({ charged: 0n, released: 0n, lost: 0n, available: 0n, held: 0n })
    expect(await kindsOf(userId)).to.deep.equal(['grant 100', 'hold 100', 'post 100', 'loss 20'])
  })

  it("books a lost attempt at the platform's cost, once, and lets the next attempt charge the same call", async () => {
    const userId = await world.user(100n)
    const turn = { ...newTurn(), userId }
    const lose = () => world.transactions.run((tx) => world.ledger.recordLoss({ ...turn, calls: [world.call(25)] }, tx))
    expect(await lose()).to.equal(25n)
    expect(await lose()).to.equal(0n)
    const retry = await hold(userId, 40n, { ...turn, attempt: 2, claimToken: randomUUID() })
    await world.transactions.run((tx) => world.ledger.settleHold({ ...retry, calls: [world.call(30)] }, tx))
    const charged = { ...turn, attempt: 2, calls: [world.call(30)] }
    const lost = await world.transactions.run((tx) => world.ledger.recordLoss(charged, tx))
    expect(lost, 'what was charged is not lost as well').to.equal(0n)
    expect(await balance(userId)).to.deep.equal({ available: 70n, held: 0n, granted: 100n, spent: 30n })
    const { lines, total } = await world.statements.losses({}, 100)
    expect(total > 0n).to.equal(true)
    expect(lines.find(({ runId }) => runId === turn.runId)).to.include({
      attempt: 1,
      turn: 0,
      call: 0,
      amount: 25n,
      outcome: 'lost',
    })
  })

  it('adds, corrects and refunds, once per key, and never below zero', async () => {
    const userId = await world.user(100n)
    const turn = await hold(userId, 40n)
    await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, calls: [world.call(40)] }, tx))
    const give = (kind: 'grant' | 'adjustment' | 'refund', amount: bigint, key: string) =>
      world.transactions.run((tx) => world.ledger.give({ userId, kind, amount, key, description: 'because' }, tx))
    const key = randomUUID()
    expect(await give('grant', 50n, key)).to.have.property('repeated', false)
    expect(await give('grant', 50n, key)).to.have.property('repeated', true)
    await give('refund', 15n, randomUUID())
    await give('adjustment', -20n, randomUUID())
    expect(await balance(userId)).to.deep.equal({ available: 105n, held: 0n, granted: 130n, spent: 25n })
    expect(await codeOf(give('adjustment', -106n, randomUUID()))).to.equal('409 credits.insufficient')
  })

  it('says 402, with both amounts, when less is available than is required, or nothing', () => {
    const details = (available: bigint | null, required: bigint) => {
      try {
        world.ledger.requireAvailable(available, required)
        return undefined
      } catch (error) {
        return error instanceof AppError && `${error.status} ${error.code} ${JSON.stringify(error.details)}`
      }
    }
    expect(details(10n, 10n)).to.equal(undefined)
    expect(details(9n, 10n)).to.equal('402 credits.insufficient {"available":"0.000009","required":"0.000010"}')
    expect(details(0n, 0n)).to.equal('402 credits.insufficient {"available":"0.000000","required":"0.000001"}')
    expect(details(null, 5n)).to.equal('402 credits.insufficient {"available":"0.000000","required":"0.000005"}')
  })

  it("sums a run's receipt exactly from its lines", async () => {
    const userId = await world.user(1_000n)
    const first = await hold(userId, 100n)
    await world.transactions.run((tx) => world.ledger.settleHold({ ...first, calls: [world.call(60)] }, tx))
    const second = await hold(userId, 10n, {
      ...newTurn(),
      runId: first.runId,
      conversationId: first.conversationId,
      turn: 1,
    })
    const estimated = world.call(25)
    estimated.usage = { ...estimated.usage, reasoningTokens: 3, cachedInputTokens: 5, estimated: true }
    await world.transactions.run((tx) => world.ledger.settleHold({ ...second, calls: [estimated] }, tx))
    await world.transactions.run((tx) =>
      world.ledger.recordLoss({ ...second, attempt: 9, calls: [world.call(500)] }, tx),
    )

    const receipts = await receiptsOf(db.dataSource, [first.runId, newId()])
    expect(receipts.get(first.runId)).to.deep.equal({
      inputTokens: 19,
      outputTokens: 88,
      credits: 85n,
      released: 40n,
      lost: 500n,
      estimated: true,
    })
    const lines = await world.statements.list(userId, { runId: first.runId }, 100)
    expect(lines.map(({ amount }) => amount)).to.deep.equal([-25n, -60n])
    const conversation = await world.statements.list(userId, { conversationId: first.conversationId }, 100)
    expect(conversation).to.have.length(2)
  })

  it('keeps what is written: entries, calls and price versions can be neither edited nor removed', async () => {
    for (const table of ['ledger_entries', 'metered_calls', 'price_versions']) {
      for (const sql of [`UPDATE ${table} SET created_at = now()`, `DELETE FROM ${table}`, `TRUNCATE ${table}`]) {
        expect(await rejection(db.dataSource.query(sql)), sql)
          .to.be.an('error')
          .with.property('message')
          .that.matches(/append-only/)
      }
    }
  })

  it('refuses balances that are negative or do not add up, whoever writes them', async () => {
    const userId = await world.user(10n)
    const set = (change: string) => db.dataSource.query(`UPDATE accounts SET ${change} WHERE user_id = $1`, [userId])
    expect(await rejection(set('available = -1, granted = -1'))).to.match(/accounts_available_not_negative/)
    expect(await rejection(set('held = -1, available = 11'))).to.match(/accounts_held_not_negative/)
    expect(await rejection(set('available = 11'))).to.match(/accounts_add_up/)
  })
})
