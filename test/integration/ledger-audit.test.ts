import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, type LedgerWorld, ledgerWorld, newTurn } from './ledger-fixtures.ts'

const run = promisify(execFile)

describe('the audit of the ledger', () => {
  const db = useDatabase()
  let world: LedgerWorld
  let userId: string

  before(async () => {
    world = await ledgerWorld(db.dataSource)
    userId = await world.user(1_000n)
    const turn = { ...newTurn(), userId }
    const placed = await world.transactions.run((tx) => world.ledger.placeHold({ ...turn, amount: 50n }, tx))
    if (!placed.held) throw new Error('not held')
    const calls = [world.call(20), world.call(0, { call: 1 })]
    await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, holdId: placed.holdId, calls }, tx))
    await world.transactions.run((tx) => world.ledger.recordLoss({ ...turn, attempt: 2, calls: [world.call(9)] }, tx))
    await world.user(0n)
  })

  /** Edits what nobody may edit, verifies, and puts it back. */
  async function tampered(table: string, edit: string, undo: string): Promise<string[]> {
    const write = async (sql: string) => {
      await db.dataSource.transaction(async (tx) => {
        await tx.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
        await tx.query(sql)
        await tx.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`)
      })
    }
    await write(edit)
    const rules = (await differencesOf(db.dataSource)).map(({ rule }) => rule)
    await write(undo)
    expect(await differencesOf(db.dataSource), 'put back').to.deep.equal([])
    return rules
  }

  it('prints figures that sum to zero', async () => {
    const { figures, differences } = await verifyLedger(db.dataSource)
    expect(differences).to.deep.equal([])
    expect(figures).to.deep.include({
      accounts: '2',
      chargedCalls: '2',
      lostCalls: '1',
      pendingHolds: '0',
      available: '0.000980',
      held: '0.000000',
      grants: '-0.001000',
      revenue: '0.000029',
      losses: '-0.000009',
      sum: '0.000000',
    })
  })

  const BALANCES = 'each balance is the sum of its entries'
  const CHAIN = 'each entry leads from the balances before it to those after it, without a gap'
  const POSTINGS = 'each charged call has exactly one posting, or an explicit one of zero'
  const tricks: { name: string; table: string; edit: string; undo: string; rules: string[] }[] = [
    {
      name: 'a balance that grew by itself',
      table: 'accounts',
      edit: 'UPDATE accounts SET available = available + 1, granted = granted + 1 WHERE entries > 0',
      undo: 'UPDATE accounts SET available = available - 1, granted = granted - 1 WHERE entries > 0',
      rules: [BALANCES, 'all accounts sum to zero'],
    },
    {
      name: 'an account without entries that owns something',
      table: 'accounts',
      edit: 'UPDATE accounts SET available = 5, granted = 5 WHERE entries = 0',
      undo: 'UPDATE accounts SET available = 0, granted = 0 WHERE entries = 0',
      rules: [BALANCES, 'all accounts sum to zero'],
    },
    {
      name: 'an entry of another amount',
      table: 'ledger_entries',
      edit: `UPDATE ledger_entries SET amount = amount + 1 WHERE kind = 'post' AND amount = 20`,
      undo: `UPDATE ledger_entries SET amount = amount - 1 WHERE kind = 'post' AND amount = 21`,
      rules: [BALANCES, CHAIN, POSTINGS],
    },
    {
      name: 'a posting that is gone, even one of zero',
      table: 'ledger_entries',
      edit: `UPDATE ledger_entries SET call_id = id, kind = 'hold' WHERE kind = 'post' AND amount = 0`,
      undo: `UPDATE ledger_entries SET kind = 'post' WHERE kind = 'hold' AND amount = 0`,
      rules: ['each entry is a transfer that its kind allows', POSTINGS],
    },
    {
      name: 'a transfer into the wrong account',
      table: 'ledger_entries',
      edit: `UPDATE ledger_entries SET debit_account = 'grants' WHERE kind = 'loss'`,
      undo: `UPDATE ledger_entries SET debit_account = 'losses' WHERE kind = 'loss'`,
      rules: ['each entry is a transfer that its kind allows'],
    },
    {
      name: 'a loss that nobody booked',
      table: 'metered_calls',
      edit: `UPDATE metered_calls SET amount = 19 WHERE outcome = 'lost'`,
      undo: `UPDATE metered_calls SET amount = 9 WHERE outcome = 'lost'`,
      rules: [
        'what a call cost and nobody was charged for is a loss, once',
        'each call costs what its price version says',
      ],
    },
    {
      name: 'a price that was edited',
      table: 'price_versions',
      edit: 'UPDATE price_versions SET output_per_mtok = output_per_mtok * 2',
      undo: 'UPDATE price_versions SET output_per_mtok = output_per_mtok / 2',
      rules: ['each call costs what its price version says'],
    },
    {
      name: 'a call of fewer tokens than none',
      table: 'metered_calls',
      edit: `UPDATE metered_calls SET cached_input_tokens = -1 WHERE outcome = 'lost'`,
      undo: `UPDATE metered_calls SET cached_input_tokens = 0 WHERE outcome = 'lost'`,
      rules: ['no call used a negative number of tokens'],
    },
    {
      name: 'a hold that forgot what came out of it',
      table: 'holds',
      edit: 'UPDATE holds SET released = released + 1',
      undo: 'UPDATE holds SET released = released - 1',
      rules: ['what the holds of a turn gave back is in the entries'],
    },
    {
      name: 'a hold that was resolved without an entry',
      table: 'ledger_entries',
      edit: `UPDATE ledger_entries SET hold_id = run_id WHERE kind = 'release'`,
      undo: `UPDATE ledger_entries SET hold_id = (SELECT hold_id FROM ledger_entries WHERE kind = 'hold' AND amount = 50) WHERE kind = 'release'`,
      rules: ['what was put into a hold came out of it when it was resolved'],
    },
  ]
  for (const { name, table, edit, undo, rules } of tricks) {
    it(`finds ${name}`, async () => {
      expect(await tampered(table, edit, undo)).to.include.members(rules)
    })
  }

  it('finds a hold that no claim on a turn stands behind', async () => {
    const turn = newTurn()
    await world.transactions.run((tx) => world.ledger.placeHold({ ...turn, userId, amount: 5n }, tx))
    const { differences } = await verifyLedger(db.dataSource)
    expect(differences.map(({ rule, count }) => [rule, count])).to.deep.equal([
      ['no hold outlives the claim of its turn', 1],
    ])
    expect(differences[0]?.examples[0]).to.include({ runId: turn.runId, turn: 0, status: null })
    await world.transactions.run((tx) => world.ledger.voidHold(turn, tx))
  })

  describe('as a command', () => {
    const verify = () =>
      run(process.execPath, ['src/credits/verify.ts'], { env: { ...process.env, DATABASE_URL: db.url } }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
      )

    it('says zero differences and exits 0', async () => {
      const { code, stdout } = await verify()
      expect(stdout)
        .to.match(/sum of all accounts +0\.000000/)
        .and.to.match(/zero differences/)
      expect(code).to.equal(0)
    })

    it('says what is wrong and exits 1', async () => {
      await db.dataSource.query('UPDATE accounts SET spent = spent + 1, available = available - 1 WHERE entries > 0')
      const { code, stdout } = await verify()
      expect(code).to.equal(1)
      expect(stdout).to.include(`NOT TRUE that ${BALANCES}: 1`).and.to.include(userId)
      await db.dataSource.query('UPDATE accounts SET spent = spent - 1, available = available + 1 WHERE entries > 0')
    })
  })
})
