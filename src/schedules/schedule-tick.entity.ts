import { EntitySchema } from 'typeorm'
import type { PartyInput } from '../contract/chat.schemas.ts'
import { bigintColumn, createdAt, jsonb, text, timestamp, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/** `due` until its run was accepted; `skipped` for a reason that is no error (missed, the month's credits). */
export const tickStatuses = ['due', 'started', 'skipped', 'failed'] as const
export type TickStatus = (typeof tickStatuses)[number]

/** One time at which a schedule ticked. */
export class ScheduleTick {
  declare id: string
  declare scheduleId: string
  /** The time that the schedule names; at most one tick of a schedule has it. */
  declare at: Date
  declare status: TickStatus
  /** When its run is asked for: at once, and a while later each time that it could not be. */
  declare dueAt: Date
  /** The body of its request; null until it is settled. */
  declare party: PartyInput | null
  /** Why it came to nothing: an error's code, or `schedule.missed`, `schedule.month_spent`. */
  declare code: string | null
  declare message: string | null
  declare runId: string | null
  /** What its run has cost, in micro-credits; null until that was looked up after the run's end. */
  declare spent: bigint | null
  declare conversationId: string | null
  declare createdAt: Date
}

export const scheduleTickEntity = new EntitySchema<ScheduleTick>({
  name: 'ScheduleTick',
  target: ScheduleTick,
  tableName: 'schedule_ticks',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'schedule_ticks_pk' }),
    scheduleId: uuid(),
    at: timestamp(),
    status: text({ default: 'due' }),
    dueAt: timestamp({ default: () => 'now()' }),
    party: jsonb({ nullable: true }),
    code: text({ nullable: true }),
    message: text({ nullable: true }),
    runId: uuid({ nullable: true }),
    spent: bigintColumn({ nullable: true }),
    conversationId: uuid({ nullable: true }),
    createdAt: createdAt(),
  },
  checks: [{ name: 'schedule_ticks_status_known', expression: `status IN ${wordList(tickStatuses)}` }],
  indices: [
    { name: 'schedule_ticks_once', columns: ['scheduleId', 'at'], unique: true },
    { name: 'schedule_ticks_due', columns: ['dueAt'], where: `status = 'due'` },
    { name: 'schedule_ticks_ended', columns: ['createdAt'], where: `status <> 'due'` },
  ],
  foreignKeys: [
    {
      name: 'schedule_ticks_schedule_fk',
      target: 'Schedule',
      columnNames: ['scheduleId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
