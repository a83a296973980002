import { EntitySchema } from 'typeorm'
import { jsonb, text, timestamp, uuid } from '../database/columns.ts'
import type { AuditAction } from './audit-actions.ts'

/** Few, short and without secrets: what a reader needs to understand the entry. */
export type AuditDetails = Record<string, string | number | boolean | null>

/**
 * One thing that somebody did. Rows are only ever added: the database refuses to change or delete them. They refer to users
 * without a foreign key, because they outlive them.
 */
export class AuditEntry {
  declare id: string
  declare createdAt: Date
  /** Who did it; null for somebody who is not signed in, and for the system. */
  declare actorId: string | null
  declare action: AuditAction
  /** What it was done to: a user, session, connection, price... as the action says. */
  declare targetId: string | null
  declare network: string | null
  declare userAgent: string | null
  declare requestId: string | null
  declare details: AuditDetails
}

export const auditEntryEntity = new EntitySchema<AuditEntry>({
  name: 'AuditEntry',
  target: AuditEntry,
  tableName: 'audit_entries',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'audit_entries_pk' }),
    createdAt: timestamp({ default: () => 'clock_timestamp()' }),
    actorId: uuid({ nullable: true }),
    action: text(),
    targetId: uuid({ nullable: true }),
    network: text({ nullable: true }),
    userAgent: text({ nullable: true }),
    requestId: text({ nullable: true }),
    details: jsonb(),
  },
  indices: [
    { name: 'audit_entries_created', columns: ['createdAt', 'id'] },
    { name: 'audit_entries_actor', columns: ['actorId', 'createdAt', 'id'] },
    { name: 'audit_entries_target', columns: ['targetId', 'createdAt', 'id'] },
    { name: 'audit_entries_action', columns: ['action', 'createdAt', 'id'] },
  ],
  checks: [
    {
      name: 'audit_entries_bounded',
      expression: `octet_length(details::text) <= 8192 AND length(user_agent) <= 200 AND length(network) <= 100 AND length(request_id) <= 100`,
    },
  ],
})
