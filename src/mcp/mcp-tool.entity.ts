import { EntitySchema } from 'typeorm'
import { boolean, createdAt, jsonb, text, timestamp, updatedAt, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'
import type { OnUnknown, ToolEffect } from '../tools/tool.ts'
import type { McpDefinition } from './tool-definition.ts'

/** A tool that a server has listed: what its owner allowed of it, and what its server says of it now. */
export class McpTool {
  declare id: string
  declare serverId: string
  declare name: string
  /** Null: its owner has not allowed it yet. Agents use it while both hashes are the same. */
  declare allowed: McpDefinition | null
  declare allowedHash: string | null
  declare seen: McpDefinition
  declare seenHash: string
  /** Its owner's word; null: the server's holds. */
  declare effect: ToolEffect | null
  declare keyed: boolean | null
  declare onUnknown: OnUnknown
  /** Since when its server does not list it. */
  declare vanishedAt: Date | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const mcpToolEntity = new EntitySchema<McpTool>({
  name: 'McpTool',
  target: McpTool,
  tableName: 'mcp_tools',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'mcp_tools_pk' }),
    serverId: uuid(),
    name: text(),
    allowed: jsonb({ nullable: true }),
    allowedHash: text({ nullable: true }),
    seen: jsonb(),
    seenHash: text(),
    effect: text({ nullable: true }),
    keyed: boolean({ nullable: true }),
    onUnknown: text({ default: 'ask' }),
    vanishedAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'mcp_tools_effect_known', expression: `effect IN ${wordList(['reads', 'writes'])}` },
    { name: 'mcp_tools_unknown_known', expression: `on_unknown IN ${wordList(['tell', 'ask'])}` },
  ],
  indices: [{ name: 'mcp_tools_once', columns: ['serverId', 'name'], unique: true }],
  foreignKeys: [
    {
      name: 'mcp_tools_server_fk',
      target: 'McpServer',
      columnNames: ['serverId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
