import type { CallToolResult, Client, StreamableHTTPClientTransport, Tool } from '@modelcontextprotocol/client'
import { VERSION } from '../shared/version.ts'
import { faultOf } from './mcp-fault.ts'
import { KEY_HEADER, McpWire } from './mcp-wire.ts'

/** How a session shows whom it is for, where that is by OAuth. */
export interface SessionTokens {
  /** The access token. @throws McpFault `mcp.needs_sign_in` */
  token(): Promise<string>
  /** After a 401: so that the next `token()` is another one. @throws McpFault `mcp.needs_sign_in` */
  renew(): Promise<void>
}

export interface SessionTarget {
  url: string
  headers: Array<[name: string, value: string]>
  tokens?: SessionTokens | undefined
}

export interface SessionLimits {
  /** Bytes of one answer. */
  mostBytes: number
  /** For each request of a session that is no call of a tool, in milliseconds. */
  timeoutMs: number
}

/** A call of a tool. */
export interface SessionCall {
  name: string
  args: Record<string, unknown>
  /** What the model was given. */
  inputSchema: Record<string, unknown>
  /** Passed on as a header and in `_meta`. */
  idempotencyKey: string
  timeoutMs: number
  signal: AbortSignal
}

/** Where in `_meta` of a call its idempotency key is. */
export const KEY_META = 'chatsparty/idempotencyKey'
const MOST_PAGES = 16
/** What a server wants to be told at a session's end it is told within this time, or not at all. */
const GOODBYE_MS = 2_000

/**
 * A session with an MCP server over Streamable HTTP, in the newest version of the protocol that both know. The SDK is loaded with the first one:
 * most processes never need it.
 */
export class McpSession {
  readonly #client: Client
  readonly #transport: StreamableHTTPClientTransport
  readonly #wire: McpWire
  readonly #limits: SessionLimits
  /** Its server has said that its list of tools is another one. */
  isStale = false

  private constructor(client: Client, transport: StreamableHTTPClientTransport, wire: McpWire, limits: SessionLimits) {
    this.#client = client
    this.#transport = transport
    this.#wire = wire
    this.#limits = limits
    client.setNotificationHandler('notifications/tools/list_changed', () => {
      this.isStale = true
    })
  }

  /** @throws McpFault */
  static async open(
    target: SessionTarget,
    base: typeof fetch,
    limits: SessionLimits,
    signal: AbortSignal,
  ): Promise<McpSession> {
    const sdk = await import('@modelcontextprotocol/client')
    const wire = new McpWire(base, limits.mostBytes)
    const { tokens } = target
    const transport = new sdk.StreamableHTTPClientTransport(new URL(target.url), {
      fetch: wire.fetch,
      requestInit: { headers: target.headers },
      reconnectionScheduler: wire.scheduleResumption,
      ...(tokens && { authProvider: { token: () => tokens.token(), onUnauthorized: () => tokens.renew() } }),
    })
    const client = new sdk.Client(
      { name: 'chatsparty', version: VERSION },
      {
        capabilities: {},
        versionNegotiation: { mode: 'auto' },
        // Nobody is there to be asked for more.
        inputRequired: { autoFulfill: false },
        listMaxPages: MOST_PAGES,
      },
    )
    const session = new McpSession(client, transport, wire, limits)
    try {
      await wire.asking(() => client.connect(transport, { signal, timeout: limits.timeoutMs }))
      return session
    } catch (error) {
      await session.close()
      throw faultOf(error, signal)
    }
  }

  get protocolVersion(): string | null {
    return this.#client.getNegotiatedProtocolVersion() ?? null
  }

  /** All pages of what its server lists. @throws McpFault */
  async listTools(signal: AbortSignal): Promise<Tool[]> {
    try {
      this.isStale = false
      const options = { signal, timeout: this.#limits.timeoutMs, cacheMode: 'bypass' as const }
      const { tools } = await this.#wire.asking(() => this.#client.listTools(undefined, options))
      return tools
    } catch (error) {
      // What was listed before is still not what it lists now.
      this.isStale = true
      throw faultOf(error, signal)
    }
  }

  /** @throws McpFault, which says what is known of the outcome */
  async callTool({ name, args, inputSchema, idempotencyKey, timeoutMs, signal }: SessionCall): Promise<CallToolResult> {
    const call = this.#wire.begin(idempotencyKey, signal)
    const answer = this.#client.callTool(
      { name, arguments: args, _meta: { [KEY_META]: idempotencyKey } },
      {
        signal,
        timeout: timeoutMs,
        headers: { [KEY_HEADER]: idempotencyKey },
        onresumptiontoken: () => {
          call.isResumable = true
        },
        // Without the schema of its results: their form is checked by nobody but the model.
        toolDefinition: { name, inputSchema: { ...inputSchema, type: 'object' } },
      },
    )
    try {
      return await Promise.race([answer, call.lost])
    } catch (error) {
      throw faultOf(error, signal, call)
    } finally {
      this.#wire.end(call)
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    try {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, GOODBYE_MS)
      await Promise.race([this.#transport.terminateSession().catch(() => {}), promise])
      clearTimeout(timer)
      await this.#client.close()
    } catch {
      // Whoever is not there needs no goodbye.
    }
  }
}
