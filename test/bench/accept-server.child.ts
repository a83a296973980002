import { createServer } from 'node:http'
import express from 'express'
import { Client, escapeIdentifier, Pool } from 'pg'
import { z } from 'zod'
import { newId } from '../../src/shared/ids.ts'
import { announce } from './child.ts'

// What the least server would do that accepts a message: Express, and one transaction of pg that writes the rows that the product
// writes. They are copied from a run that the product has accepted, so that they are the same whatever its schema is today.

/** Where the product runs, with a database that has one accepted run; and another database with the same schema. */
const [productUrl = '', ownUrl = '', runId = ''] = process.argv.slice(2)
/** Rows that accepted rows refer to, and accepted rows, each in an order that foreign keys permit. */
const BEFORE = ['users', 'connections', 'agents']
const ACCEPTED = ['conversations', 'runs', 'messages', 'turns', 'idempotency_keys'] as const
const POOL = 20

type Row = Record<string, string | null>
interface Insert {
  sql: string
  values: (string | null)[]
}

const found = z.array(z.object({ conversation_id: z.string(), message_id: z.string(), user_id: z.string() }))

/** Every value as PostgreSQL writes it: it takes that back for any type. */
const raw = { getTypeParser: () => (text: string) => text }

async function insertsOf(product: Client, table: string, where = 'true', values: string[] = []): Promise<Insert[]> {
  const { rows } = await product.query<Row>({
    text: `SELECT t.* FROM ${escapeIdentifier(table)} t WHERE ${where}`,
    values,
    types: raw,
  })
  return rows.map((row) => {
    const columns = Object.keys(row).map(escapeIdentifier)
    const places = columns.map((_, index) => `$${index + 1}`)
    return {
      sql: `INSERT INTO ${escapeIdentifier(table)} (${columns.join(', ')}) VALUES (${places.join(', ')})`,
      values: Object.values(row),
    }
  })
}

const product = new Client({ connectionString: productUrl })
await product.connect()
const [sample] = found.parse(
  (
    await product.query(
      `SELECT r.conversation_id, r.user_id, m.id AS message_id
       FROM runs r JOIN messages m ON m.conversation_id = r.conversation_id WHERE r.id = $1`,
      [runId],
    )
  ).rows,
)
if (!sample) throw new Error(`there is no run ${runId}`)
const own = new Pool({ connectionString: ownUrl, max: POOL })
for (const table of BEFORE) {
  for (const { sql, values } of await insertsOf(product, table))
    await own.query(`${sql} ON CONFLICT DO NOTHING`, values)
}
const WHERE: Record<(typeof ACCEPTED)[number], [string, string]> = {
  conversations: ['id = $1', sample.conversation_id],
  runs: ['id = $1', runId],
  messages: ['id = $1', sample.message_id],
  turns: ['run_id = $1', runId],
  idempotency_keys: ['user_id = $1', sample.user_id],
}
const inserts: Insert[] = []
for (const table of ACCEPTED) inserts.push(...(await insertsOf(product, table, WHERE[table][0], [WHERE[table][1]])))
await product.end()

/** The text of the sample that must be another in each copy. */
const key = inserts.at(-1)?.values.find((value) => value?.startsWith('bench-key'))
const names = [sample.conversation_id, sample.message_id, runId, ...(key ? [key] : [])]

async function accept(): Promise<{ conversationId: string; messageId: string; runId: string }> {
  const fresh = names.map(() => newId())
  const renamed = (value: string | null) =>
    value && names.reduce((text, name, index) => text.replaceAll(name, fresh[index] ?? name), value)
  const client = await own.connect()
  try {
    await client.query('BEGIN')
    for (const { sql, values } of inserts)
      await client.query({ name: sql.slice(0, 60), text: sql, values: values.map(renamed) })
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
  const [conversationId = '', messageId = '', acceptedRunId = ''] = fresh
  return { conversationId, messageId, runId: acceptedRunId }
}

const app = express()
app.use(express.json())
app.post('/api/chat', async (_req, res) => {
  res.status(202).json({ ...(await accept()), status: 'queued' })
})
announce(createServer(app))
