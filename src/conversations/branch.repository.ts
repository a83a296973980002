import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import { accountGone, type Tx } from '../database/transaction.ts'
import type { Message } from './message.entity.ts'

/** What stands up to the message $2; where that one was superseded, with what else its run had said until then. */
const KEPT = `m.conversation_id = $1 AND m.seq <= $3 AND (m.status <> 'superseded' OR m.id = $2 OR ($4 AND m.run_id = $5))`

/**
 * Whether the message `k` has the form that its run asked for, which its copy, of no run, has to say by itself. A turn of such a run is completed
 * with nothing else, also where its words were superseded later.
 */
const IS_DATA = `(k.is_data OR (k.role = 'agent' AND EXISTS (
  SELECT FROM runs r JOIN turns t ON t.run_id = r.id AND t.index = k.turn AND t.status = 'completed'
  WHERE r.id = k.run_id AND r.answer IS NOT NULL)))`

const of = ({ id, conversationId, seq, status, runId }: Message) => [
  conversationId,
  id,
  seq,
  status === 'superseded',
  runId,
]

/** Conversations that go on from a message of another one. */
export class BranchRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How much there would be to copy; `bytes` of UTF-8. */
  async sizeUpTo(message: Message): Promise<{ messages: number; bytes: number }> {
    const [size] = await rows<{ messages: number; bytes: string }>(
      this.#db.manager,
      `SELECT count(*)::int AS messages, coalesce(sum(octet_length(m.content)), 0) AS bytes FROM messages m WHERE ${KEPT}`,
      of(message),
    )
    return { messages: size?.messages ?? 0, bytes: Number(size?.bytes ?? 0) }
  }

  /**
   * Copies a conversation up to a message, in one statement. The copies are of no run: what they cost was paid where they were said. False when
   * the conversation or the message is gone.
   */
  async copy(id: string, message: Message, tx: Tx): Promise<boolean> {
    const copied = await rows(
      tx,
      `WITH kept AS (
         SELECT m.*, row_number() OVER (ORDER BY m.seq) AS place FROM messages m WHERE ${KEPT}
       ), made AS (
         INSERT INTO conversations (id, user_id, title, agent_ids, strategy, last_seq, branched_from_conversation_id, branched_from_message_id)
         SELECT $6, c.user_id, c.title, c.agent_ids, c.strategy, (SELECT count(*) FROM kept), c.id, $2 FROM conversations c
         WHERE c.id = $1 AND EXISTS (SELECT FROM kept WHERE id = $2)
         RETURNING id
       )
       INSERT INTO messages (id, conversation_id, seq, role, agent_id, agent_name, content, status, file_ids, is_data, created_at)
       SELECT gen_random_uuid(), made.id, k.place, k.role, k.agent_id, k.agent_name, k.content,
         CASE k.status WHEN 'superseded' THEN 'complete' ELSE k.status END, k.file_ids, ${IS_DATA}, k.created_at
       FROM kept k, made RETURNING id`,
      [...of(message), id],
    ).catch((error: unknown) => {
      throw accountGone(error)
    })
    return copied.length > 0
  }
}
