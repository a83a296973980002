import { createHash, randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/** A refresh token belongs to the sign-in that it came from; each is good for one use, and a second one ends the sign-in. */
interface Family {
  resource: string
  isOver: boolean
}

/** A small authorization server on loopback, strict about PKCE, redirect addresses and refresh tokens that were used before. */
export async function startOAuthServer() {
  const told = new EventEmitter()
  const state = {
    /** Seconds that an access token is good for. */
    expiresIn: 3_600,
    registers: true,
    /** Of its metadata, in the place of what is so. */
    metadata: {} as Record<string, unknown>,
    /** Of its answers by the browser; '' where they do not say it. */
    issuer: undefined as string | undefined,
    /** Answers the token endpoint in its place. */
    tokenGate: undefined as (() => Answer | undefined) | undefined,
    /** What is to be revoked waits for it. */
    revokeGate: undefined as (() => Promise<void>) | undefined,
    registered: 0,
    refreshes: 0,
    reused: 0,
    revoked: [] as string[],
    asked: [] as URLSearchParams[],
  }
  let url = ''
  const clients = new Map<string, { redirects: string[]; secret?: string }>()
  const codes = new Map<string, { challenge: string; redirect: string; client: string; resource: string }>()
  const access = new Map<string, Family>()
  const refresh = new Map<string, { family: Family; isUsed: boolean }>()

  const give = (family: Family): Answer => {
    const [accessToken, refreshToken] = [randomUUID(), randomUUID()]
    access.set(accessToken, family)
    refresh.set(refreshToken, { family, isUsed: false })
    return {
      status: 200,
      body: {
        access_token: accessToken,
        token_type: 'Bearer',
        refresh_token: refreshToken,
        expires_in: state.expiresIn,
      },
    }
  }
  const refuse = (error: string): Answer => ({ status: 400, body: { error } })

  const token = (given: URLSearchParams): Answer => {
    const client = clients.get(given.get('client_id') ?? '')
    if (!client || (client.secret !== undefined && given.get('client_secret') !== client.secret))
      return refuse('invalid_client')
    if (given.get('grant_type') === 'refresh_token') {
      state.refreshes++
      const known = refresh.get(given.get('refresh_token') ?? '')
      if (!known || known.family.isOver) return refuse('invalid_grant')
      if (known.isUsed) {
        state.reused++
        known.family.isOver = true
        return refuse('invalid_grant')
      }
      known.isUsed = true
      return give(known.family)
    }
    const code = codes.get(given.get('code') ?? '')
    codes.delete(given.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(given.get('code_verifier') ?? '')
      .digest('base64url')
    const fits =
      code?.challenge === challenge &&
      code.redirect === given.get('redirect_uri') &&
      code.client === given.get('client_id') &&
      code.resource === given.get('resource')
    return fits ? give({ resource: code.resource, isOver: false }) : refuse('invalid_grant')
  }

  const authorize = (query: URLSearchParams): Answer => {
    const redirect = query.get('redirect_uri') ?? ''
    const client = query.get('client_id') ?? ''
    const isFine =
      clients.get(client)?.redirects.includes(redirect) &&
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256'
    if (!isFine) return { status: 400, body: 'refused' }
    const code = randomUUID()
    codes.set(code, {
      challenge: query.get('code_challenge') ?? '',
      redirect,
      client,
      resource: query.get('resource') ?? '',
    })
    const back = new URL(redirect)
    back.searchParams.set('code', code)
    back.searchParams.set('state', query.get('state') ?? '')
    if (state.issuer !== '') back.searchParams.set('iss', state.issuer ?? url)
    return { status: 302, headers: { location: String(back) } }
  }

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    const body = request.method === 'POST' ? await text(request) : ''
    switch (`${request.method} ${pathname}`) {
      case 'GET /.well-known/oauth-authorization-server':
        return {
          status: 200,
          body: {
            issuer: url,
            authorization_endpoint: `${url}/authorize`,
            token_endpoint: `${url}/token`,
            revocation_endpoint: `${url}/revoke`,
            ...(state.registers && { registration_endpoint: `${url}/register` }),
            response_types_supported: ['code'],
            code_challenge_methods_supported: ['S256'],
            token_endpoint_auth_methods_supported: ['none', 'client_secret_post'],
            authorization_response_iss_parameter_supported: true,
            ...state.metadata,
          },
        }
      case 'POST /register': {
        const asked = JSON.parse(body)
        const id = randomUUID()
        clients.set(id, { redirects: asked.redirect_uris })
        state.registered++
        return { status: 201, body: { ...asked, client_id: id } }
      }
      case 'GET /authorize':
        return authorize(searchParams)
      case 'POST /token': {
        state.asked.push(new URLSearchParams(body))
        return state.tokenGate?.() ?? token(new URLSearchParams(body))
      }
      case 'POST /revoke': {
        told.emit('revoking')
        await state.revokeGate?.()
        const given = new URLSearchParams(body).get('token') ?? ''
        state.revoked.push(given)
        const known = refresh.get(given)
        if (known) known.family.isOver = true
        told.emit('revoked')
        return { status: 200 }
      }
      default:
        return { status: 404 }
    }
  }

  const server = createServer((request, response) => {
    answer(request)
      .then(({ status, body, headers }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(body === undefined ? undefined : JSON.stringify(body))
      })
      .catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the authorization server has no port')
  url = `http://127.0.0.1:${address.port}`
  return {
    url,
    state,
    /** For a client that was not registered by itself. */
    addClient: (id: string, secret: string, redirect: string) =>
      void clients.set(id, { redirects: [redirect], secret }),
    /** Whether a token is good for this resource. */
    isGood: (authorization: string | undefined, resource: string): boolean => {
      const family = access.get(authorization?.replace('Bearer ', '') ?? '')
      return family !== undefined && !family.isOver && family.resource === resource
    },
    /** Access tokens that were given so far are good for nothing any more; those who have them get others. */
    expire: () => access.clear(),
    /** The same, and nobody gets others. */
    endAll: () => {
      for (const { family } of refresh.values()) family.isOver = true
    },
    asksToRevoke: () => once(told, 'revoking'),
    revoked: () => once(told, 'revoked'),
    /** What a browser does whose owner says yes: the address that it is sent back to. */
    consent: async (authorizationUrl: string): Promise<URL> => {
      const answered = await fetch(authorizationUrl, { redirect: 'manual' })
      const location = answered.headers.get('location')
      if (!location) throw new Error(`The authorization server answered ${answered.status}.`)
      return new URL(location)
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
export type TestOAuthServer = Awaited<ReturnType<typeof startOAuthServer>>
