import { type DataSource, In } from 'typeorm'
import { activeRunStatuses, unfinishedRunStatuses } from '../contract/views.ts'
import type { Glance } from '../conversations/conversation.presenter.ts'
import { rows, wordList } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { RunEnd } from './following.ts'
import { type Run, runEntity } from './run.entity.ts'

/** SQL of a run that is not over. */
const UNFINISHED = wordList(unfinishedRunStatuses)

/** What lists show of a conversation besides its row. */
export type RunGlance = Glance & { active: string | null; last: string | null }

export class RunRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async create(run: Partial<Run> & Pick<Run, 'id'>, tx: Tx): Promise<Run> {
    const { answer, ...row } = run
    await tx.insert(runEntity, row)
    // What TypeORM takes to insert has no type for JSON of any form.
    if (answer) await tx.query('UPDATE runs SET answer = $2 WHERE id = $1', [run.id, JSON.stringify(answer)])
    return tx.findOneByOrFail(runEntity, { id: run.id })
  }

  find(id: string, tx: Tx = this.#db.manager): Promise<Run | null> {
    return tx.findOneBy(runEntity, { id })
  }

  findOwned(userId: string, id: string): Promise<Run | null> {
    return this.#db.manager.findOneBy(runEntity, { id, userId })
  }

  /** Locks the run until the transaction ends; lock its conversation first. */
  lock(id: string, tx: Tx): Promise<Run | null> {
    return tx.findOne(runEntity, { where: { id }, lock: { mode: 'pessimistic_write' } })
  }

  findActive(conversationId: string, tx: Tx = this.#db.manager): Promise<Run | null> {
    return tx.findOneBy(runEntity, { conversationId, status: In(activeRunStatuses) })
  }

  /** Of each of these conversations what its row does not say, with the ids of its active and of its newest run. One query. */
  async glances(conversationIds: string[]): Promise<Map<string, RunGlance>> {
    const found = await rows<RunGlance & { id: string }>(
      this.#db.manager,
      'SELECT id, active, last, last_message AS "lastMessage", unread, speakers FROM conversation_glances($1)',
      [conversationIds],
    )
    return new Map(found.map(({ id, ...glance }) => [id, glance]))
  }

  /** Ids of a conversation's runs, newest first, before that one. */
  async idsOf(conversationId: string, limit: number, before?: string): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT id FROM runs WHERE conversation_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
      [conversationId, before ?? null, limit],
    )
    return found.map(({ id }) => id)
  }

  /** The id of a conversation's newest run. */
  async newestOf(conversationId: string, tx: Tx): Promise<string | undefined> {
    const sql = 'SELECT id FROM runs WHERE conversation_id = $1 ORDER BY id DESC LIMIT 1'
    return (await rows<{ id: string }>(tx, sql, [conversationId]))[0]?.id
  }

  /** The newest run of a conversation that was begun by these words, that one or a later one. */
  async saying(conversationId: string, text: string, fromId: string): Promise<string | undefined> {
    const sql = `SELECT r.id FROM runs r WHERE r.conversation_id = $1 AND r.id >= $3
        AND EXISTS (SELECT FROM messages m WHERE m.run_id = r.id AND m.role = 'user' AND m.content = $2)
      ORDER BY r.id DESC LIMIT 1`
    return (await rows<{ id: string }>(this.#db.manager, sql, [conversationId, text, fromId]))[0]?.id
  }

  /** All runs of a user, or of a conversation, that are not over; pending ones first, so that ending an active one promotes none. */
  findUnfinished(where: { userId: string } | { conversationId: string }, tx: Tx): Promise<Run[]> {
    return tx.find(runEntity, {
      where: { ...where, status: In(unfinishedRunStatuses) },
      order: { status: 'ASC', id: 'ASC' },
    })
  }

  /** A run between its turns waits for files, and no worker is held. */
  async markWaiting(id: string, tx: Tx): Promise<void> {
    await rows(tx, `UPDATE runs SET status = 'waiting' WHERE id = $1 AND status IN ('queued', 'running')`, [id])
  }

  /** A run of which all open turns wait for people waits; false where it does not, or did before (`tool-calls.sql`). */
  async rests(id: string, tx: Tx): Promise<boolean> {
    const [row] = await rows<{ rests: boolean }>(tx, 'SELECT run_rests($1) AS rests', [id])
    return row?.rests ?? false
  }

  /** Waiting becomes queued. */
  async markQueued(id: string, tx: Tx): Promise<void> {
    await rows(tx, `UPDATE runs SET status = 'queued' WHERE id = $1 AND status = 'waiting'`, [id])
  }

  /** Seconds since the run was first claimed, by the database's clock; 0 before that. */
  async secondsSinceStart(id: string, tx: Tx = this.#db.manager): Promise<number> {
    const sql = `SELECT coalesce(extract(epoch FROM clock_timestamp() - started_at) - paused_ms / 1000.0, 0)::float8 AS seconds FROM runs WHERE id = $1`
    return (await rows<{ seconds: number }>(tx, sql, [id]))[0]?.seconds ?? 0
  }

  /** Ends a run that is not over; false when it already was, and nothing changed. */
  async end(id: string, end: RunEnd, tx: Tx): Promise<boolean> {
    const ended = await rows(
      tx,
      `UPDATE runs SET status = $2, stop_reason = $3, error_code = $4, error_message = $5, finished_at = now()
       WHERE id = $1 AND status IN ${UNFINISHED} RETURNING id`,
      [id, end.status, end.stopReason, end.error?.code ?? null, end.error?.message ?? null],
    )
    return ended.length > 0
  }

  /** Makes the conversation's oldest pending run its active one; undefined when none waits. The deadline counts from now. */
  async promotePending(conversationId: string, deadlineMs: number, tx: Tx): Promise<Run | undefined> {
    const [promoted] = await rows<{ id: string }>(
      tx,
      `UPDATE runs SET status = 'queued', deadline_at = now() + $2 * interval '1 millisecond'
       WHERE id = (SELECT id FROM runs WHERE conversation_id = $1 AND status = 'pending' ORDER BY id LIMIT 1)
       RETURNING id`,
      [conversationId, deadlineMs],
    )
    return (promoted && (await this.find(promoted.id, tx))) ?? undefined
  }

  /** The first message that a run of this conversation which is not over was told; null when none is. */
  async firstOpenSeq(conversationId: string): Promise<number | null> {
    const [first] = await rows<{ seq: number | null }>(
      this.#db.manager,
      `SELECT min(m.seq) AS seq FROM runs r JOIN messages m ON m.run_id = r.id AND m.role = 'user'
       WHERE r.conversation_id = $1 AND r.status IN ${UNFINISHED}`,
      [conversationId],
    )
    return first?.seq ?? null
  }

  /** Asks the worker to stop; the first reason stays. */
  async requestCancel(id: string, reason: 'cancelled' | 'interrupted', tx: Tx): Promise<void> {
    await rows(
      tx,
      `UPDATE runs SET cancel_requested_at = now(), cancel_reason = $2 WHERE id = $1 AND cancel_requested_at IS NULL`,
      [id, reason],
    )
  }

  /** Runs whose time is over; at most 100 at once. */
  async findOverdue(): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT id FROM runs WHERE status IN ${UNFINISHED} AND deadline_at < now() ORDER BY deadline_at LIMIT 100`,
    )
    return found.map((run) => run.id)
  }

  /** Runs that were asked to stop at least this long ago and have not; at most 100. */
  async findUnstopped(graceMs: number): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT id FROM runs WHERE status IN ${UNFINISHED}
         AND cancel_requested_at < now() - $1 * interval '1 millisecond' LIMIT 100`,
      [graceMs],
    )
    return found.map((run) => run.id)
  }
}
