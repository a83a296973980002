import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import { needlesOf, type WordFound } from './word-needles.ts'

const pattern = (needle: string): string => `%${needle.replace(/[\\%_]/g, (char) => `\\${char}`)}%`
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

interface Column {
  schema: string
  table: string
  column: string
  type: string
}

/** Looks for words in every column of every table of the database, whatever the table: the queue's, and those that are new. */
export class WordScanRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** On one snapshot, a table at a time; reads everything, which may take long. */
  async scan(words: string[]): Promise<{ found: WordFound[]; columns: number; tables: number }> {
    const needles = words.map((word) => ({ word, patterns: needlesOf(word).map(pattern) }))
    const all = needles.flatMap(({ patterns }) => patterns)
    return this.#db.transaction(async (tx) => {
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
      await tx.query('SET LOCAL statement_timeout = 0')
      const columns = await rows<Column>(
        tx,
        `SELECT c.table_schema AS schema, c.table_name AS "table", c.column_name AS "column", c.data_type AS type
         FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
         ORDER BY 1, 2, c.ordinal_position`,
      )
      const tables = Map.groupBy(columns, ({ schema, table }) => `${quoted(schema)}.${quoted(table)}`)
      const found: WordFound[] = []
      for (const [table, of] of tables) {
        const matches = (patterns: string) =>
          of.map(
            (column, index) =>
              `bool_or(${textsOf(column)
                .map((text) => `${text} ILIKE ANY(${patterns})`)
                .join(' OR ')}) AS "${index}"`,
          )
        const [hits] = await rows<Record<string, boolean | null>>(
          tx,
          `SELECT ${matches('$1::text[]').join(', ')} FROM ${table}`,
          [all],
        )
        for (const [index, { schema, table: name, column }] of of.entries()) {
          if (!hits?.[index]) continue
          const where = `database ${schema}.${name}.${column}`
          for (const { word, patterns } of needles) {
            const [one] = await rows<Record<string, boolean | null>>(
              tx,
              `SELECT ${matches('$1::text[]')[index]} FROM ${table}`,
              [patterns],
            )
            if (one?.[index]) found.push({ where, word })
          }
        }
      }
      return { found, columns: columns.length, tables: tables.size }
    })
  }
}

/** A column as texts: bytes also as the characters that they may be. */
const textsOf = ({ column, type }: Column): string[] =>
  type === 'bytea' ? [`${quoted(column)}::text`, `encode(${quoted(column)}, 'escape')`] : [`${quoted(column)}::text`]
