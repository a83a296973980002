import { Client } from 'pg'
import type { TestMcpServer } from '../support/mcp-server.ts'
import type { Guest } from './guest.ts'
import { auditRows, PROVIDERS_FAULT } from './row-audit.ts'
import { auditTools } from './tool-audit.ts'

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
  /** What agents did with tools. */
  tools: { calls: number; starts: number; effects: number; breaches: Record<string, string[]> }
}

export const countOf = (lists: Record<string, string[]>): number =>
  Object.values(lists).reduce((sum, list) => sum + list.length, 0)

/** Compares what guests asked for, saw and were charged with the rows. */
export async function audit(databaseUrl: string, guests: readonly Guest[], server: TestMcpServer): Promise<Audit> {
  const db = new Client({ connectionString: databaseUrl })
  await db.connect()
  const names = async (sql: string, values: unknown[] = []): Promise<string[]> =>
    (await db.query<{ name: string }>(sql, values)).rows.map(({ name }) => name)
  try {
    const asked = guests.flatMap((guest) => guest.asked)
    const runIds = [...new Set(asked.map(({ runId }) => runId))]
    const contents = asked.map(({ content }) => content)
    const rows = await auditRows(db, databaseUrl)
    const byProvider = rows.runs.filter(({ status, code }) => status === 'failed' && PROVIDERS_FAULT.test(code ?? ''))
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
    const bad = await Promise.all(guests.map((guest) => guest.badFiles()))
    const words = new Map<string, number>()
    for (const guest of guests) for (const [id, count] of guest.words) words.set(id, (words.get(id) ?? 0) + count)
    const tools = await auditTools(db, { server, words })
    const differing = (seen: ReadonlyMap<string, string>, mustHaveAll: boolean) =>
      [...texts].flatMap(([name, text]) => {
        const got = seen.get(name)
        if (got === text || (got === undefined && !mustHaveAll)) return []
        return [`${name}: ${got === undefined ? 'never seen' : `${got.length} characters seen, ${text.length} stored`}`]
      })
    return {
      runs: rows.runs.length,
      turns: stored.rows.length,
      characters: stored.rows.reduce((sum, { text }) => sum + text.length, 0),
      spokenAgain: stored.rows.filter(({ attempt }) => attempt > 1).length,
      cancelled: rows.runs.filter(({ status }) => status === 'cancelled').length,
      failedByProvider: Object.fromEntries(
        [...new Set(byProvider.map((run) => run.code ?? ''))].map((one) => [
          one,
          byProvider.filter((run) => run.code === one).length,
        ]),
      ),
      tools: {
        calls: tools.rows.length,
        starts: tools.rows.reduce((sum, { starts }) => sum + starts, 0),
        effects: server.state.deeds.length,
        breaches: tools.breaches,
      },
      duplicates: {
        'messages of people kept twice': await names(
          `SELECT content AS name FROM messages WHERE role = 'user' GROUP BY content HAVING count(*) > 1`,
        ),
        ...rows.duplicates,
      },
      losses: {
        'accepted messages that are not kept': await names(
          `SELECT c AS name FROM unnest($1::text[]) c WHERE NOT EXISTS (SELECT FROM messages m WHERE m.content = c)`,
          [contents],
        ),
        ...rows.losses,
        'texts that a client saw otherwise': differing(shown, true),
        'texts that an event stream had otherwise': differing(streamed, false),
        'faults that clients met': guests.flatMap(({ faults }) => faults),
        'files that were taken and are not whole': bad.flat(),
      },
    }
  } finally {
    await db.end()
  }
}
