import { Client } from 'pg'
import { startProcess } from '../support/processes.ts'
import type { Guest } from './guest.ts'

/** Runs may end so while a provider is away for long; nothing of ours has failed then. */
const PROVIDERS_FAULT = /^(provider|connection)/

/** What came of everything that was accepted. Each list names what must not be; all are to be empty. */
export interface Audit {
  runs: number
  turns: number
  characters: number
  spokenAgain: number
  cancelled: number
  /** Runs that a provider's outage has failed, by code: ends, not losses. */
  failedByProvider: Record<string, number>
  duplicates: Record<string, string[]>
  losses: Record<string, string[]>
}

export const countOf = (lists: Record<string, string[]>): number =>
  Object.values(lists).reduce((sum, list) => sum + list.length, 0)

/** Compares what guests asked for, saw and were charged with the rows. */
export async function audit(databaseUrl: string, guests: readonly Guest[]): Promise<Audit> {
  const db = new Client({ connectionString: databaseUrl })
  await db.connect()
  const names = async (sql: string, values: unknown[] = []): Promise<string[]> =>
    (await db.query<{ name: string }>(sql, values)).rows.map(({ name }) => name)
  try {
    const asked = guests.flatMap((guest) => guest.asked)
    const runIds = [...new Set(asked.map(({ runId }) => runId))]
    const contents = asked.map(({ content }) => content)
    const runs = await db.query<{ id: string; status: string; code: string | null }>(
      'SELECT id, status, error_code AS code FROM runs',
    )
    const failed = runs.rows.filter(({ status }) => status === 'failed')
    const byProvider = failed.filter(({ code }) => PROVIDERS_FAULT.test(code ?? ''))
    const stored = await db.query<{ name: string; text: string; status: string; attempt: number }>(
      `SELECT m.run_id || ':' || m.turn AS name, m.content AS text, m.status, t.attempt
       FROM messages m JOIN turns t ON t.run_id = m.run_id AND t.index = m.turn
       WHERE m.role = 'agent' AND m.run_id = ANY($1::uuid[])`,
      [runIds],
    )
    const texts = new Map(stored.rows.map(({ name, text }) => [name, text]))
    const shown = new Map(
      guests.flatMap((guest) => guest.screen.completed.map(({ runId, turn, text }) => [`${runId}:${turn}`, text])),
    )
    const streamed = new Map(guests.flatMap((guest) => [...guest.streamed]))
    const verify = startProcess('src/credits/verify.ts', { env: { DATABASE_URL: databaseUrl } })
    const { code } = await verify.ended
    const bad = await Promise.all(guests.map((guest) => guest.badFiles()))
    const differing = (seen: ReadonlyMap<string, string>, mustHaveAll: boolean) =>
      [...texts].flatMap(([name, text]) => {
        const got = seen.get(name)
        if (got === text || (got === undefined && !mustHaveAll)) return []
        return [`${name}: ${got === undefined ? 'never seen' : `${got.length} characters seen, ${text.length} stored`}`]
      })
    return {
      runs: runs.rows.length,
      turns: stored.rows.length,
      characters: stored.rows.reduce((sum, { text }) => sum + text.length, 0),
      spokenAgain: stored.rows.filter(({ attempt }) => attempt > 1).length,
      cancelled: runs.rows.filter(({ status }) => status === 'cancelled').length,
      failedByProvider: Object.fromEntries(
        [...new Set(byProvider.map((run) => run.code ?? ''))].map((one) => [
          one,
          byProvider.filter((run) => run.code === one).length,
        ]),
      ),
      duplicates: {
        'messages of people kept twice': await names(
          `SELECT content AS name FROM messages WHERE role = 'user' GROUP BY content HAVING count(*) > 1`,
        ),
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
        'accepted messages that are not kept': await names(
          `SELECT c AS name FROM unnest($1::text[]) c WHERE NOT EXISTS (SELECT FROM messages m WHERE m.content = c)`,
          [contents],
        ),
        'runs that have not ended': runs.rows.flatMap(({ id, status }) =>
          ['completed', 'failed', 'cancelled'].includes(status) ? [] : [`${id} is ${status}`],
        ),
        'runs that failed by a fault of ours': failed.flatMap(({ id, code }) =>
          PROVIDERS_FAULT.test(code ?? '') ? [] : [`${id}: ${code}`],
        ),
        'turns that have not ended': await names(
          `SELECT run_id || ':' || index || ' is ' || status AS name FROM turns WHERE status IN ('queued', 'running')`,
        ),
        'completed turns without their message': await names(
          `SELECT t.run_id || ':' || t.index AS name FROM turns t WHERE t.status = 'completed' AND NOT t.passed AND NOT EXISTS
             (SELECT FROM messages m WHERE m.run_id = t.run_id AND m.turn = t.index AND m.role = 'agent')`,
        ),
        'texts that a client saw otherwise': differing(shown, true),
        'texts that an event stream had otherwise': differing(streamed, false),
        'faults that clients met': guests.flatMap(({ faults }) => faults),
        'files that were taken and are not whole': bad.flat(),
        'holds that stay': await names(`SELECT id::text AS name FROM holds WHERE status = 'pending'`),
        'a ledger that does not add up': code === 0 ? [] : [verify.output],
      },
    }
  } finally {
    await db.end()
  }
}
