import { EntitySchema } from 'typeorm'
import { createdAt, text, timestamp, uuid } from '../database/columns.ts'

export type LinkPurpose = 'verify_email' | 'reset_password'

/** A link that was sent to an address: used once, until it expires, and while the account still has that address. */
export class EmailLink {
  /** That of its mail. */
  declare id: string
  declare purpose: LinkPurpose
  declare userId: string
  declare emailKey: string
  /** What the password was when the link was made (a hash of its hash): any new password ends the link. */
  declare passwordMark: string | null
  declare expiresAt: Date
  declare usedAt: Date | null
  declare createdAt: Date
}

export const emailLinkEntity = new EntitySchema<EmailLink>({
  name: 'EmailLink',
  target: EmailLink,
  tableName: 'email_links',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'email_links_pk' }),
    purpose: text(),
    userId: uuid(),
    emailKey: text(),
    passwordMark: text({ nullable: true }),
    expiresAt: timestamp(),
    usedAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
  },
  indices: [
    { name: 'email_links_user', columns: ['userId'] },
    { name: 'email_links_expires', columns: ['expiresAt'] },
  ],
  foreignKeys: [
    {
      name: 'email_links_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
