import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataSource } from 'typeorm'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { allEntities } from '../../src/entities.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { ledgerWorld, newTurn } from '../integration/ledger-fixtures.ts'

/** Connections that are busy at once: the pool of one process (`DATABASE_POOL`), and those of a web and a worker process. */
const CROWDS = [20, 40]
const USERS = 500
const ROUNDS = 5
const SLICE_MS = 1_200
/** What the ledger must reach in the crowd of two processes, as a share of bare single-row updates by the same crowd. */
const HOT_SHARE = 0.3
const SPREAD_SHARE = 0.8

/** Operations per second of `clients` that each do one after the other. */
async function rate(clients: number, operation: () => Promise<void>): Promise<number> {
  const started = performance.now()
  let done = 0
  const client = async () => {
    while (performance.now() < started + SLICE_MS) {
      await operation()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return (done * 1_000) / (performance.now() - started)
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

type Operation = 'bare' | 'hot' | 'rolling' | 'spread'

async function prepare(db: DataSource): Promise<Record<Operation, () => Promise<void>>> {
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
      await ledger.extendHold(db.manager, { ...turn, holdId, amount: 1_000n, key: randomUUID() })
    }
    const { charged } = await ledger.settleHold(db.manager, { ...turn, holdId, calls })
    if (charged !== 300n) throw new Error(`${charged} were charged instead of 300.`)
  }
  let next = 0
  return {
    bare: async () => void (await db.query('UPDATE counters SET n = n + 1 WHERE id = 1')),
    hot: () => holdAndPost(users[0] ?? ''),
    rolling: () => holdAndPost(users[0] ?? '', 2),
    spread: () => holdAndPost(users[next++ % USERS] ?? ''),
  }
}

async function measure(
  operations: Record<Operation, () => Promise<void>>,
  clients: number,
): Promise<Record<Operation, number[]>> {
  const results: Record<Operation, number[]> = { bare: [], hot: [], rolling: [], spread: [] }
  // The first round warms up. Slices take turns, so that whatever else the machine does falls on all of them.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of ['bare', 'hot', 'spread', 'rolling'] as const) {
      const perSecond = await rate(clients, operations[name])
      if (round > 0) results[name].push(perSecond)
    }
  }
  return results
}

/** Prints the figures of one crowd and answers the shares that are asked for. */
function report(results: Record<Operation, number[]>, clients: number): { hot: number; spread: number } {
  const shareOf = (name: Operation) =>
    median(results[name].map((value, round) => value / (results.bare[round] ?? Number.NaN)))
  const line = (label: string, name: Operation) => {
    const share = name === 'bare' ? '' : `  ${shareOf(name).toFixed(2)} of bare`
    console.log(`${label.padEnd(44)} ${median(results[name]).toFixed(0).padStart(6)}/s${share}`)
  }
  console.log(`${clients} connections`)
  line('  bare single-row UPDATE', 'bare')
  line('  one hot account: hold + post', 'hot')
  line('  one hot account: hold + 2 extensions + post', 'rolling')
  line(`  ${USERS} accounts: hold + post`, 'spread')
  return { hot: shareOf('hot'), spread: shareOf('spread') }
}

/**
 * One hot account and 500 accounts: a hold and its settlement with one call (two transactions, the second synced to disk), per
 * second, beside bare updates of one row in the same run, by as many clients over the same pool.
 */
export async function run(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatsparty-bench-'))
  const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger })
  try {
    await migrate(server.url)
    const poolSize = Math.max(...CROWDS)
    const db = await createDataSource({ url: server.url, entities: allEntities, poolSize }).initialize()
    try {
      const operations = await prepare(db)
      let shares = { hot: 0, spread: 0 }
      for (const clients of CROWDS) shares = report(await measure(operations, clients), clients)
      console.log(
        `asked: at least ${HOT_SHARE} on one account and ${SPREAD_SHARE} on ${USERS}, with ${poolSize} connections`,
      )
      const { figures, differences } = await verifyLedger(db)
      const broken = differences.filter(({ rule }) => rule !== 'no hold outlives the claim of its turn')
      console.log(`audit of ${figures.entries} entries: ${broken.length} differences`)
      if (broken.length > 0) throw new Error(JSON.stringify(broken))
      if (shares.hot < HOT_SHARE || shares.spread < SPREAD_SHARE)
        throw new Error('The ledger is slower than it must be.')
    } finally {
      await db.destroy()
    }
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
