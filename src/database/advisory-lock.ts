import type { DataSource, QueryRunner } from 'typeorm'
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
} as const
export type OwnerLock = keyof typeof OWNER_LOCKS

/** Locks of a database session, for work that one process at a time does. A process that dies gives them back. */
const PROCESS_LOCKS = {
  /** Sweeping up after what was lost: several at once find the same and only cost more. */
  reconciler: "hashtextextended('reconciler', 1)",
  /** The first administrator is made by one process, and the others wait: its generated password is in one file. */
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

/** Waits for a lock, which this session then holds until it ends. */
export async function lockSession(lock: ProcessLock, session: QueryRunner): Promise<void> {
  await session.query(`SELECT pg_advisory_lock(${PROCESS_LOCKS[lock]})`)
}

const answer = z.tuple([z.object({ locked: z.boolean() })])

const tryLock = async (lock: ProcessLock, session: QueryRunner): Promise<boolean> =>
  answer.parse(await session.query(`SELECT pg_try_advisory_lock(${PROCESS_LOCKS[lock]}) AS locked`))[0].locked

async function unlock(lock: ProcessLock, session: QueryRunner): Promise<void> {
  await session.query(`SELECT pg_advisory_unlock(${PROCESS_LOCKS[lock]})`)
}

/** Takes a lock that all processes share until it is released or this process dies; `held` is false when another has it. */
export async function holdAdvisoryLock(
  db: DataSource,
  lock: ProcessLock,
): Promise<{ held: boolean; release: () => Promise<void> }> {
  const session = db.createQueryRunner()
  try {
    const held = await tryLock(lock, session)
    if (!held) await session.release()
    const release = () => unlock(lock, session).finally(() => session.release())
    return { held, release: held ? release : async () => {} }
  } catch (error) {
    await session.release()
    throw error
  }
}

/** Runs work while holding a lock that all processes share, or not at all when another holds it. */
export async function withAdvisoryLock(db: DataSource, lock: ProcessLock, work: () => Promise<void>): Promise<void> {
  const { held, release } = await holdAdvisoryLock(db, lock)
  if (!held) return
  try {
    await work()
  } finally {
    await release()
  }
}

/** Runs work while holding a lock that all processes share; waits for it. */
export async function whileLocked<T>(db: DataSource, lock: ProcessLock, work: () => Promise<T>): Promise<T> {
  const session = db.createQueryRunner()
  try {
    await lockSession(lock, session)
    try {
      return await work()
    } finally {
      await unlock(lock, session)
    }
  } finally {
    await session.release()
  }
}
