import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import { type CallToolResult, createMcpHandler, Server, type Tool } from '@modelcontextprotocol/server'
import { z } from 'zod'

/** What was asked of the server: one message of the protocol, or a request without one. */
export interface McpRequest {
  verb: string
  /** Of the message; null for a request without. */
  method: string | null
  /** Of a call: the tool's name. */
  tool: string | null
  headers: IncomingMessage['headers']
  /** Of a call: its `_meta`. */
  meta: Record<string, unknown>
}

/** A note that a call has added. */
export interface Deed {
  tool: string
  key: string
  note: string
}

/** Which versions it speaks: the newest (without sessions), those before it (with sessions), or both. */
type Speaks = 'modern' | 'legacy' | 'both'

const message = z.looseObject({
  method: z.string().optional(),
  params: z
    .looseObject({ name: z.string().optional(), _meta: z.record(z.string(), z.unknown()).optional() })
    .optional(),
})

const tool = (name: string, description: string, annotations: Tool['annotations'] = {}): Tool => ({
  name,
  description,
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  annotations,
})

/** Its tools, which a test may change. */
export const TOOLS: readonly Tool[] = [
  tool('read_notes', 'All notes', { readOnlyHint: true }),
  tool('add_keyed', 'A note, once for each key', { idempotentHint: true, destructiveHint: false }),
  tool('add_unkeyed', 'A note, as often as it is called'),
  tool('hang', 'Never answers'),
  tool('fail', 'Says that it failed'),
  tool('break', 'Answers with an error of the protocol'),
  tool('flood', 'Answers with very much'),
  tool('die', 'Adds a note, and drops the connection without an answer'),
  tool('die_late', 'Adds a note, begins to answer, and drops the connection'),
  tool('see', 'Answers with an image, a resource and a link', { readOnlyHint: true }),
  tool('read_all', 'Answers with more than a conversation takes', { readOnlyHint: true }),
]

/**
 * A real MCP server on loopback, of the protocol's own SDK. It keeps notes, so that what calls have done can be counted, and notes all that
 * is asked of it.
 */
export async function startMcpServer({ speaks = 'both' as Speaks, path = '/mcp' } = {}) {
  const told = new EventEmitter()
  const state = {
    tools: [...TOOLS],
    /** Added by calls, in order. */
    notes: [] as string[],
    /** The same, with the tool and the key that each call came with. */
    deeds: [] as Deed[],
    requests: [] as McpRequest[],
    /** Calls of `hang` that were given up by the client. */
    aborted: 0,
    pageSize: 100,
    speaks,
    /** Answers a request in the server's place; undefined: the server does. */
    /** JSON at other paths. */
    pages: {} as Record<string, unknown>,
    gate: undefined as
      | ((request: McpRequest) => { status: number; headers?: Record<string, string>; body?: string } | undefined)
      | undefined,
  }
  const keys = new Set<string>()
  const sockets = new Map<string, ServerResponse>()

  const add = (tool: string, key: string, note: string) => {
    state.notes.push(note)
    state.deeds.push({ tool, key, note })
  }
  const run = async (name: string, note: string, key: string, signal: AbortSignal): Promise<CallToolResult> => {
    const says = (words: string): CallToolResult => ({ content: [{ type: 'text', text: words }] })
    switch (name) {
      case 'read_notes':
        return { ...says(state.notes.join('\n')), structuredContent: { notes: state.notes } }
      case 'add_keyed':
        if (!keys.has(key)) add(name, key, note)
        keys.add(key)
        return says(`noted ${note}`)
      case 'add_unkeyed':
        add(name, key, note)
        return says(`noted ${note}`)
      case 'hang':
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        state.aborted++
        told.emit('aborted')
        return says('too late')
      case 'fail':
        return { ...says('The note is too long.'), isError: true }
      case 'flood':
        return says('x'.repeat(4_000_000))
      case 'die':
        add(name, key, note)
        sockets.get(key)?.socket?.destroy()
        return says('nobody hears this')
      case 'die_late':
        add(name, key, note)
        // With sessions the head of an answer is written as it begins.
        if (state.speaks === 'modern') {
          sockets.get(key)?.writeHead(200, { 'content-type': 'text/event-stream' }).write(': working\n\n')
        }
        await delay(20)
        sockets.get(key)?.socket?.destroy()
        // Its head is written already.
        return new Promise(() => {})
      case 'read_all':
        return says(`${'green tea '.repeat(10_000)}Sencha is kept in the attic.`)
      case 'see':
        return {
          content: [
            { type: 'text', text: 'Here:' },
            { type: 'image', data: Buffer.from('png').toString('base64'), mimeType: 'image/png' },
            { type: 'resource', resource: { uri: 'note://1', text: 'The text of note 1' } },
            { type: 'resource_link', uri: 'https://example.com/2', name: 'Note 2' },
          ],
        }
      default:
        throw new Error(`There is no tool ${name}.`)
    }
  }

  const make = () => {
    const server = new Server({ name: 'notes', version: '1.0.0' }, { capabilities: { tools: { listChanged: true } } })
    server.setRequestHandler('tools/list', ({ params }) => {
      const from = Number(params?.cursor ?? 0)
      const to = from + state.pageSize
      return { tools: state.tools.slice(from, to), ...(to < state.tools.length && { nextCursor: String(to) }) }
    })
    server.setRequestHandler('tools/call', ({ params }, context) => {
      const key = String(params._meta?.['chatsparty/idempotencyKey'] ?? '')
      return run(params.name, String(params.arguments?.text ?? ''), key, context.mcpReq.signal)
    })
    return server
  }
  const modern = toNodeHandler(createMcpHandler(make, { legacy: 'reject' }))
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>()

  const legacy = async (request: IncomingMessage, response: ServerResponse, body: unknown) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (!known && (typeof id === 'string' || message.safeParse(body).data?.method !== 'initialize')) {
      response.writeHead(typeof id === 'string' ? 404 : 400, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'No such session' } }))
      return
    }
    const transport =
      known ??
      new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (sessionId) => void sessions.set(sessionId, transport),
        onsessionclosed: (sessionId) => void sessions.delete(sessionId),
      })
    if (!known) await make().connect(transport)
    await transport.handleRequest(request, response, body)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname !== path) {
      const page = state.pages[pathname]
      response
        .writeHead(page === undefined ? 404 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(page))
      return
    }
    const body: unknown = request.method === 'POST' ? JSON.parse(await text(request)) : undefined
    const { method = null, params } = message.safeParse(body).data ?? {}
    const asked: McpRequest = {
      verb: request.method ?? '',
      method,
      tool: method === 'tools/call' ? (params?.name ?? null) : null,
      headers: request.headers,
      meta: params?._meta ?? {},
    }
    state.requests.push(asked)
    told.emit('request', asked)
    const instead = state.gate?.(asked)
    if (instead) {
      response.writeHead(instead.status, instead.headers).end(instead.body)
      return
    }
    if (method === 'tools/call') sockets.set(String(asked.meta['chatsparty/idempotencyKey'] ?? ''), response)
    const isModern = 'io.modelcontextprotocol/protocolVersion' in asked.meta
    if (state.speaks === 'modern' || (state.speaks === 'both' && isModern)) await modern(request, response, body)
    else await legacy(request, response, body)
  }

  const listen = async (port: number) => {
    const server = createServer((request, response) => {
      answer(request, response).catch(() => response.destroy())
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  let server = await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the MCP server has no port')
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return {
    url: `http://127.0.0.1:${address.port}${path}`,
    state,
    /** Of the tools that were called, in order. */
    called: () => state.requests.flatMap(({ tool: name }) => name ?? []),
    /** Resolves with the next request that is such a one. */
    asked: async (is: (request: McpRequest) => boolean): Promise<McpRequest> => {
      for (;;) {
        const [request]: unknown[] = await once(told, 'request')
        const found = state.requests.find((one) => one === request)
        if (found && is(found)) return found
      }
    },
    aborted: () => once(told, 'aborted'),
    /** As it was in the beginning. */
    reset: () => {
      Object.assign(state, {
        tools: [...TOOLS],
        notes: [],
        deeds: [],
        requests: [],
        aborted: 0,
        pageSize: 100,
        speaks,
        pages: {},
        gate: undefined,
      })
    },
    /** Its sessions are gone, its address is the same. */
    restart: async () => {
      await close()
      sessions.clear()
      server = await listen(address.port)
    },
    stop: close,
  }
}
export type TestMcpServer = Awaited<ReturnType<typeof startMcpServer>>
