import { EntitySchema } from 'typeorm'
import { createdAt, jsonb, text, timestamp, updatedAt, uuid } from '../database/columns.ts'
import type { OAuthProvider } from './oauth-provider.ts'

/** How a server of tools is signed in to by OAuth: as which client, a sign-in under way, and the tokens that it gave. One for each server, under its id. */
export class McpGrant {
  declare id: string
  /** Who gives the tokens, as it was found when the sign-in began. */
  declare provider: OAuthProvider
  declare clientId: string
  /** How the client shows itself, when it was registered so. */
  declare clientAuth: string | null
  declare clientSecretSealed: string | null
  /** Of a sign-in under way, of which only hashes are kept: who comes back with the state, in the browser that began it. */
  declare stateHash: string | null
  declare browserHash: string | null
  declare verifierSealed: string | null
  declare stateUntil: Date | null
  /** Null: its owner is not signed in. */
  declare accessSealed: string | null
  declare refreshSealed: string | null
  declare accessUntil: Date | null
  /** One process gets new tokens until then: a refresh token is good for one use. */
  declare refreshingUntil: Date | null
  declare refreshClaim: string | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const mcpGrantEntity = new EntitySchema<McpGrant>({
  name: 'McpGrant',
  target: McpGrant,
  tableName: 'mcp_grants',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'mcp_grants_pk' }),
    provider: jsonb(),
    clientId: text(),
    clientAuth: text({ nullable: true }),
    clientSecretSealed: text({ nullable: true }),
    stateHash: text({ nullable: true }),
    browserHash: text({ nullable: true }),
    verifierSealed: text({ nullable: true }),
    stateUntil: timestamp({ nullable: true }),
    accessSealed: text({ nullable: true }),
    refreshSealed: text({ nullable: true }),
    accessUntil: timestamp({ nullable: true }),
    refreshingUntil: timestamp({ nullable: true }),
    refreshClaim: uuid({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  indices: [{ name: 'mcp_grants_state_once', columns: ['stateHash'], unique: true }],
  foreignKeys: [
    {
      name: 'mcp_grants_id_fk',
      target: 'McpServer',
      columnNames: ['id'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
