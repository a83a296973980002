import { EntitySchema } from 'typeorm'
import type { ToolCallView } from '../contract/views.ts'
import type { TokenUsage } from '../credits/usage.ts'
import { boolean, createdAt, integer, text, uuid, uuidArray } from '../database/columns.ts'

export type MessageRole = 'user' | 'agent' | 'system'
export type MessageStatus = 'complete' | 'cancelled' | 'failed' | 'superseded'

/** One thing said. A turn makes at most one message; `agentName` is the speaker's name at that time. */
export class Message {
  declare id: string
  declare conversationId: string
  declare seq: number
  declare role: MessageRole
  declare agentId: string | null
  declare agentName: string | null
  declare content: string
  declare status: MessageStatus
  declare runId: string | null
  declare turn: number | null
  declare fileIds: string[]
  /** What its user thinks of it: null for nothing. */
  declare feedback: 'up' | 'down' | null
  declare feedbackComment: string | null
  /** True of what a branch was begun with and has the form that its run asked for; of other messages their run says it. */
  declare isData: boolean
  declare createdAt: Date
}

/** A message that nobody has judged yet: as it is made. */
export type NewMessage = Omit<Message, 'feedback' | 'feedbackComment' | 'isData'>

/** What a message's turn used, and cost in micro-credits. */
export interface MessageCost {
  usage: TokenUsage
  credits: bigint
}

/** A message as clients are shown it; without a cost where it has none, or its event need not say it again. */
export type ShownMessage = NewMessage &
  Partial<Pick<Message, 'feedback' | 'feedbackComment'>> & {
    cost?: MessageCost | undefined
    /** Of its turn, where there were any. */
    toolCalls?: ToolCallView[] | undefined
    /** Its content is JSON of the form that its run asked for. */
    isData?: boolean | undefined
  }

export const messageEntity = new EntitySchema<Message>({
  name: 'Message',
  target: Message,
  tableName: 'messages',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'messages_pk' }),
    conversationId: uuid(),
    seq: integer(),
    role: text(),
    agentId: uuid({ nullable: true }),
    agentName: text({ nullable: true }),
    content: text(),
    status: text(),
    runId: uuid({ nullable: true }),
    turn: integer({ nullable: true }),
    fileIds: uuidArray({ default: () => "'{}'" }),
    feedback: text({ nullable: true }),
    feedbackComment: text({ nullable: true }),
    isData: boolean({ default: false }),
    createdAt: createdAt(),
  },
  indices: [
    { name: 'messages_seq_unique', columns: ['conversationId', 'seq'], unique: true },
    { name: 'messages_of_user', columns: ['runId', 'seq'], where: `role = 'user'` },
    { name: 'messages_with_files', columns: ['conversationId', 'seq'], where: `file_ids <> '{}'` },
    { name: 'messages_turn_unique', columns: ['runId', 'turn'], unique: true, where: `role = 'agent'` },
  ],
  checks: [
    { name: 'messages_role_known', expression: `role IN ('user', 'agent', 'system')` },
    { name: 'messages_feedback_known', expression: `feedback IN ('up', 'down')` },
    { name: 'messages_status_known', expression: `status IN ('complete', 'cancelled', 'failed', 'superseded')` },
  ],
  foreignKeys: [
    {
      name: 'messages_conversation_fk',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
