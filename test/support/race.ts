import type { DataSource } from 'typeorm'

/**
 * Lets `work` run into a change that another transaction has made and not yet committed; commits when a session of the
 * database waits for it. What is checked before the change is seen is then as it was, what is written after it is not.
 */
export async function whileUncommitted<T>(
  db: DataSource,
  sql: string,
  parameters: unknown[],
  work: () => Promise<T>,
): Promise<T> {
  const other = db.createQueryRunner()
  await other.startTransaction()
  try {
    await other.query(sql, parameters)
    const outcome = work()
    const isBlocked = async () => {
      const [{ blocked }] = await db.query(
        `SELECT count(*)::int AS blocked FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return blocked > 0
    }
    const ended = outcome.then(
      () => true,
      () => true,
    )
    while (!(await isBlocked())) {
      const pause = new Promise<false>((resolve) => setTimeout(() => resolve(false), 5))
      if (await Promise.race([ended, pause])) throw new Error('it ended without waiting for the other transaction')
    }
    await other.commitTransaction()
    return await outcome
  } finally {
    if (other.isTransactionActive) await other.rollbackTransaction()
    await other.release()
  }
}
