import type { OAuthClientInformationMixed } from '@modelcontextprotocol/client'
import { z } from 'zod'
import { AppError } from '../shared/errors.ts'

const url = z.url({ protocol: /^https?$/ }).max(2_000)
const words = z.array(z.string().max(200)).max(100)

/** What of an authorization server's metadata is used; more of it is not kept. */
const metadataSchema = z.object({
  issuer: z.string().max(2_000),
  authorization_endpoint: url,
  token_endpoint: url,
  registration_endpoint: url.optional(),
  revocation_endpoint: url.optional(),
  response_types_supported: words,
  code_challenge_methods_supported: words.optional(),
  token_endpoint_auth_methods_supported: words.optional(),
  scopes_supported: words.optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
})

/** Who gives the tokens of a server, and for what. */
export const oauthProviderSchema = z.object({
  /** The authorization server's address. */
  url,
  metadata: metadataSchema,
  /** The resource that tokens are asked for (RFC 8707). */
  resource: url,
  scope: z.string().max(2_000).optional(),
  /** Where browsers come back to, as the client is known there. */
  redirectUri: url.optional(),
})
export type OAuthProvider = z.infer<typeof oauthProviderSchema>

/** A client as it was registered, or as its owner gave it. */
export interface OAuthClient {
  clientId: string
  clientAuth: string | null
  clientSecret: string | null
}

/** This installation as a client: where browsers come back to, and where it says so itself. */
export interface OurClient {
  redirectUri: string
  /** The address of `clientDocument`, which is the client's id for whoever reads it there. */
  documentUrl: string
}

/**
 * For each server another client: where a browser comes back to says who has sent it, which not every authorization server does itself (RFC 9207).
 * Else one server could lead to the page of another one, and be given its code.
 */
export type OurClients = (serverId: string) => OurClient

/** What we say of ourselves as a client. */
const clientMetadata = (redirectUri: string) => ({
  client_name: 'Chatsparty',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
})

/** A Client ID Metadata Document: an authorization server that has never heard of us reads it at our address. */
export const clientDocument = ({ redirectUri, documentUrl }: OurClient) => ({
  client_id: documentUrl,
  ...clientMetadata(redirectUri),
})

/** As the SDK wants it. */
export const clientInformation = ({
  clientId,
  clientAuth,
  clientSecret,
}: OAuthClient): OAuthClientInformationMixed => ({
  client_id: clientId,
  ...(clientSecret !== null && { client_secret: clientSecret }),
  ...(clientAuth !== null && { token_endpoint_auth_method: clientAuth }),
})

/** A request that a server answers with who may be asked for tokens, if it wants any. */
const ASKED = { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'ping' }) }
const ASKED_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

const refused = (said: string): AppError => new AppError('mcp.no_sign_in', { words: { said } })

/**
 * Finds who gives tokens for a server: its metadata (RFC 9728), then those of the authorization server that it names (RFC 8414, OpenID Connect).
 * @throws AppError 422 `mcp.no_sign_in`, with what is amiss
 */
export async function findProvider(
  serverUrl: string,
  fetchFn: typeof fetch,
  isProduction: boolean,
): Promise<OAuthProvider> {
  const sdk = await import('@modelcontextprotocol/client')
  const challenge = await challengeOf(serverUrl, fetchFn, sdk.extractWWWAuthenticateParams)
  const found = await sdk.discoverOAuthServerInfo(serverUrl, {
    fetchFn,
    ...(challenge.resourceMetadataUrl && { resourceMetadataUrl: challenge.resourceMetadataUrl }),
  })
  const configuredResource = found.resourceMetadata?.resource
  // Else a server could have tokens of another one sent to itself.
  if (
    configuredResource !== undefined &&
    !sdk.checkResourceAllowed({ requestedResource: sdk.resourceUrlFromServerUrl(serverUrl), configuredResource })
  ) {
    throw refused('The server names another one as what tokens are for.')
  }
  const metadata = metadataSchema.safeParse(found.authorizationServerMetadata).data
  if (!metadata) throw refused('There is no authorization server with metadata.')
  if (!metadata.code_challenge_methods_supported?.includes('S256'))
    throw refused('The authorization server has no PKCE with S256.')
  if (!isOpenable(metadata.authorization_endpoint, isProduction))
    throw refused('The page for signing in is not an https:// address.')
  const scope = challenge.scope ?? found.resourceMetadata?.scopes_supported?.join(' ')
  const provider = oauthProviderSchema.safeParse({
    url: found.authorizationServerUrl,
    metadata,
    resource: configuredResource ?? String(sdk.resourceUrlFromServerUrl(serverUrl)),
    ...(scope && { scope }),
  })
  if (!provider.success) throw refused('What the authorization server says of itself is too long.')
  return provider.data
}

async function challengeOf(
  serverUrl: string,
  fetchFn: typeof fetch,
  read: (response: Response) => { resourceMetadataUrl?: URL; scope?: string },
): Promise<{ resourceMetadataUrl?: URL; scope?: string }> {
  const response = await fetchFn(serverUrl, { ...ASKED, headers: ASKED_HEADERS })
  await response.body?.cancel()
  if (response.status !== 401) return {}
  const { resourceMetadataUrl, scope } = read(response)
  return {
    // Of another origin it would be somebody else's word about this server.
    ...(resourceMetadataUrl?.origin === new URL(serverUrl).origin && { resourceMetadataUrl }),
    ...(scope && { scope }),
  }
}

/** A browser is sent there: over TLS, or in development to this machine. */
function isOpenable(address: string, isProduction: boolean): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (!isProduction && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}

/**
 * Makes this installation known as a client: by the address of its document where that is read (which takes https), else it registers (RFC 7591).
 * @throws AppError 422 `mcp.no_sign_in` where nobody registers by themself
 */
export async function registerAt(
  { url: server, metadata, scope }: OAuthProvider,
  { redirectUri, documentUrl }: OurClient,
  fetchFn: typeof fetch,
): Promise<OAuthClient> {
  if (metadata.client_id_metadata_document_supported && new URL(documentUrl).protocol === 'https:') {
    return { clientId: documentUrl, clientAuth: 'none', clientSecret: null }
  }
  if (!metadata.registration_endpoint) {
    throw refused('The authorization server registers nobody by itself: give the id of a client that you have there.')
  }
  const sdk = await import('@modelcontextprotocol/client')
  const registered = await sdk.registerClient(server, {
    metadata,
    fetchFn,
    ...(scope && { scope }),
    clientMetadata: { ...clientMetadata(redirectUri), application_type: 'web' },
  })
  return {
    clientId: z.string().max(2_000).parse(registered.client_id),
    clientSecret: z
      .string()
      .max(4_000)
      .nullable()
      .parse(registered.client_secret ?? null),
    clientAuth: z
      .string()
      .max(100)
      .nullable()
      .parse(registered.token_endpoint_auth_method ?? null),
  }
}
