import { EntitySchema } from 'typeorm'
import { uuid } from '../database/columns.ts'

/** The words of a message by which it is found (`message-words.ts`): each once, and marked as its user's. */
export class MessageWords {
  declare messageId: string
  /** Made by the statement that inserts; never selected. */
  declare search: unknown
}

export const messageWordsEntity = new EntitySchema<MessageWords>({
  name: 'MessageWords',
  target: MessageWords,
  tableName: 'message_words',
  columns: {
    messageId: uuid({ primary: true, primaryKeyConstraintName: 'message_words_pk' }),
    search: { type: 'tsvector', select: false, insert: false, update: false },
  },
  // A GIN index, which only the migration can say.
  indices: [{ name: 'message_words_search', columns: ['search'], synchronize: false }],
  foreignKeys: [
    {
      name: 'message_words_message_fk',
      target: 'Message',
      columnNames: ['messageId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
