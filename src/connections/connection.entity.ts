import { EntitySchema } from 'typeorm'
import { PROVIDERS, type ProviderName } from '../contract/providers.ts'
import { boolean, createdAt, jsonb, text, updatedAt, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'
import type { Dialects } from './dialects/traits.ts'

/** A provider account as it is stored: a user's own, or (`userId` null) the platform's, which everybody may use. */
export class Connection {
  declare id: string
  declare userId: string | null
  declare name: string
  declare provider: ProviderName
  /** Null means the provider's own address. */
  declare baseUrl: string | null
  declare model: string
  /** Sealed by `SealedSecrets`; never leaves the server. */
  declare apiKeySealed: string | null
  /** All that is ever shown of the key; null for keys too short to show any of. */
  declare apiKeyLast4: string | null
  /** What its models turned out to need, by model: learnt in use, forgotten when the connection changes. */
  declare dialects: Dialects
  /** At most one per user, and one of the platform. */
  declare isDefault: boolean
  declare createdAt: Date
  declare updatedAt: Date
}

export const connectionEntity = new EntitySchema<Connection>({
  name: 'Connection',
  target: Connection,
  tableName: 'connections',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'connections_pk' }),
    userId: uuid({ nullable: true }),
    name: text(),
    provider: text(),
    baseUrl: text({ nullable: true }),
    model: text(),
    apiKeySealed: text({ nullable: true }),
    apiKeyLast4: text({ nullable: true }),
    dialects: jsonb({ default: {} }),
    isDefault: boolean({ default: false }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [{ name: 'connections_provider_known', expression: `provider IN ${wordList(PROVIDERS)}` }],
  indices: [
    { name: 'connections_user', columns: ['userId'] },
    { name: 'connections_default_unique', columns: ['userId'], unique: true, where: 'is_default' },
    {
      name: 'connections_platform_default_unique',
      columns: ['isDefault'],
      unique: true,
      where: 'is_default AND user_id IS NULL',
    },
  ],
  foreignKeys: [
    {
      name: 'connections_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
