import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'

/** A run that waits for people has a turn open. */
const BETWEEN_TURNS = `NOT EXISTS (SELECT FROM turns t WHERE t.run_id = r.id AND t.status IN ('queued', 'running'))`

/** Which runs wait for files. It is read off the rows of messages and files: nothing else can be forgotten or lost. */
export class FileWaitRepository {
  readonly #db: DataSource
  readonly #waitMs: number

  /** `waitMs`: how long a file is waited for, from the message that brought it. */
  constructor(db: DataSource, waitMs: number) {
    this.#db = db
    this.#waitMs = waitMs
  }

  /** Whether this run has a file to wait for. */
  async hasToWait(runId: string, tx: Tx): Promise<boolean> {
    const sql = 'SELECT run_waits_for_files($1, $2) AS waits'
    const [found] = await rows<{ waits: boolean }>(tx, sql, [runId, this.#waitMs])
    return found?.waits ?? false
  }

  /** Waiting runs that were told of this file. */
  async waitingFor(fileId: string): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT r.id FROM runs r WHERE r.status = 'waiting' AND ${BETWEEN_TURNS} AND EXISTS (
         SELECT FROM messages m WHERE m.run_id = r.id AND m.role = 'user' AND $1 = ANY(m.file_ids))`,
      [fileId],
    )
    return found.map((run) => run.id)
  }

  /** Waiting runs that have nothing to wait for any more; at most 100. */
  async overdue(): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT r.id FROM runs r WHERE r.status = 'waiting' AND r.cancel_requested_at IS NULL AND NOT run_waits_for_files(r.id, $1)
         AND ${BETWEEN_TURNS} ORDER BY r.id LIMIT 100`,
      [this.#waitMs],
    )
    return found.map((run) => run.id)
  }
}
