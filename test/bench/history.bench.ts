import { Client } from 'pg'
import type { Bench } from './bench-run.ts'
import { atMost, interleave, p50 } from './harness.ts'
import { modelName, type Person, seatPerson } from './seats.ts'
import type { Product } from './stage.ts'

const LENGTHS = [10, 1_000, 10_000] as const
/** What is said as it was; all before it is in the summary, as the product leaves long conversations. */
const RECENT = 10
const MODEL = modelName(20)

/**
 * A conversation with so many messages, the last of which fill a part of the prompt, the same for every length: what differs is
 * how much there is to be read past. It begins with a turn over the API; the rest is copies of its question.
 */
async function converse({ user, agentId }: Person, databaseUrl: string, length: number): Promise<string> {
  const { conversationId, runId } = await user.accept('/api/chat', { agentId, message: 'Words about it. '.repeat(20) })
  await user.finished(runId)
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const write = (sql: string, ...values: unknown[]) => client.query(sql, [conversationId, ...values])
    await write(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status)
       SELECT gen_random_uuid(), $1, n, 'user', (SELECT content FROM messages WHERE conversation_id = $1 AND seq = 1), 'complete'
       FROM generate_series(3, $2::int) n`,
      length,
    )
    await write('UPDATE conversations SET last_seq = $2, version = version + 1 WHERE id = $1', length)
    if (length > RECENT) {
      await write(
        `INSERT INTO conversation_summaries (conversation_id, version, up_to_seq, text, prompt_version)
         VALUES ($1, 1, $2, 'The minutes of it.', '1')`,
        length - RECENT,
      )
    }
    await client.query('ANALYZE messages')
  } finally {
    await client.end()
  }
  return conversationId
}

/** A watched turn in a conversation of 10, 1,000 and 10,000 messages, one client: it may not get longer with the conversation. */
export async function run({ stage, report, quick }: Bench): Promise<void> {
  const product: Product = await stage.distributed()
  const person = await seatPerson(stage, product, MODEL)
  const results = await interleave(
    LENGTHS.map(String),
    quick ? 1 : 5,
    async (length) => {
      // A new one each round: its own turns make a conversation longer.
      const conversationId = await converse(person, product.databaseUrl, Number(length))
      const of = { product: 'chatsparty' as const, seats: [person.seat], conversationId }
      const { latencies } = await stage.turns({ of, turns: quick ? 2 : 10, pauseMs: quick ? 5 : 25 })
      return p50(latencies)
    },
    { warmUp: !quick },
  )
  const [shortest, ...longer] = LENGTHS.map((length) => ({ length, samples: results(String(length)) }))
  if (!shortest) return
  report({ name: `a turn at ${shortest.length} messages, p50`, unit: 'ms', samples: shortest.samples })
  for (const { length, samples } of longer) {
    report({
      name: `a turn at ${length} messages, p50`,
      unit: 'ms',
      samples,
      baseline: { name: `${shortest.length} messages`, samples: shortest.samples },
      target: atMost(1.2, 'ratio'),
    })
  }
}
