import { EntitySchema } from 'typeorm'
import { type ToolCallStatus, toolCallStatuses } from '../contract/tool-names.ts'
import { boolean, createdAt, integer, jsonb, text, timestamp, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'
import type { OnUnknown, ToolEffect, ToolSchema } from './tool.ts'

/** A file that a call gave back. */
export interface ToolFile {
  /** Null where it could not be kept; `problem` is the code of why. */
  id: string | null
  name: string
  contentType: string
  /** Bytes. */
  size: number
  problem: string | null
}

/**
 * One call of a tool: a row of the tool ledger. `call` numbers the calls of a turn from 0, whatever their steps; an approval is named by its
 * `id`. The idempotency key that its tool is given is the id of the call that it stands for, else its own. `tool-calls.sql` draws its states.
 */
export class ToolCall {
  declare runId: string
  declare turn: number
  declare call: number
  declare id: string
  declare step: number
  declare userId: string
  declare agentId: string | null
  /** How the provider names the call. */
  declare providerCallId: string
  /** What the provider wants back with it, such as a signature. */
  declare providerData: Record<string, unknown> | null
  declare source: 'builtin' | 'mcp'
  declare serverId: string | null
  /** As its source names the tool; the model may have called for one that there is not. */
  declare sourceName: string
  /** As the model named it. */
  declare name: string
  declare title: string
  declare definitionHash: string | null
  declare effect: ToolEffect
  declare keyed: boolean
  declare onUnknown: OnUnknown
  declare args: Record<string, unknown>
  /** What arguments must be, where a person may write others. */
  declare inputSchema: ToolSchema | null
  /** True where whoever approved it asked for something else. */
  declare edited: boolean
  declare status: ToolCallStatus
  /** What it gave back, or why it failed; where it was cut, it says so at its end. */
  declare result: string | null
  declare errorCode: string | null
  /** What it gave back besides, as files of the user's; null where that is nothing. */
  declare files: ToolFile[] | null
  /** How often it was started, also in earlier runs, and by which attempt of this one last: null where it was not. */
  declare starts: number
  declare attempt: number | null
  /** How often an attempt got no answer, since somebody was asked about it last. */
  declare unanswered: number
  /** True when it was started once, nobody knows how it ended, and a person is or was asked. */
  declare doubt: boolean
  declare expiresAt: Date | null
  declare decidedBy: string | null
  declare decidedAt: Date | null
  /** The call of an earlier run that this one stands for. */
  declare inheritedFrom: string | null
  declare createdAt: Date
  declare startedAt: Date | null
  declare endedAt: Date | null
}

export const toolCallEntity = new EntitySchema<ToolCall>({
  name: 'ToolCall',
  target: ToolCall,
  tableName: 'tool_calls',
  columns: {
    runId: uuid({ primary: true, primaryKeyConstraintName: 'tool_calls_pk' }),
    turn: integer({ primary: true, primaryKeyConstraintName: 'tool_calls_pk' }),
    call: integer({ primary: true, primaryKeyConstraintName: 'tool_calls_pk' }),
    id: uuid(),
    step: integer(),
    userId: uuid(),
    agentId: uuid({ nullable: true }),
    providerCallId: text(),
    providerData: jsonb({ nullable: true }),
    source: text(),
    serverId: uuid({ nullable: true }),
    sourceName: text(),
    name: text(),
    title: text(),
    definitionHash: text({ nullable: true }),
    effect: text(),
    keyed: boolean(),
    onUnknown: text(),
    args: jsonb(),
    inputSchema: jsonb({ nullable: true }),
    edited: boolean({ default: false }),
    status: text(),
    result: text({ nullable: true }),
    errorCode: text({ nullable: true }),
    files: jsonb({ nullable: true }),
    starts: integer({ default: 0 }),
    attempt: integer({ nullable: true }),
    unanswered: integer({ default: 0 }),
    doubt: boolean({ default: false }),
    expiresAt: timestamp({ nullable: true }),
    decidedBy: uuid({ nullable: true }),
    decidedAt: timestamp({ nullable: true }),
    inheritedFrom: uuid({ nullable: true }),
    createdAt: createdAt(),
    startedAt: timestamp({ nullable: true }),
    endedAt: timestamp({ nullable: true }),
  },
  indices: [
    { name: 'tool_calls_id_unique', columns: ['id'], unique: true },
    { name: 'tool_calls_awaiting', columns: ['userId', 'id'], where: `status = 'awaiting'` },
    { name: 'tool_calls_lately', columns: ['userId', 'startedAt'], where: 'started_at IS NOT NULL' },
  ],
  checks: [{ name: 'tool_calls_status_known', expression: `status IN ${wordList(toolCallStatuses)}` }],
  foreignKeys: [
    {
      name: 'tool_calls_run_fk',
      target: 'Run',
      columnNames: ['runId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
