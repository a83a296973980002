import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import type { ConversationEvent, EventOf, ServerEvent } from '../../src/contract/events.ts'
import { type MessageView, type RunView, snapshotView } from '../../src/contract/views.ts'
import type { LiveAttempt, LiveFeed } from '../../src/realtime/live-feed.ts'
import type { SocketLimits } from '../../src/realtime/socket-client.ts'
import type { ConversationRows, SocketPorts } from '../../src/realtime/socket-ports.ts'
import { SocketServer } from '../../src/realtime/socket-server.ts'
import { WatchRegistry } from '../../src/realtime/watch-registry.ts'
import { AppError, notFound } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { promisedEvent } from '../support/event-reader.ts'

type Rows = ConversationRows & { owner: string }
export interface Session {
  userId: string
  sessionId: string
  token: string
}

const now = () => new Date().toISOString()
const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

/** The rows behind the sockets, in memory, and what a worker would do to them. */
export class World implements SocketPorts {
  readonly sessions = new Map<string, { userId: string; sessionId: string; expiresAt: Date }>()
  readonly conversations = new Map<string, Rows>()
  readonly sent: unknown[] = []
  /** Messages that fit into one snapshot. */
  page = Number.POSITIVE_INFINITY
  /** Runs after rows were read and before they are given. */
  afterRows: () => Promise<void> = async () => {}
  readonly #feed: LiveFeed

  constructor(feed: LiveFeed) {
    this.#feed = feed
  }

  signIn(userId = newId(), livesMs = 3_600_000): Session {
    const [token, sessionId] = [newId(), newId()]
    this.sessions.set(token, { userId, sessionId, expiresAt: new Date(Date.now() + livesMs) })
    return { userId, sessionId, token }
  }

  open(owner: string): string {
    const id = newId()
    const times = { createdAt: now(), updatedAt: now() }
    const base = { id, title: null, agentIds: [], strategy: 'round_robin', archived: false, version: 1 } as const
    const conversation = { ...base, agentIds: [], ...times, activeRun: null }
    this.conversations.set(id, { owner, conversation, messages: [], activeRun: null, more: false })
    return id
  }

  /** Commits: raises the version; answers it. */
  commit(id: string, change: (rows: Rows) => void): number {
    const rows = this.rows(id)
    change(rows)
    rows.conversation = { ...rows.conversation, version: rows.conversation.version + 1, activeRun: rows.activeRun }
    return rows.conversation.version
  }

  rows(id: string): Rows {
    const rows = this.conversations.get(id)
    if (!rows) throw notFound('conversation')
    return rows
  }

  /** As the server does it: an event that cannot be published is lost, and the rows heal it. */
  async publish(event: ConversationEvent): Promise<void> {
    await this.#feed.publish(event.conversationId, event).catch(() => {})
  }

  addMessage(id: string, content: string): { message: MessageView; version: number } {
    const message = this.#message(id, { role: 'user', content })
    const version = this.commit(id, (rows) => rows.messages.push(message))
    return { message, version }
  }

  async say(id: string, content: string): Promise<void> {
    await this.publish({ type: 'message.created', conversationId: id, ...this.addMessage(id, content) })
  }

  async startRun(id: string, turns = 1): Promise<RunView> {
    const zero = { credits: '0.000000', released: '0.000000', estimated: false }
    const run: RunView = {
      id: newId(),
      conversationId: id,
      status: 'running',
      strategy: 'round_robin',
      maxTurns: turns,
      stopReason: null,
      error: null,
      turns: Array.from({ length: turns }, (_, index) => {
        return { index, agentId: newId(), status: 'queued' as const, attempt: 0, messageId: null }
      }),
      receipt: { turns: 0, inputTokens: 0, outputTokens: 0, ...zero },
      createdAt: now(),
      startedAt: now(),
      finishedAt: null,
    }
    const version = this.commit(id, (rows) => {
      rows.activeRun = run
    })
    await this.publish({ type: 'run.updated', conversationId: id, run: structuredClone(run), version })
    return run
  }

  /** Claims the turn and answers how its live text is called. */
  async startTurn(run: RunView, index = 0): Promise<LiveAttempt> {
    const turn = run.turns[index]
    if (!turn?.agentId) throw new Error('no such turn')
    const { agentId } = turn
    const version = this.commit(run.conversationId, () => {
      turn.status = 'running'
      turn.attempt++
    })
    const { conversationId, id: runId } = run
    const ref = { conversationId, runId, turn: index, attempt: turn.attempt, agentId }
    await this.#feed.append(ref, 0, '').catch(() => {})
    await this.publish({ type: 'turn.started', ...ref, agentName: 'Ada', version })
    return ref
  }

  settle(run: RunView, ref: LiveAttempt, content: string): EventOf<'turn.completed'> {
    const message = this.#message(run.conversationId, { role: 'agent', content, ref })
    const version = this.commit(run.conversationId, (rows) => {
      rows.messages.push(message)
      const turn = run.turns[ref.turn]
      if (turn) Object.assign(turn, { status: 'completed', messageId: message.id })
    })
    const { conversationId, runId, turn, attempt } = ref
    const cost = { usage: { ...usage, estimated: false }, credits: '0.000001' }
    return { type: 'turn.completed', conversationId, runId, turn, attempt, message, ...cost, version }
  }

  async finishTurn(run: RunView, ref: LiveAttempt, content: string): Promise<void> {
    await this.publish(this.settle(run, ref, content))
    await this.#feed.end(ref).catch(() => {})
  }

  async finishRun(run: RunView): Promise<void> {
    const version = this.commit(run.conversationId, (rows) => {
      Object.assign(run, { status: 'completed', stopReason: 'finished', finishedAt: now() })
      rows.activeRun = null
    })
    await this.publish({
      type: 'run.completed',
      conversationId: run.conversationId,
      run: structuredClone(run),
      version,
    })
  }

  async authenticate(token: string) {
    const session = this.sessions.get(token)
    if (!session) throw new AppError('auth.unauthorized')
    return { ...session, role: 'user' as const }
  }

  async sessionAlive(ids: string[]) {
    const alive = [...this.sessions.values()].map((session) => session.sessionId)
    return new Set(alive.filter((id) => ids.includes(id)))
  }

  async snapshot(userId: string, conversationId: string, afterSeq = 0) {
    const rows = this.conversations.get(conversationId)
    if (rows?.owner !== userId) throw notFound('conversation')
    const { conversation, activeRun } = structuredClone(rows)
    const after = structuredClone(rows.messages.filter((message) => message.seq > afterSeq))
    await this.afterRows()
    return { conversation, messages: after.slice(0, this.page), activeRun, more: after.length > this.page }
  }

  async versions(ids: string[]) {
    const found = ids.flatMap((id) => this.conversations.get(id) ?? [])
    return new Map(found.map(({ conversation }) => [conversation.id, conversation.version]))
  }

  async send(_userId: string, body: unknown) {
    this.sent.push(body)
    return { conversationId: newId(), runId: newId(), messageId: newId(), status: 'queued' as const }
  }

  async cancel(userId: string, runId: string) {
    for (const { owner, activeRun } of this.conversations.values()) {
      if (owner === userId && activeRun?.id === runId) return activeRun
    }
    throw notFound('run')
  }

  #message(id: string, from: { role: 'user' | 'agent'; content: string; ref?: LiveAttempt }): MessageView {
    return {
      id: newId(),
      seq: this.rows(id).messages.length + 1,
      role: from.role,
      agentId: from.ref?.agentId ?? null,
      agentName: from.ref ? 'Ada' : null,
      content: from.content,
      status: 'complete',
      runId: from.ref?.runId ?? null,
      turn: from.ref?.turn ?? null,
      fileIds: [],
      createdAt: now(),
    }
  }
}

/** A web node: an http server with sockets on it. */
export class Node {
  readonly server: Server
  readonly sockets: SocketServer
  readonly registry: WatchRegistry
  #port = 0

  constructor(world: World, feed: LiveFeed, options: { pollMs?: number; limits?: Partial<SocketLimits> } = {}) {
    const { pollMs = 50, limits } = options
    this.server = createServer()
    const common = { feed, logger: silentLogger }
    this.registry = new WatchRegistry({ ...common, versions: (ids) => world.versions(ids), intervalMs: pollMs })
    this.sockets = new SocketServer({ ...common, ports: world, registry: this.registry, pollMs, limits })
  }

  async start(): Promise<this> {
    await this.sockets.attach(this.server)
    this.registry.start()
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    const address = this.server.address()
    if (address && typeof address === 'object') this.#port = address.port
    return this
  }

  get port(): number {
    return this.#port
  }

  connect(token: string | undefined): Client {
    return new Client(`http://127.0.0.1:${this.#port}`, token)
  }

  async close(): Promise<void> {
    this.registry.close()
    await this.sockets.close()
    this.server.close()
    this.server.closeAllConnections()
  }
}

const failure = z.strictObject({
  ok: z.literal(false),
  error: z.strictObject({
    status: z.number().int(),
    message: z.string(),
    code: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
})

const joined = snapshotView.extend({ ok: z.literal(true) })

/**
 * A bare Socket.IO client that checks what the server promises on the wire: every event is as documented, and within an
 * attempt text arrives in order, without gap or repetition.
 */
export class Client {
  readonly socket: Socket
  readonly events: ServerEvent[] = []
  /** Text by `runId:turn`, as the wire gave it. */
  readonly texts = new Map<string, { attempt: number; text: string }>()
  /** How often each message was handed over. */
  readonly messages = new Map<string, number>()
  joined = false
  #wake: (() => void)[] = []

  constructor(url: string, token: string | undefined) {
    this.socket = io(url, { transports: ['websocket'], auth: { token }, forceNew: true, reconnection: false })
    this.socket.onAny((type: string, payload: object) => {
      this.#take(promisedEvent({ type, ...payload }))
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  async connected(): Promise<this> {
    if (!this.socket.connected) await new Promise<void>((resolve) => this.socket.once('connect', resolve))
    return this
  }

  /** The code with which the connection is refused. */
  refused(): Promise<string> {
    return new Promise((resolve) => {
      this.socket.once('connect_error', (error) => {
        const data = 'data' in error ? z.object({ code: z.string() }).safeParse(error.data).data : undefined
        resolve(data?.code ?? error.message)
      })
    })
  }

  ended(): Promise<string> {
    return new Promise((resolve) => this.socket.once('disconnect', (reason) => resolve(reason)))
  }

  async ask(name: string, ...args: unknown[]): Promise<unknown> {
    return this.socket.timeout(15_000).emitWithAck(name, ...args)
  }

  /** The code of a refusal. */
  async refusal(name: string, ...args: unknown[]): Promise<string> {
    return failure.parse(await this.ask(name, ...args)).error.code
  }

  /** The acknowledgement is taken in its callback: a promise would come behind events that follow it at once. */
  join(conversationId: string, afterSeq?: number): Promise<z.infer<typeof joined>> {
    const body = afterSeq === undefined ? { conversationId } : { conversationId, afterSeq }
    return new Promise((resolve, reject) => {
      this.socket.emit('conversation.join', body, (answer: unknown) => {
        const snapshot = joined.safeParse(answer)
        if (!snapshot.success) return reject(new Error(JSON.stringify(answer)))
        this.#takeSnapshot(snapshot.data)
        this.joined = true
        resolve(snapshot.data)
      })
    })
  }

  text(ref: LiveAttempt): string {
    return this.texts.get(`${ref.runId}:${ref.turn}`)?.text ?? ''
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  close(): void {
    this.socket.disconnect()
  }

  #take(event: ServerEvent): void {
    this.events.push(event)
    if (event.type === 'message.created') this.#count(event.message)
    if (event.type === 'turn.completed' && event.message) this.#count(event.message)
    if (event.type === 'conversation.snapshot') this.#takeSnapshot(event)
    if (event.type !== 'turn.delta') return
    const key = `${event.runId}:${event.turn}`
    const known = this.texts.get(key)
    const turn = known && known.attempt >= event.attempt ? known : { attempt: event.attempt, text: '' }
    expect(event.attempt, 'attempts never go back').to.equal(turn.attempt)
    expect(event.offset, 'no gap and no repetition').to.equal(turn.text.length)
    this.texts.set(key, { attempt: event.attempt, text: turn.text + event.text })
  }

  #takeSnapshot(snapshot: z.infer<typeof snapshotView>): void {
    for (const message of snapshot.messages) this.#count(message)
    for (const live of snapshot.live)
      this.texts.set(`${live.runId}:${live.turn}`, { attempt: live.attempt, text: live.text })
  }

  #count(message: MessageView): void {
    this.messages.set(message.id, (this.messages.get(message.id) ?? 0) + 1)
    if (message.runId)
      this.texts.set(`${message.runId}:${message.turn}`, { attempt: Number.POSITIVE_INFINITY, text: message.content })
  }
}
