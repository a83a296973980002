import type {
  McpServerChange,
  McpServerInput,
  McpSignInAnswer,
  McpSignInInput,
  McpToolChange,
} from '../contract/mcp.schemas.ts'
import {
  type McpRefreshView,
  type McpServerView,
  type McpSignInView,
  type McpToolView,
  mcpRefreshView,
  mcpServerView,
  mcpSignInView,
  mcpToolView,
} from '../contract/mcp-views.ts'
import { listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ChangeOptions, type ListOf, type PageQuery, type ReadOptions } from './rest.ts'

/** `/api/mcp/servers`: servers of tools, and what of them is allowed. */
export class McpApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<McpServerView>> {
    return this.rest.call('GET /api/mcp/servers', listOf(mcpServerView), { query, ...options })
  }

  /** Nothing is asked of it before `refresh`. */
  create(body: McpServerInput, options: CallOptions = {}): Promise<McpServerView> {
    return this.rest.call('POST /api/mcp/servers', mcpServerView, { body, ...options })
  }

  get(id: string, options: ReadOptions = {}): Promise<McpServerView> {
    return this.rest.call('GET /api/mcp/servers/:id', mcpServerView, { params: { id }, ...options })
  }

  update(id: string, body: McpServerChange, options: ChangeOptions = {}): Promise<McpServerView> {
    return this.rest.call('PUT /api/mcp/servers/:id', mcpServerView, { params: { id }, body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/mcp/servers/:id', null, { params: { id }, ...options })
  }

  /** Asks the server for its tools. That it cannot be asked is an outcome, `ok: false`. */
  refresh(id: string, options: CallOptions = {}): Promise<McpRefreshView> {
    return this.rest.call('POST /api/mcp/servers/:id/refresh', mcpRefreshView, { params: { id }, body: {}, ...options })
  }

  /** Where a browser signs in to a server with `auth: "oauth"`. In a browser it comes back by itself, if this is called with cookies. */
  signIn(id: string, body: McpSignInInput = {}, options: CallOptions = {}): Promise<McpSignInView> {
    return this.rest.call('POST /api/mcp/servers/:id/sign-in', mcpSignInView, { params: { id }, body, ...options })
  }

  /** Ends a sign-in with what the browser came back with, where it has no cookie of ours. `serverId` is read off the path that it came back to. */
  finishSignIn(body: McpSignInAnswer, options: CallOptions = {}): Promise<void> {
    return this.rest.call('POST /api/mcp/sign-in', null, { body, ...options })
  }

  /** Its tokens are forgotten, and revoked where they can be. @throws ApiError 409 `mcp.not_oauth` */
  signOut(id: string, options: CallOptions = {}): Promise<McpServerView> {
    return this.rest.call('DELETE /api/mcp/servers/:id/sign-in', mcpServerView, { params: { id }, ...options })
  }

  /** Newest first. */
  tools(id: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<McpToolView>> {
    return this.rest.call('GET /api/mcp/servers/:id/tools', listOf(mcpToolView), { params: { id }, query, ...options })
  }

  tool(id: string, name: string, options: ReadOptions = {}): Promise<McpToolView> {
    return this.rest.call('GET /api/mcp/servers/:id/tools/:name', mcpToolView, { params: { id, name }, ...options })
  }

  /** What its owner says of a tool, in the place of its server's word. */
  updateTool(id: string, name: string, body: McpToolChange, options: ChangeOptions = {}): Promise<McpToolView> {
    const request = { params: { id, name }, body, ...options }
    return this.rest.call('PUT /api/mcp/servers/:id/tools/:name', mcpToolView, request)
  }

  /** Allows a new or changed tool as it was looked at: `hash` is of the definition that was shown. */
  allowTool(id: string, name: string, hash: string, options: CallOptions = {}): Promise<McpToolView> {
    const request = { params: { id, name }, body: { hash }, ...options }
    return this.rest.call('POST /api/mcp/servers/:id/tools/:name/allow', mcpToolView, request)
  }
}
