import type { DataSource } from 'typeorm'
import { unfinishedRunStatuses } from '../contract/views.ts'
import { rows, wordList } from '../database/query.ts'
import { firstIdOf } from '../shared/ids.ts'

const FIRST = '00000000-0000-0000-0000-000000000000'
const UNFINISHED = `status IN ${wordList(unfinishedRunStatuses)}`

/** What is kept for some time only, and how one batch of what is older goes: $1 the moment, $2 the id of that moment, $3 how many. */
const OLD = {
  /** Nobody wrote in it since. A request that is writing now has the row: it is passed over, and is not idle then. */
  conversations: `DELETE FROM conversations WHERE id IN (
    SELECT c.id FROM conversations c WHERE c.id < $2 AND c.updated_at < $1
      AND NOT EXISTS (SELECT FROM runs r WHERE r.conversation_id = c.id AND r.${UNFINISHED})
    ORDER BY c.id LIMIT $3 FOR UPDATE OF c SKIP LOCKED)`,
  /** The latest of each conversation stays: it can be said anew. */
  runs: `DELETE FROM runs WHERE id IN (
    SELECT r.id FROM runs r WHERE r.id < $2 AND r.finished_at < $1
      AND EXISTS (SELECT FROM runs later WHERE later.conversation_id = r.conversation_id AND later.id > r.id)
    ORDER BY r.id LIMIT $3 FOR UPDATE OF r SKIP LOCKED)`,
  sessions: `DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE id < $2 AND least(expires_at, revoked_at) < $1 ORDER BY id LIMIT $3)`,
  /** Those that nobody can use, with what their months cost; a key that is not revoked is its owner's to look at. */
  keys: `DELETE FROM api_keys WHERE id IN (
    SELECT id FROM api_keys WHERE id < $2 AND revoked_at < $1 ORDER BY id LIMIT $3)`,
  idempotencyKeys: `DELETE FROM idempotency_keys WHERE $2::uuid IS NOT NULL AND (user_id, route, key) IN (
    SELECT user_id, route, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $3)`,
  mails: `DELETE FROM mails WHERE $2::uuid IS NOT NULL AND id IN (
    SELECT id FROM mails WHERE created_at < $1 AND status <> 'queued' ORDER BY created_at LIMIT $3)`,
  emailLinks: `DELETE FROM email_links WHERE $2::uuid IS NOT NULL AND id IN (
    SELECT id FROM email_links WHERE expires_at < $1 ORDER BY expires_at LIMIT $3)`,
  webhookDeliveries: `DELETE FROM webhook_deliveries WHERE $2::uuid IS NOT NULL AND id IN (
    SELECT id FROM webhook_deliveries WHERE status <> 'pending' AND ended_at < $1 ORDER BY ended_at LIMIT $3)`,
  /** Their runs stay. */
  ticks: `DELETE FROM schedule_ticks WHERE $2::uuid IS NOT NULL AND id IN (
    SELECT id FROM schedule_ticks WHERE status <> 'due' AND created_at < $1 ORDER BY created_at LIMIT $3)`,
} as const
export type Kept = keyof typeof OLD
export const KEPT = Object.keys(OLD) as Kept[]

/** Removes what is kept for some time only, a batch at a time, each a statement of its own: nothing is locked for long. */
export class RetentionRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** The database's clock, which the rows' times are of. */
  async daysAgo(days: number): Promise<Date> {
    const [found] = await rows<{ moment: Date }>(this.#db.manager, `SELECT now() - $1 * interval '1 day' AS moment`, [
      days,
    ])
    return found?.moment ?? new Date(0)
  }

  /** Answers how many were removed. */
  async remove(what: Kept, before: Date, most: number): Promise<number> {
    const gone = `WITH gone AS (${OLD[what]} RETURNING 1) SELECT count(*)::int AS removed FROM gone`
    const [found] = await rows<{ removed: number }>(this.#db.manager, gone, [before, firstIdOf(before), most])
    return found?.removed ?? 0
  }

  /** Audit entries from before this: those of the oldest day. Answers how many. */
  async removeAuditDay(before: Date): Promise<number> {
    const [found] = await rows<{ forgotten: number }>(
      this.#db.manager,
      `SELECT audit_forget(least($1::timestamptz, o.created_at + interval '1 day'))::int AS forgotten
       FROM (SELECT created_at FROM audit_entries ORDER BY created_at, id LIMIT 1) AS o WHERE o.created_at < $1`,
      [before],
    )
    return found?.forgotten ?? 0
  }

  /** Figures of calls from before this lose by whom and where they were made: `usage_forget`. Answers the last, to go on behind. */
  async forgetUsage(before: Date, after: string | undefined, most: number): Promise<string | undefined> {
    const [found] = await rows<{ last: string | null }>(this.#db.manager, 'SELECT usage_forget($1, $2, $3) AS last', [
      after ?? FIRST,
      firstIdOf(before),
      most,
    ])
    return found?.last ?? undefined
  }
}
