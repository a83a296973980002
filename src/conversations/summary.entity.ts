import { EntitySchema } from 'typeorm'
import { createdAt, integer, text, uuid } from '../database/columns.ts'

/** What was said up to a message, in short. The newest version counts; a version is never changed. */
export class Summary {
  declare conversationId: string
  declare version: number
  declare upToSeq: number
  declare text: string
  declare promptVersion: string
  declare createdAt: Date
}

export const summaryEntity = new EntitySchema<Summary>({
  name: 'Summary',
  target: Summary,
  tableName: 'conversation_summaries',
  columns: {
    conversationId: uuid({ primary: true, primaryKeyConstraintName: 'conversation_summaries_pk' }),
    version: integer({ primary: true, primaryKeyConstraintName: 'conversation_summaries_pk' }),
    upToSeq: integer(),
    text: text(),
    promptVersion: text(),
    createdAt: createdAt(),
  },
  foreignKeys: [
    {
      name: 'conversation_summaries_conversation_fk',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
