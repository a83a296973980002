import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataSource } from 'typeorm'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { allEntities } from '../../src/entities.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { ledgerWorld, newTurn } from '../integration/ledger-fixtures.ts'

const CLIENTS = 20
const USERS = 500
const ROUNDS = 7
const SLICE_MS = 1_500
/** What the ledger must reach, as a share of bare single-row updates. */
const HOT_SHARE = 0.3
const SPREAD_SHARE = 0.8

/** Operations per second of `CLIENTS` that each do one after the other. */
async function rate(operation: (client: number) => Promise<void>): Promise<number> {
  const started = performance.now()
  let done = 0
  const client = async (_: unknown, index: number) => {
    while (performance.now() < started + SLICE_MS) {
      await operation(index)
      done += 1
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return (done * 1_000) / (performance.now() - started)
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

async function measure(db: DataSource): Promise<Record<'bare' | 'hot' | 'rolling' | 'spread', number[]>> {
  const { ledger, user, call } = await ledgerWorld(db)
  const users = await Promise.all(Array.from({ length: USERS }, () => user(10n ** 15n)))
  await db.query('CREATE TABLE counters (id integer PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50)')
  await db.query('INSERT INTO counters VALUES (1, 0)')
  const calls = [call(300)]

  const holdAndPost = async (userId: string, extensions = 0) => {
    const turn = { ...newTurn(), userId }
    const placed = await ledger.placeHold(db.manager, { ...turn, amount: 1_000n })
    if (!placed.held) throw new Error('The account is empty.')
    const { holdId } = placed
    for (let step = 0; step < extensions; step++) {
      await ledger.extendHold(db.manager, { holdId, amount: 1_000n, key: randomUUID() })
    }
    const { charged } = await ledger.settleHold(db.manager, { ...turn, holdId, calls })
    if (charged !== 300n) throw new Error(`${charged} were charged instead of 300.`)
  }
  let next = 0
  const operations = {
    bare: async () => void (await db.query('UPDATE counters SET n = n + 1 WHERE id = 1')),
    hot: () => holdAndPost(users[0] ?? ''),
    rolling: () => holdAndPost(users[0] ?? '', 2),
    spread: () => holdAndPost(users[next++ % USERS] ?? ''),
  }
  const results = { bare: [], hot: [], rolling: [], spread: [] } as Record<keyof typeof operations, number[]>
  // The first round warms up. Slices take turns, so that whatever else the machine does falls on all of them.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of ['bare', 'hot', 'spread', 'rolling'] as const) {
      const perSecond = await rate(operations[name])
      if (round > 0) results[name].push(perSecond)
    }
  }
  return results
}

/**
 * One hot account and 500 accounts: a hold and its settlement with one call (two transactions, each synced to disk), per
 * second, beside bare updates of one row in the same run, by as many clients over the same pool.
 */
export async function run(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatsparty-bench-'))
  const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger })
  try {
    await migrate(server.url)
    const db = await createDataSource({ url: server.url, entities: allEntities, poolSize: CLIENTS }).initialize()
    try {
      const results = await measure(db)
      const shareOf = (name: 'hot' | 'rolling' | 'spread') =>
        median(results[name].map((value, round) => value / (results.bare[round] ?? 1)))
      const line = (label: string, name: keyof typeof results, share?: number, least?: number) =>
        console.log(
          `${label.padEnd(44)} ${median(results[name]).toFixed(0).padStart(6)}/s` +
            (share === undefined ? '' : `  ${share.toFixed(2)} of bare`) +
            (least === undefined ? '' : ` (at least ${least})`),
        )
      const [hot, spread] = [shareOf('hot'), shareOf('spread')]
      line('bare single-row UPDATE', 'bare')
      line('one hot account: hold + post', 'hot', hot, HOT_SHARE)
      line('one hot account: hold + 2 extensions + post', 'rolling', shareOf('rolling'))
      line(`${USERS} accounts: hold + post`, 'spread', spread, SPREAD_SHARE)
      const { figures, differences } = await verifyLedger(db)
      const broken = differences.filter(({ rule }) => rule !== 'no hold outlives the claim of its turn')
      console.log(`audit of ${figures.entries} entries: ${broken.length} differences`)
      if (broken.length > 0) throw new Error(JSON.stringify(broken))
      if (hot < HOT_SHARE || spread < SPREAD_SHARE) throw new Error('The ledger is slower than it must be.')
    } finally {
      await db.destroy()
    }
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
