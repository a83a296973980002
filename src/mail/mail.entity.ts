import { EntitySchema } from 'typeorm'
import { createdAt, integer, text, timestamp, uuid } from '../database/columns.ts'

/** What a mail is about; whoever knows makes its words when it is sent. */
export type MailKind = 'verify_email' | 'reset_password' | 'email_changed'

/**
 * A mail of the outbox. It holds neither words nor links, so that nobody who reads the rows can use them.
 * States: `queued` until it is `sent`, refused for good or too late (`failed`), or found to be for nobody (`dropped`).
 */
export class Mail {
  declare id: string
  declare kind: MailKind
  declare userId: string | null
  declare address: string
  declare addressKey: string
  declare status: 'queued' | 'sent' | 'failed' | 'dropped'
  declare attempts: number
  /** When it may be tried next; while somebody tries, when another one may. */
  declare dueAt: Date
  /** It is of no use any more, and is not tried again. */
  declare expiresAt: Date
  declare error: string | null
  declare createdAt: Date
}

export const mailEntity = new EntitySchema<Mail>({
  name: 'Mail',
  target: Mail,
  tableName: 'mails',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'mails_pk' }),
    kind: text(),
    userId: uuid({ nullable: true }),
    address: text(),
    addressKey: text(),
    status: text({ default: 'queued' }),
    attempts: integer({ default: 0 }),
    dueAt: timestamp({ default: () => 'now()' }),
    expiresAt: timestamp(),
    error: text({ nullable: true }),
    createdAt: createdAt(),
  },
  checks: [{ name: 'mails_status_known', expression: `status IN ('queued', 'sent', 'failed', 'dropped')` }],
  indices: [
    { name: 'mails_user', columns: ['userId', 'createdAt'] },
    { name: 'mails_address', columns: ['addressKey', 'createdAt'] },
    { name: 'mails_created', columns: ['createdAt'] },
    { name: 'mails_due', columns: ['dueAt'], where: `status = 'queued'` },
  ],
  foreignKeys: [
    {
      name: 'mails_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
