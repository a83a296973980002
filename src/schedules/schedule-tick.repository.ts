import type { DataSource } from 'typeorm'
import type { PartyInput } from '../contract/chat.schemas.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { Schedule } from './schedule.entity.ts'
import { type ScheduleTick, scheduleTickEntity, type TickStatus } from './schedule-tick.entity.ts'

/** A tick whose run is to be accepted, with its schedule. */
export interface DueTick {
  tick: Pick<ScheduleTick, 'id' | 'at' | 'createdAt'>
  schedule: Pick<Schedule, 'id' | 'userId' | 'party' | 'timeZone' | 'monthlyCredits'>
}

interface TickEnd {
  status: TickStatus
  code?: string
  message?: string
  runId?: string
  conversationId?: string
}

export class ScheduleTickRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async add(tick: Pick<ScheduleTick, 'id' | 'scheduleId' | 'at'> & Partial<ScheduleTick>, tx: Tx): Promise<void> {
    await tx.createQueryBuilder().insert().into(scheduleTickEntity).values(tick).orIgnore().execute()
  }

  /** Newest first. */
  list(scheduleId: string, limit: number, before: string | undefined): Promise<ScheduleTick[]> {
    const query = this.#db.manager
      .createQueryBuilder(scheduleTickEntity, 't')
      .where('t.scheduleId = :scheduleId', { scheduleId })
      .orderBy('t.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('t.id < :before', { before })
    return query.getMany()
  }

  /** Ticks whose run is not accepted yet, as far as is known, and may be asked for, those that wait longest first. */
  async due(limit: number): Promise<DueTick[]> {
    const found = await rows<{
      id: string
      at: Date
      createdAt: Date
      scheduleId: string
      userId: string
      party: PartyInput
      timeZone: string
      monthlyCredits: string | null
    }>(
      this.#db.manager,
      `SELECT t.id, t.at, t.created_at AS "createdAt", s.id AS "scheduleId", s.user_id AS "userId", s.party, s.time_zone AS "timeZone",
         s.monthly_credits AS "monthlyCredits"
       FROM schedule_ticks t JOIN schedules s ON s.id = t.schedule_id WHERE t.status = 'due' AND t.due_at <= now() ORDER BY t.due_at LIMIT $1`,
      [limit],
    )
    return found.map(({ id, at, createdAt, scheduleId, monthlyCredits, ...schedule }) => ({
      tick: { id, at, createdAt },
      schedule: {
        id: scheduleId,
        ...schedule,
        monthlyCredits: monthlyCredits === null ? null : BigInt(monthlyCredits),
      },
    }))
  }

  /** What a tick asks for, as it was settled first. */
  async settleParty(id: string, party: PartyInput): Promise<PartyInput> {
    const [settled] = await rows<{ party: PartyInput }>(
      this.#db.manager,
      'UPDATE schedule_ticks SET party = coalesce(party, $2::jsonb) WHERE id = $1 RETURNING party',
      [id, JSON.stringify(party)],
    )
    return settled?.party ?? party
  }

  /** False when somebody else ended it. */
  async end(id: string, { status, code, message, runId, conversationId }: TickEnd, tx: Tx): Promise<boolean> {
    const ended = await rows(
      tx,
      `UPDATE schedule_ticks SET status = $2, code = $3, message = $4, run_id = $5, conversation_id = $6
       WHERE id = $1 AND status = 'due' RETURNING id`,
      [id, status, code ?? null, message ?? null, runId ?? null, conversationId ?? null],
    )
    return ended.length === 1
  }

  /** Asks for its run later. */
  async postpone(id: string, delayMs: number): Promise<void> {
    await rows(this.#db.manager, `UPDATE schedule_ticks SET due_at = now() + $2 * interval '1 ms' WHERE id = $1`, [
      id,
      delayMs,
    ])
  }
}
