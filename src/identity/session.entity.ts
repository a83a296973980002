import { EntitySchema } from 'typeorm'
import { createdAt, timestamp, uuid } from '../database/columns.ts'

/** One sign-in. A token only names its session, so revoking the session ends the token everywhere. */
export class Session {
  declare id: string
  declare userId: string
  declare createdAt: Date
  declare expiresAt: Date
  declare revokedAt: Date | null
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
  },
  indices: [{ name: 'sessions_user', columns: ['userId'] }],
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
