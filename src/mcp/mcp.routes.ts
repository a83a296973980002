import {
  allowMcpToolBody,
  createMcpServerBody,
  mcpToolName,
  updateMcpServerBody,
  updateMcpToolBody,
} from '../contract/mcp.schemas.ts'
import { mcpRefreshView, mcpServerView, mcpToolView } from '../contract/mcp-views.ts'
import { listOf } from '../contract/views.ts'
import { emptyBody, idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import type { RateLimiter } from '../http/rate-limit.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { mcpServerState, mcpToolState, presentMcpTool } from './mcp.presenter.ts'
import type { McpServerService } from './mcp-server.service.ts'
import type { McpToolService } from './mcp-tool.service.ts'

const toolParams = idParams.extend({ name: mcpToolName })

export const mcpRoutes = (
  servers: McpServerService,
  tools: McpToolService,
  limiter: Pick<RateLimiter, 'beforeRefresh'>,
): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/mcp/servers',
    access: 'user',
    scope: 'read',
    summary: "One's own MCP servers, newest first",
    response: listOf(mcpServerView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query: { limit, cursor } }) =>
      page(await servers.views(await servers.list(user.id, limit + 1, cursor)), limit, (server) => server),
  }),
  defineRoute({
    method: 'post',
    path: '/api/mcp/servers',
    access: 'user',
    scope: 'chat',
    summary: 'A new MCP server, of which nothing was asked yet',
    response: mcpServerView,
    errors: ['mcp.too_many'],
    body: createMcpServerBody,
    example: {
      name: 'Tickets',
      url: 'https://tickets.example.com/mcp',
      auth: 'headers',
      headers: [{ name: 'Authorization', value: 'Bearer secret' }],
    },
    status: 201,
    handler: async ({ user, body }) => servers.view(await servers.create(user.id, body)),
  }),
  defineRoute({
    method: 'get',
    path: '/api/mcp/servers/:id',
    access: 'user',
    scope: 'read',
    summary: 'An MCP server',
    response: mcpServerView,
    state: mcpServerState,
    errors: ['mcp.not_found'],
    params: idParams,
    handler: async ({ user, params }) => servers.view(await servers.get(user.id, params.id)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/mcp/servers/:id',
    access: 'user',
    scope: 'chat',
    summary: 'An MCP server, changed; what is left out stays',
    response: mcpServerView,
    state: mcpServerState,
    headers: ['If-Match'],
    errors: ['request.precondition_failed', 'mcp.not_found'],
    params: idParams,
    body: updateMcpServerBody,
    example: { enabled: false },
    handler: async ({ user, params, body, ifMatch }) =>
      servers.view(await servers.update(user.id, params.id, body, (current) => ifMatch(mcpServerState(current)))),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/mcp/servers/:id',
    access: 'user',
    scope: 'chat',
    summary: 'An MCP server that nothing is asked of any more; its tools are gone',
    response: null,
    errors: ['mcp.not_found'],
    params: idParams,
    handler: ({ user, params }) => servers.delete(user.id, params.id),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/mcp/servers/:id/sign-in',
    access: 'user',
    scope: 'chat',
    summary: 'An MCP server that one is not signed in to any more; its tokens are forgotten and revoked',
    response: mcpServerView,
    errors: ['mcp.not_found', 'mcp.not_oauth'],
    params: idParams,
    handler: async ({ user, params }) => servers.view(await servers.signOut(user.id, params.id)),
  }),
  defineRoute({
    method: 'post',
    path: '/api/mcp/servers/:id/refresh',
    access: 'user',
    scope: 'chat',
    summary: 'The server is asked for its tools; that it cannot be asked is an outcome',
    response: mcpRefreshView,
    errors: ['mcp.not_found', 'mcp.off', 'mcp.busy', 'connections.key_unreadable'],
    params: idParams,
    body: emptyBody,
    example: {},
    handler: async ({ user, params, signal }) => {
      await limiter.beforeRefresh(user.id)
      return tools.refresh(user.id, params.id, signal)
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/mcp/servers/:id/tools',
    access: 'user',
    scope: 'read',
    summary: 'Tools of an MCP server, newest first',
    response: listOf(mcpToolView),
    errors: ['mcp.not_found'],
    params: idParams,
    query: pageQuery,
    handler: async ({ user, params, query: { limit, cursor } }) =>
      page(await tools.list(user.id, params.id, limit + 1, cursor), limit, presentMcpTool),
  }),
  defineRoute({
    method: 'get',
    path: '/api/mcp/servers/:id/tools/:name',
    access: 'user',
    scope: 'read',
    summary: 'A tool of an MCP server',
    response: mcpToolView,
    state: mcpToolState,
    errors: ['mcp.not_found', 'mcp.no_tool'],
    params: toolParams,
    handler: async ({ user, params }) => presentMcpTool(await tools.get(user.id, params.id, params.name)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/mcp/servers/:id/tools/:name',
    access: 'user',
    scope: 'chat',
    summary: "What its owner says of a tool, in the place of its server's word; what is left out stays",
    response: mcpToolView,
    state: mcpToolState,
    headers: ['If-Match'],
    errors: ['request.precondition_failed', 'mcp.not_found', 'mcp.no_tool'],
    params: toolParams,
    body: updateMcpToolBody,
    example: { effect: 'reads' },
    handler: async ({ user, params, body, ifMatch }) =>
      presentMcpTool(
        await tools.update(user.id, params.id, params.name, body, (current) =>
          ifMatch(mcpToolState(presentMcpTool(current))),
        ),
      ),
  }),
  defineRoute({
    method: 'post',
    path: '/api/mcp/servers/:id/tools/:name/allow',
    access: 'user',
    scope: 'chat',
    summary: 'A new or changed tool, allowed as it was looked at',
    response: mcpToolView,
    errors: ['mcp.not_found', 'mcp.no_tool', 'mcp.tool_changed'],
    params: toolParams,
    body: allowMcpToolBody,
    example: { hash: '0'.repeat(64) },
    handler: async ({ user, params, body }) =>
      presentMcpTool(await tools.allow(user.id, params.id, params.name, body.hash)),
  }),
]
