import type { Tx } from './transaction.ts'

/**
 * Runs SQL and gives its rows, also for UPDATE and DELETE ... RETURNING (for which TypeORM's driver answers
 * `[rows, count]`). Column names come back as written in the SQL: alias them to camelCase.
 */
export async function rows<Row>(tx: Tx, sql: string, parameters: unknown[] = []): Promise<Row[]> {
  const result: unknown = await tx.query(sql, parameters)
  if (!Array.isArray(result)) return []
  const isPair = result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number'
  return isPair ? result[0] : (result as Row[])
}

/** Rows that one statement of `inBatches` writes. */
const BATCH = 1_000

/**
 * Repeats a statement that writes at most $1 rows and returns each of them, until fewer are left; its own parameters begin with $2.
 * No lock is held for long, and however many rows there are, none are left for another time.
 */
export async function inBatches(tx: Tx, sql: string, parameters: unknown[] = []): Promise<void> {
  for (let written = BATCH; written === BATCH; ) written = (await rows(tx, sql, [BATCH, ...parameters])).length
}

/** A constant list of words as SQL: `('queued', 'running')`. Not for words from outside, which are parameters. */
export const wordList = (words: readonly string[]): string => `(${words.map((word) => `'${word}'`).join(', ')})`
