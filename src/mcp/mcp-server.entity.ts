import { EntitySchema } from 'typeorm'
import { type McpAuth, mcpAuths } from '../contract/mcp.schemas.ts'
import { type McpStatus, mcpStatuses } from '../contract/mcp-views.ts'
import { boolean, createdAt, integer, text, timestamp, updatedAt, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/** A server of tools (Model Context Protocol, Streamable HTTP) that a user has connected. */
export class McpServer {
  declare id: string
  declare userId: string
  declare name: string
  declare url: string
  declare auth: McpAuth
  /** Of `headersSealed`, in its order: all that is ever shown of them. */
  declare headerNames: string[]
  /** JSON of name and value pairs, sealed by `SealedSecrets`. */
  declare headersSealed: string | null
  /** False: nothing is sent to it. */
  declare enabled: boolean
  declare timeoutMs: number
  declare status: McpStatus
  declare problem: string | null
  /** Of `McpFault`; null also of a problem that an older version noted. */
  declare problemCode: string | null
  declare protocolVersion: string | null
  /** When its tools were listed last; null: not since it has this address. */
  declare listedAt: Date | null
  /** True once it has another address than the one that its tools were first listed at: nothing is allowed any more without its owner's word. */
  declare moved: boolean
  /** What was asked of it in the minute that began then. */
  declare minute: Date | null
  declare minuteCalls: number
  /** In a row. */
  declare failures: number
  declare pausedUntil: Date | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const mcpServerEntity = new EntitySchema<McpServer>({
  name: 'McpServer',
  target: McpServer,
  tableName: 'mcp_servers',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'mcp_servers_pk' }),
    userId: uuid(),
    name: text(),
    url: text(),
    auth: text(),
    headerNames: text({ array: true }),
    headersSealed: text({ nullable: true }),
    enabled: boolean({ default: true }),
    timeoutMs: integer(),
    status: text({ default: 'new' }),
    problem: text({ nullable: true }),
    problemCode: text({ nullable: true }),
    protocolVersion: text({ nullable: true }),
    listedAt: timestamp({ nullable: true }),
    moved: boolean({ default: false }),
    minute: timestamp({ nullable: true }),
    minuteCalls: integer({ default: 0 }),
    failures: integer({ default: 0 }),
    pausedUntil: timestamp({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'mcp_servers_auth_known', expression: `auth IN ${wordList(mcpAuths)}` },
    { name: 'mcp_servers_status_known', expression: `status IN ${wordList(mcpStatuses)}` },
  ],
  indices: [{ name: 'mcp_servers_user', columns: ['userId', 'id'] }],
  foreignKeys: [
    {
      name: 'mcp_servers_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
