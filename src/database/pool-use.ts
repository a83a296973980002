import type { DataSource } from 'typeorm'
import { z } from 'zod'

const pool = z.object({ totalCount: z.number(), idleCount: z.number(), waitingCount: z.number() })

/** Connections of this process to PostgreSQL that are used and idle, and who waits for one. */
export function poolUse(db: DataSource): { used: number; idle: number; waiting: number } {
  const { totalCount, idleCount, waitingCount } = pool.parse(Object(db.driver).master)
  return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
}
