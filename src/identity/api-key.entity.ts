import { EntitySchema } from 'typeorm'
import type { KeyScope } from '../contract/key-scopes.ts'
import { bigintColumn, createdAt, text, timestamp, uuid } from '../database/columns.ts'

/** A key of a user for programs. Nothing of it changes but that it is used and revoked: whoever wants another one makes another. */
export class ApiKey {
  declare id: string
  declare userId: string
  declare name: string
  /** How it begins, to be told from others. */
  declare prefix: string
  /** SHA-256 of the key. */
  declare secretHash: Buffer
  declare scopes: KeyScope[]
  /** Micro-credits that its runs may cost in a month (UTC); null: what the account has. */
  declare monthlyCredits: bigint | null
  declare expiresAt: Date | null
  declare revokedAt: Date | null
  /** Coarse: noted once in some minutes. */
  declare lastUsedAt: Date | null
  declare createdAt: Date
}

export const apiKeyEntity = new EntitySchema<ApiKey>({
  name: 'ApiKey',
  target: ApiKey,
  tableName: 'api_keys',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'api_keys_pk' }),
    userId: uuid(),
    name: text(),
    prefix: text(),
    secretHash: { type: 'bytea' },
    scopes: text({ array: true }),
    monthlyCredits: bigintColumn({ nullable: true }),
    expiresAt: timestamp({ nullable: true }),
    revokedAt: timestamp({ nullable: true }),
    lastUsedAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
  },
  indices: [
    { name: 'api_keys_secret', columns: ['secretHash'], unique: true },
    { name: 'api_keys_user', columns: ['userId', 'id'] },
  ],
  foreignKeys: [
    {
      name: 'api_keys_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})

/** What the runs of a key with a budget hold and have cost in one month (UTC); written by the ledger's functions. */
export class ApiKeyMonth {
  declare keyId: string
  /** Its first day. */
  declare month: string
  /** As the key has it: `held + spent` is never more. */
  declare budget: bigint
  declare held: bigint
  declare spent: bigint
}

const primary = { primary: true, primaryKeyConstraintName: 'api_key_months_pk' }

export const apiKeyMonthEntity = new EntitySchema<ApiKeyMonth>({
  name: 'ApiKeyMonth',
  target: ApiKeyMonth,
  tableName: 'api_key_months',
  columns: {
    keyId: uuid(primary),
    month: { type: 'date', ...primary },
    budget: bigintColumn(),
    held: bigintColumn(),
    spent: bigintColumn(),
  },
  checks: [{ name: 'api_key_months_within', expression: 'held >= 0 AND spent >= 0 AND held + spent <= budget' }],
  foreignKeys: [
    {
      name: 'api_key_months_key_fk',
      target: 'ApiKey',
      columnNames: ['keyId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
