import { z } from 'zod'
import type { ProviderNetwork } from '../connections/provider-network.ts'
import type { SealedSecrets } from '../connections/sealed-secret.ts'
import type { Transactions } from '../database/transaction.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { McpFault } from './mcp-fault.ts'
import { faultOf } from './mcp-fault.ts'
import type { McpServer } from './mcp-server.entity.ts'
import type { CallLimits, McpServerRepository } from './mcp-server.repository.ts'
import { McpSession, type SessionLimits, type SessionTokens } from './mcp-session.ts'
import type { McpToolRepository } from './mcp-tool.repository.ts'
import { type Listing, listingOf } from './tool-definition.ts'

export interface McpSessionDependencies {
  servers: McpServerRepository
  tools: McpToolRepository
  secrets: SealedSecrets
  network: Pick<ProviderNetwork, 'fetchFor'>
  transactions: Transactions
  limits: SessionLimits & CallLimits
  /** Of a server whose owner signs in by OAuth. */
  tokensOf: (server: McpServer) => SessionTokens
}

/** Where a server's headers are sealed for. */
export const HEADERS_FIELD = 'headers'
const headerPairs = z.array(z.tuple([z.string(), z.string()]))

/** A session, and what its server listed as it began. */
export interface OpenSession {
  session: McpSession
  listing: Listing
}

/** How this process talks with MCP servers: what may be asked, with which headers, and what is remembered of it. */
export class McpSessions {
  readonly #deps: McpSessionDependencies

  constructor(dependencies: McpSessionDependencies) {
    this.#deps = dependencies
  }

  /**
   * Counts one thing that is asked of a server, if it may be asked now, and answers the server as it is now.
   * @throws AppError 404; 409 `mcp.off`, `mcp.paused`; 429 `mcp.busy`
   */
  async take(userId: string, id: string, { ignoresPause = false } = {}): Promise<McpServer> {
    const { servers, limits } = this.#deps
    const isTaken = await servers.take(userId, id, limits, ignoresPause)
    const server = await servers.findOwned(userId, id)
    if (!server) throw notFound('mcp')
    if (!server.enabled) throw new AppError('mcp.off')
    if (isTaken) return server
    const isPaused = !ignoresPause && server.pausedUntil !== null && server.pausedUntil.getTime() > Date.now()
    if (isPaused) throw new AppError('mcp.paused')
    throw new AppError('mcp.busy', { details: { retryAfterSeconds: 60 - new Date().getUTCSeconds() } })
  }

  /**
   * Begins a session, asks for its tools and writes down what they are now. Who opened it closes it.
   * @throws McpFault, which is remembered; AppError 409 `connections.key_unreadable`
   */
  async open(server: McpServer, signal: AbortSignal): Promise<OpenSession> {
    const { network, limits, tokensOf } = this.#deps
    const target = {
      url: server.url,
      headers: this.#headersOf(server),
      tokens: server.auth === 'oauth' ? tokensOf(server) : undefined,
    }
    let session: McpSession | undefined
    try {
      session = await McpSession.open(target, network.fetchFor({ scope: 'user' }), limits, signal)
      return { session, listing: await this.list(server, session, signal) }
    } catch (error) {
      await session?.close()
      const fault = faultOf(error, signal)
      await this.failed(server, fault)
      throw fault
    }
  }

  /** Asks for its tools (again) and writes down what they are now. @throws McpFault */
  async list(server: McpServer, session: McpSession, signal: AbortSignal): Promise<Listing> {
    const { tools, transactions } = this.#deps
    const listing = listingOf(await session.listTools(signal))
    await transactions.run((tx) => tools.note(server, session.protocolVersion, listing.tools, tx))
    return listing
  }

  /** Remembers that it answers again. */
  async answered({ id }: Pick<McpServer, 'id'>): Promise<void> {
    await this.#deps.servers.answered(id)
  }

  /** Remembers that something was not answered as it should be. */
  async failed(server: McpServer, fault: McpFault): Promise<void> {
    if (fault.code === 'mcp.stopped') return
    const status = fault.code === 'mcp.needs_sign_in' ? 'needs_sign_in' : 'failing'
    await this.#deps.servers.failed(server, status, fault, fault.isTrouble)
  }

  #headersOf({ id, headersSealed }: McpServer): Array<[string, string]> {
    if (headersSealed === null) return []
    return headerPairs.parse(JSON.parse(this.#deps.secrets.open(headersSealed, { id, field: HEADERS_FIELD })))
  }
}
