import { expect } from 'chai'
import { mcpRefreshView, mcpServerView, mcpSignInView } from '../../src/contract/mcp-views.ts'
import { rows } from '../../src/database/query.ts'
import { McpGrantRepository } from '../../src/mcp/mcp-grant.repository.ts'
import { McpTokens } from '../../src/mcp/mcp-tokens.ts'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { McpTools } from '../../workers/mcp/mcp-tools.ts'
import { SessionPool } from '../../workers/mcp/session-pool.ts'
import { ToolFailed } from '../../workers/tools/tool-source.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { startApp, useApp } from '../support/app.ts'
import { startMcpServer, type TestMcpServer } from '../support/mcp-server.ts'
import { startOAuthServer, type TestOAuthServer } from '../support/oauth-server.ts'

const PUBLIC_URL = 'http://chat.example.com'
const callbackOf = (id: string) => `${PUBLIC_URL}/api/mcp/callback/${id}`

describe('Signing in to MCP servers', () => {
  const app = useApp({ worker: false, env: { PUBLIC_URL } })
  let server: TestMcpServer
  let oauth: TestOAuthServer
  let user: TestUser
  let id: string
  beforeEach(async () => {
    ;[server, oauth, user] = await Promise.all([startMcpServer(), startOAuthServer(), app.api.register()])
    const metadataUrl = new URL('/.well-known/oauth-protected-resource/mcp', server.url)
    server.state.pages[metadataUrl.pathname] = {
      resource: server.url,
      authorization_servers: [oauth.url],
      scopes_supported: ['notes'],
    }
    server.state.gate = ({ headers }) =>
      oauth.isGood(headers.authorization, server.url)
        ? undefined
        : { status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${metadataUrl}", scope="notes"` } }
    id = await user.create('/api/mcp/servers', { name: 'Notes', url: server.url, auth: 'oauth' })
  })
  afterEach(() => Promise.all([server.stop(), oauth.stop()]))

  const begin = async (body: Record<string, unknown> = {}) => {
    const answer = await user.post(`/api/mcp/servers/${id}/sign-in`, body)
    if (answer.status !== 200) return { problem: errorOf(answer), url: '', cookie: '' }
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    return { url: mcpSignInView.parse(answer.body).authorizationUrl, cookie }
  }
  /** The browser is sent back to the public address, which here is this app's. */
  const comeBack = (to: URL, cookie?: string) =>
    fetch(`${app.url}${to.pathname}${to.search}`, { headers: { ...(cookie && { cookie }) } })
  const answerOf = (to: URL) => {
    const { state, code, iss } = Object.fromEntries(to.searchParams)
    return { serverId: to.pathname.split('/').at(-1), state, code, iss }
  }
  const signIn = async (body: Record<string, unknown> = {}) => {
    const { url, cookie } = await begin(body)
    const back = await comeBack(await oauth.consent(url), cookie)
    expect(back.status).to.equal(200)
  }
  const outcome = async () => {
    const done = mcpRefreshView.parse((await user.post(`/api/mcp/servers/${id}/refresh`, {})).body)
    return done.ok ? 'ok' : done.error.code
  }
  const shown = async () => mcpServerView.parse((await user.get(`/api/mcp/servers/${id}`)).body)
  const status = async () => (await shown()).status
  const stored = () =>
    rows<Record<string, unknown>>(app.container.db.manager, 'SELECT * FROM mcp_grants WHERE id = $1', [id])

  it('is asked for, done in a browser with PKCE for the resource that the server is, and lasts', async () => {
    expect(await outcome()).to.equal('mcp.needs_sign_in')
    expect(await shown()).to.deep.include({
      status: 'needs_sign_in',
      problemCode: 'mcp.needs_sign_in',
      signIn: 'needed',
    })
    const { url, cookie } = await begin()
    const { searchParams } = new URL(url)
    expect(Object.fromEntries(searchParams)).to.include({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: callbackOf(id),
      resource: server.url,
      scope: 'notes',
    })
    const back = await comeBack(await oauth.consent(url), cookie)
    expect(back.status).to.equal(200)
    expect(await back.text()).to.include('You are signed in.')
    expect(await outcome()).to.equal('ok')
    expect(await status()).to.equal('ready')
    // Sealed at rest, and a second sign-in registers nobody anew.
    const sent = server.state.requests.at(-1)?.headers.authorization?.replace('Bearer ', '') ?? 'none'
    expect(JSON.stringify(await stored())).not.to.include(sent)
    await signIn()
    expect(oauth.state.registered).to.equal(1)
  })

  it('is ended only in the browser that began it, or by its owner; once', async () => {
    const { url, cookie } = await begin()
    const back = await oauth.consent(url)
    const other = await app.api.register()
    const refused = await Promise.all([
      comeBack(back),
      comeBack(back, `${cookie.split('=')[0]}=of-another-browser`),
      comeBack(new URL(`${callbackOf(id)}?state=guessed&code=x`), cookie),
    ])
    expect(refused.map((answer) => answer.status)).to.deep.equal([400, 400, 400])
    expect(errorOf(await other.post('/api/mcp/sign-in', answerOf(back))).code).to.equal('mcp.sign_in_invalid')
    expect(oauth.state.asked).to.deep.equal([])
    const both = await Promise.all([user.post('/api/mcp/sign-in', answerOf(back)), comeBack(back, cookie)])
    expect(both.map((answer) => answer.status).filter((one) => one < 300)).to.have.length(1)
    expect(oauth.state.asked).to.have.length(1)
    expect((await user.post('/api/mcp/sign-in', answerOf(back))).status).to.equal(400)
    expect(await outcome()).to.equal('ok')
  })

  it('is refused when another authorization server answers than was asked, or the person says no', async () => {
    oauth.state.issuer = 'https://evil.example.com'
    const first = await begin()
    const mixed = await user.post('/api/mcp/sign-in', answerOf(await oauth.consent(first.url)))
    expect(errorOf(mixed).code).to.equal('mcp.no_sign_in')
    // The code was not sent to anybody.
    expect(oauth.state.asked).to.deep.equal([])
    const second = await begin()
    const state = new URL(second.url).searchParams.get('state')
    const denied = await user.post('/api/mcp/sign-in', { serverId: id, state, error: 'access_denied' })
    expect(errorOf(denied).message).to.include('did not allow it')
    expect(await outcome()).to.equal('mcp.needs_sign_in')
  })

  it('sends nobody the code of another authorization server, though that one does not say who it is (RFC 9207)', async () => {
    const evil = await startOAuthServer()
    const evilTools = await startMcpServer()
    try {
      // An honest one that is signed in to, as the client that this installation is there.
      for (const { state } of [oauth, evil]) state.metadata = { authorization_response_iss_parameter_supported: false }
      oauth.state.issuer = ''
      await signIn()
      const honest = new URL((await begin()).url).searchParams
      // Another server of the user's: who is to sign in there is led to the honest one, which knows its client and asks nothing.
      evilTools.state.pages['/.well-known/oauth-protected-resource/mcp'] = {
        resource: evilTools.url,
        authorization_servers: [evil.url],
      }
      const evilId = await user.create('/api/mcp/servers', { name: 'Evil', url: evilTools.url, auth: 'oauth' })
      const answer = await user.post(`/api/mcp/servers/${evilId}/sign-in`, {})
      const begun = new URL(mcpSignInView.parse(answer.body).authorizationUrl).searchParams
      const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
      const [clientId, resource] = [honest.get('client_id') ?? '', honest.get('resource') ?? '']
      for (const redirect of [begun, honest].map((query) => query.get('redirect_uri') ?? '')) {
        const led = new URL(`${oauth.url}/authorize?${begun}`)
        led.searchParams.set('client_id', clientId)
        led.searchParams.set('resource', resource)
        led.searchParams.set('redirect_uri', redirect)
        const back = await oauth.consent(String(led)).catch(() => undefined)
        if (!back) continue
        expect((await comeBack(back, cookie)).status).to.equal(400)
        expect((await user.post('/api/mcp/sign-in', answerOf(back))).status).to.equal(400)
      }
      expect(evil.state.asked).to.deep.equal([])
    } finally {
      await Promise.all([evil.stop(), evilTools.stop()])
    }
  })

  it('begins with no authorization server that cannot be trusted with it', async () => {
    const problem = async (metadata: Record<string, unknown>) => {
      oauth.state.metadata = metadata
      return (await begin()).problem?.code
    }
    expect(await problem({ code_challenge_methods_supported: undefined })).to.equal('mcp.no_sign_in')
    expect(await problem({ code_challenge_methods_supported: ['plain'] })).to.equal('mcp.no_sign_in')
    expect(await problem({ issuer: 'https://evil.example.com' })).to.equal('mcp.no_sign_in')
    expect(await problem({ authorization_endpoint: 'javascript:alert(1)' })).to.equal('mcp.no_sign_in')
    expect(await problem({ authorization_endpoint: 'http://evil.example.com/authorize' })).to.equal('mcp.no_sign_in')
    expect(await problem({ scopes_supported: ['x'.repeat(300)] })).to.equal('mcp.no_sign_in')
    expect(await problem({})).to.equal(undefined)
    // A server that has tokens of another one sent to itself.
    server.state.pages['/.well-known/oauth-protected-resource/mcp'] = {
      resource: 'https://bank.example.com/mcp',
      authorization_servers: [oauth.url],
    }
    expect((await begin()).problem?.message).to.include('names another one')
  })

  it('takes a client of its owner, where nobody registers by themself', async () => {
    oauth.state.registers = false
    expect((await begin()).problem?.message).to.include('registers nobody')
    oauth.addClient('mine', 'a-secret-of-mine', callbackOf(id))
    await signIn({ clientId: 'mine', clientSecret: 'a-secret-of-mine' })
    expect(await outcome()).to.equal('ok')
    expect(JSON.stringify(await stored())).not.to.include('a-secret-of-mine')
  })

  it('is as the client that our own address describes, where that is read', async () => {
    const secure = await startApp({
      databaseUrl: app.container.databaseUrl,
      worker: false,
      env: { PUBLIC_URL: 'https://chat.example.com' },
    })
    try {
      oauth.state.metadata = { client_id_metadata_document_supported: true }
      const documentUrl = `https://chat.example.com/api/mcp/clients/${id}`
      const begun = await secure.api.request(
        'POST',
        `/api/mcp/servers/${id}/sign-in`,
        {},
        { authorization: `Bearer ${user.token}` },
      )
      const { searchParams } = new URL(mcpSignInView.parse(begun.body).authorizationUrl)
      expect(searchParams.get('client_id')).to.equal(documentUrl)
      expect(oauth.state.registered).to.equal(0)
      const document = await secure.api.request('GET', `/api/mcp/clients/${id}`)
      expect(document.body).to.deep.include({
        client_id: documentUrl,
        redirect_uris: [`https://chat.example.com/api/mcp/callback/${id}`],
      })
      expect(begun.headers.get('set-cookie')).to.include('; Secure')
    } finally {
      await secure.close()
    }
  })

  it('begins anew where the server names another authorization server: it is not sent the tokens of the first', async () => {
    oauth.addClient('mine', 'a-secret', callbackOf(id))
    await signIn({ clientId: 'mine', clientSecret: 'a-secret' })
    const evil = await startOAuthServer()
    try {
      server.state.pages['/.well-known/oauth-protected-resource/mcp'] = {
        resource: server.url,
        authorization_servers: [evil.url],
      }
      // A process that got new tokens of the first meanwhile has them too late.
      const grants = new McpGrantRepository(app.container.db)
      const grant = await grants.find(id)
      const claim = newId()
      if (!grant || !(await grants.claimRefresh(grant, claim, 15_000))) throw new Error('not to be renewed')
      const revoked = oauth.revoked()
      await begin({ clientId: 'mine', clientSecret: 'another' })
      await revoked
      await grants.refreshed(id, claim, grant)
      expect((await stored())[0]).to.include({ access_sealed: null, refresh_sealed: null })
      expect(await outcome()).to.equal('mcp.needs_sign_in')
      expect(evil.state.asked).to.deep.equal([])
    } finally {
      await evil.stop()
    }
  })

  it('is renewed without anybody noticing, by one process at a time', async () => {
    await signIn()
    await outcome()
    oauth.expire()
    expect(await outcome()).to.equal('ok')
    expect([oauth.state.refreshes, oauth.state.reused]).to.deep.equal([1, 0])
    // Its end is near, and ten ask at once in two processes.
    await rows(app.container.db.manager, 'UPDATE mcp_grants SET access_until = now() WHERE id = $1', [id])
    const { db, sealedSecrets: secrets, network } = app.container
    const processes = [1, 2].map(
      () => new McpTokens({ grants: new McpGrantRepository(db), secrets, network, logger: silentLogger }),
    )
    const given = await Promise.all(Array.from({ length: 10 }, (_, n) => processes[n % 2]?.of(id).token()))
    expect(new Set(given).size).to.equal(1)
    expect([oauth.state.refreshes, oauth.state.reused]).to.deep.equal([2, 0])
    expect(await outcome()).to.equal('ok')
  })

  it('stays when the authorization server is in trouble, and is over when it says so', async () => {
    await signIn()
    oauth.expire()
    oauth.state.tokenGate = () => ({ status: 503 })
    expect(await outcome()).to.be.oneOf(['mcp.broken', 'mcp.unreadable'])
    oauth.state.tokenGate = undefined
    expect(await outcome()).to.equal('ok')
    oauth.expire()
    oauth.endAll()
    expect(await outcome()).to.equal('mcp.needs_sign_in')
    expect(await shown()).to.deep.include({ status: 'needs_sign_in', signIn: 'expired' })
    const { refreshes } = oauth.state
    expect(await outcome()).to.equal('mcp.needs_sign_in')
    expect(oauth.state.refreshes).to.equal(refreshes)
    await signIn()
    expect(await shown()).to.deep.include({ status: 'ready', problemCode: null, signIn: 'connected' })
    expect(await outcome()).to.equal('ok')
  })

  it('is renewed in the midst of calls: one that is refused for its token has done nothing, and is made once more where there is another', async () => {
    await signIn()
    expect(await outcome()).to.equal('ok')
    const { mcpSessions: sessions, mcpToolRepository } = app.container
    const pool = new SessionPool(sessions, 5_000)
    const [bound] = await new McpTools({ tools: mcpToolRepository, sessions, pool }).bind(
      [{ serverId: id, name: 'add_unkeyed', policy: 'allow' }],
      user.id,
    )
    const call = async (text: string) => {
      const where = { userId: user.id, conversationId: newId(), runId: newId(), turn: 0, call: 0 }
      const run = { ...where, idempotencyKey: newId(), signal: AbortSignal.timeout(10_000) }
      const ended = bound?.run({ text }, run).then(
        ({ isError }) => isError,
        (error: unknown) => error,
      )
      const result = await ended
      return result instanceof ToolFailed ? result.code : result
    }
    try {
      expect(await call('one')).to.equal(false)
      oauth.expire()
      expect(await call('two')).to.equal(false)
      expect(oauth.state.refreshes).to.equal(1)
      expect(server.called()).to.deep.equal(['add_unkeyed', 'add_unkeyed', 'add_unkeyed'])
      oauth.expire()
      oauth.state.tokenGate = () => ({ status: 503 })
      expect(await call('three')).to.be.oneOf(['mcp.broken', 'mcp.unreadable'])
      oauth.state.tokenGate = undefined
      oauth.endAll()
      expect(await call('four')).to.equal('mcp.needs_sign_in')
      expect(await status()).to.equal('needs_sign_in')
      expect(server.state.notes).to.deep.equal(['one', 'two'])
    } finally {
      await pool.close()
    }
  })

  it('is over when one signs out, which revokes it; the client stays for the next time', async () => {
    await signIn()
    const revoked = oauth.revoked()
    const { body } = await user.delete(`/api/mcp/servers/${id}/sign-in`)
    expect(body).to.deep.include({ status: 'needs_sign_in', signIn: 'expired' })
    await revoked
    expect(await outcome()).to.equal('mcp.needs_sign_in')
    expect((await stored())[0]).to.deep.include({ access_sealed: null, refresh_sealed: null })
    expect(Object((await user.delete(`/api/mcp/servers/${id}/sign-in`)).body).signIn).to.equal('expired')
    await signIn()
    expect(await outcome()).to.equal('ok')
    expect(oauth.state.registered).to.equal(1)
  })

  it('is revoked when the server goes, or is at another address', async () => {
    await signIn()
    const first = oauth.revoked()
    await user.put(`/api/mcp/servers/${id}`, { url: server.url.replace('/mcp', '/other') })
    await first
    expect(await stored()).to.deep.equal([])
    await user.put(`/api/mcp/servers/${id}`, { url: server.url })
    await signIn()
    const second = oauth.revoked()
    await user.delete(`/api/mcp/servers/${id}`)
    await second
    expect(oauth.state.revoked).to.have.length(2)
  })

  it('is revoked when the account goes, which waits for nobody there', async () => {
    await signIn()
    const held = Promise.withResolvers<void>()
    oauth.state.revokeGate = () => held.promise
    const asked = oauth.asksToRevoke()
    expect((await user.delete(`/api/users/${user.id}`)).status).to.equal(204)
    await asked
    expect(await stored()).to.deep.equal([])
    const revoked = oauth.revoked()
    held.resolve()
    await revoked
  })

  it('gives a cookie for the way back alone', async () => {
    const answer = await user.post(`/api/mcp/servers/${id}/sign-in`, {})
    expect(answer.headers.get('set-cookie')).to.match(
      /^chatsparty_mcp_sign_in=[\w-]{43}; Path=\/api\/mcp\/callback\/[\w-]{36}; Max-Age=600; HttpOnly; SameSite=Lax$/,
    )
    expect(errorOf(await (await app.api.register()).post(`/api/mcp/servers/${id}/sign-in`, {})).code).to.equal(
      'mcp.not_found',
    )
  })
})
