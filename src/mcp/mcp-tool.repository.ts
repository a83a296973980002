import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { newId } from '../shared/ids.ts'
import type { McpServer } from './mcp-server.entity.ts'
import { type McpTool, mcpToolEntity } from './mcp-tool.entity.ts'
import { type FoundTool, type McpDefinition, MOST_SERVER_TOOLS } from './tool-definition.ts'

/** What was allowed of tools that a server does not list any more is remembered of so many: one that comes back is compared with it. */
const MOST_VANISHED = MOST_SERVER_TOOLS

/** A tool as it was allowed, with what its server is given for a call. */
export interface ChosenTool extends Pick<McpTool, 'serverId' | 'name' | 'effect' | 'keyed' | 'onUnknown'> {
  allowed: McpDefinition
  allowedHash: string
  timeoutMs: number
}

export class McpToolRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Newest first. */
  list(serverId: string, limit: number, before: string | undefined): Promise<McpTool[]> {
    const query = this.#db.manager
      .createQueryBuilder(mcpToolEntity, 't')
      .where('t.serverId = :serverId', { serverId })
      .orderBy('t.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('t.id < :before', { before })
    return query.getMany()
  }

  find(serverId: string, name: string, tx: Tx = this.#db.manager): Promise<McpTool | null> {
    return tx.findOneBy(mcpToolEntity, { serverId, name })
  }

  /** Those of a user's own that can be called: their server is on and lists them, and they are as they were allowed. */
  chosen(userId: string, wanted: ReadonlyArray<{ serverId: string; name: string }>): Promise<ChosenTool[]> {
    return rows(
      this.#db.manager,
      `SELECT t.server_id AS "serverId", t.name, t.allowed, t.allowed_hash AS "allowedHash", t.effect, t.keyed,
         t.on_unknown AS "onUnknown", s.timeout_ms AS "timeoutMs"
       FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS w (server_id, name, place)
       JOIN mcp_servers s ON s.id = w.server_id AND s.user_id = $1 AND s.enabled
       JOIN mcp_tools t ON t.server_id = s.id AND t.name = w.name AND t.vanished_at IS NULL AND t.allowed_hash = t.seen_hash
       ORDER BY w.place`,
      [userId, wanted.map(({ serverId }) => serverId), wanted.map(({ name }) => name)],
    )
  }

  lock(serverId: string, name: string, tx: Tx): Promise<McpTool | null> {
    return tx.findOne(mcpToolEntity, { where: { serverId, name }, lock: { mode: 'pessimistic_write' } })
  }

  async update(id: string, change: Partial<Pick<McpTool, 'effect' | 'keyed' | 'onUnknown'>>, tx: Tx): Promise<McpTool> {
    await tx.update(mcpToolEntity, { id }, { ...change, updatedAt: new Date() })
    return tx.findOneByOrFail(mcpToolEntity, { id })
  }

  /** What it is now is what its owner allows. */
  async allow(id: string, tx: Tx): Promise<McpTool> {
    await rows(tx, 'UPDATE mcp_tools SET allowed = seen, allowed_hash = seen_hash, updated_at = now() WHERE id = $1', [
      id,
    ])
    return tx.findOneByOrFail(mcpToolEntity, { id })
  }

  /**
   * Writes what a server lists, which is all that it lists. The first list of a server is what its owner is shown and chooses from, and is allowed;
   * what comes or changes later is not, nor what it lists after its address was changed. False when the server has another address meanwhile, or is gone.
   */
  async note(
    { id, url }: Pick<McpServer, 'id' | 'url'>,
    protocolVersion: string | null,
    tools: FoundTool[],
    tx: Tx,
  ): Promise<boolean> {
    const [server] = await rows<{ isFirst: boolean }>(
      tx,
      `SELECT listed_at IS NULL AND NOT moved AS "isFirst" FROM mcp_servers WHERE id = $1 AND url = $2 FOR UPDATE`,
      [id, url],
    )
    if (!server) return false
    const found = tools.map(({ name, definition, hash }) => ({ id: newId(), name, definition, hash }))
    await rows(
      tx,
      `WITH found AS (SELECT * FROM jsonb_to_recordset($2::jsonb) AS f (id uuid, name text, definition jsonb, hash text)),
         gone AS (UPDATE mcp_tools t SET vanished_at = now()
           WHERE t.server_id = $1 AND t.vanished_at IS NULL AND NOT EXISTS (SELECT FROM found f WHERE f.name = t.name))
       INSERT INTO mcp_tools AS t (id, server_id, name, allowed, allowed_hash, seen, seen_hash)
       SELECT f.id, $1, f.name, CASE WHEN $3 THEN f.definition END, CASE WHEN $3 THEN f.hash END, f.definition, f.hash FROM found f
       ON CONFLICT (server_id, name) DO UPDATE
       SET seen = excluded.seen, seen_hash = excluded.seen_hash, vanished_at = NULL, updated_at = now()
       WHERE t.seen_hash <> excluded.seen_hash OR t.vanished_at IS NOT NULL`,
      [id, JSON.stringify(found), server.isFirst],
    )
    await rows(
      tx,
      `DELETE FROM mcp_tools WHERE id IN (SELECT id FROM mcp_tools WHERE server_id = $1 AND vanished_at IS NOT NULL
       ORDER BY vanished_at DESC, id OFFSET $2)`,
      [id, MOST_VANISHED],
    )
    await rows(
      tx,
      `UPDATE mcp_servers SET status = 'ready', problem = NULL, problem_code = NULL, listed_at = now(), protocol_version = $2 WHERE id = $1`,
      [id, protocolVersion],
    )
    return true
  }

  /** None is known to be at its address; what its owner has said of them is remembered. */
  async vanish(serverId: string, tx: Tx): Promise<void> {
    await rows(tx, 'UPDATE mcp_tools SET vanished_at = now() WHERE server_id = $1 AND vanished_at IS NULL', [serverId])
  }

  /** Nothing is known of them any more, nor what their owner has said. */
  async forget(serverId: string, tx: Tx): Promise<void> {
    await tx.delete(mcpToolEntity, { serverId })
  }
}
