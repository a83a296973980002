import { EntitySchema } from 'typeorm'
import type { StrategyName } from '../contract/views.ts'
import {
  bigintColumn,
  boolean,
  createdAt,
  integer,
  text,
  timestamp,
  updatedAt,
  uuid,
  uuidArray,
} from '../database/columns.ts'

/**
 * What was said between a user and agents. `lastSeq` numbers its messages, `version` counts the commits that changed what
 * clients see of it; both only grow, under the row's lock.
 */
export class Conversation {
  declare id: string
  declare userId: string
  declare title: string | null
  declare agentIds: string[]
  declare strategy: StrategyName
  declare archived: boolean
  /** Listed before all others. */
  declare pinned: boolean
  /** The last message that the user has read; what the user says is read besides. */
  declare readSeq: number
  declare version: bigint
  declare lastSeq: number
  /** Words of the messages up to this one can be found (`message-search.repository.ts`). */
  declare notedSeq: number
  /** How often a title was asked for, and when it is next; null when it is not wanted (any more). */
  declare titleAttempts: number
  declare titleDueAt: Date | null
  /** What it goes on from, which may be gone by now; null where it began by itself. */
  declare branchedFromConversationId: string | null
  declare branchedFromMessageId: string | null
  /** When something was last said in it. */
  declare activeAt: Date
  declare createdAt: Date
  declare updatedAt: Date
}

export const conversationEntity = new EntitySchema<Conversation>({
  name: 'Conversation',
  target: Conversation,
  tableName: 'conversations',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'conversations_pk' }),
    userId: uuid(),
    title: text({ nullable: true }),
    agentIds: uuidArray(),
    strategy: text(),
    archived: boolean({ default: false }),
    pinned: boolean({ default: false }),
    readSeq: integer({ default: 0 }),
    version: bigintColumn({ default: 1 }),
    lastSeq: integer({ default: 0 }),
    notedSeq: integer({ default: 0 }),
    titleAttempts: integer({ default: 0 }),
    titleDueAt: timestamp({ nullable: true }),
    branchedFromConversationId: uuid({ nullable: true }),
    branchedFromMessageId: uuid({ nullable: true }),
    // Milliseconds, as cursors have it.
    activeAt: timestamp({ precision: 3, default: () => 'now()' }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  indices: [
    { name: 'conversations_listed', columns: ['userId', 'pinned', 'activeAt', 'id'] },
    { name: 'conversations_unnoted', columns: ['userId'], where: 'noted_seq < last_seq' },
    { name: 'conversations_untitled', columns: ['titleDueAt'], where: 'title_due_at IS NOT NULL' },
  ],
  foreignKeys: [
    {
      name: 'conversations_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
