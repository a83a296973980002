import { EntitySchema } from 'typeorm'
import { createdAt, jsonb, text, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/** Protocols of others by which a party can be used. */
export const doors = ['openai', 'ui', 'ag-ui'] as const
export type Door = (typeof doors)[number]

/** The longest id that a client may give to a thread, in bytes. */
export const THREAD_BYTES = 255
/** The most that is kept to be shown again of what a client gave with it, in bytes of its JSON. */
export const GIVEN_BYTES = 16_384

/** What a door's clients call a conversation (or, of OpenAI's responses, a run in it); the same id of another user is another thread. */
export class DoorThread {
  declare userId: string
  declare door: Door
  declare thread: string
  declare conversationId: string
  /** What the client gave and is shown again, such as metadata; null where that is nothing. */
  declare given: Record<string, unknown> | null
  declare createdAt: Date
}

export const doorThreadEntity = new EntitySchema<DoorThread>({
  name: 'DoorThread',
  target: DoorThread,
  tableName: 'door_threads',
  columns: {
    userId: uuid({ primary: true, primaryKeyConstraintName: 'door_threads_pk' }),
    door: text({ primary: true, primaryKeyConstraintName: 'door_threads_pk' }),
    thread: text({ primary: true, primaryKeyConstraintName: 'door_threads_pk' }),
    conversationId: uuid(),
    given: jsonb({ nullable: true }),
    createdAt: createdAt(),
  },
  indices: [{ name: 'door_threads_conversation', columns: ['conversationId'] }],
  checks: [
    { name: 'door_threads_door_known', expression: `door IN ${wordList(doors)}` },
    { name: 'door_threads_thread_short', expression: `octet_length(thread) <= ${THREAD_BYTES}` },
    { name: 'door_threads_given_short', expression: `octet_length(given::text) <= ${GIVEN_BYTES}` },
  ],
  foreignKeys: [
    {
      name: 'door_threads_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'door_threads_conversation_fk',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
