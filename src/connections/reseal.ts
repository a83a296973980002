import type { Transactions } from '../database/transaction.ts'
import { sealedCanary } from './key-check.ts'
import type { SealedSecrets } from './sealed-secret.ts'
import type { SealedColumn, SealedValueRepository } from './sealed-value.repository.ts'

/** So many rows are read and written at once. */
const BATCH = 200

export interface ResealDependencies {
  secrets: SealedSecrets
  values: SealedValueRepository
  transactions: Transactions
  columns: readonly SealedColumn[]
  /** Takes what happens, a line at a time. */
  say: (line: string) => void
}

export interface Resealed {
  /** Now under the first key. */
  resealed: number
  /** Rows whose value no key opens, as `table id`. They are left as they are. */
  unreadable: string[]
}

/**
 * Seals every value under the first key of the ring, while the product runs: a value that somebody changes meanwhile is left to
 * the next look. It may be interrupted and begun again; what is done is not looked at twice. When nothing unreadable is left (or
 * `acceptsLoss`), the ring without its other keys is from then on what this database takes for the right one.
 */
export async function reseal(deps: ResealDependencies, acceptsLoss: boolean): Promise<Resealed> {
  const total: Resealed = { resealed: 0, unreadable: [] }
  for (const column of deps.columns) {
    const done = await resealColumn(deps, column)
    total.resealed += done.resealed
    total.unreadable.push(...done.unreadable)
  }
  if (total.unreadable.length === 0 || acceptsLoss) await deps.values.replaceCanary(sealedCanary(deps.secrets))
  return total
}

async function resealColumn(deps: ResealDependencies, column: SealedColumn): Promise<Resealed> {
  const { secrets, values, transactions, say } = deps
  const done: Resealed = { resealed: 0, unreadable: [] }
  for (let after: string | undefined; ; ) {
    const found = await values.notBeginningWith(column, secrets.prefix, after, BATCH)
    const changes: Parameters<SealedValueRepository['replace']>[1] = []
    for (const value of found) {
      const next = resealedOrNot(secrets, value.sealed, { id: value.id, field: column.field })
      if (next === undefined) done.unreadable.push(`${column.table} ${value.id}`)
      else changes.push({ ...value, next })
    }
    if (changes.length > 0) done.resealed += await transactions.once((tx) => values.replace(column, changes, tx))
    if (found.length > 0) say(`${column.table}.${column.column}: ${done.resealed} under the first key`)
    if (found.length < BATCH) return done
    after = found.at(-1)?.id
  }
}

function resealedOrNot(
  secrets: SealedSecrets,
  sealed: string,
  place: { id: string; field: string },
): string | undefined {
  return secrets.opens(sealed, place) ? secrets.seal(secrets.open(sealed, place), place) : undefined
}
