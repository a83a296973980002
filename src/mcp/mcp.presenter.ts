import type { McpServerView, McpSignInState, McpToolState, McpToolView } from '../contract/mcp-views.ts'
import type { McpServer } from './mcp-server.entity.ts'
import type { McpTool } from './mcp-tool.entity.ts'
import { effectOf } from './tool-definition.ts'

export const presentMcpServer = (server: McpServer, signIn: McpSignInState | null): McpServerView => ({
  id: server.id,
  name: server.name,
  url: server.url,
  auth: server.auth,
  headerNames: server.headerNames,
  enabled: server.enabled,
  timeoutMs: server.timeoutMs,
  status: server.status,
  problem: server.problem,
  problemCode: server.problem === null ? null : server.problemCode,
  signIn: signIn === 'connected' && server.status === 'needs_sign_in' ? 'expired' : signIn,
  protocolVersion: server.protocolVersion,
  pausedUntil:
    server.pausedUntil && server.pausedUntil.getTime() > Date.now() ? server.pausedUntil.toISOString() : null,
  listedAt: server.listedAt?.toISOString() ?? null,
  createdAt: server.createdAt.toISOString(),
  updatedAt: server.updatedAt.toISOString(),
})

/** What of a server its owner may change. */
export const mcpServerState = ({
  name,
  url,
  auth,
  headerNames,
  enabled,
  timeoutMs,
}: Pick<McpServerView, 'name' | 'url' | 'auth' | 'headerNames' | 'enabled' | 'timeoutMs'>) => ({
  name,
  url,
  auth,
  headerNames,
  enabled,
  timeoutMs,
})

export function stateOf({ vanishedAt, allowedHash, seenHash }: McpTool): McpToolState {
  if (vanishedAt) return 'vanished'
  if (allowedHash === null) return 'new'
  return allowedHash === seenHash ? 'allowed' : 'changed'
}

export const presentMcpTool = (tool: McpTool): McpToolView => ({
  id: tool.id,
  name: tool.name,
  state: stateOf(tool),
  ...tool.seen,
  hash: tool.seenHash,
  allowed: tool.allowedHash === tool.seenHash ? null : tool.allowed,
  effect: tool.effect ?? effectOf(tool.seen),
  keyed: tool.keyed ?? tool.seen.hints.idempotent,
  onUnknown: tool.onUnknown,
  said: { effect: tool.effect, keyed: tool.keyed },
  updatedAt: tool.updatedAt.toISOString(),
})

/** What of a tool its owner may say. */
export const mcpToolState = ({ said, onUnknown }: McpToolView) => ({ said, onUnknown })
