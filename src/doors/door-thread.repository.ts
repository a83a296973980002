import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Door, type DoorThread, doorThreadEntity } from './door-thread.entity.ts'

/** Whose thread it is, of which door, and what it is called there. */
export type ThreadName = Pick<DoorThread, 'userId' | 'thread'> & { door: Door }

export class DoorThreadRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  find({ userId, door, thread }: ThreadName): Promise<DoorThread | null> {
    return this.#db.manager.findOneBy(doorThreadEntity, { userId, door, thread })
  }

  /** False when there is such a thread already: whoever began it a moment ago is waited for. */
  async add(
    { userId, door, thread, conversationId, given }: ThreadName & Pick<DoorThread, 'conversationId' | 'given'>,
    tx: Tx,
  ): Promise<boolean> {
    const added = await rows(
      tx,
      `INSERT INTO door_threads (user_id, door, thread, conversation_id, given) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT DO NOTHING RETURNING thread`,
      [userId, door, thread, conversationId, given && JSON.stringify(given)],
    )
    return added.length > 0
  }

  /** The same of a thread that may be there: then it is of this conversation from now on. */
  async put(
    { userId, door, thread, conversationId, given }: ThreadName & Pick<DoorThread, 'conversationId' | 'given'>,
    tx: Tx,
  ): Promise<void> {
    await rows(
      tx,
      `INSERT INTO door_threads (user_id, door, thread, conversation_id, given) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (user_id, door, thread) DO UPDATE
       SET conversation_id = excluded.conversation_id, given = excluded.given, created_at = now()`,
      [userId, door, thread, conversationId, given && JSON.stringify(given)],
    )
  }

  /** False when there was none. */
  async remove({ userId, door, thread }: ThreadName, tx: Tx): Promise<boolean> {
    const { affected } = await tx.delete(doorThreadEntity, { userId, door, thread })
    return affected === 1
  }
}
