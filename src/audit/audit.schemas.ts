import { z } from 'zod'
import { momentOrDayInput } from '../contract/inputs.ts'
import { auditActions } from './audit-actions.ts'

/** Beside a page's limit and cursor. `from` is included, `to` is not. */
export const auditFilter = {
  actorId: z.uuid().optional(),
  targetId: z.uuid().optional(),
  action: z.enum(auditActions).optional(),
  from: momentOrDayInput.optional(),
  to: momentOrDayInput.optional(),
}
