import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { ProviderNetwork } from '../connections/provider-network.ts'
import type { SealedSecrets } from '../connections/sealed-secret.ts'
import type { CreateMcpServerBody, McpAuth, UpdateMcpServerBody } from '../contract/mcp.schemas.ts'
import type { McpServerView, McpSignInState } from '../contract/mcp-views.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError, invalidRequest, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { presentMcpServer } from './mcp.presenter.ts'
import type { McpGrant } from './mcp-grant.entity.ts'
import type { McpGrantRepository, SignInSeen } from './mcp-grant.repository.ts'
import type { McpServer } from './mcp-server.entity.ts'
import type { McpServerRepository } from './mcp-server.repository.ts'
import { HEADERS_FIELD } from './mcp-sessions.ts'
import type { McpTokens } from './mcp-tokens.ts'
import type { McpToolRepository } from './mcp-tool.repository.ts'

export interface McpServerDependencies {
  servers: McpServerRepository
  tools: McpToolRepository
  grants: Pick<McpGrantRepository, 'find' | 'delete' | 'forget' | 'signIns'>
  tokens: Pick<McpTokens, 'revoke'>
  secrets: SealedSecrets
  network: Pick<ProviderNetwork, 'assertTarget'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  /** Servers that one user may have (USER_MCP_SERVERS). */
  most: number
}

type Headers = CreateMcpServerBody['headers']

/** MCP servers of users. */
export class McpServerService {
  readonly #deps: McpServerDependencies

  constructor(dependencies: McpServerDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError 400; 409 `mcp.too_many` */
  async create(userId: string, { headers, ...body }: CreateMcpServerBody): Promise<McpServer> {
    const { servers, network, transactions, most } = this.#deps
    assertAddress(network, body.url)
    assertHeaders(body.auth, headers)
    const id = newId()
    return transactions.run(async (tx) => {
      if ((await servers.lockCount(userId, tx)) >= most) throw tooMany('mcp', most)
      const server = await servers.create({ id, userId, ...body, ...this.#sealed(id, headers) }, tx)
      if (headers.length > 0) await this.#record('mcp_server.credentials_changed', server, tx)
      return server
    })
  }

  list(userId: string, limit: number, before: string | undefined): Promise<McpServer[]> {
    return this.#deps.servers.list(userId, limit, before)
  }

  /** As clients see it, with how it is signed in to. */
  async view(server: McpServer): Promise<McpServerView> {
    return presentMcpServer(server, (await this.#signIns([server]))(server))
  }

  async views(servers: McpServer[]): Promise<McpServerView[]> {
    const signInOf = await this.#signIns(servers)
    return servers.map((server) => presentMcpServer(server, signInOf(server)))
  }

  /** Whether this server is the user's own. */
  async isOwn(userId: string, id: string): Promise<boolean> {
    return (await this.#deps.servers.findOwned(userId, id)) !== null
  }

  /** @throws AppError 404 */
  async get(userId: string, id: string): Promise<McpServer> {
    return found(await this.#deps.servers.findOwned(userId, id))
  }

  /**
   * At another address its tools are listed anew. At another origin they are others, whatever they are called: each is to be allowed anew; at the
   * same one, what says something else than before.
   * @throws AppError 400, 404
   */
  async update(
    userId: string,
    id: string,
    { headers, ...change }: UpdateMcpServerBody,
    check: (current: McpServer) => void = () => {},
  ): Promise<McpServer> {
    const { servers, tools, network, transactions } = this.#deps
    if (change.url !== undefined) assertAddress(network, change.url)
    let ended: McpGrant | null = null
    const server = await transactions.run(async (tx) => {
      const current = found(await servers.lockOwned(userId, id, tx))
      check(current)
      const next = { ...current, ...change }
      const isElsewhere = next.url !== current.url
      const isOtherOrigin = new URL(next.url).origin !== new URL(current.url).origin
      const keeps = headers === undefined && current.headersSealed !== null && next.auth !== 'none'
      // Else whoever gets hold of a session could have the stored headers sent to an address of theirs.
      if (keeps && isOtherOrigin) {
        throw invalidRequest([{ path: 'headers', message: 'must be entered again when the address changes' }])
      }
      if (keeps)
        assertHeaders(
          next.auth,
          current.headerNames.map((name) => ({ name })),
        )
      else assertHeaders(next.auth, headers ?? [])
      const sealed = keeps ? {} : this.#sealed(id, headers ?? [])
      const isAnother = isElsewhere || next.auth !== current.auth || headers !== undefined
      const fresh: Partial<McpServer> = {
        ...(isAnother && {
          problem: null,
          problemCode: null,
          failures: 0,
          pausedUntil: null,
          status: current.listedAt ? 'ready' : 'new',
        }),
        ...(isElsewhere && {
          status: 'new',
          listedAt: null,
          protocolVersion: null,
          moved: current.moved || current.listedAt !== null,
        }),
      }
      if (isElsewhere) await (isOtherOrigin ? tools.forget(id, tx) : tools.vanish(id, tx))
      ended = isElsewhere || next.auth !== 'oauth' ? await this.#endGrant(id, tx) : null
      const server = found(await servers.update(userId, id, { ...change, ...sealed, ...fresh }, tx))
      if (headers !== undefined) await this.#record('mcp_server.credentials_changed', server, tx)
      return server
    })
    if (ended) void this.#deps.tokens.revoke(ended)
    return server
  }

  /** Its tokens are revoked, where it can be. @throws AppError 404 */
  async delete(userId: string, id: string): Promise<void> {
    const { servers, transactions } = this.#deps
    const ended = await transactions.run(async (tx) => {
      const server = found(await servers.lockOwned(userId, id, tx))
      const grant = await this.#endGrant(id, tx)
      await servers.delete(userId, id, tx)
      if (grant || server.headersSealed !== null) await this.#record('mcp_server.deleted', server, tx)
      return grant
    })
    if (ended) void this.#deps.tokens.revoke(ended)
  }

  /** Its tokens are forgotten, and revoked where they can be; the client as which one signs in stays. @throws AppError 404; 409 `mcp.not_oauth` */
  async signOut(userId: string, id: string): Promise<McpServer> {
    const { servers, grants, tokens, transactions } = this.#deps
    const { server, ended } = await transactions.run(async (tx) => {
      const current = found(await servers.lockOwned(userId, id, tx))
      if (current.auth !== 'oauth') throw new AppError('mcp.not_oauth')
      const grant = await grants.find(id, tx)
      await grants.forget(id, tx)
      if (!grant?.accessSealed && !grant?.refreshSealed) return { server: current, ended: null }
      await this.#record('mcp_server.signed_out', current, tx)
      const signedOut = { status: 'needs_sign_in', problem: null, problemCode: null } as const
      return { server: found(await servers.update(userId, id, signedOut, tx)), ended: grant }
    })
    if (ended) void tokens.revoke(ended)
    return server
  }

  async #signIns(servers: McpServer[]): Promise<(server: McpServer) => McpSignInState | null> {
    const ids = servers.filter(({ auth }) => auth === 'oauth').map(({ id }) => id)
    const seen = ids.length === 0 ? [] : await this.#deps.grants.signIns(ids)
    const byId = new Map(seen.map((one) => [one.id, one]))
    return ({ id, auth }) => (auth === 'oauth' ? signInOf(byId.get(id)) : null)
  }

  async #endGrant(id: string, tx: Tx): Promise<McpGrant | null> {
    const grant = await this.#deps.grants.find(id, tx)
    if (grant) await this.#deps.grants.delete(id, tx)
    return grant
  }

  #sealed(id: string, headers: Headers): Pick<McpServer, 'headerNames' | 'headersSealed'> {
    const pairs = headers.map(({ name, value }) => [name, value])
    return {
      headerNames: headers.map(({ name }) => name),
      headersSealed:
        pairs.length === 0 ? null : this.#deps.secrets.seal(JSON.stringify(pairs), { id, field: HEADERS_FIELD }),
    }
  }

  /** Of a user's servers what concerns credentials; the rest is nobody else's business. */
  #record(
    action: `mcp_server.${'credentials_changed' | 'deleted' | 'signed_out'}`,
    server: McpServer,
    tx: Tx,
  ): Promise<void> {
    const { userId: actorId, id: targetId, auth, headerNames } = server
    const details = { auth, headers: headerNames.length }
    return this.#deps.audit.record({ action, actorId, targetId, details, mostPerHour: MOST_BY_USERS }, tx)
  }
}

function found(server: McpServer | null): McpServer {
  if (!server) throw notFound('mcp')
  return server
}

function signInOf(seen: SignInSeen | undefined): McpSignInState {
  if (!seen) return 'needed'
  if (!seen.hasTokens) return seen.isBegun ? 'needed' : 'expired'
  return seen.until !== null && seen.until.getTime() <= Date.now() ? 'expired' : 'connected'
}

function assertAddress(network: Pick<ProviderNetwork, 'assertTarget'>, url: string): void {
  network.assertTarget('user', url, 'url')
  if (new URL(url).hash) throw invalidRequest([{ path: 'url', message: 'must have no fragment' }])
}

function assertHeaders(auth: McpAuth, headers: ReadonlyArray<{ name: string }>): void {
  const refuse = (message: string) => invalidRequest([{ path: 'headers', message }])
  if (auth === 'headers' && headers.length === 0) throw refuse('must name at least one')
  if (auth === 'none' && headers.length > 0) throw refuse('are sent with "auth": "headers" only')
  if (auth === 'oauth' && headers.some(({ name }) => name.toLowerCase() === 'authorization')) {
    throw refuse('must not name Authorization, which is what signing in gives')
  }
}
