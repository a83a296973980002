import type { Client } from 'pg'
import type { TestMcpServer } from '../support/mcp-server.ts'

/** What was seen outside of what is killed: by the server of tools, and by the people who were asked. */
export interface ToolEvidence {
  server: TestMcpServer
  /** Of each call by its id: how often somebody said yes to it. */
  words: ReadonlyMap<string, number>
  /** Whose calls are looked at; all without. */
  userId?: string
}

/** A call, as the last run that went on from it has it. */
export interface ToolRow {
  /** Its key, too. */
  id: string
  /** What it is called in each run that went on from it. */
  names: string[]
  runId: string
  source: string
  effect: string
  keyed: boolean
  status: string
  starts: number
  doubt: boolean
  wasAsked: boolean
  note: string | null
}

export interface ToolAudit {
  rows: ToolRow[]
  /** What the server was asked for and has done, by call. */
  requests: ReadonlyMap<string, number>
  effects: ReadonlyMap<string, number>
  /** Each list names what must not be. */
  breaches: Record<string, string[]>
}

const OPEN = ['planned', 'awaiting', 'approved', 'started']
const NEVER_RAN = ['denied', 'expired', 'cancelled']

/** Compares what a server of tools has seen and done with the rows of the tool ledger. */
export async function auditTools(db: Client, { server, words, userId }: ToolEvidence): Promise<ToolAudit> {
  const { rows } = await db.query<ToolRow>(
    `SELECT DISTINCT ON (id) * FROM (
       SELECT coalesce(c.inherited_from, c.id) AS id, run_id AS "runId", source, effect, keyed, status, starts, doubt,
         args ->> 'text' AS note, bool_or(input_schema IS NOT NULL) OVER same AS "wasAsked", array_agg(c.id) OVER same AS names
       FROM tool_calls c WHERE $1::uuid IS NULL OR user_id = $1 WINDOW same AS (PARTITION BY coalesce(c.inherited_from, c.id))) calls
     ORDER BY id, "runId" DESC`,
    [userId],
  )
  const { deeds, requests: heard } = server.state
  const effects = counted(deeds.map(({ key }) => key))
  const requests = counted(
    heard.flatMap(({ tool, meta }) => (tool === null ? [] : [String(meta['chatsparty/idempotencyKey'])])),
  )
  const known = new Map(rows.map((row) => [row.id, row]))
  const list = (isBad: (row: ToolRow, effects: number) => boolean) =>
    rows.flatMap((row) => {
      const count = effects.get(row.id) ?? 0
      if (!isBad(row, count)) return []
      const { id, runId, status, starts } = row
      return [
        `call ${id} of run ${runId}: ${status}, ${starts} starts, ${requests.get(id) ?? 0} requests, ${count} effects`,
      ]
    })
  const yes = ({ names }: ToolRow) => names.reduce((sum, name) => sum + (words.get(name) ?? 0), 0)
  const writes = ({ source, effect }: ToolRow) => source === 'mcp' && effect === 'writes'
  return {
    rows,
    requests,
    effects,
    breaches: {
      'keyed effects that came twice': list((row, count) => row.keyed && count > 1),
      'unkeyed effects that came again without a word': list(
        (row, count) => writes(row) && !row.keyed && count > Math.max(1, yes(row) + (row.wasAsked ? 0 : 1)),
      ),
      'calls that ran without the word they had to wait for': list(
        (row, count) => row.wasAsked && (row.starts > 0 || count > 0) && yes(row) === 0,
      ),
      'declined, expired and stopped calls that ran': list(
        (row, count) => NEVER_RAN.includes(row.status) && (count > 0 || (writes(row) && row.starts > 0)),
      ),
      'calls that are done, and have done nothing': list(
        (row, count) => writes(row) && row.status === 'done' && count === 0,
      ),
      'requests beyond the starts that rows know': list((row) => (requests.get(row.id) ?? 0) > row.starts),
      'effects of which there is no row': deeds.flatMap(({ key, note }) =>
        known.get(key)?.note === note ? [] : [`${note}, with the key ${key}`],
      ),
      'calls that stay open': list(({ status }) => OPEN.includes(status)),
    },
  }
}

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
