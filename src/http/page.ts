import { z } from 'zod'

/** `?limit=` and `?cursor=` of every list. A cursor is the id (UUID v7) of the last item seen. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.guid('is not a cursor of this list').toLowerCase().optional(),
})

/** One page of a list. */
export interface Page<View> {
  data: View[]
  nextCursor: string | null
}

/** Makes a page of rows that were read with `LIMIT limit + 1`. */
export function page<Row extends { id: string }, View>(
  rows: Row[],
  limit: number,
  present: (row: Row) => View,
): Page<View> {
  const shown = rows.slice(0, limit)
  return { data: shown.map(present), nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null }
}
