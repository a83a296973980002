/** What a step is called where it is counted, and its SQL: a batch of a user's ($1) rows, at most $2, answering how many as `changed`. */
export interface ErasureStep {
  what: string
  sql: string
}

const gone = (sql: string): string => `WITH gone AS (${sql} RETURNING 1) SELECT count(*)::int AS changed FROM gone`
const ofUser = (table: string, key = 'id'): string =>
  gone(`DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE user_id = $1 LIMIT $2)`)
const inConversations = (table: string): string =>
  gone(`DELETE FROM ${table} WHERE id IN (
    SELECT t.id FROM conversations c JOIN ${table} t ON t.conversation_id = c.id WHERE c.user_id = $1 LIMIT $2)`)

/**
 * The rows of a user, those first of which there may be many: what is left when the user's own row goes, goes with it by its foreign keys,
 * and so a table that nobody has thought of here is emptied too. A batch is a statement of its own, so that nothing is locked for long.
 */
export const BEFORE_CONVERSATIONS: readonly ErasureStep[] = [
  // Hosts of users' own servers, of which another user is only asked for anew, and models.
  {
    what: 'breakers',
    sql: gone(`DELETE FROM breakers b USING connections c WHERE c.user_id = $1 AND $2 > 0 AND (
      b.subject = ANY(breaker_subjects(c.id, c.user_id, c.provider, c.base_url)) OR starts_with(b.subject, c.id::text || ' '))`),
  },
  { what: 'messages', sql: inConversations('messages') },
  { what: 'toolCalls', sql: ofUser('tool_calls', 'run_id, turn, call') },
  { what: 'toolSteps', sql: ofUser('tool_steps', 'run_id, turn, step') },
  { what: 'runs', sql: inConversations('runs') },
]

export const AFTER_CONVERSATIONS: readonly ErasureStep[] = [
  { what: 'agents', sql: ofUser('agents') },
  { what: 'connections', sql: ofUser('connections') },
  // Of others who imported what this user has published: there may be many.
  {
    what: 'galleryImports',
    sql: gone(`DELETE FROM gallery_imports WHERE (entry_id, user_id) IN (
      SELECT i.entry_id, i.user_id FROM gallery_entries e JOIN gallery_imports i ON i.entry_id = e.id WHERE e.user_id = $1 LIMIT $2)`),
  },
  { what: 'galleryEntries', sql: ofUser('gallery_entries') },
  { what: 'mcpServers', sql: ofUser('mcp_servers') },
  { what: 'idempotencyKeys', sql: ofUser('idempotency_keys', 'user_id, route, key') },
  {
    what: 'webhookDeliveries',
    sql: gone(`DELETE FROM webhook_deliveries WHERE id IN (
      SELECT d.id FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id WHERE w.user_id = $1 LIMIT $2)`),
  },
  {
    what: 'fileChunks',
    sql: gone(`DELETE FROM file_chunks WHERE (file_id, index) IN (
      SELECT k.file_id, k.index FROM files f JOIN file_chunks k ON k.file_id = f.id WHERE f.user_id = $1 LIMIT $2)`),
  },
]

/** Figures stay, without words: `erase.sql`, `audit.sql`. The audit log is limited by what it takes from one user. */
export const KEPT_FIGURES: readonly ErasureStep[] = [
  { what: 'ledgerWords', sql: 'SELECT ledger_erase($1, $2) AS changed' },
  { what: 'auditEntries', sql: 'SELECT audit_erase($1, false) AS changed WHERE $2 > 0' },
]

/** Conversations go by their ids: what of them is told live is dropped first. */
export const CONVERSATION_IDS = 'SELECT id FROM conversations WHERE user_id = $1 ORDER BY id LIMIT $2'
export const CONVERSATIONS_BY_ID = gone('DELETE FROM conversations WHERE id = ANY($1::uuid[])')

/** Files become ids of which the store is to be emptied ($3: the erasure). */
export const FILES = `
  WITH taken AS (DELETE FROM files WHERE id IN (SELECT id FROM files WHERE user_id = $1 LIMIT $2) RETURNING id),
    noted AS (INSERT INTO erasure_files (erasure_id, file_id) SELECT $3, id FROM taken ON CONFLICT DO NOTHING)
  SELECT count(*)::int AS changed FROM taken`
