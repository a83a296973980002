import { EntitySchema } from 'typeorm'
import { REASONING_EFFORTS, type ReasoningEffort } from '../contract/providers.ts'
import { createdAt, integer, jsonb, real, text, timestamp, updatedAt, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'
import type { ToolChoice } from '../tools/tool.ts'

export type StyleLevel = 'low' | 'medium' | 'high'

export interface ChatStyle {
  friendliness: StyleLevel
  humor: StyleLevel
  formality: StyleLevel
  verbosity: StyleLevel
}

/**
 * Somebody who takes turns. Without a user it is the platform's, for all to talk with. A deleted agent stays as a row, so
 * that what it said keeps its speaker and a run in progress ends well; it is shown nowhere else.
 */
export class Agent {
  declare id: string
  declare userId: string | null
  declare name: string
  declare instructions: string
  declare characteristics: string
  declare chatStyle: ChatStyle
  declare connectionId: string | null
  declare model: string | null
  /** Answers when the first connection is in trouble; null for none. `fallbackModel` null: the connection's own. */
  declare fallbackConnectionId: string | null
  declare fallbackModel: string | null
  declare temperature: number | null
  declare maxOutputTokens: number | null
  /** How hard its model is to think before it speaks; null leaves it to the provider. */
  declare reasoningEffort: ReasoningEffort | null
  /** What it may do besides talking, in the order in which its model is told. */
  declare tools: ToolChoice[]
  /** Most calls of its model in one turn; null: as many as the installation allows. */
  declare maxSteps: number | null
  /** What stands for it on a screen: an emoji, or initials; null for none. */
  declare avatar: string | null
  /** `#rrggbb`. */
  declare color: string | null
  declare deletedAt: Date | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const agentEntity = new EntitySchema<Agent>({
  name: 'Agent',
  target: Agent,
  tableName: 'agents',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'agents_pk' }),
    userId: uuid({ nullable: true }),
    name: text(),
    instructions: text(),
    characteristics: text(),
    chatStyle: jsonb(),
    connectionId: uuid({ nullable: true }),
    model: text({ nullable: true }),
    fallbackConnectionId: uuid({ nullable: true }),
    fallbackModel: text({ nullable: true }),
    temperature: real({ nullable: true }),
    maxOutputTokens: integer({ nullable: true }),
    reasoningEffort: text({ nullable: true }),
    tools: jsonb({ default: () => "'[]'" }),
    maxSteps: integer({ nullable: true }),
    avatar: text({ nullable: true }),
    color: text({ nullable: true }),
    deletedAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [{ name: 'agents_reasoning_effort_known', expression: `reasoning_effort IN ${wordList(REASONING_EFFORTS)}` }],
  indices: [
    { name: 'agents_user', columns: ['userId'] },
    { name: 'agents_connection', columns: ['connectionId'] },
    { name: 'agents_fallback_connection', columns: ['fallbackConnectionId'] },
  ],
  foreignKeys: [
    {
      name: 'agents_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'agents_connection_fk',
      target: 'Connection',
      columnNames: ['connectionId'],
      referencedColumnNames: ['id'],
    },
    {
      name: 'agents_fallback_connection_fk',
      target: 'Connection',
      columnNames: ['fallbackConnectionId'],
      referencedColumnNames: ['id'],
    },
  ],
})
