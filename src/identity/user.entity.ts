import { EntitySchema } from 'typeorm'
import type { Role } from '../contract/auth-user.ts'
import { createdAt, integer, text, timestamp, updatedAt, uuid } from '../database/columns.ts'

/**
 * A person with an account. `emailKey` is the address in lower case: one account an address, regardless of case. A guest is who has
 * none: no address, no password (its hash is empty), and no way in but the session that came with the account.
 */
export class User {
  declare id: string
  declare email: string | null
  declare emailKey: string | null
  /** When it was shown that the address is theirs; null while it is not. */
  declare emailVerifiedAt: Date | null
  declare passwordHash: string
  declare name: string
  declare role: Role
  /** Null for everybody who may sign in. */
  declare suspendedAt: Date | null
  declare suspendedReason: string | null
  /** The secret of the second factor, sealed; it is asked for from `totpEnabledAt` on. */
  declare totpSealed: string | null
  declare totpEnabledAt: Date | null
  /** The last 30 seconds (since 1970) of which a code was used: it, and earlier ones, are worth nothing any more. */
  declare totpStep: number | null
  /** Of recovery codes that are not used yet. */
  declare recoveryHashes: string[] | null
  /** Set while an erased user's content goes, and then the row: it is nobody's, and not seen. */
  declare erasedAt: Date | null
  declare createdAt: Date
  declare updatedAt: Date
}

/** Somebody who is there for good. */
export type KeptUser = User & { email: string; emailKey: string }

export const isKept = (user: User): user is KeptUser => user.emailKey !== null

export const userEntity = new EntitySchema<User>({
  name: 'User',
  target: User,
  tableName: 'users',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'users_pk' }),
    email: text({ nullable: true }),
    emailKey: text({ nullable: true }),
    emailVerifiedAt: timestamp({ nullable: true }),
    passwordHash: text(),
    name: text(),
    role: text(),
    suspendedAt: timestamp({ nullable: true }),
    suspendedReason: text({ nullable: true }),
    totpSealed: text({ nullable: true }),
    totpEnabledAt: timestamp({ nullable: true }),
    totpStep: integer({ nullable: true }),
    recoveryHashes: text({ array: true, nullable: true }),
    erasedAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  indices: [
    { name: 'users_email_key_unique', columns: ['emailKey'], unique: true },
    { name: 'users_guests', columns: ['id'], where: 'email_key IS NULL' },
    // By how they begin (text_pattern_ops), the name in lower case.
    { name: 'users_email_begins', columns: ['emailKey'], synchronize: false },
    { name: 'users_name_begins', columns: ['name'], synchronize: false },
  ],
  checks: [
    { name: 'users_role_known', expression: `role IN ('user', 'admin')` },
    { name: 'users_suspension_whole', expression: '(suspended_at IS NULL) = (suspended_reason IS NULL)' },
    {
      name: 'users_totp_whole',
      expression:
        'totp_enabled_at IS NULL OR (totp_sealed IS NOT NULL AND totp_step IS NOT NULL AND recovery_hashes IS NOT NULL)',
    },
    {
      name: 'users_guest_plain',
      expression:
        "email_key IS NOT NULL OR (email IS NULL AND email_verified_at IS NULL AND password_hash = '' AND role = 'user' AND totp_sealed IS NULL)",
    },
  ],
})
