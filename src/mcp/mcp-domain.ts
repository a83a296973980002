import type { Env } from '../config/env.ts'
import { McpFault } from './mcp-fault.ts'
import { McpServerRepository } from './mcp-server.repository.ts'
import { type McpServerDependencies, McpServerService } from './mcp-server.service.ts'
import { type McpSessionDependencies, McpSessions } from './mcp-sessions.ts'
import { McpToolRepository } from './mcp-tool.repository.ts'
import { McpToolService } from './mcp-tool.service.ts'

interface McpDomainDependencies
  extends Pick<McpServerDependencies & McpSessionDependencies, 'secrets' | 'transactions' | 'audit'> {
  db: ConstructorParameters<typeof McpServerRepository>[0]
  network: McpServerDependencies['network'] & McpSessionDependencies['network']
  env: Env
}

/** Everything of MCP servers, for the composition root. */
export function createMcpDomain({ db, env, ...rest }: McpDomainDependencies) {
  const servers = new McpServerRepository(db)
  const tools = new McpToolRepository(db)
  const mcpServers = new McpServerService({ ...rest, servers, tools, most: env.USER_MCP_SERVERS })
  const limits = {
    mostBytes: env.MCP_ANSWER_MAX_BYTES,
    timeoutMs: env.MCP_LIST_TIMEOUT_MS,
    ofServer: env.MCP_SERVER_CALLS_PER_MINUTE,
    ofUser: env.MCP_USER_CALLS_PER_MINUTE,
  }
  const tokensOf = () => {
    throw new McpFault('mcp.needs_sign_in', 'none')
  }
  const mcpSessions = new McpSessions({ ...rest, servers, tools, limits, tokensOf })
  const timeoutMs = env.MCP_LIST_TIMEOUT_MS
  const mcpTools = new McpToolService({ ...rest, servers: mcpServers, tools, sessions: mcpSessions, timeoutMs })
  return { mcpServers, mcpSessions, mcpTools, mcpToolRepository: tools }
}
