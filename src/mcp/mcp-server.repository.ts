import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type McpServer, mcpServerEntity } from './mcp-server.entity.ts'

type Given = Pick<
  McpServer,
  'id' | 'userId' | 'name' | 'url' | 'auth' | 'headerNames' | 'headersSealed' | 'enabled' | 'timeoutMs'
>
type Change = Partial<Omit<McpServer, 'id' | 'userId' | 'createdAt' | 'updatedAt'>>

/** How much may be asked in a minute, of one server and of all servers of a user together. */
export interface CallLimits {
  ofServer: number
  ofUser: number
}

/** After so many failures in a row a server is left alone ... */
const FAILURES = 5
/** ... for so many seconds, and twice as long each further time, but no longer than the last. */
const PAUSE_S = { first: 15, longest: 600 }

export class McpServerRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How many a user has; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    return tx.countBy(mcpServerEntity, { userId })
  }

  async create(server: Given, tx: Tx): Promise<McpServer> {
    await tx.insert(mcpServerEntity, server)
    return tx.findOneByOrFail(mcpServerEntity, { id: server.id })
  }

  /** Newest first. */
  list(userId: string, limit: number, before: string | undefined): Promise<McpServer[]> {
    const query = this.#db.manager
      .createQueryBuilder(mcpServerEntity, 's')
      .where('s.userId = :userId', { userId })
      .orderBy('s.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('s.id < :before', { before })
    return query.getMany()
  }

  findOwned(userId: string, id: string, tx: Tx = this.#db.manager): Promise<McpServer | null> {
    return tx.findOneBy(mcpServerEntity, { id, userId })
  }

  /** The same; nobody else changes it before the end of this transaction. */
  lockOwned(userId: string, id: string, tx: Tx): Promise<McpServer | null> {
    return tx.findOne(mcpServerEntity, { where: { id, userId }, lock: { mode: 'pessimistic_write' } })
  }

  /** Null when it is not this user's. */
  async update(userId: string, id: string, change: Change, tx: Tx): Promise<McpServer | null> {
    await tx.update(mcpServerEntity, { id, userId }, { ...change, updatedAt: new Date() })
    return this.findOwned(userId, id, tx)
  }

  /** With its tools. False when it is not this user's. */
  async delete(userId: string, id: string, tx: Tx): Promise<boolean> {
    const { affected } = await tx.delete(mcpServerEntity, { id, userId })
    return affected === 1
  }

  /**
   * Counts one thing that is asked of a server, if it may be asked now: it is on, not paused (unless its owner looks after it), and neither it nor
   * its owner has had the minute's share. Of two servers at once each may have the last of their owner's. False when it may not.
   */
  async take(userId: string, id: string, { ofServer, ofUser }: CallLimits, ignoresPause: boolean): Promise<boolean> {
    const sql = `UPDATE mcp_servers s SET minute = date_trunc('minute', now()),
        minute_calls = CASE WHEN s.minute = date_trunc('minute', now()) THEN s.minute_calls + 1 ELSE 1 END
      WHERE s.id = $1 AND s.user_id = $2 AND s.enabled AND ($5 OR s.paused_until IS NULL OR s.paused_until <= now())
        AND (s.minute IS DISTINCT FROM date_trunc('minute', now()) OR s.minute_calls < $3)
        AND (SELECT coalesce(sum(o.minute_calls), 0) FROM mcp_servers o
          WHERE o.user_id = $2 AND o.minute = date_trunc('minute', now())) < $4
      RETURNING s.id`
    return (await rows(this.#db.manager, sql, [id, userId, ofServer, ofUser, ignoresPause])).length === 1
  }

  /** It answered: what was wrong is over. Writes only where something was. */
  async answered(id: string): Promise<void> {
    const sql = `UPDATE mcp_servers SET failures = 0, paused_until = NULL, problem = NULL, problem_code = NULL,
        status = CASE WHEN listed_at IS NULL THEN 'new' ELSE 'ready' END
      WHERE id = $1 AND (failures > 0 OR status IN ('failing', 'needs_sign_in'))`
    await rows(this.#db.manager, sql, [id])
  }

  /** It could not be asked at the address that it had. `counts`: towards a pause. */
  async failed(
    { id, url }: Pick<McpServer, 'id' | 'url'>,
    status: McpServer['status'],
    { code, message }: { code: string; message: string },
    counts: boolean,
  ) {
    const sql = `UPDATE mcp_servers SET status = $3, problem = $4, problem_code = $9, failures = failures + $5::int,
        paused_until = CASE WHEN failures + $5::int >= $6 AND $5::int > 0
          THEN now() + least($7 * 2 ^ least(failures + 1 - $6, 10), $8) * interval '1 second' ELSE paused_until END
      WHERE id = $1 AND url = $2`
    const { first, longest } = PAUSE_S
    await rows(this.#db.manager, sql, [id, url, status, message, counts ? 1 : 0, FAILURES, first, longest, code])
  }
}
