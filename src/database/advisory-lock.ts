import type { DataSource, QueryRunner } from 'typeorm'
import { z } from 'zod'

const answer = z.tuple([z.object({ locked: z.boolean() })])

const tryLock = async (session: QueryRunner, name: string): Promise<boolean> => {
  const sql = 'SELECT pg_try_advisory_lock(hashtextextended($1, 1)) AS locked'
  return answer.parse(await session.query(sql, [name]))[0].locked
}

/**
 * Takes a lock that all processes share for as long as this process lives; false when another has it. Answers how to
 * give it back.
 */
export async function holdAdvisoryLock(
  db: DataSource,
  name: string,
): Promise<{ held: boolean; release: () => Promise<void> }> {
  const session = db.createQueryRunner()
  try {
    const held = await tryLock(session, name)
    if (!held) await session.release()
    const unlock = 'SELECT pg_advisory_unlock(hashtextextended($1, 1))'
    const release = () => session.query(unlock, [name]).finally(() => session.release())
    return { held, release: held ? release : async () => {} }
  } catch (error) {
    await session.release()
    throw error
  }
}

/**
 * Runs work while holding a lock that all processes share, or not at all when another holds it. The lock belongs to a
 * database session, so a process that dies gives it back.
 */
export async function withAdvisoryLock(db: DataSource, name: string, work: () => Promise<void>): Promise<boolean> {
  const session = db.createQueryRunner()
  try {
    if (!(await tryLock(session, name))) return false
    try {
      await work()
    } finally {
      await session.query('SELECT pg_advisory_unlock(hashtextextended($1, 1))', [name])
    }
    return true
  } finally {
    await session.release()
  }
}
