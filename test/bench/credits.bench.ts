import { randomUUID } from 'node:crypto'
import type { DataSource } from 'typeorm'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { ledgerWorld, newTurn } from '../integration/ledger-fixtures.ts'
import type { Bench } from './bench-run.ts'
import { atLeast, interleave } from './harness.ts'
import { closedLoop } from './load-http.ts'

/** Connections that are busy at once: the pool of one process (`DATABASE_POOL`), and those of a web and a worker process. */
const CROWDS = [20, 40]
const USERS = 500
const ROUNDS = 4
const SLICE_MS = 1_200
/** What the ledger must reach in the crowd of two processes, as a share of bare single-row updates by the same crowd. */
const HOT_SHARE = 0.3
const SPREAD_SHARE = 0.8

const OPERATIONS = ['bare', 'hot', 'spread', 'rolling'] as const
type Operation = (typeof OPERATIONS)[number]

async function prepare(db: DataSource, accounts: number): Promise<Record<Operation, () => Promise<void>>> {
  const { ledger, user, call } = await ledgerWorld(db)
  const users = await Promise.all(Array.from({ length: accounts }, () => user(10n ** 15n)))
  await db.query('CREATE TABLE counters (id integer PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50)')
  await db.query('INSERT INTO counters VALUES (1, 0)')
  const calls = [call(300)]

  const holdAndPost = async (userId: string, extensions = 0) => {
    const turn = { ...newTurn(), userId }
    const placed = await ledger.placeHold({ ...turn, amount: 1_000n }, db.manager)
    if (!placed.held) throw new Error('The account is empty.')
    const { holdId } = placed
    for (let step = 0; step < extensions; step++) {
      await ledger.extendHold({ ...turn, holdId, amount: 1_000n, key: randomUUID() }, db.manager)
    }
    const { charged } = await ledger.settleHold({ ...turn, holdId, calls }, db.manager)
    if (charged !== 300n) throw new Error(`${charged} were charged instead of 300.`)
  }
  let next = 0
  return {
    bare: async () => void (await db.query('UPDATE counters SET n = n + 1 WHERE id = 1')),
    hot: () => holdAndPost(users[0] ?? ''),
    rolling: () => holdAndPost(users[0] ?? '', 2),
    spread: () => holdAndPost(users[next++ % accounts] ?? ''),
  }
}

/**
 * One hot account and 500 accounts: a hold and its settlement with one call (two transactions, the second synced to disk), per
 * second, beside bare updates of one row in the same run, by as many clients over the same pool.
 */
export async function run({ stage, report, say, quick }: Bench): Promise<void> {
  await stage.clear()
  const crowds = quick ? [4] : CROWDS
  const accounts = quick ? 10 : USERS
  const poolSize = Math.max(...crowds)
  const database = await stage.createDatabase()
  const db = await createDataSource({ url: database.url, entities: allEntities, poolSize }).initialize()
  try {
    const operations = await prepare(db, accounts)
    for (const clients of crowds) {
      const measure = async (name: Operation) => {
        const done = await closedLoop(Array(clients).fill(operations[name]), { ms: quick ? 50 : SLICE_MS })
        return (done.turns * 1_000) / done.ms
      }
      const results = await interleave(OPERATIONS, quick ? 1 : ROUNDS, measure)
      const bare = { name: 'bare single-row UPDATE', samples: results('bare') }
      const add = (name: string, samples: number[], share?: number) =>
        report({
          name: `${clients} connections, ${name}`,
          unit: '/s',
          samples,
          baseline: bare,
          target: share !== undefined && clients === poolSize ? atLeast(share, 'ratio') : undefined,
        })
      add('one hot account: hold + post', results('hot'), HOT_SHARE)
      add('one hot account: hold + 2 extensions + post', results('rolling'))
      add(`${accounts} accounts: hold + post`, results('spread'), SPREAD_SHARE)
    }
    const { figures, differences } = await verifyLedger(db)
    const broken = differences.filter(({ rule }) => rule !== 'no hold outlives the claim of its turn')
    say(`audit of ${figures.entries} entries: ${broken.length} differences`)
    if (broken.length > 0) throw new Error(JSON.stringify(broken))
  } finally {
    await db.destroy()
    await database.drop()
  }
}
