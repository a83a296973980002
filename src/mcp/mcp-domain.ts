import type { Env } from '../config/env.ts'
import type { Logger } from '../shared/logger.ts'
import { McpGrantRepository } from './mcp-grant.repository.ts'
import { McpServerRepository } from './mcp-server.repository.ts'
import { type McpServerDependencies, McpServerService } from './mcp-server.service.ts'
import { type McpSessionDependencies, McpSessions } from './mcp-sessions.ts'
import { McpSignInService } from './mcp-sign-in.service.ts'
import { McpTokens } from './mcp-tokens.ts'
import { McpToolRepository } from './mcp-tool.repository.ts'
import { McpToolService } from './mcp-tool.service.ts'
import type { OurClients } from './oauth-provider.ts'

interface McpDomainDependencies
  extends Pick<McpServerDependencies & McpSessionDependencies, 'secrets' | 'transactions' | 'audit'> {
  db: ConstructorParameters<typeof McpServerRepository>[0]
  network: McpServerDependencies['network'] & McpSessionDependencies['network']
  env: Env
  logger: Logger
}

/** Everything of MCP servers, for the composition root. */
export function createMcpDomain({ db, env, ...rest }: McpDomainDependencies) {
  const servers = new McpServerRepository(db)
  const tools = new McpToolRepository(db)
  const grants = new McpGrantRepository(db)
  const tokens = new McpTokens({ ...rest, grants })
  const mcpServers = new McpServerService({ ...rest, servers, tools, grants, tokens, most: env.USER_MCP_SERVERS })
  const limits = {
    mostBytes: env.MCP_ANSWER_MAX_BYTES,
    timeoutMs: env.MCP_LIST_TIMEOUT_MS,
    ofServer: env.MCP_SERVER_CALLS_PER_MINUTE,
    ofUser: env.MCP_USER_CALLS_PER_MINUTE,
  }
  const sessions = new McpSessions({ ...rest, servers, tools, limits, tokensOf: ({ id }) => tokens.of(id) })
  const timeoutMs = env.MCP_LIST_TIMEOUT_MS
  const ourUrl = (path: string) => String(new URL(path, `${env.PUBLIC_URL ?? `http://localhost:${env.PORT}`}/`))
  const ours: OurClients = (id) => ({
    redirectUri: ourUrl(`api/mcp/callback/${id}`),
    documentUrl: ourUrl(`api/mcp/clients/${id}`),
  })
  return {
    mcpServers,
    mcpSessions: sessions,
    mcpTools: new McpToolService({ ...rest, servers: mcpServers, tools, sessions, timeoutMs }),
    mcpToolRepository: tools,
    mcpTokens: tokens,
    mcpSignIns: new McpSignInService({
      ...rest,
      grants,
      tokens,
      sessions,
      ours,
      isProduction: env.NODE_ENV === 'production',
    }),
    mcpOurClients: ours,
  }
}
