import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'

const jsonObject = z.record(z.string(), z.unknown())
const chatMessage = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish(),
})

/** A request as it came. */
export interface WireRequest {
  /** From 0. */
  n: number
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  /** What the body says on any wire, in order, the system text first. */
  messages: Array<{ role: string; text: string }>
  stream: boolean
}

/**
 * What to answer: a status with a body, or an event stream of pieces. A number between them is a pause in ms, `CUT` destroys
 * the socket; without it the body ends as it should.
 */
export interface WireReply {
  status?: number
  type?: string
  headers?: Record<string, string>
  body?: string | Buffer
  pieces?: Array<string | number | typeof CUT>
}
export const CUT = Symbol('the socket is destroyed')

/** An HTTP server on loopback that answers as a test scripts it; it knows no wire. */
export interface WireServer {
  url: string
  requests: WireRequest[]
  /** How every request is answered from now on; forgets the requests so far. */
  script(answer: (request: WireRequest) => WireReply | string | Promise<WireReply | string>): void
  stop(): Promise<void>
}

/** A string is an event stream of one piece. */
export async function startWireServer(makeServer: (onRequest: Handler) => Server = createServer): Promise<WireServer> {
  let requests: WireRequest[] = []
  let answer: Parameters<WireServer['script']>[0] = () => ({ status: 503, body: 'Nothing is scripted.' })
  const server = makeServer((incoming, response) => {
    void (async () => {
      const request = await readRequest(incoming, requests.length)
      requests.push(request)
      const reply = await answer(request)
      await send(response, typeof reply === 'string' ? { pieces: [reply] } : reply)
    })().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    get requests() {
      return requests
    },
    script: (next) => {
      requests = []
      answer = next
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function readRequest(incoming: IncomingMessage, n: number): Promise<WireRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk))
  const body = jsonObject.catch({}).parse(JSON.parse(Buffer.concat(chunks).toString() || '{}'))
  const path = incoming.url ?? ''
  const stream = body.stream === true || path.includes('streamGenerateContent')
  return { n, path, headers: incoming.headers, body, messages: messagesIn(body), stream }
}

function messagesIn(body: Record<string, unknown>): WireRequest['messages'] {
  const found: WireRequest['messages'] = []
  if (body.system !== undefined) found.push({ role: 'system', text: textOf(body.system) })
  const instruction = z.looseObject({ parts: z.array(z.unknown()) }).safeParse(body.systemInstruction).data
  if (instruction) found.push({ role: 'system', text: textOf(instruction.parts) })
  for (const one of z.array(z.unknown()).catch([]).parse(body.messages)) {
    const message = chatMessage.parse(one)
    found.push({ role: message.role, text: textOf(message.content) })
  }
  for (const one of z
    .array(z.looseObject({ role: z.string(), parts: z.unknown() }))
    .catch([])
    .parse(body.contents)) {
    found.push({ role: one.role === 'model' ? 'assistant' : one.role, text: textOf(one.parts) })
  }
  return found
}

const textOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : z
        .array(z.looseObject({ text: z.string().optional() }))
        .catch([])
        .parse(content)
        .map(({ text = '' }) => text)
        .join('')

async function send(response: ServerResponse, { status = 200, type, headers, body, pieces }: WireReply): Promise<void> {
  const isStream = pieces !== undefined
  response.writeHead(status, {
    'content-type': type ?? (isStream ? 'text/event-stream' : 'application/json'),
    ...headers,
  })
  if (!isStream) {
    response.end(body ?? '')
    return
  }
  response.flushHeaders()
  // A pause does not outlive whom it keeps waiting.
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  for (const piece of pieces) {
    if (response.destroyed) return
    if (piece === CUT) {
      response.destroy()
      return
    }
    if (typeof piece === 'number') await delay(piece, undefined, { signal: gone.signal })
    else response.write(piece)
  }
  response.end()
}
