import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { UpdateMcpToolBody } from '../contract/mcp.schemas.ts'
import type { McpRefreshView } from '../contract/mcp-views.ts'
import type { Transactions } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import { McpFault } from './mcp-fault.ts'
import type { McpServerService } from './mcp-server.service.ts'
import type { McpSessions } from './mcp-sessions.ts'
import type { McpTool } from './mcp-tool.entity.ts'
import type { McpToolRepository } from './mcp-tool.repository.ts'

export interface McpToolDependencies {
  servers: Pick<McpServerService, 'get' | 'view'>
  tools: McpToolRepository
  sessions: McpSessions
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  /** For all of a refresh, in milliseconds (MCP_LIST_TIMEOUT_MS). */
  timeoutMs: number
}

/** What servers offer, and what their owner says of it. */
export class McpToolService {
  readonly #deps: McpToolDependencies

  constructor(dependencies: McpToolDependencies) {
    this.#deps = dependencies
  }

  /**
   * Asks the server for its tools, and remembers them. That it cannot be asked is an outcome.
   * @throws AppError 404; 409 `mcp.off`; 429 `mcp.busy`
   */
  async refresh(userId: string, id: string, signal: AbortSignal): Promise<McpRefreshView> {
    const { servers, sessions, timeoutMs } = this.#deps
    const server = await sessions.take(userId, id, { ignoresPause: true })
    const shown = async () => servers.view(await servers.get(userId, id))
    try {
      const { session, listing } = await sessions.open(
        server,
        AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      )
      await session.close()
      await sessions.answered(server)
      return { ok: true, server: await shown(), tools: listing.tools.length, leftOut: listing.leftOut }
    } catch (error) {
      if (!(error instanceof McpFault)) throw error
      return { ok: false, server: await shown(), error: { code: error.code, message: error.message } }
    }
  }

  /** @throws AppError 404 */
  async list(userId: string, serverId: string, limit: number, before: string | undefined): Promise<McpTool[]> {
    await this.#deps.servers.get(userId, serverId)
    return this.#deps.tools.list(serverId, limit, before)
  }

  /** @throws AppError 404 */
  async get(userId: string, serverId: string, name: string): Promise<McpTool> {
    await this.#deps.servers.get(userId, serverId)
    return found(await this.#deps.tools.find(serverId, name))
  }

  /** @throws AppError 404 */
  async update(
    userId: string,
    serverId: string,
    name: string,
    change: UpdateMcpToolBody,
    check: (current: McpTool) => void = () => {},
  ): Promise<McpTool> {
    const { servers, tools, transactions } = this.#deps
    await servers.get(userId, serverId)
    return transactions.run(async (tx) => {
      const current = found(await tools.lock(serverId, name, tx))
      check(current)
      return tools.update(current.id, change, tx)
    })
  }

  /** What it is now is what agents use from now on. @throws AppError 404; 409 `mcp.tool_changed`: it is not what was looked at */
  async allow(userId: string, serverId: string, name: string, hash: string): Promise<McpTool> {
    const { servers, tools, transactions, audit } = this.#deps
    await servers.get(userId, serverId)
    return transactions.run(async (tx) => {
      const current = found(await tools.lock(serverId, name, tx))
      if (current.seenHash !== hash) throw new AppError('mcp.tool_changed')
      if (current.allowedHash === hash) return current
      const allowed = await tools.allow(current.id, tx)
      const details = { tool: name, hash, before: current.allowedHash }
      await audit.record(
        { action: 'mcp_tool.allowed', actorId: userId, targetId: serverId, details, mostPerHour: MOST_BY_USERS },
        tx,
      )
      return allowed
    })
  }
}

function found(tool: McpTool | null): McpTool {
  if (!tool) throw new AppError('mcp.no_tool')
  return tool
}
