import { EntitySchema } from 'typeorm'
import { createdAt, timestamp, uuid } from '../database/columns.ts'

/**
 * A link that shows a conversation to whoever has it. Its token is signed and not stored (`share-token.ts`): without this row it
 * opens nothing.
 */
export class Share {
  declare id: string
  declare conversationId: string
  /** Whose conversation it is. */
  declare userId: string
  /** Null: until it is revoked, which deletes the row. */
  declare expiresAt: Date | null
  declare createdAt: Date
}

export const shareEntity = new EntitySchema<Share>({
  name: 'Share',
  target: Share,
  tableName: 'shares',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'shares_pk' }),
    conversationId: uuid(),
    userId: uuid(),
    expiresAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
  },
  indices: [
    { name: 'shares_conversation', columns: ['conversationId', 'id'] },
    { name: 'shares_user', columns: ['userId', 'id'] },
  ],
  foreignKeys: [
    {
      name: 'shares_conversation_fk',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'shares_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
