import type { DataSource } from 'typeorm'
import { z } from 'zod'

const answer = z.tuple([z.object({ locked: z.boolean() })])

/**
 * Runs work while holding a lock that all processes share, or not at all when another holds it. The lock belongs to a
 * database session, so a process that dies gives it back.
 */
export async function withAdvisoryLock(db: DataSource, name: string, work: () => Promise<void>): Promise<boolean> {
  const session = db.createQueryRunner()
  try {
    const key = [name]
    const [{ locked }] = answer.parse(
      await session.query('SELECT pg_try_advisory_lock(hashtextextended($1, 1)) AS locked', key),
    )
    if (!locked) return false
    try {
      await work()
    } finally {
      await session.query('SELECT pg_advisory_unlock(hashtextextended($1, 1))', key)
    }
    return true
  } finally {
    await session.release()
  }
}
