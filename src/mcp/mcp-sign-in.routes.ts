import { mcpSignInAnswer, mcpSignInBody, mcpSignInReturn } from '../contract/mcp.schemas.ts'
import { mcpClientView, mcpSignInView } from '../contract/mcp-views.ts'
import { idParams } from '../http/input.ts'
import { defineRoute, defineStreamRoute, Reply, type Route } from '../http/route.ts'
import { type McpSignInService, SIGN_IN_MS } from './mcp-sign-in.service.ts'
import { clientDocument, type OurClients } from './oauth-provider.ts'

const COOKIE = 'chatsparty_mcp_sign_in'
const MS_PER_SECOND = 1_000
const PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Chatsparty</title>
<h1>You are signed in.</h1><p>You can close this page and go on in Chatsparty.</p></html>
`

/** For the browser that begins a sign-in and nobody else: not scripts, not requests of other pages, not other paths. */
function cookieOf(browser: string, redirectUri: string): string {
  const { pathname, protocol } = new URL(redirectUri)
  const secure = protocol === 'https:' ? '; Secure' : ''
  return `${COOKIE}=${browser}; Path=${pathname}; Max-Age=${SIGN_IN_MS / MS_PER_SECOND}; HttpOnly; SameSite=Lax${secure}`
}

const browserOf = (cookies = ''): string | undefined =>
  cookies
    .split(';')
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)

export const mcpSignInRoutes = (signIns: McpSignInService, ours: OurClients): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/mcp/servers/:id/sign-in',
    access: 'user',
    scope: 'chat',
    summary: 'Where a browser signs in to an MCP server; it comes back to us',
    response: mcpSignInView,
    errors: ['mcp.not_found', 'mcp.off', 'mcp.busy', 'mcp.not_oauth', 'mcp.no_sign_in', 'connections.key_unreadable'],
    params: idParams,
    body: mcpSignInBody,
    example: {},
    handler: async ({ user, params, body }) => {
      const { authorizationUrl, expiresAt, browser, redirectUri } = await signIns.begin(user.id, params.id, body)
      const view = { authorizationUrl, expiresAt: expiresAt.toISOString() }
      return new Reply(200, view, { 'set-cookie': cookieOf(browser, redirectUri) })
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/mcp/sign-in',
    access: 'user',
    scope: 'chat',
    summary: 'A sign-in ends with what the browser came back with, where it has no cookie of ours',
    response: null,
    errors: ['mcp.sign_in_invalid', 'mcp.no_sign_in', 'connections.key_unreadable'],
    body: mcpSignInAnswer,
    example: { serverId: '01990000-0000-7000-8000-0000000000a1', state: 'the-state', code: 'the-code' },
    handler: ({ user, body }) => signIns.finishAs(user.id, body),
  }),
  defineRoute({
    method: 'get',
    path: '/api/mcp/clients/:id',
    access: 'public',
    scope: 'public',
    summary: 'This installation as the OAuth client of an MCP server, for authorization servers to read',
    response: mcpClientView,
    errors: [],
    params: idParams,
    // The same for any id: who it is of, and whether there is one, is not told.
    handler: async ({ params }) => clientDocument(ours(params.id)),
  }),
  defineStreamRoute({
    method: 'get',
    path: '/api/mcp/callback/:id',
    access: 'public',
    scope: 'public',
    summary: 'A page for a browser that comes back from signing in to an MCP server',
    answers: { 200: { types: ['text/html'], says: 'That it is done.' } },
    errors: ['mcp.sign_in_invalid', 'mcp.no_sign_in', 'connections.key_unreadable'],
    params: idParams,
    query: mcpSignInReturn,
    handler: async ({ params, query, req, res }) => {
      await signIns.finishInBrowser({ ...query, serverId: params.id }, browserOf(req.headers.cookie))
      res.type('html').send(PAGE)
    },
  }),
]
