import { Client } from 'pg'

/** What went to the database while somebody counted. */
export interface StatementCount {
  /** Every statement, BEGIN and COMMIT included. */
  statements: string[]
  /** Explicit transactions, and single statements that wrote. */
  transactions: number
}

/** The environment of an app in which what runs on a timer does not run while a test counts. */
export const QUIET = {
  RECONCILE_INTERVAL_MS: '86000000',
  TURN_LEASE_MS: '86000000',
  VERSION_POLL_MS: '86000000',
  STUCK_AFTER_MS: '86000000',
  WORKER_SEEN_MS: '86000000',
}

/** What was counted, to be read beside a count that is too high. */
export const said = ({ statements }: StatementCount) =>
  `\n${statements.map((text) => text.trim().slice(0, 100)).join('\n')}\n`

const textOf = (statement: unknown): string => {
  if (typeof statement === 'string') return statement
  if (typeof statement === 'object' && statement !== null && 'text' in statement) return String(statement.text)
  return '(a statement object)'
}

/** Functions of ours that write are called by SELECT. */
const WRITES =
  /^\s*(INSERT|UPDATE|DELETE|WITH|SELECT [^;]*(turn_(claim|hold|settle|decide)|turns_admit|chat_accept|ledger_))/i

/**
 * Counts, in the suite in which it is called, what the product's connections of this process send to PostgreSQL; BullMQ's own
 * (application name `chatsparty:queue`) apart. It is called before what opens those connections: they keep the `query` that they
 * find.
 */
export function useStatementCounter() {
  const send = Client.prototype.query
  let texts: string[] = []
  let isOn = false
  before('listen to the connections', () => {
    Object.defineProperty(Client.prototype, 'query', {
      configurable: true,
      writable: true,
      value: function query(this: Client, ...request: unknown[]): unknown {
        const parameters: unknown = Reflect.get(this, 'connectionParameters')
        const name = typeof parameters === 'object' && parameters ? Reflect.get(parameters, 'application_name') : ''
        if (isOn && String(name).startsWith('chatsparty@')) texts.push(textOf(request[0]))
        return Reflect.apply(send, this, request)
      },
    })
  })
  after('leave them alone', () => {
    Client.prototype.query = send
  })
  return {
    /** What `work` and everything that happens meanwhile sends. */
    async during(work: () => Promise<void>): Promise<StatementCount> {
      texts = []
      isOn = true
      await work().finally(() => {
        isOn = false
      })
      let inside = false
      let transactions = 0
      for (const text of texts) {
        if (/^(START TRANSACTION|BEGIN)/i.test(text)) {
          inside = true
          transactions += 1
        } else if (/^(COMMIT|ROLLBACK)/i.test(text)) inside = false
        else if (!inside && WRITES.test(text)) transactions += 1
      }
      return { statements: texts, transactions }
    },
  }
}
