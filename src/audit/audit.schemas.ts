import { z } from 'zod'
import { auditActions } from './audit-actions.ts'

const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
/** A moment, or a day, which is its beginning in UTC. */
const momentOrDay = z.union(
  [z.iso.date().transform((text) => new Date(`${text}T00:00:00Z`)), moment],
  'must be a day or a moment, such as 2026-01-31 or 2026-01-31T12:00:00Z',
)

/** Beside a page's limit and cursor. `from` is included, `to` is not. */
export const auditFilter = {
  actorId: z.uuid().optional(),
  targetId: z.uuid().optional(),
  action: z.enum(auditActions).optional(),
  from: momentOrDay.optional(),
  to: momentOrDay.optional(),
}
