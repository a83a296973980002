import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { ChoreHolds } from '../../src/credits/chore-holds.ts'
import { LedgerRepository } from '../../src/credits/ledger.repository.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, type LedgerWorld, ledgerWorld } from './ledger-fixtures.ts'

describe('The month of an API key in the ledger', () => {
  const db = useDatabase()
  let world: LedgerWorld
  let chores: ChoreHolds

  before(async () => {
    world = await ledgerWorld(db.dataSource)
    chores = new ChoreHolds({ ...world, repository: new LedgerRepository(db.dataSource) })
  })
  afterEach(async () => {
    const holding = await differencesOf(db.dataSource)
    expect(holding).to.deep.equal([])
  })
  const query = (sql: string, parameters: unknown[] = []) => db.dataSource.query(sql, parameters)

  /** A user with this many micro-credits, and a key of theirs with this budget. */
  const keyOf = async (grant: bigint, budget: bigint | null) => {
    const [userId, keyId] = [await world.user(grant), newId()]
    await query(
      `INSERT INTO users (id, email, email_key, name, role, password_hash) VALUES ($1, $2, $2, '', 'user', '')`,
      [userId, `${userId}@example.com`],
    )
    await query(
      `INSERT INTO api_keys (id, user_id, name, prefix, secret_hash, scopes, monthly_credits)
       VALUES ($1, $2, 'Program', 'cp_', sha256($3), '{chat}', $4)`,
      [keyId, userId, Buffer.from(keyId), budget],
    )
    return { userId, keyId }
  }
  /** A turn of a new run that was asked for with this key. */
  const turnOf = async ({ userId, keyId }: { userId: string; keyId: string | null }, conversationId = newId()) => {
    const runId = newId()
    await query(
      `INSERT INTO conversations (id, user_id, agent_ids, strategy) VALUES ($1, $2, '{}', 'round_robin') ON CONFLICT DO NOTHING`,
      [conversationId, userId],
    )
    await query(
      `INSERT INTO runs (id, conversation_id, user_id, status, strategy, agent_ids, max_turns, deadline_at, origin)
       VALUES ($1, $2, $3, 'completed', 'round_robin', '{}', 1, now(), $4)`,
      [runId, conversationId, userId, keyId && JSON.stringify({ requestId: 'r', keyId })],
    )
    return { userId, runId, conversationId, turn: 0, attempt: 1, claimToken: randomUUID() }
  }
  type Turn = Awaited<ReturnType<typeof turnOf>>
  const hold = async (turn: Turn, amount: bigint) => {
    const placed = await world.transactions.run((tx) => world.ledger.placeHold({ ...turn, amount }, tx))
    return placed.held ? placed.holdId : null
  }
  const settle = (turn: Turn, holdId: string | null, ...amounts: number[]) => {
    const calls = amounts.map((amount, call) => world.call(amount, { call }))
    return world.transactions.run((tx) => world.ledger.settleHold({ ...turn, holdId, calls }, tx))
  }
  const monthsOf = async (keyId: string) => {
    const months = await query(
      `SELECT month = date_trunc('month', now() AT TIME ZONE 'UTC')::date AS now, held, spent FROM api_key_months WHERE key_id = $1 ORDER BY month`,
      [keyId],
    )
    return months.map(({ now, held, spent }: { now: boolean; held: string; spent: string }) => [
      now ? 'now' : 'before',
      Number(held),
      Number(spent),
    ])
  }

  it('counts holds, what raises them, what gives them back, and what they pay', async () => {
    const key = await keyOf(1_000n, 100n)
    const turn = await turnOf(key)
    const holdId = await hold(turn, 60n)
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 60, 0]])
    const raise = (amount: bigint, step: string) =>
      world.transactions.run((tx) =>
        world.ledger.extendHold({ ...turn, holdId: holdId ?? '', amount, key: step + turn.runId }, tx),
      )
    expect(await raise(40n, 'a')).to.equal('held')
    expect(await raise(1n, 'b'), 'the account has more, the budget has not').to.equal('credits_exhausted')
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 100, 0]])
    expect(await hold(await turnOf(key), 1n)).to.equal(null)
    expect(await settle(turn, holdId, 30, 25)).to.deep.include({ charged: 55n, released: 45n, lost: 0n })
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, 55]])
    const second = await turnOf(key)
    await hold(second, 45n)
    await world.transactions.run((tx) => world.ledger.voidHold(second, tx))
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, 55]])
  })

  it('gives back what the account did not cover after all', async () => {
    const key = await keyOf(50n, 100n)
    expect(await hold(await turnOf(key), 60n)).to.equal(null)
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, 0]])
    const turn = await turnOf(key)
    const holdId = await hold(turn, 50n)
    const more = { ...turn, holdId: holdId ?? '', amount: 1n, key: `x${turn.runId}` }
    expect(await world.transactions.run((tx) => world.ledger.extendHold(more, tx))).to.equal('credits_exhausted')
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 50, 0]])
    await settle(turn, holdId, 10)
  })

  it('pays no more than the budget for what goes beyond a hold, or has none: the rest is the platform’s loss', async () => {
    const key = await keyOf(1_000n, 100n)
    const turn = await turnOf(key)
    const holdId = await hold(turn, 40n)
    expect(await settle(turn, holdId, 130)).to.deep.include({ charged: 100n, lost: 30n, available: 900n })
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, 100]])
    // As after a crash of the database that has forgotten the hold.
    expect(await settle(await turnOf(key), null, 5)).to.deep.include({ charged: 0n, lost: 5n, available: 900n })
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, 100]])
  })

  it('is that in which a hold was taken, whenever it is settled', async () => {
    const key = await keyOf(1_000n, 100n)
    const turn = await turnOf(key)
    const holdId = await hold(turn, 80n)
    await query(`UPDATE holds SET created_at = now() - interval '32 days' WHERE id = $1`, [holdId])
    await query(
      `UPDATE api_key_months SET month = date_trunc('month', (now() - interval '32 days') AT TIME ZONE 'UTC') WHERE key_id = $1`,
      [key.keyId],
    )
    const now = await turnOf(key)
    const held = await hold(now, 100n)
    expect(await settle(turn, holdId, 95)).to.deep.include({ charged: 95n })
    expect(await monthsOf(key.keyId)).to.deep.equal([
      ['before', 0, 95],
      ['now', 100, 0],
    ])
    await settle(now, held, 1)
  })

  it('counts titles and summaries where they were held for, whoever speaks meanwhile', async () => {
    for (const kind of ['title', 'summary'] as const) {
      const key = await keyOf(1_000n, 100n)
      const { conversationId } = await turnOf(key)
      const chore = { kind, userId: key.userId, conversationId }
      const placed = await chores.place(chore, 70n)
      if (!placed) throw new Error('nothing was held')
      expect(await monthsOf(key.keyId)).to.deep.equal([['now', 70, 0]])
      await turnOf({ userId: key.userId, keyId: null }, conversationId)
      await world.transactions.run((tx) => chores.settle(placed, [world.call(45, { purpose: kind })], tx))
      expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, 45]])
      // The conversation is the session's now, and what it does is not the key's.
      const next = await chores.place(chore, 500n)
      expect(next).to.not.equal(undefined)
      if (next) await world.transactions.run((tx) => chores.settle(next, [world.call(400, { purpose: kind })], tx))
      expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, 45]])
      await turnOf(key, conversationId)
      expect(await chores.place(chore, 56n), 'not within the budget').to.equal(undefined)
    }
  })

  it('is none of a key without a budget, nor of a session', async () => {
    const key = await keyOf(1_000n, null)
    for (const who of [key, { ...key, keyId: null }]) {
      const turn = await turnOf(who)
      expect(await settle(turn, await hold(turn, 400n), 300)).to.deep.include({ charged: 300n })
    }
    expect(await monthsOf(key.keyId)).to.deep.equal([])
  })

  it('keeps nobody from settling when the key is gone', async () => {
    const key = await keyOf(1_000n, 100n)
    const turn = await turnOf(key)
    const holdId = await hold(turn, 80n)
    await query('DELETE FROM api_keys WHERE id = $1', [key.keyId])
    expect(await settle(turn, holdId, 50)).to.deep.include({ charged: 50n, released: 30n })
  })

  it('is never more than the budget, whatever a crowd does at the same time', async () => {
    const key = await keyOf(100_000n, 1_000n)
    const outcomes = await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const turn = await turnOf(key)
        const holdId = await hold(turn, BigInt(20 + (n % 60)))
        if (!holdId) return 0n
        if (n % 3 === 0) {
          const more = { ...turn, holdId, amount: BigInt(n % 50) + 1n, key: `more:${holdId}` }
          await world.transactions.run((tx) => world.ledger.extendHold(more, tx))
        }
        if (n % 7 === 0) {
          await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
          return 0n
        }
        return (await settle(turn, holdId, n % 40, n % 90)).charged
      }),
    )
    const charged = outcomes.reduce((sum, one) => sum + one, 0n)
    expect(charged <= 1_000n && charged > 500n, String(charged)).to.equal(true)
    expect(await monthsOf(key.keyId)).to.deep.equal([['now', 0, Number(charged)]])
  })
})
