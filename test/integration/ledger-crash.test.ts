import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { createDataSource } from '../../src/database/data-source.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { isUniqueViolation } from '../../src/database/transaction.ts'
import { allEntities } from '../../src/entities.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { runSql } from '../support/global-fixtures.ts'
import { differencesOf, ledgerWorld, newTurn, receiptsOf } from './ledger-fixtures.ts'

/** The longest there is: the log is then flushed by those alone who wait for it. */
const WAL_WRITER_DELAY = '10s'

describe('the ledger when the database crashes', function () {
  this.timeout(60_000)
  let dataDir: string
  let db: DataSource

  let stop: () => Promise<void>
  const start = async () => {
    const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger })
    await migrate(server.url)
    db = await createDataSource({ url: server.url, entities: allEntities, poolSize: 4 }).initialize()
    const slowly = `ALTER SYSTEM SET wal_writer_delay = '${WAL_WRITER_DELAY}'`
    await runSql(server.superUrl, slowly, 'SELECT pg_reload_conf()')
    stop = server.stop
  }
  /** Ends the server as a crash does: nothing is written any more. */
  const crash = async () => {
    await db.destroy()
    const pid = Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0])
    process.kill(pid, 'SIGQUIT')
    await stop()
    await start()
  }

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'ledger-crash-'))
    await start()
  })
  after(async () => {
    await db.destroy()
    await stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  it('forgets at most a hold, and the turn that had it is paid once all the same', async () => {
    const first = await ledgerWorld(db)
    const userId = await first.user(100n)
    const turn = { ...newTurn(), userId }
    const placed = await first.transactions.run((tx) => first.ledger.placeHold({ ...turn, amount: 40n }, tx))
    if (!placed.held) throw new Error('the hold was refused')
    await crash()

    const { ledger, transactions, call } = await ledgerWorld(db)
    expect(await ledger.balance(userId), 'as before the hold').to.include({ available: 100n, held: 0n })
    const { holdId } = placed
    const extension = { ...turn, holdId, amount: 10n, key: 'extend' }
    expect(await transactions.run((tx) => ledger.extendHold(extension, tx))).to.equal('resolved')
    // The worker, on another machine, has heard the model out.
    const settle = () => transactions.run((tx) => ledger.settleHold({ ...turn, holdId, calls: [call(30)] }, tx))
    expect(await settle()).to.deep.equal({ charged: 30n, released: 0n, lost: 0n, available: 70n, held: 0n })
    const again = await settle().catch((error: unknown) => error)
    expect(isUniqueViolation(again, 'metered_calls_attempt_unique')).to.equal(true)
    expect(await ledger.balance(userId)).to.deep.equal({ available: 70n, held: 0n, granted: 100n, spent: 30n })
    expect(await differencesOf(db)).to.deep.equal([])
  })

  it('keeps what was charged, and with it the hold that it was charged from', async () => {
    const first = await ledgerWorld(db)
    const userId = await first.user(100n)
    const turn = { ...newTurn(), userId }
    const placed = await first.transactions.run((tx) => first.ledger.placeHold({ ...turn, amount: 40n }, tx))
    if (!placed.held) throw new Error('the hold was refused')
    const { holdId } = placed
    await first.transactions.run((tx) => first.ledger.settleHold({ ...turn, holdId, calls: [first.call(30)] }, tx))
    await crash()

    const { ledger } = await ledgerWorld(db)
    expect(await ledger.balance(userId)).to.deep.equal({ available: 70n, held: 0n, granted: 100n, spent: 30n })
    expect((await receiptsOf(db, [turn.runId])).get(turn.runId)).to.include({ credits: 30n, released: 10n })
    expect(await differencesOf(db)).to.deep.equal([])
  })
})
