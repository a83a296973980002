import { rows } from './query.ts'
import type { Tx } from './transaction.ts'

/** PostgreSQL cuts longer names off. */
const MAX_NAME_BYTES = 63

const nameByText = new Map<string, string>()
const names = new Set<string>()

/** A statement that is ready to run: gives its rows, whose columns are called as its SQL says. */
export type PreparedStatement<Row> = (parameters: unknown[], tx: Tx) => Promise<Row[]>

/**
 * Declares a hot statement, which each connection then parses and plans once, not each time: a tenth of what it costs the
 * database. For statements of a fixed text that run with every turn or request; declare them where a module is loaded.
 *
 * Two things must stay as they are while connections are open: the columns and types of the answer (name them, not `*`; a
 * function that answers something else takes another name), and that one plan serves all parameters.
 *
 * @param name at most 63 bytes, and no other statement's
 * @throws RangeError when the module is loaded, for a name that is too long, or a name or text that is declared already
 * @example
 * const BALANCE = prepared<{ available: string }>('account_balance', 'SELECT available FROM accounts WHERE user_id = $1')
 * const [account] = await BALANCE([userId], tx)
 */
export function prepared<Row>(name: string, sql: string): PreparedStatement<Row> {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0 || bytes > MAX_NAME_BYTES) {
    throw new RangeError(`A statement's name has 1 to ${MAX_NAME_BYTES} bytes, not ${bytes}: ${name}`)
  }
  if (names.has(name)) throw new RangeError(`Two statements are called ${name}.`)
  const other = nameByText.get(sql)
  if (other) throw new RangeError(`Statement ${name} is ${other} already.`)
  names.add(name)
  nameByText.set(sql, name)
  return (parameters, tx) => rows<Row>(tx, sql, parameters)
}

/** The name that a statement of exactly this text was declared with. */
export const preparedName = (sql: string): string | undefined => nameByText.get(sql)
