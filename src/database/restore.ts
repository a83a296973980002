import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { finished, pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Client, type ClientBase } from 'pg'
import { from } from 'pg-copy-streams'
import { z } from 'zod'
import { messageOf } from '../shared/errors.ts'
import { BLOCK_END, END, end, HEAD, type Head, head, quoted, readCopyLine, VERSION } from './dump-format.ts'
import { loadMigrations, migrate } from './migrate.ts'
import { SetupError } from './setup-error.ts'
import { tableColumns } from './table-columns.ts'

export interface RestoreOptions {
  /** Takes what happens, a line at a time. */
  say?: (line: string) => void
}

/**
 * Fills an empty database from a dump: the schema as it was, then all rows in one transaction, counted and summed as the dump says,
 * then what this version has changed of the schema since. Answers the rows of each table.
 * @throws SetupError in plain words, and nothing was filled: when the database is not empty, when the dump is not whole, or when it
 *   is of a newer version
 */
export async function restoreFrom(
  file: string,
  url: string,
  options: RestoreOptions = {},
): Promise<Record<string, number>> {
  const { say = () => {} } = options
  const first = await readHead(file)
  const migrations = await loadMigrations()
  const known = new Map(migrations.map((one) => [new one().name, one]))
  const unknown = first.migrations.filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new SetupError(`${file} is of a newer version than this one, which does not know ${unknown.join(', ')}.`)
  }
  await migrate(url, { say, migrations: first.migrations.flatMap((name) => known.get(name) ?? []) })
  const client = new Client({ connectionString: url, application_name: 'chatsparty:restore', keepAlive: true })
  client.on('error', () => {})
  await client.connect()
  try {
    const rows = await fill(client, file, first, say)
    await client.query('ANALYZE')
    await migrate(url, { say, migrations })
    return rows
  } catch (error) {
    if (error instanceof SetupError) throw error
    throw new SetupError(`${file} was not restored, and nothing of it is left: ${messageOf(error)}`, { cause: error })
  } finally {
    await client.end().catch(() => {})
  }
}

/** Everything or nothing of a dump, in a database with its schema. */
async function fill(client: Client, file: string, first: Head, say: (line: string) => void) {
  await client.query('BEGIN')
  await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0')
  await requireSchema(client, first)
  const tables = await tableColumns(client)
  await requireEmpty(client)
  const keys = await foreignKeys(client)
  // Rows come table by table, whatever refers to what, and have been through the triggers already.
  for (const { table, name } of keys) await client.query(`ALTER TABLE ${quoted(table)} DROP CONSTRAINT ${quoted(name)}`)
  for (const table of tables.keys()) await client.query(`ALTER TABLE ${quoted(table)} DISABLE TRIGGER USER`)
  await client.query(`TRUNCATE ${[...tables.keys()].map(quoted).join(', ')}`)
  const loader = new Loader(client, tables, say)
  await pipeline(textOf(file), async (chunks) => {
    for await (const chunk of chunks) await loader.take(z.instanceof(Buffer).parse(chunk))
  })
  loader.requireWhole()
  say('checking what refers to what')
  for (const { table, name, definition } of keys) {
    await client.query(`ALTER TABLE ${quoted(table)} ADD CONSTRAINT ${quoted(name)} ${definition}`)
  }
  for (const table of tables.keys()) await client.query(`ALTER TABLE ${quoted(table)} ENABLE TRIGGER USER`)
  await setSequences(client)
  await client.query('COMMIT')
  return loader.rows
}

function textOf(file: string) {
  const bytes = createReadStream(file)
  if (!file.endsWith('.gz')) return bytes
  const text = createGunzip()
  bytes.on('error', (error) => text.destroy(error)).pipe(text)
  return text
}

/** @throws SetupError for what is no dump of ours */
async function readHead(file: string): Promise<Head> {
  let line = ''
  try {
    for await (const chunk of textOf(file)) {
      line += String(chunk)
      if (line.includes('\n')) break
    }
  } catch (error) {
    throw new SetupError(`${file} cannot be read: ${messageOf(error)}`)
  }
  const [first = ''] = line.split('\n', 1)
  if (!first.startsWith(HEAD)) throw new SetupError(`${file} is no dump that npm run db:dump has made.`)
  const parsed = head.parse(JSON.parse(first.slice(HEAD.length)))
  if (parsed.version !== VERSION)
    throw new SetupError(`${file} is a dump of another form (${parsed.version}, not ${VERSION}).`)
  return parsed
}

const names = z.array(z.object({ name: z.string() }))

/** Somebody may have migrated the database further. */
async function requireSchema(client: ClientBase, first: Head): Promise<void> {
  const { rows } = await client.query('SELECT name FROM migrations')
  const applied = names.parse(rows).map(({ name }) => name)
  const further = applied.filter((name) => !first.migrations.includes(name))
  if (further.length > 0) {
    throw new SetupError(
      `This database has a newer schema than the dump (${further.join(', ')}). Restore into an empty database.`,
    )
  }
}

async function requireEmpty(client: ClientBase): Promise<void> {
  const { rows } = await client.query('SELECT id FROM users LIMIT 1')
  if (rows.length > 0) throw new SetupError('This database has users already. Restore into an empty database.')
}

const keyRows = z.array(z.object({ table: z.string(), name: z.string(), definition: z.string() }))

async function foreignKeys(client: ClientBase) {
  const { rows } =
    await client.query(`SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 2`)
  return keyRows.parse(rows)
}

const sequences = z.array(z.object({ table: z.string(), column: z.string(), sequence: z.string() }))

/** Numbers that the database gives go on behind those that are taken. */
async function setSequences(client: ClientBase): Promise<void> {
  const { rows } = await client.query(`SELECT table_name AS "table", column_name AS "column",
      pg_get_serial_sequence(quote_ident(table_name), column_name) AS sequence
    FROM information_schema.columns WHERE table_schema = current_schema()
      AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL`)
  for (const { table, column, sequence } of sequences.parse(rows)) {
    await client.query(`SELECT setval($1, coalesce(max(${quoted(column)}), 0) + 1, false) FROM ${quoted(table)}`, [
      sequence,
    ])
  }
}

/** Takes a dump in pieces, as they come, and gives each table its rows. */
class Loader {
  readonly rows: Record<string, number> = {}
  readonly #client: Client
  readonly #tables: Map<string, string[]>
  readonly #say: (line: string) => void
  readonly #hash = createHash('sha256')
  #rest: Buffer = Buffer.alloc(0)
  #block: { table: string; stream: ReturnType<typeof from>; ended: Promise<void> } | undefined
  #isWhole = false

  constructor(client: Client, tables: Map<string, string[]>, say: (line: string) => void) {
    this.#client = client
    this.#tables = tables
    this.#say = say
  }

  async take(chunk: Buffer): Promise<void> {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    const endOfLines = bytes.lastIndexOf('\n') + 1
    this.#rest = bytes.subarray(endOfLines)
    for (let lines = bytes.subarray(0, endOfLines); lines.length > 0; ) {
      lines = lines.subarray(this.#block ? await this.#takeRows(lines) : await this.#takeLine(lines))
    }
  }

  /** @throws SetupError unless the last line has come and agrees */
  requireWhole(): void {
    if (!this.#isWhole) throw new SetupError('The dump is not whole: its end is missing.')
  }

  /** Takes rows of the open block, up to its end if that is among them; answers how many bytes that were. */
  async #takeRows(lines: Buffer): Promise<number> {
    const mark = `${BLOCK_END}\n`
    const at = lines.subarray(0, mark.length).toString() === mark ? 0 : lines.indexOf(`\n${mark}`) + 1
    const isEnd = at > 0 || lines.subarray(0, mark.length).toString() === mark
    const rows = isEnd ? lines.subarray(0, at) : lines
    if (rows.length > 0 && this.#block && !this.#block.stream.write(rows)) {
      await Promise.race([once(this.#block.stream, 'drain'), this.#block.ended])
    }
    if (isEnd) await this.#endBlock()
    const taken = isEnd ? at + mark.length : lines.length
    this.#hash.update(lines.subarray(0, taken))
    return taken
  }

  async #endBlock(): Promise<void> {
    if (!this.#block) return
    const { table, stream, ended } = this.#block
    stream.end()
    await ended
    this.rows[table] = stream.rowCount
    this.#say(`${table}: ${stream.rowCount} rows`)
    this.#block = undefined
  }

  async #takeLine(lines: Buffer): Promise<number> {
    const taken = lines.indexOf('\n') + 1
    const line = lines.subarray(0, taken - 1).toString()
    if (line.startsWith(END)) this.#requireAgreement(line)
    else this.#hash.update(lines.subarray(0, taken))
    const block = readCopyLine(line)
    if (!block) return taken
    const known = this.#tables.get(block.table)
    const strange = known ? block.columns.filter((column) => !known.includes(column)) : ['']
    if (strange.length > 0)
      throw new SetupError(`The dump has ${block.table} ${strange.join(', ')}, which the schema has not.`)
    const columns = block.columns.map(quoted).join(',')
    const stream = this.#client.query(from(`COPY ${quoted(block.table)} (${columns}) FROM STDIN`))
    const ended = finished(stream)
    // One that comes between two pieces is thrown by the next wait.
    ended.catch(() => {})
    this.#block = { table: block.table, stream, ended }
    return taken
  }

  #requireAgreement(line: string): void {
    const told = end.parse(JSON.parse(line.slice(END.length)))
    if (told.sha256 !== this.#hash.digest('hex')) throw new SetupError('The dump was changed: its sum is another one.')
    for (const [table, count] of Object.entries(told.rows)) {
      if (this.rows[table] === count) continue
      throw new SetupError(`Of ${table} came ${this.rows[table] ?? 0} rows, and the dump has ${count}.`)
    }
    this.#isWhole = true
  }
}
