import { createHash, randomBytes } from 'node:crypto'
import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { SealedSecrets } from '../connections/sealed-secret.ts'
import type { McpSignInBody } from '../contract/mcp.schemas.ts'
import type { Transactions } from '../database/transaction.ts'
import { AppError, messageOf, shortened } from '../shared/errors.ts'
import type { McpGrant } from './mcp-grant.entity.ts'
import type { McpGrantRepository } from './mcp-grant.repository.ts'
import type { McpSessions } from './mcp-sessions.ts'
import { GRANT_FIELDS, type McpTokens } from './mcp-tokens.ts'
import {
  clientInformation,
  findProvider,
  type OAuthClient,
  type OAuthProvider,
  type OurClient,
  type OurClients,
  oauthProviderSchema,
  registerAt,
} from './oauth-provider.ts'

export interface McpSignInDependencies {
  grants: McpGrantRepository
  tokens: McpTokens
  sessions: Pick<McpSessions, 'take' | 'answered'>
  secrets: SealedSecrets
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  ours: OurClients
  isProduction: boolean
}

/** What an authorization server sends back by the browser. */
export interface SignInAnswer {
  /** Of the address that the browser came back to. */
  serverId: string
  state: string
  code?: string | undefined
  iss?: string | undefined
  error?: string | undefined
}

/** A sign-in that begins. */
export interface BegunSignIn {
  authorizationUrl: string
  expiresAt: Date
  /** For a cookie of the browser that began it. */
  browser: string
  /** Where it comes back to. */
  redirectUri: string
}

/** Somebody who signs in has so long. */
export const SIGN_IN_MS = 600_000
const SECRET_BYTES = 32
const MOST_SAID = 200

const hashed = (secret: string): string => createHash('sha256').update(secret).digest('hex')
const secret = (): string => randomBytes(SECRET_BYTES).toString('base64url')

/** Signing in to MCP servers by OAuth: authorization code with PKCE, for the resource that the server is. */
export class McpSignInService {
  readonly #deps: McpSignInDependencies

  constructor(dependencies: McpSignInDependencies) {
    this.#deps = dependencies
  }

  /**
   * Finds the authorization server, registers as a client where none is given, and answers where the browser is to go.
   * @throws AppError 404; 409 `mcp.off`, `mcp.not_oauth`; 422 `mcp.no_sign_in`; 429 `mcp.busy`
   */
  async begin(userId: string, id: string, { clientId, clientSecret, scope }: McpSignInBody): Promise<BegunSignIn> {
    const { sessions, grants, tokens, secrets, transactions, isProduction } = this.#deps
    const server = await sessions.take(userId, id, { ignoresPause: true })
    if (server.auth !== 'oauth') throw new AppError('mcp.not_oauth')
    const ours = this.#deps.ours(id)
    const state = secret()
    const browser = secret()
    const { provider, client, authorizationUrl, codeVerifier } = await explained(async () => {
      const found = await findProvider(server.url, tokens.fetch, isProduction)
      const provider = { ...found, ...(scope !== undefined && { scope }), redirectUri: ours.redirectUri }
      const client: OAuthClient =
        clientId === undefined
          ? await this.#client(await grants.find(id), provider, ours)
          : { clientId, clientSecret: clientSecret ?? null, clientAuth: null }
      const sdk = await import('@modelcontextprotocol/client')
      const begun = await sdk.startAuthorization(provider.url, {
        metadata: provider.metadata,
        clientInformation: clientInformation(client),
        redirectUrl: ours.redirectUri,
        state,
        resource: provider.resource,
        ...(provider.scope && { scope: provider.scope }),
      })
      return { provider, client, ...begun }
    })
    const expiresAt = new Date(Date.now() + SIGN_IN_MS)
    const row = {
      id,
      clientId: client.clientId,
      clientAuth: client.clientAuth,
      clientSecretSealed:
        client.clientSecret === null ? null : secrets.seal(client.clientSecret, { id, field: GRANT_FIELDS.secret }),
      stateHash: hashed(state),
      browserHash: hashed(browser),
      verifierSealed: secrets.seal(codeVerifier, { id, field: GRANT_FIELDS.verifier }),
      stateUntil: expiresAt,
    }
    const forgotten = await transactions.run(async (tx) => {
      const before = await grants.find(id, tx)
      return (await grants.begin(row, provider, tx)) ? null : before
    })
    if (forgotten) void tokens.revoke(forgotten)
    return { authorizationUrl: String(authorizationUrl), expiresAt, browser, redirectUri: ours.redirectUri }
  }

  /**
   * Ends it for a browser that came back, which must be the one that began it: else somebody could have another person sign in for them.
   * @throws AppError 400 `mcp.sign_in_invalid`; 422 `mcp.no_sign_in`
   */
  async finishInBrowser(answer: SignInAnswer, browser: string | undefined): Promise<void> {
    const begun = await this.#deps.grants.begun(answer.serverId, hashed(answer.state))
    if (!begun || browser === undefined || hashed(browser) !== begun.browserHash)
      throw new AppError('mcp.sign_in_invalid')
    await this.#finish(answer)
  }

  /** The same for its owner, who was given the address that the browser came back with. @throws AppError as `finishInBrowser` */
  async finishAs(userId: string, answer: SignInAnswer): Promise<void> {
    const begun = await this.#deps.grants.begun(answer.serverId, hashed(answer.state))
    if (begun?.userId !== userId) throw new AppError('mcp.sign_in_invalid')
    await this.#finish(answer)
  }

  async #finish({ serverId, state, code, iss }: SignInAnswer): Promise<void> {
    const { grants, tokens, secrets, sessions, transactions, audit, ours } = this.#deps
    const taken = await grants.take(serverId, hashed(state))
    if (!taken?.grant.verifierSealed) throw new AppError('mcp.sign_in_invalid')
    const { grant, userId } = taken
    const { id, verifierSealed } = grant
    // What it says of an error may be anybody's words.
    if (code === undefined)
      throw new AppError('mcp.no_sign_in', { words: { said: 'The authorization server did not allow it.' } })
    const given = await explained(async () => {
      const sdk = await import('@modelcontextprotocol/client')
      const { url, metadata, resource } = oauthProviderSchema.parse(grant.provider)
      return sdk.exchangeAuthorization(url, {
        metadata,
        clientInformation: clientInformation(tokens.clientOf(grant)),
        authorizationCode: code,
        codeVerifier: secrets.open(verifierSealed ?? '', { id, field: GRANT_FIELDS.verifier }),
        redirectUri: ours(id).redirectUri,
        resource,
        fetchFn: tokens.fetch,
        ...(iss !== undefined && { iss }),
      })
    })
    await transactions.run(async (tx) => {
      if (!(await grants.signedIn(id, hashed(state), tokens.sealed(id, given), tx)))
        throw new AppError('mcp.sign_in_invalid')
      await audit.record(
        { action: 'mcp_server.signed_in', actorId: userId, targetId: id, mostPerHour: MOST_BY_USERS },
        tx,
      )
    })
    await sessions.answered({ id })
  }

  /** The client that this installation is there already, or a new one. */
  async #client(known: McpGrant | null, provider: OAuthProvider, ours: OurClient): Promise<OAuthClient> {
    const { tokens } = this.#deps
    const before = known && oauthProviderSchema.safeParse(known.provider).data
    const isThere = before?.metadata.issuer === provider.metadata.issuer && before.redirectUri === provider.redirectUri
    if (known && isThere) return tokens.clientOf(known)
    return registerAt(provider, ours, tokens.fetch)
  }
}

/** What goes wrong at somebody else's server is said in words. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('mcp.no_sign_in', { words: { said: shortened(messageOf(error).toWellFormed(), MOST_SAID) } })
  }
}
