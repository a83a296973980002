import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import { brokenReference } from '../database/transaction.ts'
import type { Message } from './message.entity.ts'
import { SEARCHED_CHARS, type WordsQuery, wordsOf } from './message-words.ts'

/** Messages whose words are noted by one statement. */
const BATCH = 100
/** Characters of messages after which noting stops for now: words of some take a hundred times as long as those of others. */
const MOST_CHARS = 524_288
/** Of a conversation so many places are shown where something was found. */
const PLACES_EACH = 2

/** While agents talk, a conversation waits: what they say is noted together. */
const ANYBODYS = `$1::uuid IS NULL AND active_at < now() - interval '10 seconds'`
/** Who searches looks for what was said last. */
const USERS = 'user_id = $1 ORDER BY active_at DESC'

/** A message in which something was found; of its text the part that is searched. */
export type FoundMessage = Pick<
  Message,
  'conversationId' | 'id' | 'seq' | 'role' | 'agentId' | 'agentName' | 'createdAt' | 'content'
>

/**
 * The words by which messages are found. They are noted after they were said, many at once, so that saying something costs nothing more:
 * by a search for what its user has said, and by the reconciler for all.
 */
export class MessageSearchRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /**
   * Notes words of a user's messages, or of anybody's, that are not noted yet: of at most `most` of them, and of fewer where they are long.
   * Answers of how many.
   */
  async noteWords(userId: string | null, most: number): Promise<number> {
    let noted = 0
    for (let chars = 0; noted < most && chars < MOST_CHARS; ) {
      const batch = await this.#noteBatch(userId, Math.min(BATCH, most - noted), MOST_CHARS - chars)
      if (batch.messages === 0) break
      noted += batch.messages
      chars += batch.chars
    }
    return noted
  }

  /** The latest messages that have what is looked for, of each of these conversations, which are `userId`'s. */
  places(query: WordsQuery, conversationIds: string[]): Promise<FoundMessage[]> {
    return rows<FoundMessage>(
      this.#db.manager,
      `SELECT "conversationId", id, seq, role, "agentId", "agentName", "createdAt", left(content, $3) AS content FROM (
         SELECT m.conversation_id AS "conversationId", m.id, m.seq, m.role, m.agent_id AS "agentId", m.agent_name AS "agentName",
           m.created_at AS "createdAt", m.content, row_number() OVER (PARTITION BY m.conversation_id ORDER BY m.seq DESC) AS place
         FROM message_words w JOIN messages m ON m.id = w.message_id
         WHERE w.search @@ $2::tsquery AND m.conversation_id = ANY($1::uuid[]) AND m.status <> 'superseded'
       ) found WHERE place <= $4 ORDER BY "conversationId", seq DESC`,
      [conversationIds, query.words, SEARCHED_CHARS, PLACES_EACH],
    )
  }

  /** The next messages of the conversation whose words have waited, of so many characters in all, but one at least; none when none waits. */
  async #noteBatch(userId: string | null, limit: number, chars: number): Promise<{ messages: number; chars: number }> {
    const waiting = await rows<{ conversationId: string; userId: string; id: string; seq: number; content: string }>(
      this.#db.manager,
      `SELECT c.id AS "conversationId", c.user_id AS "userId", m.id, m.seq, left(m.content, $3) AS content
       FROM (SELECT id, user_id, noted_seq FROM conversations
         WHERE noted_seq < last_seq AND ${userId === null ? ANYBODYS : USERS} LIMIT 1) c
       JOIN messages m ON m.conversation_id = c.id AND m.seq > c.noted_seq ORDER BY m.seq LIMIT $2`,
      [userId, limit, SEARCHED_CHARS],
    )
    let read = 0
    const said = waiting.filter(({ content }, place) => {
      read += content.length
      return place === 0 || read <= chars
    })
    const last = said.at(-1)
    if (!last) return { messages: 0, chars: 0 }
    const words: string[] = []
    for (const message of said) words.push(await wordsOf(message.userId, message.content))
    try {
      await rows(
        this.#db.manager,
        `WITH noted AS (
           INSERT INTO message_words (message_id, search)
           SELECT m.id, w.words::tsvector FROM unnest($3::uuid[], $4::text[]) AS w (id, words) JOIN messages m ON m.id = w.id
           ON CONFLICT DO NOTHING)
         UPDATE conversations SET noted_seq = greatest(noted_seq, $2) WHERE id = $1`,
        [last.conversationId, last.seq, said.map(({ id }) => id), words],
      )
    } catch (error) {
      // It was deleted a moment ago.
      if (!brokenReference(error)) throw error
    }
    return { messages: said.length, chars: read }
  }
}
