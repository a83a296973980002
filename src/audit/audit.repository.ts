import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type AuditEntry, auditEntryEntity } from './audit.entity.ts'
import type { AuditAction } from './audit-actions.ts'

/** Which entries: all that is given must hold. `from` is included, `to` is not. */
export interface AuditFilter {
  actorId?: string | undefined
  targetId?: string | undefined
  action?: AuditAction | undefined
  from?: Date | undefined
  to?: Date | undefined
}

export class AuditRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Adds an entry, unless its actor has `mostPerHour` of its action from the last hour. */
  async add(
    entry: Omit<AuditEntry, 'createdAt'>,
    mostPerHour: number | undefined,
    tx: Tx = this.#db.manager,
  ): Promise<void> {
    const { id, actorId, action, targetId, network, userAgent, requestId, details } = entry
    await rows(
      tx,
      `INSERT INTO audit_entries (id, actor_id, action, target_id, network, user_agent, request_id, details)
       SELECT $1::uuid, $2::uuid, $3::text, $4::uuid, $5, $6, $7, $8::jsonb
       WHERE $9::int IS NULL OR $9::int > (SELECT count(*) FROM (
         SELECT FROM audit_entries WHERE actor_id = $2::uuid AND action = $3::text
           AND created_at > now() - interval '1 hour' LIMIT $9::int) AS recent)`,
      [id, actorId, action, targetId, network, userAgent, requestId, JSON.stringify(details), mostPerHour ?? null],
    )
  }

  /** Newest first, after the entry with the id `cursor`. */
  list(filter: AuditFilter, limit: number, cursor: string | undefined): Promise<AuditEntry[]> {
    const { actorId, targetId, action, from, to } = filter
    const query = this.#db.manager
      .createQueryBuilder(auditEntryEntity, 'a')
      .orderBy('a.createdAt', 'DESC')
      .addOrderBy('a.id', 'DESC')
      .take(limit)
    if (actorId) query.andWhere('a.actorId = :actorId', { actorId })
    if (targetId) query.andWhere('a.targetId = :targetId', { targetId })
    if (action) query.andWhere('a.action = :action', { action })
    if (from) query.andWhere('a.createdAt >= :from', { from })
    if (to) query.andWhere('a.createdAt < :to', { to })
    if (cursor) {
      query.andWhere('(a.createdAt, a.id) < (SELECT c.created_at, c.id FROM audit_entries c WHERE c.id = :cursor)', {
        cursor,
      })
    }
    return query.getMany()
  }
}
