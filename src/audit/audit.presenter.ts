import type { AuditEntryView } from '../contract/admin-views.ts'
import type { AuditEntry } from './audit.entity.ts'

/** An entry as administrators read it. */
export const presentAuditEntry = (entry: AuditEntry): AuditEntryView => ({
  id: entry.id,
  action: entry.action,
  actorId: entry.actorId,
  targetId: entry.targetId,
  network: entry.network,
  userAgent: entry.userAgent,
  requestId: entry.requestId,
  details: entry.details,
  createdAt: entry.createdAt.toISOString(),
})
