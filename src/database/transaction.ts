import { type DataSource, type EntityManager, QueryFailedError } from 'typeorm'

/** A database transaction in progress. Services pass it on; only repositories look inside. */
export type Tx = EntityManager

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const ATTEMPTS = 4

/** The SQLSTATE of a failed query, and the constraint it broke, if any. */
export function databaseError(error: unknown): { code?: string; constraint?: string } {
  if (!(error instanceof QueryFailedError)) return {}
  const { code, constraint } = error.driverError as { code?: string; constraint?: string }
  return { code, constraint }
}

/** True when the error is a violation of this unique constraint or index. */
export const isUniqueViolation = (error: unknown, constraint: string): boolean => {
  const { code, constraint: broken } = databaseError(error)
  return code === '23505' && broken === constraint
}

/** Runs work in a READ COMMITTED transaction. */
export class Transactions {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /**
   * Commits what `work` did, or nothing of it. A deadlock or serialization failure is tried again, so `work` must have no
   * effects outside the transaction.
   */
  async run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#db.transaction(work)
      } catch (error) {
        const { code } = databaseError(error)
        const retryable = code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED
        if (!retryable || attempt >= ATTEMPTS) throw error
      }
    }
  }
}
