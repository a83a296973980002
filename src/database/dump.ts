import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Client, type ClientBase } from 'pg'
import { to } from 'pg-copy-streams'
import { z } from 'zod'
import { BLOCK_END, copyLine, END, HEAD, quoted, VERSION } from './dump-format.ts'
import { tableColumns } from './table-columns.ts'

export interface Dumped {
  /** Rows of each table. */
  rows: Record<string, number>
  migrations: string[]
}

const names = z.array(z.object({ name: z.string() }))

/** Who may read the file reads everything that people wrote. */
const MODE = 0o600

/**
 * Writes all rows of the database, as they are at one moment, into a file, while the product runs; compressed when the name ends
 * in `.gz`. The queue is not among them: it only delivers, and is filled again from the rows. The file has its name when it is whole.
 * Memory does not grow with the database.
 */
export async function dumpTo(file: string, url: string): Promise<Dumped> {
  const partial = `${file}.partial`
  try {
    const dumped: Dumped = { rows: {}, migrations: [] }
    const text = Readable.from(dump(url, dumped), { objectMode: false })
    const output = createWriteStream(partial, { mode: MODE, flush: true })
    await (file.endsWith('.gz') ? pipeline(text, createGzip(), output) : pipeline(text, output))
    await rename(partial, file)
    return dumped
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** The dump in pieces; what it counted is in `dumped` when it ends. */
async function* dump(url: string, dumped: Dumped): AsyncGenerator<Buffer> {
  const client = new Client({ connectionString: url, application_name: 'chatsparty:dump', keepAlive: true })
  // A server that ends the session fails what reads from it; the event besides would end the process.
  client.on('error', () => {})
  await client.connect()
  const hash = createHash('sha256')
  const piece = (bytes: Buffer) => {
    hash.update(bytes)
    return bytes
  }
  const line = (text: string) => piece(Buffer.from(`${text}\n`))
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0')
    const { rows } = await client.query('SELECT name FROM migrations ORDER BY timestamp')
    dumped.migrations = names.parse(rows).map(({ name }) => name)
    yield line(
      HEAD + JSON.stringify({ version: VERSION, takenAt: new Date().toISOString(), migrations: dumped.migrations }),
    )
    for (const [table, columns] of await tableColumns(client)) {
      yield line(copyLine(table, columns))
      for await (const chunk of copyOut(client, table, columns, dumped)) yield piece(chunk)
      yield line(BLOCK_END)
    }
    await client.query('COMMIT')
    yield Buffer.from(`${END}${JSON.stringify({ rows: dumped.rows, sha256: hash.digest('hex') })}\n`)
  } finally {
    await client.end().catch(() => {})
  }
}

async function* copyOut(client: ClientBase, table: string, columns: string[], dumped: Dumped): AsyncGenerator<Buffer> {
  const stream = client.query(to(`COPY ${quoted(table)} (${columns.map(quoted).join(',')}) TO STDOUT`))
  for await (const chunk of stream) yield z.instanceof(Buffer).parse(chunk)
  dumped.rows[table] = stream.rowCount
}
