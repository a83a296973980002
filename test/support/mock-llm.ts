import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { LLMock } from '@copilotkit/aimock'
import { z } from 'zod'
import type { ProviderName } from '../../src/contract/providers.ts'
import { moved } from './pace.ts'

/** Providers whose wire the mock speaks. */
export type MockProvider = Exclude<ProviderName, 'demo'>
type Wire = 'openai' | 'anthropic' | 'google'

/** The key that every mocked provider refuses as its original does. */
export const BAD_KEY = 'bad-key'

/** Token classes as the ledger knows them: disjoint. The mock writes them as the wire does (where cached is part of input). */
export interface MockUsage {
  inputTokens: number
  outputTokens: number
  cachedInputTokens?: number
  cacheWriteTokens?: number
  reasoningTokens?: number
}

/** A request as it arrived, whatever the wire. */
export interface MockRequest {
  provider: MockProvider
  model: string
  key: string
  stream: boolean
  system: string
  /** Without the system prompt. */
  messages: Array<{ role: string; name?: string; text: string }>
  headers: Record<string, string | undefined>
  body: Record<string, unknown>
  /** Text chunks sent so far. */
  chunks: number
  /** How the answer ended: `finished`, `aborted` (the client closed its socket) or `cut` (the mock did). */
  ended: Promise<'finished' | 'aborted' | 'cut'>
}

/** Holds a stream at a chosen point until the test lets it go. */
export interface Hold {
  /** Text chunks that are sent before holding; 0 holds before the answer's headers. */
  after: number
  /** Resolves with the request when one has arrived at this point. */
  reached: Promise<MockRequest>
  release(): void
}

export interface MockToolCall {
  name: string
  arguments: Record<string, unknown> | string
  id?: string
}

/** What to answer, and to which requests. */
export interface MockReply {
  when?: { provider?: MockProvider; model?: string; text?: string | RegExp; match?: (request: MockRequest) => boolean }
  /** How many requests get it; without, all. Limited replies go first, in the order given; then the newest unlimited. */
  times?: number
  text?: string | ((request: MockRequest) => string | Promise<string>)
  reasoning?: string
  /** Calls of tools behind the text, which is none by default then; arguments as an object, or as the text that the model writes. */
  toolCalls?: MockToolCall[] | ((request: MockRequest) => MockToolCall[] | undefined)
  /** Null leaves usage out. Without, an estimate by the mock. */
  usage?: MockUsage | null
  finishReason?: 'stop' | 'length' | 'content_filter'
  /** UTF-16 units a text chunk; default 8. */
  chunkSize?: number
  /** Pause before each text chunk. */
  paceMs?: number
  hold?: Hold
  /** Destroys the socket after so many text chunks. */
  cutAfter?: number
  /** Sends an error within the stream (after a 200) after so many text chunks. */
  errorAfter?: number
  /** An error status instead of an answer. */
  status?: number
  /** Seconds, or an HTTP date. */
  retryAfter?: number | string
  headers?: Record<string, string>
  error?: { message?: string; code?: string; type?: string }
}

/** A mocked world of model providers on a loopback port; aimock writes the wires, this adds control over time. */
export interface MockLlm {
  url: string
  /** What a connection of this provider needs as its base URL. */
  baseUrl(provider: MockProvider): string
  reply(reply: string | MockReply): MockLlm
  replyOnce(reply: string | MockReply): MockLlm
  hold(after?: number): Hold
  /** All requests so far, oldest first. */
  requests: MockRequest[]
  /** Waits for the n-th request, from 0. */
  request(n: number): Promise<MockRequest>
  /** Forgets replies and requests. */
  reset(): void
  stop(): Promise<void>
}

const PATHS: Record<MockProvider, { wire: Wire; base: string }> = {
  openai: { wire: 'openai', base: '/v1' },
  anthropic: { wire: 'anthropic', base: '/v1' },
  google: { wire: 'google', base: '/v1beta' },
  groq: { wire: 'openai', base: '/v1' },
  ollama: { wire: 'openai', base: '/v1' },
  'openai-compatible': { wire: 'openai', base: '/v1' },
}
const isProvider = (name: string): name is MockProvider => Object.hasOwn(PATHS, name)
const jsonObject = z.record(z.string(), z.unknown())
type Json = z.output<typeof jsonObject>

/**
 * @example
 * const llm = await startMockLlm()
 * llm.replyOnce({ status: 429, retryAfter: 1 }).reply({ text: 'Hello there.', usage: { inputTokens: 12, outputTokens: 3 } })
 * const connection = { provider: 'openai', baseUrl: llm.baseUrl('openai'), apiKey: 'test-key', ... }
 */
export async function startMockLlm(): Promise<MockLlm> {
  const aimock = new LLMock({ port: 0, host: '127.0.0.1', journalMaxEntries: 1 })
  await aimock.start()
  let rules: Array<MockReply & { left: number }> = []
  let requests: MockRequest[] = []
  let waiting: Array<() => void> = []
  let serial = 0
  let streaming = 0

  const choose = (request: MockRequest): MockReply => {
    const fitting = rules.filter((rule) => rule.left > 0 && fits(rule, request))
    const rule = fitting.find(({ left }) => Number.isFinite(left)) ?? fitting.at(-1)
    if (rule) rule.left--
    return rule ?? { text: `Hello from ${request.model}.` }
  }

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const [, name = '', path = ''] = /^\/([\w-]+)(\/.*)$/.exec(req.url ?? '') ?? []
    if (!isProvider(name)) return void res.writeHead(404).end()
    const text = await read(req)
    const { wire } = PATHS[name]
    const { promise: ended, resolve: end } = Promise.withResolvers<'finished' | 'aborted' | 'cut'>()
    const request = describe(name, path, req, parseJson(text), ended)
    const gone = new AbortController()
    let cut = false
    res.on('close', () => {
      gone.abort()
      end(cut ? 'cut' : res.writableFinished ? 'finished' : 'aborted')
    })
    moved()
    requests.push(request)
    for (const wake of waiting) wake()

    const reply: MockReply = request.key === BAD_KEY ? badKey(wire) : choose(request)
    const destroy = () => {
      cut = true
      res.destroy()
    }
    const wait = async (chunks: number): Promise<void> => {
      if (reply.hold?.after === chunks) await pass(reply.hold, request, gone.signal)
    }
    await wait(0)
    if (reply.status !== undefined) {
      const retryAfter = reply.retryAfter === undefined ? {} : { 'retry-after': String(reply.retryAfter) }
      res.writeHead(reply.status, { 'content-type': 'application/json', ...retryAfter, ...reply.headers })
      return void res.end(JSON.stringify(errorBody(wire, reply.status, reply.error)))
    }
    if (!request.stream && reply.cutAfter !== undefined) return destroy()

    const context = `r${serial++}`
    const called = typeof reply.toolCalls === 'function' ? reply.toolCalls(request) : reply.toolCalls
    const silence = called ? '' : 'Hello.'
    const content = typeof reply.text === 'function' ? await reply.text(request) : (reply.text ?? silence)
    const toolCalls = called?.map(({ arguments: args, ...call }) => ({
      ...call,
      arguments: typeof args === 'string' ? args : JSON.stringify(args),
    }))
    const { reasoning, finishReason = 'stop', chunkSize = 8 } = reply
    if (streaming === 0) aimock.clearFixtures()
    streaming++
    res.once('close', () => streaming--)
    // Gemini has no end of its own for calls.
    const ending = wire === 'google' || !toolCalls ? finishReason : 'tool_calls'
    const said = toolCalls ? { ...(content && { content }), toolCalls } : { content }
    aimock.on({ context }, { ...said, reasoning, finishReason: ending }, { chunkSize })
    const body = wire === 'openai' ? { ...request.body, stream_options: { include_usage: true } } : request.body
    const upstream = await fetch(`${aimock.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-aimock-context': context },
      body: JSON.stringify(body),
      signal: gone.signal,
    })
    res.writeHead(upstream.status, { 'content-type': upstream.headers.get('content-type') ?? '', ...reply.headers })
    if (!request.stream)
      return void res.end(JSON.stringify(withUsage(request, reply, parseJson(await upstream.text()))))

    res.flushHeaders()
    for await (const event of events(upstream)) {
      const data = event.data === '[DONE]' ? undefined : parseJson(event.data)
      if (data && hasText(wire, data)) {
        if (reply.paceMs) await delay(reply.paceMs, undefined, { signal: gone.signal })
        if (reply.cutAfter === request.chunks) return destroy()
        if (reply.errorAfter === request.chunks) return void res.end(inBandError(wire, reply.error))
      }
      const shown = data ? JSON.stringify(withUsage(request, reply, data)) : event.data
      res.write(`${event.name ? `event: ${event.name}\n` : ''}data: ${shown}\n\n`)
      // Before what says that the answer is over: a client that has read it waits for nothing more.
      if (data && hasText(wire, data)) await wait(++request.chunks)
    }
    if (reply.cutAfter !== undefined) return destroy()
    res.end()
  }

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      if (!res.destroyed) res.destroy(error instanceof Error ? error : undefined)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`

  const llm: MockLlm = {
    url,
    baseUrl: (provider) => `${url}/${provider}${PATHS[provider].base}`,
    reply(reply) {
      const rule = typeof reply === 'string' ? { text: reply } : reply
      rules.push({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY })
      return llm
    },
    replyOnce: (reply) => llm.reply({ ...(typeof reply === 'string' ? { text: reply } : reply), times: 1 }),
    hold: makeHold,
    get requests() {
      return requests
    },
    async request(n) {
      for (;;) {
        const found = requests[n]
        if (found) return found
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    reset() {
      rules = []
      requests = []
      waiting = []
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await aimock.stop()
    },
  }
  return llm
}

const holds = new WeakMap<Hold, { reach: (request: MockRequest) => void; released: Promise<void> }>()

function makeHold(after = 0): Hold {
  const { promise: reached, resolve: reach } = Promise.withResolvers<MockRequest>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const hold: Hold = { after, reached, release }
  holds.set(hold, { reach, released })
  return hold
}

async function pass(hold: Hold, request: MockRequest, gone: AbortSignal): Promise<void> {
  const inside = holds.get(hold)
  inside?.reach(request)
  const left = new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve(), { once: true }))
  if (!gone.aborted) await Promise.race([inside?.released, left])
  gone.throwIfAborted()
}

function fits({ when }: MockReply, request: MockRequest): boolean {
  if (!when) return true
  const said = [request.system, ...request.messages.map(({ text }) => text)].join('\n')
  if (when.provider && when.provider !== request.provider) return false
  if (when.model && when.model !== request.model) return false
  if (typeof when.text === 'string' && !said.includes(when.text)) return false
  if (when.text instanceof RegExp && !when.text.test(said)) return false
  return when.match?.(request) ?? true
}

async function read(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of req.setEncoding('utf8')) text += chunk
  return text
}

function parseJson(text: string): Json {
  try {
    return jsonObject.parse(JSON.parse(text))
  } catch {
    return {}
  }
}

async function* events(response: Response): AsyncGenerator<{ name?: string; data: string }> {
  let buffer = ''
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (buffer + text).replaceAll('\r', '').split('\n\n')
    buffer = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1]
      if (data !== undefined) yield { name: /^event: ?(.*)$/m.exec(block)?.[1], data }
    }
  }
}

const textPart = z.object({ text: z.string() })
const contentText = (content: unknown): string => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => textPart.safeParse(part).data?.text ?? '').join('')
}
const turns = z
  .array(
    z.object({
      role: z.string().default('user'),
      name: z.string().optional(),
      content: z.unknown().optional(),
      parts: z.unknown().optional(),
    }),
  )
  .catch([])

function describe(
  provider: MockProvider,
  path: string,
  req: IncomingMessage,
  body: Json,
  ended: MockRequest['ended'],
): MockRequest {
  const { headers } = req
  const all = turns.parse(body.messages ?? body.contents)
  const messages = all.map(({ role, name, content, parts }) => ({ role, name, text: contentText(content ?? parts) }))
  const google = z.object({ parts: z.unknown().optional() }).safeParse(body.systemInstruction).data
  const isSystem = ({ role }: { role: string }) => role === 'system' || role === 'developer'
  const key = headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers.authorization?.replace(/^Bearer /, '') ?? ''
  return {
    provider,
    model: typeof body.model === 'string' ? body.model : (/models\/([^:]+):/.exec(path)?.[1] ?? ''),
    key: String(key),
    stream: body.stream === true || path.includes(':streamGenerateContent'),
    system: [contentText(body.system ?? google?.parts), ...messages.filter(isSystem).map(({ text }) => text)].join(''),
    messages: messages.filter((message) => !isSystem(message)),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString()])),
    body,
    chunks: 0,
    ended,
  }
}

function hasText(wire: Wire, data: Json): boolean {
  if (wire === 'anthropic') return data.type === 'content_block_delta'
  const delta = z.array(z.object({ delta: z.object({ content: z.string().min(1) }) })).min(1)
  const parts = z.array(z.object({ content: z.object({ parts: z.array(textPart).min(1) }) })).min(1)
  return wire === 'openai' ? delta.safeParse(data.choices).success : parts.safeParse(data.candidates).success
}

/** Puts the scripted usage where this wire carries it; each provider counts cached and reasoning tokens its own way. */
function withUsage(request: MockRequest, { usage, chunkSize: _ }: MockReply, data: Json): Json {
  if (usage === undefined && request.provider !== 'groq') return data
  const { wire } = PATHS[request.provider]
  const counts = usage === undefined || usage === null ? undefined : wireUsage(wire, usage)
  if (wire === 'google') return data.usageMetadata ? { ...data, usageMetadata: counts } : data
  if (wire === 'anthropic') {
    const message = jsonObject.safeParse(data.message).data
    if (message) return { ...data, message: { ...message, usage: { ...counts, output_tokens: 1 } } }
    return data.usage ? { ...data, usage: counts ?? {} } : data
  }
  if (!data.usage) return data
  const shown = usage === undefined ? data.usage : counts
  // Groq's streams carry usage in a member of their own.
  return request.provider === 'groq' && request.stream
    ? { ...data, usage: undefined, x_groq: { id: 'req_mock', usage: shown } }
    : { ...data, usage: shown }
}

function wireUsage(wire: Wire, usage: MockUsage): Json {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = usage
  if (wire === 'anthropic') {
    return {
      input_tokens: inputTokens,
      output_tokens: outputTokens + reasoningTokens,
      cache_read_input_tokens: cachedInputTokens,
      cache_creation_input_tokens: cacheWriteTokens,
    }
  }
  const prompt = inputTokens + cachedInputTokens
  if (wire === 'google') {
    return {
      promptTokenCount: prompt,
      candidatesTokenCount: outputTokens,
      totalTokenCount: prompt + outputTokens + reasoningTokens,
      ...(cachedInputTokens && { cachedContentTokenCount: cachedInputTokens }),
      ...(reasoningTokens && { thoughtsTokenCount: reasoningTokens }),
    }
  }
  return {
    prompt_tokens: prompt,
    completion_tokens: outputTokens + reasoningTokens,
    total_tokens: prompt + outputTokens + reasoningTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  }
}

const badKey = (wire: Wire): MockReply =>
  // Gemini answers 400 to a bad key.
  wire === 'google'
    ? { status: 400, error: { message: 'API key not valid. Please pass a valid API key.', type: 'INVALID_ARGUMENT' } }
    : {
        status: 401,
        error: { message: 'Incorrect API key provided.', type: 'authentication_error', code: 'invalid_api_key' },
      }

function errorBody(
  wire: Wire,
  status: number,
  { message = `Mock error ${status}.`, code, type }: MockReply['error'] = {},
) {
  if (wire === 'anthropic') return { type: 'error', error: { type: type ?? 'api_error', message } }
  if (wire === 'google') return { error: { code: status, message, status: type ?? 'UNKNOWN' } }
  return { error: { message, type: type ?? 'api_error', param: null, code: code ?? null } }
}

function inBandError(
  wire: Wire,
  error: MockReply['error'] = { message: 'Overloaded', type: 'overloaded_error' },
): string {
  const name = wire === 'anthropic' ? 'event: error\n' : ''
  return `${name}data: ${JSON.stringify(errorBody(wire, 503, error))}\n\n`
}

/** Gives the suite in which it is called one mocked provider, without replies at the start of each test. @returns how to get it */
export function useMockLlm(): () => MockLlm {
  let llm: MockLlm | undefined
  before('start a provider of models', async () => {
    llm = await startMockLlm()
  })
  after('stop it', () => llm?.stop())
  beforeEach('forget its replies', () => llm?.reset())
  return () => {
    if (!llm) throw new Error('The mock exists from the first before() hook on.')
    return llm
  }
}
