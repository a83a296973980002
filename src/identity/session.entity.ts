import { EntitySchema } from 'typeorm'
import { createdAt, text, timestamp, uuid } from '../database/columns.ts'

/** One sign-in. A token only names its session, so revoking the session ends the token everywhere. */
export class Session {
  declare id: string
  declare userId: string
  declare createdAt: Date
  declare expiresAt: Date
  declare revokedAt: Date | null
  /** Where it began: an IPv4 address or the /64 of an IPv6 address; null where nobody knows. */
  declare network: string | null
  /** What it began with, as the client says; at most 200 characters. */
  declare userAgent: string | null
  /** Coarse: noted once in some minutes. */
  declare lastUsedAt: Date
}

export const sessionEntity = new EntitySchema<Session>({
  name: 'Session',
  target: Session,
  tableName: 'sessions',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'sessions_pk' }),
    userId: uuid(),
    createdAt: createdAt(),
    expiresAt: timestamp(),
    revokedAt: timestamp({ nullable: true }),
    network: text({ nullable: true }),
    userAgent: text({ nullable: true }),
    lastUsedAt: timestamp({ default: () => 'now()' }),
  },
  indices: [{ name: 'sessions_user_network', columns: ['userId', 'network'] }],
  checks: [{ name: 'sessions_bounded', expression: 'length(network) <= 100 AND length(user_agent) <= 200' }],
  foreignKeys: [
    {
      name: 'sessions_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
