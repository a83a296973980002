import { z } from 'zod'

/**
 * A dump is text: lines that begin with `-- `, and between them one COPY block a table, as psql writes and reads them.
 *
 * ```
 * -- chatsparty dump {"version":1,"takenAt":"...","migrations":["CreateIdentity1790000000100",...]}
 * COPY "users" ("id","email",...) FROM stdin;
 * (rows)
 * \.
 * ...
 * -- end {"rows":{"users":3,...},"sha256":"..."}
 * ```
 *
 * The sum is of everything before the last line: what was cut off or changed is not restored.
 */
export const HEAD = '-- chatsparty dump '
export const END = '-- end '
/** The line that ends a block. */
export const BLOCK_END = '\\.'
export const VERSION = 1

export const head = z.object({ version: z.number(), takenAt: z.string(), migrations: z.array(z.string()) })
export type Head = z.output<typeof head>
export const end = z.object({ rows: z.record(z.string(), z.number()), sha256: z.string() })

/** A name as SQL has it; ours have no quotes. */
export const quoted = (name: string): string => `"${name}"`

export const copyLine = (table: string, columns: string[]): string =>
  `COPY ${quoted(table)} (${columns.map(quoted).join(',')}) FROM stdin;`

/** The table of such a line and its columns; undefined for any other line. */
export function readCopyLine(line: string): { table: string; columns: string[] } | undefined {
  const [, table, columns] = /^COPY "(\w+)" \(("\w+"(?:,"\w+")*)\) FROM stdin;$/.exec(line) ?? []
  return table && columns ? { table, columns: columns.slice(1, -1).split('","') } : undefined
}
