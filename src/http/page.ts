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

/** Makes a page of rows that were read with `LIMIT limit + 1`; its cursor is the last one's id, where the list has no other. */
export function page<Row extends { id: string }, View>(
  rows: Row[],
  limit: number,
  present: (row: Row) => View,
  cursorBehind: (row: Row) => string = ({ id }) => id,
): Page<View> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { data: shown.map(present), nextCursor: rows.length > limit && last ? cursorBehind(last) : null }
}
