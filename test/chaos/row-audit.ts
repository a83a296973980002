import type { Client } from 'pg'
import { startProcess } from '../support/processes.ts'

/** Runs may end so while a provider is away for long; nothing of ours has failed then. */
export const PROVIDERS_FAULT = /^(provider|connection)/

export interface RunRow {
  id: string
  status: string
  code: string | null
}

/** What rows say by themselves, whoever asked for what. Each list names what must not be. */
export interface RowAudit {
  runs: RunRow[]
  duplicates: Record<string, string[]>
  losses: Record<string, string[]>
}

/** Reads them once nothing runs any more. */
export async function auditRows(db: Client, databaseUrl: string): Promise<RowAudit> {
  const names = async (sql: string): Promise<string[]> =>
    (await db.query<{ name: string }>(sql)).rows.map(({ name }) => name)
  const { rows: runs } = await db.query<RunRow>('SELECT id, status, error_code AS code FROM runs')
  const verify = startProcess('src/credits/verify.ts', { env: { DATABASE_URL: databaseUrl } })
  const { code: verified } = await verify.ended
  return {
    runs,
    duplicates: {
      'messages of a turn kept twice': await names(
        `SELECT run_id || ':' || turn AS name FROM messages WHERE role = 'agent' GROUP BY run_id, turn HAVING count(*) > 1`,
      ),
      'calls charged twice': await names(
        `SELECT run_id || ':' || turn || ':' || call AS name FROM metered_calls WHERE outcome = 'charged'
         GROUP BY run_id, turn, call HAVING count(*) > 1`,
      ),
      'postings of a call twice': await names(
        `SELECT call_id::text AS name FROM ledger_entries WHERE kind = 'post' GROUP BY call_id HAVING count(*) > 1`,
      ),
    },
    losses: {
      'runs that have not ended': runs.flatMap(({ id, status }) =>
        ['completed', 'failed', 'cancelled'].includes(status) ? [] : [`${id} is ${status}`],
      ),
      'runs that failed by a fault of ours': runs.flatMap(({ id, status, code }) =>
        status !== 'failed' || PROVIDERS_FAULT.test(code ?? '') ? [] : [`${id}: ${code}`],
      ),
      'turns that have not ended': await names(
        `SELECT run_id || ':' || index || ' is ' || status AS name FROM turns WHERE status IN ('queued', 'running')`,
      ),
      'completed turns without their message': await names(
        `SELECT t.run_id || ':' || t.index AS name FROM turns t WHERE t.status = 'completed' AND NOT t.passed AND NOT EXISTS
           (SELECT FROM messages m WHERE m.run_id = t.run_id AND m.turn = t.index AND m.role = 'agent')`,
      ),
      'holds that stay': await names(`SELECT id::text AS name FROM holds WHERE status = 'pending'`),
      'a ledger that does not add up': verified === 0 ? [] : [verify.output],
    },
  }
}
