import { Client, type ClientConfig } from 'pg'
import { preparedName } from './prepared-statement.ts'
import { gaveNoAnswer, isSickness } from './trouble.ts'

/**
 * What stands between this process and PostgreSQL, as far as sessions go.
 *
 * - `none`: a session is ours alone. Settings go with the start-up packet, declared statements are prepared.
 * - `session`: a pooler that gives us a server's session for as long as we are connected. It refuses settings in the start-up packet,
 *   so they are sent after connecting.
 * - `transaction`: each transaction may run in another server's session. Nothing that a session keeps is used: no prepared
 *   statements, and settings hold for the transaction that they begin.
 */
export type Pooler = 'none' | 'session' | 'transaction'

/** What a client of ours is told besides where the server is; all times in ms, 0 is without limit. */
export interface DatabaseClientConfig extends ClientConfig {
  pooler?: Pooler
  limits?: SessionLimits
}

/** Limits that the server keeps, in ms. */
export interface SessionLimits {
  statementMs: number
  idleInTransactionMs: number
}

export const settingsOf = ({ statementMs, idleInTransactionMs }: SessionLimits): [name: string, value: number][] => [
  ['statement_timeout', statementMs],
  ['idle_in_transaction_session_timeout', idleInTransactionMs],
]

/** What pg shows to callers that pass no callback. */
type Answer = Promise<unknown> | undefined

/**
 * A connection that has declared statements (`prepared`) parsed and planned once. TypeORM hands the driver texts without names, so
 * a declared text is named here, on its way.
 *
 * It also notices when its server has become one to leave: see `isSick`.
 */
export class DatabaseClient extends Client {
  /** Told of the error that made it sick. */
  onSick: (error: unknown) => void = () => {}
  #isSick = false

  constructor(config: DatabaseClientConfig = {}) {
    const { pooler = 'none', limits } = config
    super(pooler === 'none' && limits ? { ...config, ...Object.fromEntries(settingsOf(limits)) } : config)
    const send: CallableFunction = this.query
    const begin =
      pooler === 'transaction' && limits
        ? ['START TRANSACTION', ...settingsOf(limits).map(([name, value]) => `SET LOCAL ${name} = ${value}`)].join('; ')
        : 'START TRANSACTION'
    const query = (statement: unknown, values: unknown, ...rest: unknown[]): unknown => {
      const name = pooler !== 'transaction' && typeof statement === 'string' && preparedName(statement)
      const text = statement === 'START TRANSACTION' ? begin : statement
      const answer: Answer = Reflect.apply(send, this, [name ? { name, text } : text, values, ...rest])
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#look(error))
      return answer
    }
    Object.defineProperty(this, 'query', { value: query })
  }

  /**
   * True once an answer said that this server does not serve any more (read-only after a failover, shutting down), or that it
   * does not answer. Such a connection goes back to no pool.
   */
  get isSick(): boolean {
    return this.#isSick
  }

  #look(error: unknown): void {
    if (!isSickness(error)) return
    this.#isSick = true
    // What is sent after a statement that nobody answers (a ROLLBACK) would wait as long again.
    if (gaveNoAnswer(error)) void this.end()
    this.onSick(error)
  }
}
