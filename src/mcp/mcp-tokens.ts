import { setTimeout as delay } from 'node:timers/promises'
import type { OAuthTokens } from '@modelcontextprotocol/client'
import type { ProviderNetwork } from '../connections/provider-network.ts'
import type { SealedSecrets } from '../connections/sealed-secret.ts'
import { newId } from '../shared/ids.ts'
import type { Logger } from '../shared/logger.ts'
import { faultOf, McpFault } from './mcp-fault.ts'
import type { McpGrant } from './mcp-grant.entity.ts'
import type { McpGrantRepository, SealedTokens } from './mcp-grant.repository.ts'
import type { SessionTokens } from './mcp-session.ts'
import { McpWire } from './mcp-wire.ts'
import { clientInformation, type OAuthClient, oauthProviderSchema } from './oauth-provider.ts'

interface McpTokenDependencies {
  grants: McpGrantRepository
  secrets: SealedSecrets
  network: Pick<ProviderNetwork, 'fetchFor'>
  logger: Logger
}

/** Where the secrets of a grant are sealed for. */
export const GRANT_FIELDS = {
  access: 'access',
  refresh: 'refresh',
  secret: 'clientSecret',
  verifier: 'verifier',
} as const

/** A token is renewed so long before its end: what is sent with it takes its time. */
const EARLY_MS = 10_000
/** An authorization server is given so long ... */
const ASK_MS = 10_000
/** ... and who renews a token has it for itself for longer; whoever waits for it looks this often. */
const LEASE_MS = 15_000
const LOOK_MS = 100
/** Bytes of an answer of an authorization server. */
export const MOST_OAUTH_BYTES = 65_536

/**
 * Tokens of servers that their owner has signed in to. They are renewed without anybody noticing, by one process at a time: a refresh token is
 * good for one use, and a second one ends the grant with many servers.
 */
export class McpTokens {
  readonly #deps: McpTokenDependencies

  constructor(dependencies: McpTokenDependencies) {
    this.#deps = dependencies
  }

  /** For a session with this server. */
  of(serverId: string): SessionTokens {
    let sent: string | undefined
    return {
      token: async () => {
        const { access } = await this.#current(serverId)
        sent = access
        return access
      },
      renew: async () => {
        await this.#current(serverId, sent)
      },
    }
  }

  /** Tells the authorization server that a grant is over (RFC 7009), where it wants to be told. Never rejects. */
  async revoke(grant: McpGrant): Promise<void> {
    const { logger } = this.#deps
    try {
      const { metadata } = oauthProviderSchema.parse(grant.provider)
      const token =
        this.#opened(grant, 'refreshSealed', GRANT_FIELDS.refresh) ??
        this.#opened(grant, 'accessSealed', GRANT_FIELDS.access)
      if (!metadata.revocation_endpoint || token === null) return
      const sdk = await import('@modelcontextprotocol/client')
      sdk.assertSecureTokenEndpoint(metadata.revocation_endpoint)
      const client = this.clientOf(grant)
      const { clientId, clientSecret } = client
      // As it is shown where tokens are given.
      const offered = metadata.token_endpoint_auth_methods_supported ?? []
      const isBasic = sdk.selectClientAuthMethod(clientInformation(client), offered) === 'client_secret_basic'
      const body = new URLSearchParams({
        token,
        client_id: clientId,
        ...(clientSecret !== null && !isBasic && { client_secret: clientSecret }),
      })
      const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
      const headers = isBasic ? { authorization: `Basic ${basic}` } : {}
      const response = await this.fetch(metadata.revocation_endpoint, { method: 'POST', headers, body })
      await response.body?.cancel()
    } catch (error) {
      logger.info({ err: error, serverId: grant.id }, 'tokens of an MCP server were not revoked')
    }
  }

  /** The same of all that a user is signed in to. Nobody waits for the authorization servers, and one that is away is not told later. */
  async revokeAll(userId: string): Promise<void> {
    for (const grant of await this.#deps.grants.signedInOf(userId)) void this.revoke(grant)
  }

  /** The client that a grant is for. */
  clientOf(grant: McpGrant): OAuthClient {
    const { clientId, clientAuth } = grant
    return { clientId, clientAuth, clientSecret: this.#opened(grant, 'clientSecretSealed', GRANT_FIELDS.secret) }
  }

  sealed(id: string, { access_token, refresh_token, expires_in }: OAuthTokens): SealedTokens {
    const { secrets } = this.#deps
    return {
      accessSealed: secrets.seal(access_token, { id, field: GRANT_FIELDS.access }),
      refreshSealed:
        refresh_token === undefined ? null : secrets.seal(refresh_token, { id, field: GRANT_FIELDS.refresh }),
      accessUntil: expires_in === undefined ? null : new Date(Date.now() + expires_in * 1_000),
    }
  }

  /** To authorization servers: guarded, and little is read. */
  readonly fetch: typeof fetch = (input, init) => {
    const wire = new McpWire(this.#deps.network.fetchFor({ scope: 'user' }), MOST_OAUTH_BYTES)
    const signal = AbortSignal.any([AbortSignal.timeout(ASK_MS), ...(init?.signal ? [init.signal] : [])])
    return wire.fetch(input instanceof Request ? input.url : input, { ...init, signal })
  }

  /** A token that is good, and not the one that was refused. */
  async #current(id: string, refused?: string): Promise<{ access: string }> {
    const { grants } = this.#deps
    for (const until = performance.now() + LEASE_MS; performance.now() < until; await delay(LOOK_MS)) {
      const grant = await grants.find(id)
      const access = grant && this.#opened(grant, 'accessSealed', GRANT_FIELDS.access)
      if (!grant || access === null) throw new McpFault('mcp.needs_sign_in', 'none')
      const isOver = grant.accessUntil !== null && grant.accessUntil.getTime() - EARLY_MS < Date.now()
      if (access !== refused && !isOver) return { access }
      if (grant.refreshSealed === null) {
        // What was not refused yet may still be good for a moment.
        if (access !== refused && grant.accessUntil && grant.accessUntil.getTime() > Date.now()) return { access }
        throw new McpFault('mcp.needs_sign_in', 'none')
      }
      const claim = newId()
      if (await grants.claimRefresh(grant, claim, LEASE_MS)) return this.#refresh(grant, claim)
    }
    throw new McpFault('mcp.timeout', 'none')
  }

  async #refresh(grant: McpGrant, claim: string): Promise<{ access: string }> {
    const { grants } = this.#deps
    const { id } = grant
    const signal = AbortSignal.timeout(ASK_MS)
    try {
      const sdk = await import('@modelcontextprotocol/client')
      const { url, metadata, resource } = oauthProviderSchema.parse(grant.provider)
      const tokens = await sdk.refreshAuthorization(url, {
        metadata,
        clientInformation: clientInformation(this.clientOf(grant)),
        refreshToken: this.#opened(grant, 'refreshSealed', GRANT_FIELDS.refresh) ?? '',
        resource,
        fetchFn: this.fetch,
      })
      await grants.refreshed(id, claim, this.sealed(id, tokens))
      return { access: tokens.access_token }
    } catch (error) {
      if (!isRefused(error)) {
        await grants.unclaim(id, claim)
        throw faultOf(error, signal)
      }
      await grants.refreshed(id, claim, { accessSealed: null, refreshSealed: null, accessUntil: null })
      throw new McpFault('mcp.needs_sign_in', 'none', '', undefined, { cause: error })
    }
  }

  #opened(
    grant: McpGrant,
    column: 'accessSealed' | 'refreshSealed' | 'clientSecretSealed',
    field: string,
  ): string | null {
    const sealed = grant[column]
    return sealed === null ? null : this.#deps.secrets.open(sealed, { id: grant.id, field })
  }
}

/** The authorization server's word that this refresh token, or this client, is good for nothing any more. */
const isRefused = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  /^(invalid_grant|invalid_client|unauthorized_client)$/.test(String(error.code))
