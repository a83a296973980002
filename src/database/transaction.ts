import { type DataSource, type EntityManager, QueryFailedError } from 'typeorm'
import { AppError } from '../shared/errors.ts'
import { isReadOnly } from './trouble.ts'

/** A database transaction in progress. Services pass it on; only repositories look inside. */
export type Tx = EntityManager

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const ATTEMPTS = 4

/** The SQLSTATE of a failed query, what it says besides, and the constraint it broke, if any. */
function databaseError(error: unknown): { code?: string; detail?: string; constraint?: string } {
  if (!(error instanceof QueryFailedError)) return {}
  const { code, detail, constraint } = error.driverError as { code?: string; detail?: string; constraint?: string }
  return { code, detail, constraint }
}

/** The detail of what a function of ours raised under this SQLSTATE; undefined for every other error. */
export function raised(error: unknown, sqlState: string): string | undefined {
  const { code, detail = '' } = databaseError(error)
  return code === sqlState ? detail : undefined
}

/** True when the error is a violation of this unique constraint or index. */
export const isUniqueViolation = (error: unknown, constraint: string): boolean => {
  const { code, constraint: broken } = databaseError(error)
  return code === '23505' && broken === constraint
}

/** The foreign key that a write broke, if it did: what it refers to is gone, or what it deletes is referred to. */
export function brokenReference(error: unknown): string | undefined {
  const { code, constraint } = databaseError(error)
  return code === '23503' ? constraint : undefined
}

/** What `runs_refuse_suspended` raises. */
const SUSPENDED = 'CP002'

/** Foreign keys are called `<table>_<column without _id>_fk`. */
const USER_REFERENCE = /_user_fk$/

/** What a failed write means to whoever asked for it: an account that was deleted or suspended meanwhile has no session any more. */
export function accountGone(error: unknown): unknown {
  if (databaseError(error).code === SUSPENDED) return new AppError('auth.suspended')
  return USER_REFERENCE.test(brokenReference(error) ?? '') ? new AppError('auth.unauthorized/deleted') : error
}

/** Runs work in a READ COMMITTED transaction. */
export class Transactions {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /**
   * Commits what `work` did, or nothing of it. A deadlock or serialization failure is tried again, and so is what met a server that
   * only reads (the connection to it is gone then), so `work` must have no effects outside the transaction.
   * @throws AppError 401 `auth.unauthorized` when it writes for a user who was deleted meanwhile, 403 `auth.suspended` when it
   * begins a run of one who was suspended.
   */
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#tried(() => this.#db.transaction(work))
  }

  /**
   * The same for work that is ONE statement (such as a call of a function): it is a transaction by itself, so what it locks is
   * locked while the database works, and not while an answer and a COMMIT are on their way. A process that dies meanwhile
   * leaves all of it or nothing, as the database decides.
   *
   * @param beforeCommit for tests that kill the process between the statement and its commit: with it, there is such a moment
   */
  once<T>(statement: (tx: Tx) => Promise<T>, beforeCommit?: (result: T) => void): Promise<T> {
    if (!beforeCommit) return this.#tried(() => statement(this.#db.manager))
    return this.run(async (tx) => {
      const result = await statement(tx)
      beforeCommit(result)
      return result
    })
  }

  async #tried<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        const { code } = databaseError(error)
        const retryable = code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED || isReadOnly(error)
        if (!retryable || attempt >= ATTEMPTS) throw accountGone(error)
      }
    }
  }
}
