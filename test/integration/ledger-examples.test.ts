import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { LedgerRepository } from '../../src/credits/ledger.repository.ts'
import type { Tx } from '../../src/database/transaction.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, type LedgerWorld, ledgerWorld, newTurn } from './ledger-fixtures.ts'

const BALANCES = ['available', 'held', 'granted', 'spent'] as const
type Row = Record<(typeof BALANCES)[number], bigint>

/** An example as the comments of `ledger.sql` tell it: its lines by their first word. */
interface Example {
  operation: string
  title: string
  before: Row
  calls: number[]
  after: Row
  answer: string
  entries: string[]
}

function readExamples(sql: string): Example[] {
  return sql.split(/^CREATE FUNCTION /m).flatMap((comments, index, parts) => {
    const operation = /^\w+/.exec(parts[index + 1] ?? '')?.[0] ?? ''
    return comments
      .split('-- Example: ')
      .slice(1)
      .map((text) => {
        const lines = text.split('\n').map((line) => line.replace(/^--\s*/, '').split(/\s+/))
        const of = (word: string) => lines.filter(([first]) => first === word).map((line) => line.slice(1))
        const row = (word: string): Row => {
          const [available = '', held = '', granted = '', spent = ''] = of(word)[0] ?? []
          return { available: BigInt(available), held: BigInt(held), granted: BigInt(granted), spent: BigInt(spent) }
        }
        return {
          operation,
          title: text.split('\n')[0] ?? '',
          before: row('before'),
          calls: (of('calls')[0] ?? []).map(Number),
          after: row('after'),
          answer: (of('answer')[0] ?? []).join(' '),
          entries: of('entry').map((line) => line.join(' ')),
        }
      })
  })
}

describe("the examples of the ledger's functions", () => {
  const db = useDatabase()
  const examples = readExamples(readFileSync(new URL('../../src/credits/ledger.sql', import.meta.url), 'utf8'))
  let world: LedgerWorld
  let ledger: LedgerRepository

  before(async () => {
    world = await ledgerWorld(db.dataSource)
    ledger = new LedgerRepository(db.dataSource)
  })

  const words = (answer: object | undefined): string =>
    Object.entries(answer ?? {})
      .map(([name, value]) => `${name} ${value}`)
      .join(' ')

  /** Does what the example tells, with an account that is as it says before; answers what the function answered. */
  const perform = async ({ operation, before, calls, entries }: Example, userId: string, tx: Tx): Promise<string> => {
    const turn = { ...newTurn(), userId }
    const amount = BigInt(/ (\d+) \S+ \S+$/.exec(entries[0] ?? '')?.[1] ?? 0)
    const holdId = newId()
    const hold = (size: bigint) => ledger.placeHold({ holdId, entryId: newId() }, { ...turn, amount: size }, tx)
    if (before.held > 0n) await hold(before.held)
    const metered = calls.map((cost, call) => world.call(cost, { call }))
    switch (operation) {
      case 'ledger_give': {
        const gift = { id: newId(), userId, kind: 'grant' as const, amount, key: randomUUID() }
        return ledger.give({ ...gift, description: 'an example', createdBy: null }, tx)
      }
      case 'ledger_hold':
        return (await hold(amount)).outcome
      case 'ledger_extend':
        return ledger.extendHold(newId(), { ...turn, holdId, amount, key: randomUUID() }, tx)
      case 'ledger_void':
        return words(await ledger.voidHold(turn, newId(), tx))
      case 'ledger_charge':
        return words(await world.ledger.settleHold({ ...turn, holdId, calls: metered }, tx))
      case 'ledger_lose':
        return `lost ${await world.ledger.recordLoss({ ...turn, calls: metered }, tx)}`
      default:
        throw new Error(`Nobody knows how to perform ${operation}.`)
    }
  }

  for (const example of examples) {
    it(`are true: ${example.operation}: ${example.title}`, async () => {
      const { before, after, answer, entries } = example
      const userId = await world.user(before.granted)
      expect(before.available + before.held, 'the example begins with an account that has spent nothing').to.equal(
        before.granted,
      )
      const answered = await world.transactions.run((tx) => perform(example, userId, tx))
      expect(answered).to.equal(answer)
      expect(await world.ledger.balance(userId)).to.deep.equal(after)
      const written: { line: string }[] = await db.dataSource.query(
        `SELECT concat_ws(' ', kind, debit_account, credit_account, amount, coalesce(available_after::text, '-'),
           coalesce(held_after::text, '-')) AS line
         FROM ledger_entries WHERE user_id = $1 ORDER BY number NULLS LAST`,
        [userId],
      )
      const prepared = (before.granted > 0n ? 1 : 0) + (before.held > 0n ? 1 : 0)
      expect(written.slice(prepared).map(({ line }) => line)).to.deep.equal(entries)
      expect(await differencesOf(db.dataSource)).to.deep.equal([])
    })
  }

  it('are there for each of them', () => {
    const operations = ['ledger_give', 'ledger_hold', 'ledger_extend', 'ledger_void', 'ledger_charge', 'ledger_lose']
    expect([...new Set(examples.map(({ operation }) => operation))]).to.deep.equal(operations)
  })
})
