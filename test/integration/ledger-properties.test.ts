import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { isUniqueViolation } from '../../src/database/transaction.ts'
import { AppError } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, type LedgerWorld, ledgerWorld, newTurn } from './ledger-fixtures.ts'

const TURNS = 4
const amount = fc.integer({ min: 1, max: 120 })
const turn = fc.nat({ max: TURNS - 1 })
const key = fc.nat({ max: 3 })

type Operation =
  | { type: 'grant'; amount: number; key: number }
  | { type: 'hold'; turn: number; amount: number }
  | { type: 'extend'; turn: number; amount: number; key: number }
  | { type: 'post'; turn: number; costs: number[] }
  | { type: 'void'; turn: number }
  | { type: 'expire'; turn: number; used: number }
  | { type: 'charge'; amount: number; key: number }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ type: fc.constant('grant' as const), amount, key }),
  fc.record({ type: fc.constant('hold' as const), turn, amount }),
  fc.record({ type: fc.constant('extend' as const), turn, amount, key }),
  fc.record({
    type: fc.constant('post' as const),
    turn,
    costs: fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('void' as const), turn }),
  fc.record({ type: fc.constant('expire' as const), turn, used: fc.integer({ min: 0, max: 90 }) }),
  fc.record({ type: fc.constant('charge' as const), amount, key }),
)

/** A user whose turns take operations; each turn keeps the hold that it was given last, and counts its attempts. */
class Player {
  readonly userId: string
  readonly turns = Array.from({ length: TURNS }, newTurn)
  readonly holds: (string | undefined)[] = []
  readonly #world: LedgerWorld

  constructor(world: LedgerWorld, userId: string) {
    this.#world = world
    this.userId = userId
  }

  /** What the operation answered; an error code for the refusals that are part of the game. */
  async play(operation: Operation): Promise<unknown> {
    try {
      return await this.#world.transactions.run((tx) => this.#run(operation, tx))
    } catch (error) {
      if (error instanceof AppError) return error.code
      const charged = ['metered_calls_attempt_unique', 'ledger_entries_key_unique']
      if (charged.some((name) => isUniqueViolation(error, name))) return 'charged before'
      throw error
    }
  }

  async #run(operation: Operation, tx: Parameters<LedgerWorld['ledger']['voidHold']>[1]): Promise<unknown> {
    const { ledger, call } = this.#world
    const { userId } = this
    if (operation.type === 'grant') {
      const key = `${userId}:grant:${operation.key}`
      const { repeated } = await ledger.give(
        {
          userId,
          kind: 'grant',
          amount: BigInt(operation.amount),
          key,
          description: 'test',
        },
        tx,
      )
      return repeated ? 'repeated' : BigInt(operation.amount)
    }
    if (operation.type === 'charge') {
      const calls = [call(operation.amount, { purpose: 'title' })]
      return ledger.chargeCalls({ key: `${userId}:title:${operation.key}`, userId, conversationId: newId(), calls }, tx)
    }
    const turn = this.turns[operation.turn] ?? newTurn()
    const holdId = this.holds[operation.turn]
    switch (operation.type) {
      case 'hold': {
        const placed = await ledger.placeHold({ ...turn, userId, amount: BigInt(operation.amount) }, tx)
        if (placed.held) this.holds[operation.turn] = placed.holdId
        return placed.held
      }
      case 'extend': {
        if (!holdId) return 'no hold'
        const key = `${holdId}:extend:${operation.key}`
        return ledger.extendHold({ ...turn, holdId, amount: BigInt(operation.amount), key }, tx)
      }
      case 'post': {
        if (!holdId) return 'no hold'
        const calls = operation.costs.map((cost, index) => call(cost, { call: index }))
        return ledger.settleHold({ ...turn, holdId, userId, calls }, tx)
      }
      case 'void':
        return ledger.voidHold(turn, tx)
      case 'expire': {
        const { attempt } = turn
        turn.attempt += 1
        const released = await ledger.voidHold(turn, tx)
        await ledger.recordLoss({ ...turn, attempt, userId, calls: [call(operation.used)] }, tx)
        return released
      }
    }
  }
}

/** The same rules in a few lines, one operation at a time. */
class Model {
  available: bigint
  held = 0n
  spent = 0n
  granted: bigint
  readonly #holds: ({ amount: bigint; keys: Set<number> } | undefined)[] = []
  readonly #hadHold = new Set<number>()
  readonly #charged = new Set<string>()
  readonly #keys = new Set<string>()

  constructor(available: bigint) {
    this.available = available
    this.granted = available
  }

  play(operation: Operation): unknown {
    switch (operation.type) {
      case 'grant': {
        if (this.#keys.has(`grant ${operation.key}`)) return 'repeated'
        this.#keys.add(`grant ${operation.key}`)
        this.available += BigInt(operation.amount)
        this.granted += BigInt(operation.amount)
        return BigInt(operation.amount)
      }
      case 'charge': {
        if (this.#keys.has(`charge ${operation.key}`)) return this.#settlement(0n, 0n, 0n)
        this.#keys.add(`charge ${operation.key}`)
        const charged = min(this.available, BigInt(operation.amount))
        this.available -= charged
        this.spent += charged
        return this.#settlement(charged, 0n, BigInt(operation.amount) - charged)
      }
      case 'hold': {
        if (this.#holds[operation.turn]) return true
        if (BigInt(operation.amount) > this.available) return false
        this.#holds[operation.turn] = { amount: BigInt(operation.amount), keys: new Set() }
        this.#hadHold.add(operation.turn)
        this.#move(BigInt(operation.amount))
        return true
      }
      case 'extend': {
        const hold = this.#holds[operation.turn]
        if (!hold) return this.#hadHold.has(operation.turn) ? 'resolved' : 'no hold'
        if (hold.keys.has(operation.key)) return 'held'
        if (BigInt(operation.amount) > this.available) return 'credits_exhausted'
        hold.keys.add(operation.key)
        hold.amount += BigInt(operation.amount)
        this.#move(BigInt(operation.amount))
        return 'held'
      }
      case 'post': {
        const hold = this.#holds[operation.turn]
        if (!hold) return this.#hadHold.has(operation.turn) ? 'credits.hold_resolved' : 'no hold'
        const calls = operation.costs.map((_, index) => `${operation.turn}:${index}`)
        if (calls.some((call) => this.#charged.has(call))) return 'charged before'
        for (const call of calls) this.#charged.add(call)
        const due = operation.costs.reduce((sum, cost) => sum + BigInt(cost), 0n)
        const charged = min(due, hold.amount + this.available)
        this.available += hold.amount - charged
        this.held -= hold.amount
        this.spent += charged
        this.#holds[operation.turn] = undefined
        return this.#settlement(charged, hold.amount > charged ? hold.amount - charged : 0n, due - charged)
      }
      case 'void':
      case 'expire': {
        const hold = this.#holds[operation.turn]
        if (!hold) return undefined
        this.#move(-hold.amount)
        this.#holds[operation.turn] = undefined
        return { released: hold.amount, available: this.available, held: this.held }
      }
    }
  }

  #move(amount: bigint): void {
    this.available -= amount
    this.held += amount
  }

  #settlement(charged: bigint, released: bigint, lost: bigint) {
    return { charged, released, lost, available: this.available, held: this.held }
  }
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)

describe('the ledger, whatever is done to it', () => {
  const db = useDatabase({ poolSize: 16 })
  let world: LedgerWorld

  before(async () => {
    world = await ledgerWorld(db.dataSource)
  })

  it('answers each sequence of operations as the rules say', async function () {
    this.timeout(60_000)
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 30 }), async (operations) => {
        const player = new Player(world, await world.user(200n))
        const model = new Model(200n)
        for (const operation of operations) {
          expect(await player.play(operation), JSON.stringify(operation)).to.deep.equal(model.play(operation))
        }
        const { available, held, granted, spent } = model
        expect(await world.ledger.balance(player.userId)).to.deep.equal({ available, held, granted, spent })
      }),
      { numRuns: 40, endOnFailure: true },
    )
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })

  it('never goes negative, always adds up and does each operation once, from many connections at once', async function () {
    this.timeout(120_000)
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 20, maxLength: 60 }),
        fc.boolean(),
        async (operations, twice) => {
          const players = [new Player(world, await world.user(300n)), new Player(world, await world.user(60n))]
          // Everybody at once; with `twice`, each operation also races with its own repetition.
          const all = operations.flatMap((operation) => (twice ? [operation, operation] : [operation]))
          const [answers, during] = await Promise.all([
            Promise.all(players.map((player) => Promise.all(all.map((operation) => player.play(operation))))),
            differencesOf(db.dataSource),
          ])
          expect(during, 'while it was going on').to.deep.equal([])
          expect(await differencesOf(db.dataSource), 'afterwards').to.deep.equal([])

          for (const [index, player] of players.entries()) {
            const given = answers[index]?.filter((answer) => typeof answer === 'bigint') ?? []
            const keys = new Set(operations.flatMap((each) => (each.type === 'grant' ? [each.key] : [])))
            expect(given.length, 'each grant is given once').to.equal(keys.size)
            const charged = (answers[index] ?? []).reduce<bigint>((sum, answer) => sum + chargedOf(answer), 0n)
            const balance = await world.ledger.balance(player.userId)
            expect(balance.spent, 'what was answered as charged is what was spent').to.equal(charged)
          }
        },
      ),
      { numRuns: 12, endOnFailure: true },
    )
  })

  it('lets a crowd race for one hold, and one of them resolve it', async () => {
    const userId = await world.user(100n)
    const turn = newTurn()
    const placed = await Promise.all(
      Array.from({ length: 12 }, () =>
        world.transactions.run((tx) => world.ledger.placeHold({ ...turn, userId, amount: 30n }, tx)),
      ),
    )
    const ids = new Set(placed.map((each) => (each.held ? each.holdId : randomUUID())))
    expect(ids.size).to.equal(1)
    const [holdId = ''] = ids
    const settlers = Array.from({ length: 12 }, (_, index) =>
      world.transactions
        .run((tx) =>
          index % 2
            ? world.ledger.voidHold(turn, tx)
            : world.ledger.settleHold({ ...turn, holdId, userId, calls: [world.call(10)] }, tx),
        )
        .catch((error: unknown) => (error instanceof AppError ? undefined : Promise.reject(error))),
    )
    expect((await Promise.all(settlers)).filter(Boolean)).to.have.length(1)
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })
})

function chargedOf(answer: unknown): bigint {
  if (typeof answer !== 'object' || answer === null || !('charged' in answer)) return 0n
  return typeof answer.charged === 'bigint' ? answer.charged : 0n
}
