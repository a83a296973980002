import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { DataSource } from 'typeorm'
import { z } from 'zod'
import type { Tx } from './transaction.ts'

/**
 * Locks of one user's (or the platform's) affairs, held until the transaction ends. A lock is this number and the hash of
 * the owner's id; two owners of one hash wait for each other now and then, no more. The functions in `.sql` files write the
 * number.
 */
export const OWNER_LOCKS = {
  /** The queue before an account: a crowd that waits for its row is woken in vain (`ledger.sql`). */
  account: 400,
  /** Counting a user's turns in the queue and letting more in are one step, or two that count at once exceed the limit (`turns.sql`). */
  admission: 401,
  /** Counting a user's stored files and adding one are one step, or two uploads at once exceed the quota. */
  storageQuota: 402,
  /** Taking the default away from one connection and giving it to another are one step, or two at once break the unique index. */
  defaultConnection: 403,
  /** Counting what a user has of agents, connections or conversations and adding one are one step (`accept.sql`). */
  counts: 404,
  /** Counting a user's calls of a tool within a minute and starting one are one step, or several at once exceed the limit (`tool-calls.sql`). */
  toolCalls: 405,
  /** Looking at the day's budget of grants and spending it are one step, or two at once exceed it. */
  grants: 420,
  /** Two archives of one user at once cost twice and give the same. */
  exports: 430,
  /** Counting the mails of an hour and writing one are one step, or two at once exceed the limit. */
  mails: 421,
} as const
export type OwnerLock = keyof typeof OWNER_LOCKS

/** Locks of what one process at a time does. A process that dies gives them back. */
const PROCESS_LOCKS = {
  /** Sweeping up after what was lost: several at once find the same and only cost more. */
  reconciler: "hashtextextended('reconciler', 1)",
  /** What is there from the beginning is made by one process, and the others wait: the administrator's password is in one file. */
  seeding: "hashtextextended('seeding', 1)",
  /** Deleting what has expired: as above. */
  cleaning: "hashtextextended('cleaning', 1)",
  /** The only process on this database, which may take every lease for a dead one's. Versions share it, so it never changes. */
  embedded: "hashtextextended('embedded', 1)",
  /** The schema is changed by one process, and the others wait. Versions share it, so it never changes. */
  migrations: '728064001',
} as const
export type ProcessLock = keyof typeof PROCESS_LOCKS

/** Stands for the platform where a lock wants an owner. */
const PLATFORM = '00000000-0000-0000-0000-000000000000'

/** Waits for a lock of this owner (null: the platform) and holds it until the transaction ends. */
export async function lockOwner(lock: OwnerLock, ownerId: string | null, tx: Tx): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1, uuid_hash($2))', [OWNER_LOCKS[lock], ownerId ?? PLATFORM])
}

const answer = z.tuple([z.object({ locked: z.boolean() })])

/** The same where somebody else who has it is not waited for: then false. */
export async function tryLockOwner(lock: OwnerLock, ownerId: string, tx: Tx): Promise<boolean> {
  const sql = 'SELECT pg_try_advisory_xact_lock($1, uuid_hash($2)) AS locked'
  const [{ locked }] = answer.parse(await tx.query(sql, [OWNER_LOCKS[lock], ownerId]))
  return locked
}

/**
 * Runs work while holding a lock that all processes share; undefined, without it, when another holds it. The lock ends with a
 * transaction that is open meanwhile, on a connection of its own: a session's lock would stay behind in a pooler's.
 *
 * @param idleMs how long that transaction may be silent; a process that hangs loses the lock then
 */
export function withAdvisoryLock<T>(
  db: DataSource,
  lock: ProcessLock,
  work: () => Promise<T>,
  idleMs?: number,
): Promise<{ value: T } | undefined> {
  return db.transaction(async (tx) => {
    if (idleMs !== undefined) await tx.query(`SET LOCAL idle_in_transaction_session_timeout = ${idleMs}`)
    const sql = `SELECT pg_try_advisory_xact_lock(${PROCESS_LOCKS[lock]}) AS locked`
    const [{ locked }] = answer.parse(await tx.query(sql))
    return locked ? { value: await work() } : undefined
  })
}

/** Runs work while holding a lock that all processes share; waits for it. Held as by `withAdvisoryLock`. */
export async function whileLocked<T>(db: DataSource, lock: ProcessLock, work: () => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query(`SELECT pg_advisory_xact_lock(${PROCESS_LOCKS[lock]})`)
    return work()
  })
}

/** Whether somebody else has done with the schema is looked at this often, in ms. */
const MIGRATION_POLL_MS = 500

/** Runs work while no other process changes the schema; waits for one that does, and says so once. */
export async function withMigrationLock<T>(
  db: DataSource,
  say: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  for (let isTold = false; ; isTold = true) {
    const done = await withAdvisoryLock(db, 'migrations', work, 0)
    if (done) return done.value
    if (!isTold) say('another process is changing the schema: waiting for it')
    await sleep(MIGRATION_POLL_MS)
  }
}

/**
 * Takes a lock that all processes share until it is released or this process dies; `held` is false when another has it. It needs
 * a session of its own, so `url` must not lead through a pooler in transaction mode.
 */
export async function holdAdvisoryLock(
  url: string,
  lock: ProcessLock,
): Promise<{ held: boolean; release: () => Promise<void> }> {
  const session = new Client({ connectionString: url, application_name: 'chatsparty:lock', keepAlive: true })
  // A server that goes away takes the lock along; nothing here can be done about it.
  session.on('error', () => {})
  await session.connect()
  const release = () => session.end().catch(() => {})
  try {
    const { rows } = await session.query(`SELECT pg_try_advisory_lock(${PROCESS_LOCKS[lock]}) AS locked`)
    const [{ locked }] = answer.parse(rows)
    if (!locked) await release()
    return { held: locked, release }
  } catch (error) {
    await release()
    throw error
  }
}
