import { EntitySchema } from 'typeorm'
import type { AnswerForm } from '../contract/answer-form.ts'
import {
  activeRunStatuses,
  type RunStatus,
  runStatuses,
  type StopReason,
  type StrategyName,
  unfinishedRunStatuses,
} from '../contract/views.ts'
import { bigintColumn, createdAt, integer, json, jsonb, text, timestamp, uuid, uuidArray } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/**
 * The request by which a run was asked for, as logs name it, and its place in a trace (W3C `traceparent`). `keyId`: the API key that it
 * came with, in whose budget the run's holds count (`api_key_of` in `ledger.sql` reads it).
 */
export interface RunOrigin {
  requestId?: string
  traceParent?: string
  keyId?: string
}

/**
 * One accepted request to speak. At most one run of a conversation is queued, running or waiting; others are pending.
 */
export class Run {
  declare id: string
  declare conversationId: string
  declare userId: string
  declare status: RunStatus
  declare strategy: StrategyName
  declare agentIds: string[]
  declare maxTurns: number
  declare maxRounds: number | null
  declare maxCredits: bigint | null
  declare maxSeconds: number | null
  declare stopPhrase: string | null
  /** The form that its one agent's answer is to have. */
  declare answer: AnswerForm | null
  declare stopReason: StopReason | null
  declare errorCode: string | null
  declare errorMessage: string | null
  declare cancelRequestedAt: Date | null
  declare cancelReason: 'cancelled' | 'interrupted' | null
  /** The message that this run says anew. */
  declare regenerates: string | null
  /** The run that this one holds once more and goes on from, because tools have done something in it, or in one before it. */
  declare retries: string | null
  declare deadlineAt: Date
  /** Since when it waits for somebody's decision on a call of a tool, and how long it waited before, in ms: that is not its time. */
  declare pausedAt: Date | null
  declare pausedMs: number
  /** Null for what no request has asked for. */
  declare origin: RunOrigin | null
  declare createdAt: Date
  declare startedAt: Date | null
  declare finishedAt: Date | null
}

const ACTIVE = `status IN ${wordList(activeRunStatuses)}`

export const runEntity = new EntitySchema<Run>({
  name: 'Run',
  target: Run,
  tableName: 'runs',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'runs_pk' }),
    conversationId: uuid(),
    userId: uuid(),
    status: text(),
    strategy: text(),
    agentIds: uuidArray(),
    maxTurns: integer(),
    maxRounds: integer({ nullable: true }),
    maxCredits: bigintColumn({ nullable: true }),
    maxSeconds: integer({ nullable: true }),
    stopPhrase: text({ nullable: true }),
    answer: json({ nullable: true }),
    stopReason: text({ nullable: true }),
    errorCode: text({ nullable: true }),
    errorMessage: text({ nullable: true }),
    cancelRequestedAt: timestamp({ nullable: true }),
    cancelReason: text({ nullable: true }),
    regenerates: uuid({ nullable: true }),
    retries: uuid({ nullable: true }),
    deadlineAt: timestamp(),
    pausedAt: timestamp({ nullable: true }),
    pausedMs: integer({ default: 0 }),
    origin: jsonb({ nullable: true }),
    createdAt: createdAt(),
    startedAt: timestamp({ nullable: true }),
    finishedAt: timestamp({ nullable: true }),
  },
  indices: [
    { name: 'runs_one_active', columns: ['conversationId'], unique: true, where: ACTIVE },
    { name: 'runs_conversation', columns: ['conversationId', 'id'] },
    { name: 'runs_pending', columns: ['conversationId', 'id'], where: `status = 'pending'` },
    {
      name: 'runs_unfinished',
      columns: ['deadlineAt'],
      where: `status IN ${wordList(unfinishedRunStatuses)}`,
    },
  ],
  checks: [
    {
      name: 'runs_status_known',
      expression: `status IN ${wordList(runStatuses)}`,
    },
  ],
  foreignKeys: [
    {
      name: 'runs_conversation_fk',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
