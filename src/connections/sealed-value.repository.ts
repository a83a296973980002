import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'

/** A column of sealed texts; `field` is the one of their `SecretPlace`, whose id is the row's. */
export interface SealedColumn {
  table: string
  column: string
  field: string
}

/** One sealed text of a row. */
export interface SealedValue {
  id: string
  sealed: string
}

/** Sealed texts wherever they are, for what concerns the keys and not what is sealed. */
export class SealedValueRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async canary(): Promise<string | undefined> {
    const [row] = await rows<{ sealed: string }>(
      this.#db.manager,
      'SELECT value_sealed AS sealed FROM key_canaries WHERE id = 1',
    )
    return row?.sealed
  }

  /** Keeps the canary that was first, when several processes begin at once. */
  async proposeCanary(sealed: string): Promise<void> {
    await rows(this.#db.manager, 'INSERT INTO key_canaries (id, value_sealed) VALUES (1, $1) ON CONFLICT DO NOTHING', [
      sealed,
    ])
  }

  async replaceCanary(sealed: string): Promise<void> {
    const sql = `INSERT INTO key_canaries (id, value_sealed) VALUES (1, $1)
      ON CONFLICT (id) DO UPDATE SET value_sealed = excluded.value_sealed, updated_at = now()`
    await rows(this.#db.manager, sql, [sealed])
  }

  /** The latest few of a column. */
  latest({ table, column }: SealedColumn, limit: number): Promise<SealedValue[]> {
    const sql = `SELECT id, "${column}" AS sealed FROM "${table}" WHERE "${column}" IS NOT NULL ORDER BY id DESC LIMIT $1`
    return rows(this.#db.manager, sql, [limit])
  }

  /** Those behind `after` (an id, or undefined for the first) that do not begin with `prefix`, in the order of their ids. */
  notBeginningWith(
    { table, column }: SealedColumn,
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<SealedValue[]> {
    const sql = `SELECT id, "${column}" AS sealed FROM "${table}"
      WHERE "${column}" IS NOT NULL AND NOT starts_with("${column}", $1) AND ($2::uuid IS NULL OR id > $2)
      ORDER BY id LIMIT $3`
    return rows(this.#db.manager, sql, [prefix, after ?? null, limit])
  }

  /** Writes those that are still what they were; answers how many were. */
  async replace({ table, column }: SealedColumn, changes: (SealedValue & { next: string })[], tx: Tx): Promise<number> {
    const sql = `UPDATE "${table}" AS t SET "${column}" = change.next
      FROM unnest($1::uuid[], $2::text[], $3::text[]) AS change (id, sealed, next)
      WHERE t.id = change.id AND t."${column}" = change.sealed RETURNING t.id`
    const lists = [changes.map(({ id }) => id), changes.map(({ sealed }) => sealed), changes.map(({ next }) => next)]
    return (await rows(tx, sql, lists)).length
  }
}
