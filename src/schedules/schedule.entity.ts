import { EntitySchema } from 'typeorm'
import type { PartyInput } from '../contract/chat.schemas.ts'
import { type MissedPolicy, missedPolicies } from '../contract/schedule.schemas.ts'
import { bigintColumn, createdAt, integer, jsonb, text, timestamp, updatedAt, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/** Why a schedule rests: its owner's word, too many ticks in a row that came to nothing, or no time that is still to come. */
export const pausedReasons = ['owner', 'failing', 'over'] as const
export type PausedReason = (typeof pausedReasons)[number]

/** A party that begins again and again. */
export class Schedule {
  declare id: string
  declare userId: string
  declare name: string
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  declare cron: string
  /** IANA name, such as Europe/Berlin. */
  declare timeZone: string
  /** The body of `POST /api/chat/multi-agent`, as its owner wrote it. */
  declare party: PartyInput
  declare missed: MissedPolicy
  /** Micro-credits that its runs may cost in a month of its time zone; null: what the account has. */
  declare monthlyCredits: bigint | null
  declare pausedReason: PausedReason | null
  /** When it ticks next; null while it rests. */
  declare nextAt: Date | null
  /** Ticks in a row that came to nothing. */
  declare failures: number
  declare createdAt: Date
  declare updatedAt: Date
}

export const scheduleEntity = new EntitySchema<Schedule>({
  name: 'Schedule',
  target: Schedule,
  tableName: 'schedules',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'schedules_pk' }),
    userId: uuid(),
    name: text(),
    cron: text(),
    timeZone: text(),
    party: jsonb(),
    missed: text(),
    monthlyCredits: bigintColumn({ nullable: true }),
    pausedReason: text({ nullable: true }),
    nextAt: timestamp({ nullable: true }),
    failures: integer({ default: 0 }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'schedules_missed_known', expression: `missed IN ${wordList(missedPolicies)}` },
    { name: 'schedules_reason_known', expression: `paused_reason IN ${wordList(pausedReasons)}` },
    { name: 'schedules_rest_or_tick', expression: '(next_at IS NULL) = (paused_reason IS NOT NULL)' },
  ],
  indices: [
    { name: 'schedules_user', columns: ['userId', 'id'] },
    { name: 'schedules_due', columns: ['nextAt'] },
  ],
  foreignKeys: [
    {
      name: 'schedules_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
