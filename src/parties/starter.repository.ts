import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'

export class StarterRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Ids of those that were taken away. */
  async removed(tx: Tx = this.#db.manager): Promise<Set<string>> {
    const found = await rows<{ id: string }>(tx, 'SELECT id FROM removed_starters', [])
    return new Set(found.map(({ id }) => id))
  }

  /** False where nothing changed. */
  async offer(id: string, offered: boolean, tx: Tx): Promise<boolean> {
    const sql = offered
      ? 'DELETE FROM removed_starters WHERE id = $1 RETURNING 1'
      : 'INSERT INTO removed_starters (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1'
    return (await rows(tx, sql, [id])).length > 0
  }
}
