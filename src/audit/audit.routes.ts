import { auditEntryView } from '../contract/admin-views.ts'
import { listOf } from '../contract/views.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentAuditEntry } from './audit.presenter.ts'
import { auditFilter } from './audit.schemas.ts'
import type { AuditLog } from './audit-log.ts'

/** Reading the log is recorded too: it shows what others did. */
export const auditRoutes = (audit: AuditLog): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/admin/audit',
    access: 'admin',
    scope: 'admin',
    summary: 'Who did what, when and from where; newest first',
    response: listOf(auditEntryView),
    errors: [],
    query: pageQuery.extend(auditFilter),
    handler: async ({ user, query: { limit, cursor, ...filter } }) => {
      const entries = await audit.list(filter, limit + 1, cursor)
      const { actorId = null, targetId = null, action = null } = filter
      await audit.recordAlone({ action: 'audit.read', actorId: user.id, details: { actorId, targetId, action } })
      return page(entries, limit, presentAuditEntry)
    },
  }),
]
