import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Erasure, type ErasurePhase, erasureEntity } from './erasure.entity.ts'
import { CONVERSATION_IDS, CONVERSATIONS_BY_ID, type ErasureStep, FILES } from './erasure-steps.ts'

export type ClaimedErasure = Pick<Erasure, 'id' | 'userId' | 'phase' | 'failures'>

/** No limit: what came in the moments before. */
const ALL = 2_147_483_647

export class ErasureRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /**
   * Makes a user's row nobody's: without words or a way in, its address free for another one, no run may begin. Sessions, keys,
   * links and mails go at once, because they can be used.
   */
  async begin(
    id: string,
    { id: userId, emailKey }: { id: string; emailKey: string | null },
    requestedBy: string,
    tx: Tx,
  ): Promise<void> {
    await rows(
      tx,
      `UPDATE users SET email = id || '@erased.invalid', email_key = id || '@erased.invalid', email_verified_at = NULL, name = '',
         role = 'user', password_hash = '', totp_sealed = NULL, totp_enabled_at = NULL, totp_step = NULL, recovery_hashes = NULL,
         suspended_at = now(), suspended_reason = 'erased', erased_at = now(), updated_at = now() WHERE id = $1`,
      [userId],
    )
    for (const table of ['sessions', 'api_keys', 'email_links', 'mails']) {
      await rows(tx, `DELETE FROM ${table} WHERE user_id = $1`, [userId])
    }
    await rows(tx, 'DELETE FROM mails WHERE address_key = $1', [emailKey])
    // Nobody has this address, so nobody uses what was meant for whoever has it.
    await rows(tx, `UPDATE invitations SET email = 'erased' WHERE lower(email) = lower($1)`, [emailKey])
    await rows(tx, 'INSERT INTO erasures (id, user_id, requested_by) VALUES ($1, $2, $3)', [id, userId, requestedBy])
  }

  /** Takes an erasure that is due (this one, or any) for so long: another worker may, when this one dies. */
  async take(leaseMs: number, id?: string): Promise<ClaimedErasure | undefined> {
    const [taken] = await rows<ClaimedErasure>(
      this.#db.manager,
      `UPDATE erasures SET due_at = now() + $1 * interval '1 ms' WHERE id = (
         SELECT id FROM erasures WHERE phase <> 'done' AND due_at <= now() AND ($2::uuid IS NULL OR id = $2)
         ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, user_id AS "userId", phase, failures`,
      [leaseMs, id ?? null],
    )
    return taken
  }

  /** Does one batch of a step; answers how many rows it changed. */
  async step({ sql }: ErasureStep, userId: string, most: number): Promise<number> {
    return changedBy(this.#db.manager, sql, [userId, most])
  }

  async conversationIds(userId: string, most: number): Promise<string[]> {
    return (await rows<{ id: string }>(this.#db.manager, CONVERSATION_IDS, [userId, most])).map(({ id }) => id)
  }

  removeConversations(ids: string[]): Promise<number> {
    return changedBy(this.#db.manager, CONVERSATIONS_BY_ID, [ids])
  }

  takeFiles({ id, userId }: ClaimedErasure, most: number): Promise<number> {
    return changedBy(this.#db.manager, FILES, [userId, most, id])
  }

  /** The user's row, with whatever came meanwhile: nothing is written for it after its lock. */
  removeUser({ id, userId }: ClaimedErasure): Promise<void> {
    return this.#db.transaction(async (tx) => {
      await rows(tx, 'SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [userId])
      await rows(tx, FILES, [userId, ALL, id])
      await rows(tx, 'DELETE FROM users WHERE id = $1', [userId])
    })
  }

  /** Files whose objects are still to be removed. */
  async filesToRemove(id: string, most: number): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      'SELECT file_id AS id FROM erasure_files WHERE erasure_id = $1 AND NOT is_removed LIMIT $2',
      [id, most],
    )
    return found.map((file) => file.id)
  }

  async noteRemoved(id: string, fileIds: string[]): Promise<void> {
    await rows(
      this.#db.manager,
      'UPDATE erasure_files SET is_removed = true WHERE erasure_id = $1 AND file_id = ANY($2::uuid[])',
      [id, fileIds],
    )
  }

  /** Notes what was removed, and keeps the erasure for so long more. */
  async count(id: string, what: string, changed: number, leaseMs: number): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE erasures SET due_at = now() + $4 * interval '1 ms',
         counts = counts || jsonb_build_object($2::text, coalesce((counts ->> $2)::bigint, 0) + $3) WHERE id = $1`,
      [id, what, changed, leaseMs],
    )
  }

  /** Goes on with this phase in so long. What is looked through again is marked so. */
  async enter(id: string, phase: ErasurePhase, inMs: number): Promise<void> {
    await this.#db.transaction(async (tx) => {
      if (phase === 'settling')
        await rows(tx, 'UPDATE erasure_files SET is_removed = false WHERE erasure_id = $1', [id])
      if (phase === 'done') await rows(tx, 'DELETE FROM erasure_files WHERE erasure_id = $1', [id])
      await rows(
        tx,
        `UPDATE erasures SET phase = $2, due_at = now() + $3 * interval '1 ms', failures = 0, error = NULL,
           done_at = CASE WHEN $2 = 'done' THEN now() END WHERE id = $1`,
        [id, phase, inMs],
      )
    })
  }

  /** Goes on at once: this try has done its part. */
  async resume(id: string): Promise<void> {
    await rows(this.#db.manager, 'UPDATE erasures SET due_at = now(), failures = 0, error = NULL WHERE id = $1', [id])
  }

  async failed(id: string, error: string, retryMs: number): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE erasures SET failures = failures + 1, error = $2, due_at = now() + $3 * interval '1 ms' WHERE id = $1`,
      [id, error, retryMs],
    )
  }

  /** Newest first. */
  list(limit: number, before: string | undefined): Promise<Erasure[]> {
    const query = this.#db.manager.createQueryBuilder(erasureEntity, 'e').orderBy('e.id', 'DESC').take(limit)
    if (before) query.where('e.id < :before', { before })
    return query.getMany()
  }

  /** Has the audit log forget where users came from whose erasure was done so many days ago; at most `limit` of them. */
  async eraseNetworks(days: number, limit: number): Promise<number> {
    return changedBy(
      this.#db.manager,
      `WITH due AS (SELECT id, user_id FROM erasures WHERE done_at < now() - $1 * interval '1 day' AND networks_erased_at IS NULL
         ORDER BY done_at LIMIT $2 FOR UPDATE SKIP LOCKED),
       erased AS MATERIALIZED (SELECT id, audit_erase(user_id, true) AS entries FROM due),
       noted AS (UPDATE erasures e SET networks_erased_at = now() FROM erased WHERE e.id = erased.id RETURNING 1)
       SELECT count(*)::int AS changed FROM noted`,
      [days, limit],
    )
  }
}

async function changedBy(tx: Tx, sql: string, parameters: unknown[]): Promise<number> {
  const [found] = await rows<{ changed: number }>(tx, sql, parameters)
  return found?.changed ?? 0
}
