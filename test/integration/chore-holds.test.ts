import { expect } from 'chai'
import { ChoreHolds } from '../../src/credits/chore-holds.ts'
import { LedgerRepository } from '../../src/credits/ledger.repository.ts'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { type LedgerWorld, ledgerWorld } from './ledger-fixtures.ts'

describe('Holds of titles and summaries', () => {
  const db = useDatabase()
  let world: LedgerWorld
  let holds: ChoreHolds

  before(async () => {
    world = await ledgerWorld(db.dataSource)
    const repository = new LedgerRepository(db.dataSource)
    holds = new ChoreHolds({ ...world, repository })
  })
  afterEach(async () => expect((await verifyLedger(db.dataSource)).differences).to.deep.equal([]))

  const chore = async (grant: bigint, kind: 'title' | 'summary' = 'title') => ({
    kind,
    userId: await world.user(grant),
    conversationId: newId(),
  })
  const balance = async (userId: string) => {
    const { available, held, spent } = await world.ledger.balance(userId)
    return [available, held, spent]
  }

  it('are taken before the call, pay it, and give back the rest', async () => {
    const title = await chore(100n)
    const hold = await holds.place(title, 70n)
    expect(await balance(title.userId)).to.deep.equal([30n, 70n, 0n])
    if (!hold) throw new Error('nothing was held')
    const paid = await world.transactions.run((tx) => holds.settle(hold, [world.call(40, { purpose: 'title' })], tx))
    expect(paid).to.deep.include({ charged: 40n, lost: 0n })
    expect(await balance(title.userId)).to.deep.equal([60n, 0n, 40n])
  })

  it('are refused where credits do not reach; nothing is held then', async () => {
    const summary = await chore(10n, 'summary')
    expect(await holds.place(summary, 11n)).to.equal(undefined)
    expect(await balance(summary.userId)).to.deep.equal([10n, 0n, 0n])
  })

  it('of a process that died come back: with the next of their kind, and by themselves', async () => {
    const title = await chore(100n)
    await holds.place(title, 70n)
    await holds.place(title, 60n)
    expect(await balance(title.userId), 'the second in the place of the first').to.deep.equal([40n, 60n, 0n])
    await holds.releaseStale()
    expect(await balance(title.userId), 'a call may be under way').to.deep.equal([40n, 60n, 0n])
    await db.dataSource.query(`UPDATE holds SET created_at = now() - interval '31 minutes' WHERE user_id = $1`, [
      title.userId,
    ])
    await holds.releaseStale()
    expect(await balance(title.userId)).to.deep.equal([100n, 0n, 0n])
  })
})
