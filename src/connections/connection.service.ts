import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { CreateConnectionBody, UpdateConnectionBody } from '../contract/connection.schemas.ts'
import type { ConnectionTestView } from '../contract/connection-views.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError, type FieldIssue, invalidRequest, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { Connection } from './connection.entity.ts'
import type { ConnectionRepository } from './connection.repository.ts'
import { dialectsSchema } from './dialects/traits.ts'
import type { ResolvedConnection } from './provider.ts'
import { classifyProviderError } from './provider-errors.ts'
import type { ProviderNetwork } from './provider-network.ts'
import type { SealedSecrets } from './sealed-secret.ts'

/** An agent that uses a connection. */
export interface ConnectionUse {
  id: string
  name: string
}

export interface ConnectionDependencies {
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  connections: ConnectionRepository
  secrets: SealedSecrets
  network: ProviderNetwork
  /** Agents that name this connection; wired by the composition root, because agents are to the right of here. */
  usedBy: (connectionId: string) => Promise<ConnectionUse[]>
  testTimeoutMs: number
  /** Connections that one user may have (USER_CONNECTIONS). */
  most: number
}

/** Shorter keys are no provider's; their last four would be most of them. */
const SHOWN_KEY_LENGTH = 12
const FIELD = 'apiKey'

/** Provider accounts of users, and those of the platform, which everybody uses and only administrators change. */
export class ConnectionService {
  readonly #transactions: Transactions
  readonly #audit: ConnectionDependencies['audit']
  readonly #connections: ConnectionRepository
  readonly #secrets: SealedSecrets
  readonly #network: ProviderNetwork
  readonly #usedBy: ConnectionDependencies['usedBy']
  readonly #testTimeoutMs: number
  readonly #most: number

  constructor(dependencies: ConnectionDependencies) {
    const { transactions, audit, connections, secrets, network, usedBy, testTimeoutMs, most } = dependencies
    this.#transactions = transactions
    this.#audit = audit
    this.#connections = connections
    this.#secrets = secrets
    this.#network = network
    this.#usedBy = usedBy
    this.#testTimeoutMs = testTimeoutMs
    this.#most = most
  }

  list(userId: string, limit: number, before: string | undefined): Promise<Connection[]> {
    return this.#connections.listVisible(userId, limit, before)
  }

  async get(userId: string, id: string): Promise<Connection> {
    const connection = await this.#connections.findVisible(userId, id)
    if (!connection) throw notFound('connection')
    return connection
  }

  /** True when the user may use it: own, or the platform's. Without a user: only the platform's. */
  async isVisible(userId: string | null, id: string): Promise<boolean> {
    return (await this.#connections.findVisible(userId, id)) !== null
  }

  /** @throws AppError 403; 409 `connection.too_many` */
  async create(actor: AuthUser, { scope, apiKey, ...body }: CreateConnectionBody): Promise<Connection> {
    if (scope === 'platform' && actor.role !== 'admin') throw new AppError('auth.forbidden/add_connection')
    checkRequirements({ ...body, hasKey: apiKey !== null })
    if (body.baseUrl) this.#network.assertBaseUrl(scope, body.baseUrl)
    const id = newId()
    const userId = scope === 'platform' ? null : actor.id
    return this.#transactions.run(async (tx) => {
      if (userId !== null && (await this.#connections.lockCount(userId, tx)) >= this.#most) {
        throw tooMany('connection', this.#most)
      }
      if (body.isDefault) await this.#connections.clearDefault(userId, tx)
      const created = await this.#connections.create({ id, userId, ...body, ...this.#sealKey(id, apiKey) }, tx)
      await this.#record('connection.created', actor, created, tx)
      return created
    })
  }

  /** `check` is told what there is, before it is changed. */
  async update(
    actor: AuthUser,
    id: string,
    { apiKey, ...change }: UpdateConnectionBody,
    check: (current: Connection) => void = () => {},
  ): Promise<Connection> {
    return this.#transactions.run(async (tx) => {
      const current = await this.#editable(actor, id, tx)
      check(current)
      const next = { ...current, ...change }
      checkRequirements({ ...next, hasKey: apiKey === undefined ? current.apiKeySealed !== null : apiKey !== null })
      if (change.baseUrl) this.#network.assertBaseUrl(scopeOf(current), change.baseUrl)
      // Else whoever gets hold of a session could have the stored key sent to an address of theirs.
      if (apiKey === undefined && current.apiKeySealed !== null && destination(next) !== destination(current)) {
        throw invalidRequest([
          { path: 'apiKey', message: 'must be entered again when the provider or address changes' },
        ])
      }
      if (change.isDefault && !current.isDefault) await this.#connections.clearDefault(current.userId, tx)
      const key = apiKey === undefined ? {} : this.#sealKey(id, apiKey)
      // What was learnt was learnt of another server, account or model.
      const isAnother =
        apiKey !== undefined || destination(next) !== destination(current) || next.model !== current.model
      const updated = await this.#connections.update(id, { ...change, ...key, ...(isAnother && { dialects: {} }) }, tx)
      await this.#record(apiKey === undefined ? 'connection.updated' : 'connection.key_changed', actor, updated, tx)
      return updated
    })
  }

  /** @throws AppError 409 `connections.in_use` with the agents that use it. */
  async delete(actor: AuthUser, id: string): Promise<void> {
    const connection = await this.#editable(actor, id)
    const inUse = (agents: ConnectionUse[]) => new AppError('connections.in_use', { details: { agents } })
    const agents = await this.#usedBy(id)
    if (agents.length > 0) throw inUse(agents)
    // An agent may have taken it a moment ago.
    const isDeleted = await this.#transactions.run(async (tx) => {
      if (!(await this.#connections.delete(id, tx))) return false
      await this.#record('connection.deleted', actor, connection, tx)
      return true
    })
    if (!isDeleted) throw inUse(await this.#usedBy(id))
  }

  /**
   * The connection to call: the named one (own or the platform's), else the user's default, else the platform's.
   * @throws AppError 404 `connection.not_found`; 409 `connections.none`, `connections.key_unreadable`.
   */
  async resolve(userId: string, connectionId: string | null): Promise<ResolvedConnection> {
    const connection =
      connectionId === null
        ? await this.#connections.findDefault(userId)
        : await this.#connections.findVisible(userId, connectionId)
    return this.open(connection, connectionId)
  }

  /** The same for a row that was read already; null is what was not found. @throws AppError as `resolve` */
  open(connection: Connection | null, connectionId: string | null): ResolvedConnection {
    if (connection) return this.#open(connection)
    if (connectionId !== null) throw notFound('connection')
    throw new AppError('connections.none')
  }

  /**
   * Calls the provider for a few tokens, as parties do, and remembers what it turned out to need in the place of what was
   * known. Failures are outcomes. The platform's connections are tried by administrators only: nobody pays for the calls.
   * @throws AppError 403; 404
   */
  async test(actor: AuthUser, id: string, signal?: AbortSignal): Promise<ConnectionTestView> {
    const connection = await this.get(actor.id, id)
    if (connection.userId === null && actor.role !== 'admin') throw new AppError('auth.forbidden/test_connection')
    // The SDKs of all providers, which a web process needs for nothing else.
    const { tryModel } = await import('./connection-trial.ts')
    const timeout = AbortSignal.timeout(this.#testTimeoutMs)
    const abortSignal = signal ? AbortSignal.any([timeout, signal]) : timeout
    try {
      const resolved = this.#open(connection)
      const { latencyMs, traits, learnt } = await tryModel(resolved, this.#network.fetchFor(resolved), abortSignal)
      await this.#connections.learn(connection, connection.model, traits, { anew: true })
      return { ok: true, model: connection.model, latencyMs, learnt }
    } catch (error) {
      const { code, message } = classifyProviderError(timeout.aborted ? timeout.reason : error)
      return { ok: false, error: { code, message } }
    }
  }

  /** With a transaction: locked until its end, so that what is checked still holds when it is written. */
  async #editable(actor: AuthUser, id: string, tx?: Tx): Promise<Connection> {
    const connection = tx ? await this.#connections.lockVisible(actor.id, id, tx) : await this.get(actor.id, id)
    if (!connection) throw notFound('connection')
    if (connection.userId === null && actor.role !== 'admin') {
      throw new AppError('auth.forbidden/change_connection')
    }
    return connection
  }

  /** Of users' own connections that without a key is nobody else's business. */
  async #record(
    action: 'connection.created' | 'connection.updated' | 'connection.key_changed' | 'connection.deleted',
    actor: AuthUser,
    connection: Connection,
    tx: Tx,
  ): Promise<void> {
    const { id, provider, apiKeySealed } = connection
    const scope = scopeOf(connection)
    const concernsKey =
      action === 'connection.key_changed' || (action !== 'connection.updated' && apiKeySealed !== null)
    if (scope === 'user' && !concernsKey) return
    const mostPerHour = scope === 'user' ? MOST_BY_USERS : undefined
    const details = { scope, provider, hasKey: apiKeySealed !== null }
    await this.#audit.record({ action, actorId: actor.id, targetId: id, details, mostPerHour }, tx)
  }

  #sealKey(id: string, apiKey: string | null): Pick<Connection, 'apiKeySealed' | 'apiKeyLast4'> {
    return sealedKey(this.#secrets, id, apiKey)
  }

  #open(connection: Connection): ResolvedConnection {
    const { id, name, provider, baseUrl, model, apiKeySealed, dialects } = connection
    const apiKey = apiKeySealed === null ? null : openedKey(this.#secrets, id, apiKeySealed)
    return {
      id,
      scope: scopeOf(connection),
      name,
      provider,
      baseUrl,
      model,
      apiKey,
      dialects: dialectsSchema.parse(dialects),
    }
  }
}

/** The columns that hold a key. */
export const sealedKey = (
  secrets: SealedSecrets,
  id: string,
  apiKey: string | null,
): Pick<Connection, 'apiKeySealed' | 'apiKeyLast4'> => ({
  apiKeySealed: apiKey === null ? null : secrets.seal(apiKey, { id, field: FIELD }),
  apiKeyLast4: apiKey !== null && apiKey.length >= SHOWN_KEY_LENGTH ? apiKey.slice(-4) : null,
})

/** @throws AppError 409 `connections.key_unreadable` */
export const openedKey = (secrets: SealedSecrets, id: string, sealed: string): string =>
  secrets.open(sealed, { id, field: FIELD })

const scopeOf = ({ userId }: Pick<Connection, 'userId'>): ResolvedConnection['scope'] =>
  userId === null ? 'platform' : 'user'

const destination = ({ provider, baseUrl }: Pick<Connection, 'provider' | 'baseUrl'>): string =>
  `${provider} ${baseUrl ? new URL(baseUrl).origin : ''}`

const NEEDS_KEY = new Set(['openai', 'anthropic', 'google', 'groq'])

function checkRequirements(c: Pick<Connection, 'provider' | 'baseUrl'> & { hasKey: boolean }): void {
  const issues: FieldIssue[] = []
  if (NEEDS_KEY.has(c.provider) && !c.hasKey) issues.push({ path: 'apiKey', message: `is required for ${c.provider}` })
  if (c.provider === 'openai-compatible' && !c.baseUrl) {
    issues.push({ path: 'baseUrl', message: 'is required for openai-compatible' })
  }
  if (c.provider === 'demo' && c.hasKey) issues.push({ path: 'apiKey', message: 'is not used by the demo provider' })
  if (c.provider === 'demo' && c.baseUrl) issues.push({ path: 'baseUrl', message: 'is not used by the demo provider' })
  if (issues.length > 0) throw invalidRequest(issues)
}
