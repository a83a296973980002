import type { NeededScope } from '../../src/contract/key-scopes.ts'

/**
 * Every route that the API may have: who may call it, what its `:id` names, and what it answers to whom. The matrix
 * (`test/http/matrix.test.ts`) is made of it; a route that is not in it, or is and does not exist, fails `routes.test.ts`.
 */
export interface RouteEntry {
  /** `open`: not of the API, without a token; `public`: of the API, without a token. */
  access: 'open' | 'public' | 'user' | 'admin'
  /** What an API key needs for it, where it is not what `scopeOf` takes from its access and method. */
  scope?: NeededScope
  /** What the id of the path is. */
  of?: Thing
  /** What its owner (of an admin's route: an administrator) sends. */
  body?: unknown
  headers?: Record<string, string>
  /** What the owner is answered; 200 where nothing is said. */
  owner?: number
  /** Of a public route: what it answers to a body that says nothing; 400 where nothing is said. */
  bare?: number
  /** The same for a second time, where it is another one. */
  again?: number
  /** What another user is answered about it; 404 where nothing is said. */
  stranger?: number
  /** The same of an administrator, whom it does not belong to either. */
  admin?: number
}

/** Objects that belong to somebody. */
export type Thing =
  | 'agent'
  | 'approval'
  | 'connection'
  | 'conversation'
  | 'entry'
  | 'file'
  | 'invitation'
  | 'key'
  | 'mcpServer'
  | 'message'
  | 'party'
  | 'price'
  | 'response'
  | 'run'
  | 'schedule'
  | 'session'
  | 'share'
  | 'starter'
  | 'upload'
  | 'user'
  | 'webhook'

/** The demo agent of every installation. */
export const ADA = '01990000-0000-7000-8000-0000000000a1'
const BLAISE = '01990000-0000-7000-8000-0000000000a2'
const account = { email: 'x@example.com', password: 'correct horse battery' }
const agent = { name: 'Ada', instructions: 'You are Ada.' }
const chat = { agentId: ADA, message: 'Hello' }
export const webhook = { url: 'https://example.com/hooks', events: ['run.completed'] }
/** Nobody is there. */
export const mcpServer = { name: 'Tools', url: 'http://127.0.0.1:9/mcp' }
export const schedule = {
  name: 'Morning',
  cron: '0 9 * * *',
  party: { agentIds: [ADA, BLAISE], message: 'Hello' },
}
export const party = { name: 'Salon', agentIds: [ADA, BLAISE] }
export const apiKey = { name: 'Program', scopes: ['read'] }
const completion = { model: ADA, messages: [{ role: 'user', content: 'Hello' }] }
const uiChat = { id: 'tea', agentId: ADA, messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] }
const agUiRun = {
  threadId: 'tea',
  runId: 'one',
  messages: [{ id: 'one', role: 'user', content: 'Hello' }],
  forwardedProps: { agentId: ADA },
}
const price = { inputPerMTok: '1', outputPerMTok: '1' }

export const ROUTE_TABLE: Record<string, RouteEntry> = {
  'GET /': { access: 'open' },
  'GET /healthz': { access: 'open' },
  'GET /readyz': { access: 'open' },
  'GET /openapi.json': { access: 'open' },
  'GET /asyncapi.json': { access: 'open' },
  'GET /docs': { access: 'open' },

  'POST /api/auth/register': { access: 'public', body: account, owner: 201 },
  'GET /api/auth/guest': { access: 'public', bare: 200 },
  'POST /api/auth/guest': { access: 'public', body: {}, owner: 201, bare: 201 },
  // Who is registered has an address already.
  'POST /api/auth/guest/keep': { access: 'user', scope: 'session', body: account, owner: 409 },
  'POST /api/auth/login': { access: 'public', body: account },
  'POST /api/auth/verify-email': { access: 'public', body: { token: 'x' }, owner: 400 },
  // Where no mail is set up.
  'POST /api/auth/verify-email/resend': { access: 'user', scope: 'session', owner: 409 },
  'POST /api/auth/password/forgot': { access: 'public', body: { email: account.email } },
  'POST /api/auth/password/reset': {
    access: 'public',
    body: { token: 'x', newPassword: account.password },
    owner: 400,
  },
  'POST /api/auth/logout': { access: 'user', scope: 'session', owner: 204 },
  'GET /api/auth/me': { access: 'user' },
  'GET /api/auth/sessions': { access: 'user', scope: 'session' },
  'DELETE /api/auth/sessions': { access: 'user', scope: 'session', owner: 204 },
  'DELETE /api/auth/sessions/:id': { access: 'user', scope: 'session', of: 'session', owner: 204 },
  'GET /api/keys': { access: 'user', scope: 'session' },
  'POST /api/keys': { access: 'user', scope: 'session', body: apiKey, owner: 201 },
  'DELETE /api/keys/:id': { access: 'user', scope: 'session', of: 'key', owner: 204 },
  'POST /api/auth/totp': { access: 'user', scope: 'session', body: { password: account.password } },
  'POST /api/auth/totp/confirm': { access: 'user', scope: 'session', body: { code: '000000' }, owner: 409 },
  'DELETE /api/auth/totp': { access: 'user', scope: 'session', body: { password: account.password }, owner: 409 },
  'PUT /api/auth/profile': { access: 'user', scope: 'session', body: { name: 'New' } },

  // Whatever it names: its own route says whether there is anything.
  'POST /api/tickets': { access: 'user', scope: 'read', body: { for: 'file.download', id: ADA }, owner: 201 },

  'GET /api/users': { access: 'admin' },
  'GET /api/users/:id': { access: 'user', of: 'user', admin: 200 },
  'PUT /api/users/:id': { access: 'user', scope: 'session', of: 'user', body: { name: 'New' }, admin: 200 },
  'DELETE /api/users/:id': { access: 'user', scope: 'session', of: 'user', owner: 204, admin: 204 },
  'GET /api/users/:id/export': { access: 'user', scope: 'session', of: 'user', admin: 200 },
  'GET /api/users/:id/sessions': { access: 'admin', of: 'user' },
  'DELETE /api/users/:id/sessions': { access: 'admin', of: 'user', owner: 204 },
  'GET /api/users/:id/credits': { access: 'admin', of: 'user' },
  'POST /api/users/:id/suspend': { access: 'admin', of: 'user', body: { reason: 'spam' } },
  'POST /api/users/:id/unsuspend': { access: 'admin', of: 'user' },
  'GET /api/admin/audit': { access: 'admin' },
  'GET /api/admin/erasures': { access: 'admin' },
  'GET /api/admin/breakers': { access: 'admin' },
  'GET /api/admin/processes': { access: 'admin' },
  'GET /api/admin/queues': { access: 'admin' },
  'POST /api/admin/queues/ticket': { access: 'admin', scope: 'session', owner: 201 },
  'GET /api/admin/runs': { access: 'admin' },
  'POST /api/admin/runs/:id/end': { access: 'admin', of: 'run' },
  // The run is over by then.
  'POST /api/admin/runs/:id/retry': { access: 'admin', of: 'run', owner: 409 },
  'GET /api/invitations': { access: 'admin' },
  'POST /api/invitations': { access: 'admin', body: {}, owner: 201 },
  'DELETE /api/invitations/:id': { access: 'admin', of: 'invitation', owner: 204 },

  'GET /api/connections': { access: 'user' },
  'POST /api/connections': { access: 'user', body: { name: 'C', provider: 'demo', model: 'demo' }, owner: 201 },
  'GET /api/connections/:id': { access: 'user', of: 'connection' },
  'PUT /api/connections/:id': { access: 'user', of: 'connection', body: { name: 'New' } },
  'DELETE /api/connections/:id': { access: 'user', of: 'connection', owner: 204 },
  'POST /api/connections/:id/test': { access: 'user', of: 'connection' },
  'GET /api/connections/:id/models': { access: 'user', of: 'connection' },
  'GET /api/providers': { access: 'user' },

  'GET /api/agents': { access: 'user' },
  'POST /api/agents': { access: 'user', body: agent, owner: 201 },
  'GET /api/agents/:id': { access: 'user', of: 'agent' },
  'PUT /api/agents/:id': { access: 'user', of: 'agent', body: { name: 'New' } },
  'DELETE /api/agents/:id': { access: 'user', of: 'agent', owner: 204 },

  'GET /api/starters': { access: 'user' },
  'PUT /api/starters/:id': { access: 'admin', of: 'starter', body: { offered: true } },
  'GET /api/parties': { access: 'user' },
  'POST /api/parties': { access: 'user', body: party, owner: 201 },
  'GET /api/parties/:id': { access: 'user', of: 'party' },
  'PUT /api/parties/:id': { access: 'user', of: 'party', body: { name: 'New' } },
  'DELETE /api/parties/:id': { access: 'user', of: 'party', owner: 204 },

  'GET /api/gallery': { access: 'user' },
  // Nobody's.
  'POST /api/gallery': { access: 'user', body: { kind: 'agent', id: ADA, authorName: 'Ada' }, owner: 404 },
  'GET /api/gallery/:id': { access: 'user', of: 'entry', stranger: 200, admin: 200 },
  'PUT /api/gallery/:id': { access: 'user', of: 'entry', body: { description: 'New' } },
  'DELETE /api/gallery/:id': { access: 'user', of: 'entry', owner: 204 },
  'POST /api/gallery/:id/import': { access: 'user', of: 'entry', body: {}, owner: 201, stranger: 201, admin: 201 },
  'POST /api/admin/gallery/:id/remove': { access: 'admin', of: 'entry', body: { reason: 'spam' } },

  'POST /api/chat': { access: 'user', body: chat, owner: 202 },
  'POST /api/chat/multi-agent': { access: 'user', body: { agentIds: [ADA, BLAISE], message: 'Hello' }, owner: 202 },
  'GET /api/chat/runs/:id': { access: 'user', of: 'run' },
  'GET /api/chat/approvals': { access: 'user' },
  'GET /api/chat/approvals/count': { access: 'user' },
  // Its run is over: what is pending, the tests of turns with tools have.
  'POST /api/chat/approvals/:id': { access: 'user', of: 'approval', body: { decision: 'deny' }, owner: 409 },
  'GET /api/chat/runs/:id/tool-calls': { access: 'user', of: 'run' },
  'POST /api/chat/runs/:id/cancel': { access: 'user', of: 'run' },
  'POST /api/chat/runs/:id/retry': { access: 'user', of: 'run', owner: 409 },
  'GET /api/chat/runs/:id/events': { access: 'user', of: 'run' },
  'GET /api/chat/conversations': { access: 'user' },
  'GET /api/chat/conversations/:id': { access: 'user', of: 'conversation' },
  'PATCH /api/chat/conversations/:id': { access: 'user', of: 'conversation', body: { title: 'New' } },
  'PUT /api/chat/conversations/:id/read': { access: 'user', of: 'conversation', body: { seq: 1 } },
  'DELETE /api/chat/conversations/:id': { access: 'user', of: 'conversation', owner: 204 },
  'GET /api/chat/conversations/:id/export': { access: 'user', of: 'conversation' },
  'GET /api/chat/conversations/:id/runs': { access: 'user', of: 'conversation' },
  'GET /api/chat/conversations/:id/events': { access: 'user', of: 'conversation' },
  'GET /api/chat/conversations/:id/shares': { access: 'user', scope: 'session', of: 'conversation' },
  'POST /api/chat/conversations/:id/shares': {
    access: 'user',
    scope: 'session',
    of: 'conversation',
    body: {},
    owner: 201,
  },
  'GET /api/shares': { access: 'user', scope: 'session' },
  'DELETE /api/shares/:id': { access: 'user', scope: 'session', of: 'share', owner: 204 },
  // Of a link that never was.
  'GET /api/shared/:token': { access: 'public', owner: 404, bare: 404 },
  'GET /api/shared/:token/events': { access: 'public', owner: 404, bare: 404 },
  // Names no message of it.
  'POST /api/chat/conversations/:id/branch': {
    access: 'user',
    of: 'conversation',
    body: { messageId: ADA },
    owner: 404,
  },
  'POST /api/chat/messages/:id/edit': { access: 'user', of: 'message', body: { message: 'Hello again' }, owner: 409 },
  'PUT /api/chat/messages/:id/feedback': { access: 'user', of: 'message', body: { value: 'up' } },
  'DELETE /api/chat/messages/:id/feedback': { access: 'user', of: 'message', owner: 204 },
  'POST /api/chat/messages/:id/regenerate': { access: 'user', of: 'message', owner: 202 },

  // A chat's id is whatever its user calls it: one that nothing was said in is empty, and nothing is under way in it.
  'POST /api/ui/chat': { access: 'user', body: uiChat },
  'GET /api/ui/chat/:id': { access: 'user', of: 'conversation', stranger: 200, admin: 200 },
  'GET /api/ui/chat/:id/stream': { access: 'user', of: 'conversation', owner: 204, stranger: 204, admin: 204 },
  'POST /api/ui/chat/:id/stop': {
    access: 'user',
    of: 'conversation',
    body: {},
    owner: 204,
    stranger: 204,
    admin: 204,
  },
  'POST /api/ag-ui': { access: 'user', body: agUiRun },
  'POST /api/ag-ui/cancel': { access: 'user', body: { threadId: 'tea' }, owner: 204 },
  'GET /v1/models': { access: 'user' },
  // The id of an agent of one's own; everybody's agents are everybody's models.
  'GET /v1/models/:id': { access: 'user', of: 'agent' },
  'POST /v1/chat/completions': { access: 'user', body: completion },
  'POST /v1/responses': { access: 'user', body: { model: ADA, input: 'Hello' } },
  'GET /v1/responses/:id': { access: 'user', of: 'response' },
  'POST /v1/responses/:id/cancel': { access: 'user', of: 'response' },

  'GET /api/credits/balance': { access: 'user' },
  'GET /api/credits/transactions': { access: 'user' },
  'GET /api/credits/usage': { access: 'user' },
  'POST /api/credits/estimate': { access: 'user', scope: 'read', body: chat },
  'GET /api/credits/models': { access: 'user' },
  'GET /api/credits/models/:id/versions': { access: 'admin', of: 'price' },
  'POST /api/credits/add': { access: 'admin', body: { userId: ADA, amount: '1', reason: 'gift' }, owner: 404 },
  'GET /api/credits/losses': { access: 'admin' },
  'POST /api/credits/models': {
    access: 'admin',
    body: { provider: 'demo', model: 'new', ...price },
    owner: 201,
    again: 409,
  },
  'PUT /api/credits/models/:id': { access: 'admin', of: 'price', body: price },

  'GET /api/storage/usage': { access: 'user' },
  'GET /api/storage/files': { access: 'user' },
  'GET /api/storage/files/:id': { access: 'user', of: 'file' },
  'DELETE /api/storage/files/:id': { access: 'user', of: 'file', owner: 204 },
  'GET /api/storage/files/:id/download': { access: 'user', of: 'file' },
  'POST /api/storage/files/batch-delete': { access: 'user', body: { ids: [ADA] } },
  'POST /api/storage/files/:id/process': { access: 'user', of: 'file', owner: 202 },
  'POST /api/storage/upload': { access: 'user', body: {}, owner: 400 },
  'POST /api/storage/uploads': { access: 'user', body: { name: 'a.txt', size: 4 }, owner: 201 },
  'PUT /api/storage/uploads/:id/content': {
    access: 'user',
    of: 'upload',
    body: 'abcd',
    headers: { 'content-type': 'text/plain' },
    owner: 204,
  },
  'POST /api/storage/uploads/:id/complete': { access: 'user', of: 'upload', owner: 409 },

  'GET /api/mcp/servers': { access: 'user' },
  'POST /api/mcp/servers': { access: 'user', body: mcpServer, owner: 201 },
  'GET /api/mcp/servers/:id': { access: 'user', of: 'mcpServer' },
  'PUT /api/mcp/servers/:id': { access: 'user', of: 'mcpServer', body: { name: 'New' } },
  'DELETE /api/mcp/servers/:id': { access: 'user', of: 'mcpServer', owner: 204 },
  'POST /api/mcp/servers/:id/refresh': { access: 'user', of: 'mcpServer', body: {} },
  // It is not signed in to by OAuth.
  'POST /api/mcp/servers/:id/sign-in': { access: 'user', of: 'mcpServer', body: {}, owner: 409 },
  'DELETE /api/mcp/servers/:id/sign-in': { access: 'user', of: 'mcpServer', owner: 409 },
  'POST /api/mcp/sign-in': {
    access: 'user',
    body: { serverId: '01990000-0000-7000-8000-0000000000a1', state: 'none', code: 'none' },
    owner: 400,
  },
  'GET /api/mcp/callback/:id': { access: 'public' },
  'GET /api/mcp/clients/:id': { access: 'public', bare: 200 },
  'GET /api/mcp/servers/:id/tools': { access: 'user', of: 'mcpServer' },
  // Of a tool that does not exist.
  'GET /api/mcp/servers/:id/tools/:name': { access: 'user', of: 'mcpServer', owner: 404 },
  'PUT /api/mcp/servers/:id/tools/:name': { access: 'user', of: 'mcpServer', body: { keyed: true }, owner: 404 },
  'POST /api/mcp/servers/:id/tools/:name/allow': {
    access: 'user',
    of: 'mcpServer',
    body: { hash: '0'.repeat(64) },
    owner: 404,
  },

  'GET /api/webhooks': { access: 'user' },
  'POST /api/webhooks': { access: 'user', body: webhook, owner: 201 },
  'GET /api/webhooks/:id': { access: 'user', of: 'webhook' },
  'PUT /api/webhooks/:id': { access: 'user', of: 'webhook', body: { description: 'New' } },
  'DELETE /api/webhooks/:id': { access: 'user', of: 'webhook', owner: 204 },
  'POST /api/webhooks/:id/secret': { access: 'user', of: 'webhook' },
  'GET /api/webhooks/:id/deliveries': { access: 'user', of: 'webhook' },
  // Of a delivery that does not exist.
  'POST /api/webhooks/:id/deliveries/:deliveryId/redeliver': { access: 'user', of: 'webhook', owner: 404 },

  'GET /api/schedules': { access: 'user' },
  'POST /api/schedules': { access: 'user', scope: 'session', body: schedule, owner: 201 },
  'GET /api/schedules/:id': { access: 'user', of: 'schedule' },
  'PUT /api/schedules/:id': { access: 'user', scope: 'session', of: 'schedule', body: { paused: true } },
  'DELETE /api/schedules/:id': { access: 'user', of: 'schedule', owner: 204 },
  'GET /api/schedules/:id/ticks': { access: 'user', of: 'schedule' },
}

/** Its names, by who may call it. */
export const routesFor = (access: RouteEntry['access']): string[] =>
  Object.entries(ROUTE_TABLE).flatMap(([name, entry]) => (entry.access === access ? [name] : []))

/** What an API key needs for a route: to look is `read`, whatever changes something is `chat`, what administrators do is `admin`. */
export function scopeOf(name: string, { access, scope }: RouteEntry): NeededScope {
  if (scope) return scope
  if (access === 'admin') return 'admin'
  return name.startsWith('GET ') ? 'read' : 'chat'
}
