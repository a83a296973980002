import { MessageRepository } from '../../src/conversations/message.repository.ts'
import { SummaryRepository } from '../../src/conversations/summary.repository.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { newId } from '../../src/shared/ids.ts'
import { createDatabase } from '../support/database.ts'

const SHORT = 50
const LONG = 10_000
const READS = 200
/** A turn of a long conversation may read at most so many times as long as one of a short. */
const MOST = 6

/** What a turn reads of its conversation: 50 messages against 10,000, which fill the budget four times over. */
export async function run(): Promise<void> {
  const database = await createDatabase()
  const db = await createDataSource({ url: database.url, entities: allEntities, poolSize: 2 }).initialize()
  try {
    const user = newId()
    await db.query(
      `INSERT INTO users (id, email, email_key, name, role, password_hash) VALUES ($1, 'bench@example.com', 'bench@example.com', 'Bench', 'user', 'x')`,
      [user],
    )
    const messages = new MessageRepository(db)
    const summaries = new SummaryRepository(db)
    const measure = async (count: number): Promise<number> => {
      const conversationId = newId()
      await db.query(
        `INSERT INTO conversations (id, user_id, agent_ids, strategy) VALUES ($1, $2, '{}', 'round_robin')`,
        [conversationId, user],
      )
      await db.query(
        `INSERT INTO messages (id, conversation_id, seq, role, content, status)
         SELECT gen_random_uuid(), $1, n, 'user', repeat('Words about it. ', 40), 'complete' FROM generate_series(1, $2::int) n`,
        [conversationId, count],
      )
      await db.query('ANALYZE messages')
      const upToSeq = Math.max(1, count - SHORT)
      await db.transaction((tx) =>
        summaries.add({ conversationId, version: 1, upToSeq, text: 'The minutes.', promptVersion: '1' }, tx),
      )
      const times: number[] = []
      for (let read = 0; read < READS; read++) {
        const startedAt = performance.now()
        const summary = await summaries.latest(conversationId)
        const request = { conversationId, runId: newId(), waitingRunIds: [], afterSeq: summary?.upToSeq }
        await messages.transcript(request, 8_000)
        times.push(performance.now() - startedAt)
      }
      return times.sort((a, b) => a - b)[READS / 2] ?? 0
    }
    await measure(SHORT)
    const [short, long] = [await measure(SHORT), await measure(LONG)]
    const ratio = long / short
    console.log(
      `transcript and summary, median: ${SHORT} messages ${short.toFixed(2)} ms, ${LONG} messages ${long.toFixed(2)} ms (x${ratio.toFixed(2)})`,
    )
    if (ratio > MOST)
      throw new Error(`a long conversation costs ${ratio.toFixed(1)} times a short one; at most ${MOST} is asked`)
  } finally {
    await db.destroy()
    await database.drop()
  }
}
