import type { ClientBase } from 'pg'
import { z } from 'zod'

const found = z.array(z.object({ table: z.string(), columns: z.array(z.string()) }))

/** The product's tables and the columns that are stored, by name; the note of migrations apart. */
export async function tableColumns(client: ClientBase): Promise<Map<string, string[]>> {
  const { rows } = await client.query(`
    SELECT c.relname AS "table", json_agg(a.attname ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> 'migrations' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname ORDER BY c.relname`)
  return new Map(found.parse(rows).map(({ table, columns }) => [table, columns]))
}
