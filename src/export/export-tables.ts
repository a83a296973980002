/** A file of an export that is a list of rows, and the rows of the user $1. */
export interface ExportTable {
  name: string
  sql: string
}

/** A row without what is secret even to its owner (keys, hashes, tokens), told by the columns' names: a new one is left out by itself. */
const shown = (row: string, without = ''): string =>
  `(SELECT jsonb_object_agg(name, value) FROM jsonb_each(to_jsonb(${row})) AS c(name, value)
    WHERE name !~ '(_sealed|_hash|_hashes|_token|_mark|_step)$'${without && ` AND name NOT IN (${without})`})`

const ofUser = (name: string, table: string, order = 'id'): ExportTable => ({
  name,
  sql: `SELECT ${shown('t')} AS row FROM ${table} t WHERE t.user_id = $1 ORDER BY t.${order}`,
})

/** What an export has besides conversations and files. */
export const EXPORT_TABLES: readonly ExportTable[] = [
  { name: 'profile.json', sql: `SELECT ${shown('t', `'email_key'`)} AS row FROM users t WHERE t.id = $1` },
  ofUser('sessions.json', 'sessions'),
  ofUser('keys.json', 'api_keys'),
  ofUser('connections.json', 'connections'),
  ofUser('mcp-servers.json', 'mcp_servers'),
  {
    name: 'mcp-sign-ins.json',
    sql: `SELECT ${shown('t')} AS row FROM mcp_servers s JOIN mcp_grants t ON t.id = s.id WHERE s.user_id = $1 ORDER BY t.id`,
  },
  {
    name: 'mcp-tools.json',
    sql: `SELECT ${shown('t')} AS row FROM mcp_servers s JOIN mcp_tools t ON t.server_id = s.id WHERE s.user_id = $1 ORDER BY t.id`,
  },
  ofUser('agents.json', 'agents'),
  ofUser('parties.json', 'parties'),
  {
    name: 'gallery.json',
    sql: `SELECT ${shown('t', `'search'`)} AS row FROM gallery_entries t WHERE t.user_id = $1 ORDER BY t.id`,
  },
  ofUser('gallery-imports.json', 'gallery_imports', 'entry_id'),
  ofUser('shares.json', 'shares'),
  ofUser('files.json', 'files'),
  ofUser('door-threads.json', 'door_threads', 'created_at'),
  ofUser('schedules.json', 'schedules'),
  {
    name: 'schedule-ticks.json',
    sql: `SELECT ${shown('t')} AS row FROM schedules s JOIN schedule_ticks t ON t.schedule_id = s.id WHERE s.user_id = $1 ORDER BY t.id`,
  },
  ofUser('webhooks.json', 'webhooks'),
  {
    name: 'webhook-deliveries.json',
    sql: `SELECT ${shown('t')} AS row FROM webhooks w JOIN webhook_deliveries t ON t.webhook_id = w.id WHERE w.user_id = $1 ORDER BY t.id`,
  },
  ofUser('mails.json', 'mails'),
  ofUser('credits/account.json', 'accounts', 'user_id'),
  ofUser('credits/entries.json', 'ledger_entries'),
  ofUser('credits/calls.json', 'metered_calls'),
  {
    // Where administrators were, is theirs.
    name: 'audit.json',
    sql: `SELECT CASE WHEN t.actor_id = $1 THEN to_jsonb(t) ELSE to_jsonb(t) - '{network,user_agent,request_id}'::text[] END AS row
      FROM audit_entries t WHERE t.actor_id = $1 OR t.target_id = $1 ORDER BY t.created_at, t.id`,
  },
  ofUser('runs.json', 'runs'),
  ofUser('tool-steps.json', 'tool_steps', 'run_id, t.turn, t.step'),
  ofUser('tool-calls.json', 'tool_calls'),
]

export const CONVERSATIONS = 'SELECT id, title, created_at FROM conversations WHERE user_id = $1 ORDER BY id'
export const CONVERSATION = `SELECT ${shown('t')} AS row FROM conversations t WHERE t.id = $1`
export const MESSAGES = 'SELECT to_jsonb(m) AS row FROM messages m WHERE m.conversation_id = $1 ORDER BY m.seq'
/** Those that may be given out. */
export const FILES = `SELECT id, name FROM files WHERE user_id = $1 AND status IN ('processing', 'ready', 'failed')
  AND coalesce(error_code, '') NOT IN ('file.infected', 'file.executable', 'file.archive_bomb') ORDER BY id`
