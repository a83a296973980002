import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Schedule, scheduleEntity } from './schedule.entity.ts'

type Change = Partial<Omit<Schedule, 'id' | 'userId' | 'createdAt' | 'updatedAt'>>

export class ScheduleRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How many a user has; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    return tx.countBy(scheduleEntity, { userId })
  }

  async create(schedule: Omit<Schedule, 'createdAt' | 'updatedAt' | 'failures'>, tx: Tx): Promise<Schedule> {
    await tx.insert(scheduleEntity, schedule)
    return tx.findOneByOrFail(scheduleEntity, { id: schedule.id })
  }

  /** Newest first. */
  list(userId: string, limit: number, before: string | undefined): Promise<Schedule[]> {
    const query = this.#db.manager
      .createQueryBuilder(scheduleEntity, 's')
      .where('s.userId = :userId', { userId })
      .orderBy('s.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('s.id < :before', { before })
    return query.getMany()
  }

  findOwned(userId: string, id: string, tx: Tx = this.#db.manager): Promise<Schedule | null> {
    return tx.findOneBy(scheduleEntity, { id, userId })
  }

  /** As `findOwned`; whoever ticks waits for the end of this transaction. */
  lockOwned(userId: string, id: string, tx: Tx): Promise<Schedule | null> {
    return tx.findOne(scheduleEntity, { where: { id, userId }, lock: { mode: 'pessimistic_write' } })
  }

  async update(id: string, change: Change, tx: Tx): Promise<Schedule> {
    await tx.update(scheduleEntity, { id }, { ...change, updatedAt: new Date() })
    return tx.findOneByOrFail(scheduleEntity, { id })
  }

  /** With its ticks; its runs stay. False when it is not this user's. */
  async delete(userId: string, id: string): Promise<boolean> {
    const { affected } = await this.#db.manager.delete(scheduleEntity, { id, userId })
    return affected === 1
  }

  /** Those whose time has come, by the database's clock, those that wait longest first. */
  async due(limit: number): Promise<{ schedules: Schedule[]; now: Date }> {
    const [clock] = await rows<{ now: Date }>(this.#db.manager, 'SELECT now()')
    const now = clock?.now ?? new Date()
    const schedules = await this.#db.manager
      .createQueryBuilder(scheduleEntity, 's')
      .where('s.nextAt <= :now', { now })
      .orderBy('s.nextAt', 'ASC')
      .take(limit)
      .getMany()
    return { schedules, now }
  }

  /** Moves a schedule on from the time that it was seen at; false when somebody else did. `null`: there is none any more. */
  async moveOn({ id, nextAt }: Schedule, next: Date | null, tx: Tx): Promise<boolean> {
    const moved = await rows(
      tx,
      `UPDATE schedules SET next_at = $3, paused_reason = CASE WHEN $3::timestamptz IS NULL THEN 'over' END, updated_at = now()
       WHERE id = $1 AND next_at = $2 RETURNING id`,
      [id, nextAt, next],
    )
    return moved.length === 1
  }

  /** Counts a tick that came to nothing, and rests after so many of them in a row; `failed` false forgets them. */
  async tell(id: string, failed: boolean, most: number, tx: Tx): Promise<void> {
    await rows(
      tx,
      `UPDATE schedules SET failures = CASE WHEN $2 THEN failures + 1 ELSE 0 END,
         next_at = CASE WHEN $2 AND failures + 1 >= $3 THEN NULL ELSE next_at END,
         paused_reason = CASE WHEN $2 AND failures + 1 >= $3 THEN coalesce(paused_reason, 'failing') ELSE paused_reason END
       WHERE id = $1 AND ($2 OR failures > 0)`,
      [id, failed, most],
    )
  }

  /**
   * What runs of this schedule have cost since, and those that go on may still cost, in micro-credits. What one has cost is noted with
   * its tick once it is over, so that it is added up but once.
   */
  async spentSince(id: string, since: Date): Promise<bigint> {
    const [sum] = await rows<{ spent: string }>(
      this.#db.manager,
      `WITH ticks AS MATERIALIZED (
         SELECT t.id, t.run_id, t.spent FROM schedule_ticks t
         WHERE t.schedule_id = $1 AND t.at >= $2 AND t.run_id IS NOT NULL
       ), looked_up AS MATERIALIZED (
         SELECT t.id, t.run_id, r.id IS NOT NULL AND r.finished_at IS NULL AS goes_on, r.max_credits,
           (SELECT coalesce(sum(c.charged), 0)::bigint FROM metered_calls c WHERE c.run_id = t.run_id) AS charged
         FROM ticks t LEFT JOIN runs r ON r.id = t.run_id WHERE t.spent IS NULL
       ), noted AS (
         UPDATE schedule_ticks t SET spent = l.charged FROM looked_up l WHERE t.id = l.id AND NOT l.goes_on
       )
       -- Ticks whose words joined the run of another share it.
       SELECT coalesce(sum(one.spent), 0)::text AS spent FROM (
         SELECT run_id, max(spent) AS spent FROM (
           SELECT run_id, spent FROM ticks WHERE spent IS NOT NULL
           UNION ALL SELECT run_id, CASE WHEN goes_on THEN greatest(max_credits, charged) ELSE charged END FROM looked_up
         ) AS known GROUP BY run_id) AS one`,
      [id, since],
    )
    return BigInt(sum?.spent ?? 0)
  }
}
