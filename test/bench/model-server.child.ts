import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { z } from 'zod'
import { announce } from './child.ts'
import { stamp, wallMs } from './clock.ts'

// The scripted provider of the benches: OpenAI's chat completions. The model's name says what it does: `bench-50` sends 50 tokens
// at once, `bench-300-30` sends 300 at 30 a second, each of which is the time at which it was sent (`clock.ts`).
// Whatever can be made before a request is, so that this process does not count among those that are measured.

/** What is due is written this often, in ms. */
const TICK_MS = 4
const PROMPT_TOKENS = 100
const NAME = /^bench-(\d+)(?:-(\d+))?$/
/** A message that holds `#name#` gives its request a name, under which the end of its connection is remembered. */
const KEY = /#(\w+)#/g
const WORDS = ['a', 'party', 'of', 'agents', 'speaks', 'about', 'tea', 'and', 'coffee', 'today']

const requestBody = z.object({ model: z.string(), stream: z.boolean().optional() })

const chunk = (delta: object, finishReason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`
const usageOf = (tokens: number) => ({
  prompt_tokens: PROMPT_TOKENS,
  completion_tokens: tokens,
  total_tokens: PROMPT_TOKENS + tokens,
})
const ending = (tokens: number) =>
  `${chunk({}, 'stop')}data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [], usage: usageOf(tokens) })}\n\ndata: [DONE]\n\n`
const wordAt = (index: number) => `${WORDS[index % WORDS.length]} `
const [BEFORE_WORD = '', AFTER_WORD = ''] = chunk({ content: 'WORD' }).split('WORD')
/** One piece of a chunked body. */
const framed = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const whole = new Map<number, Buffer>()
function atOnce(tokens: number): Buffer {
  const words = Array.from({ length: tokens }, (_, index) => chunk({ content: wordAt(index) })).join('')
  const made = whole.get(tokens) ?? Buffer.from(chunk({ role: 'assistant', content: '' }) + words + ending(tokens))
  whole.set(tokens, made)
  return made
}

interface Paced {
  res: ServerResponse
  socket: Socket
  startedAt: number
  perMs: number
  tokens: number
  sent: number
}
const paced = new Set<Paced>()
const closedAt = new Map<string, number>()

function writeDue(): void {
  const now = performance.now()
  // Everything of one tick is sent at the same time, so that it is the same piece.
  const piece = Buffer.from(framed(`${BEFORE_WORD}${stamp(wallMs())} ${AFTER_WORD}`))
  for (const stream of paced) {
    const due = Math.min(stream.tokens, Math.floor((now - stream.startedAt) * stream.perMs))
    for (; stream.sent < due; stream.sent++) stream.socket.write(piece)
    if (due < stream.tokens) continue
    paced.delete(stream)
    stream.res.end(ending(stream.tokens))
  }
}
setInterval(writeDue, TICK_MS)

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of req.setEncoding('utf8')) text += piece
  return text
}

function stream(res: ServerResponse, tokens: number, perSecond: number): void {
  res.writeHead(200, HEADERS)
  res.write(chunk({ role: 'assistant', content: '' }))
  const { socket } = res
  if (!socket) return
  const one = { res, socket, startedAt: performance.now(), perMs: perSecond / 1_000, tokens, sent: 0 }
  paced.add(one)
  res.on('close', () => paced.delete(one))
}

async function complete(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const text = await bodyOf(req)
  const key = [...text.matchAll(KEY)].at(-1)?.[1]
  if (key) res.on('close', () => closedAt.set(key, wallMs()))
  const { model, stream: isStream } = requestBody.parse(JSON.parse(text))
  const [, count, perSecond] = NAME.exec(model) ?? []
  const tokens = Number(count)
  if (!count) return void res.writeHead(404).end(`{"error":{"message":"no model ${model}"}}`)
  if (isStream && perSecond) return stream(res, tokens, Number(perSecond))
  if (isStream) return void res.writeHead(200, HEADERS).end(atOnce(tokens))
  const message = { role: 'assistant', content: Array.from({ length: tokens }, (_, index) => wordAt(index)).join('') }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  const answer = { id: 'c', object: 'chat.completion', created: 1, model, choices, usage: usageOf(tokens) }
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

const server = createServer((req, res) => {
  // When the connection of each named request ended, in ms since 1970.
  if (req.url === '/closed') return void res.end(JSON.stringify(Object.fromEntries(closedAt)))
  complete(req, res).catch((error: unknown) => {
    console.error(error)
    res.destroy()
  })
})
// Connections are idle between two slices, for as long as the others take; none may end as it is used again.
server.keepAliveTimeout = 0
announce(server, 4_096)
