import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import { acceptedView } from '../../src/contract/views.ts'
import { ask, closedLoop, read, send } from './load-http.ts'
import type { Seat, TaskOf, TurnsResult } from './load-tasks.ts'
import { HISTORY, QUESTION, TURNS_A_CONVERSATION } from './questions.ts'

const END_MS = 60_000

// Only what is looked at: the load generator is not to cost more than it must.
const ended = z.object({ run: z.object({ id: z.string(), status: z.string() }) })
const said = z.object({ runId: z.string(), text: z.string() })
const completed = z.object({ message: z.object({ content: z.string() }) })
const seen = z.object({
  activeRun: z.object({ id: z.string() }).nullable(),
  live: z.array(z.object({ text: z.string() })),
  messages: z.array(z.object({ runId: z.string().nullable(), role: z.string(), content: z.string() })),
})
const joined = z.object({ ok: z.literal(true), ...seen.shape })

/** One person with the product's page open: a socket, and a conversation that is watched while it lasts. */
class Client {
  readonly #seat: Seat
  readonly #socket: Socket
  #conversationId: string | undefined
  readonly #isGiven: boolean
  #turns = 0
  /** Runs of which the end was seen, with a status other than completed as an error. */
  readonly #ended = new Map<string, string>()
  /** Characters of the turn that were seen, once or more: there must be some. */
  #textSeen = 0
  #wake: (() => void) | undefined
  #ready: Promise<void> | undefined

  constructor(seat: Seat, conversationId?: string) {
    this.#seat = seat
    this.#conversationId = conversationId
    this.#isGiven = conversationId !== undefined
    this.#socket = io(seat.url, {
      transports: ['websocket'],
      auth: { token: seat.token },
      forceNew: true,
      reconnection: false,
    })
    for (const name of ['run.completed', 'run.failed', 'run.cancelled'])
      this.#socket.on(name, (event: unknown) => {
        const { run } = ended.parse(event)
        this.#end(run.id, run.status)
      })
    this.#socket.on('turn.delta', (event: unknown) => {
      this.#textSeen += said.parse(event).text.length
    })
    this.#socket.on('turn.completed', (event: unknown) => {
      this.#textSeen += completed.parse(event).message.content.length
    })
    this.#socket.on('conversation.snapshot', (event: unknown) => this.#look(seen.parse(event)))
  }

  /** Resolves when it is connected, and watches the conversation that it was given. */
  ready(): Promise<void> {
    this.#ready ??= this.#connect()
    return this.#ready
  }

  /** Asks, and resolves when the run has been seen to end. */
  async turn(): Promise<void> {
    if (!this.#isGiven && this.#turns++ % TURNS_A_CONVERSATION === 0) this.#leave()
    const known = this.#conversationId
    this.#textSeen = 0
    const answer = await ask(`${this.#seat.url}/api/chat`, 202, {
      headers: { authorization: `Bearer ${this.#seat.token}` },
      body: JSON.stringify({ agentId: this.#seat.agentId, message: QUESTION, conversationId: known }),
    })
    const { conversationId, runId } = acceptedView.parse(JSON.parse(answer))
    this.#conversationId = conversationId
    if (known === undefined) await this.#join(conversationId)
    await this.#ending(runId)
  }

  close(): void {
    this.#socket.disconnect()
  }

  get isOpen(): boolean {
    return this.#socket.connected
  }

  async #connect(): Promise<void> {
    if (!this.#socket.connected) {
      await new Promise<void>((resolve, reject) => {
        this.#socket.once('connect', resolve).once('connect_error', reject)
      })
    }
    if (this.#conversationId) await this.#join(this.#conversationId)
  }

  async #join(conversationId: string): Promise<void> {
    const snapshot: unknown = await this.#socket.timeout(END_MS).emitWithAck('conversation.join', { conversationId })
    this.#look(joined.parse(snapshot))
  }

  #leave(): void {
    if (this.#conversationId) this.#socket.emit('conversation.leave', { conversationId: this.#conversationId })
    this.#conversationId = undefined
  }

  /** A run that was over before the join shows as an answer in the snapshot. */
  #look({ activeRun, live, messages }: z.output<typeof seen>): void {
    for (const { text } of live) this.#textSeen += text.length
    for (const { runId, role, content } of messages) {
      if (role !== 'agent' || runId === null || runId === activeRun?.id) continue
      this.#textSeen += content.length
      this.#end(runId, 'completed')
    }
  }

  #end(runId: string, status: string): void {
    this.#ended.set(runId, status)
    this.#wake?.()
  }

  async #ending(runId: string): Promise<void> {
    const deadline = setTimeout(() => this.#end(runId, `not over after ${END_MS} ms`), END_MS)
    while (!this.#ended.has(runId)) await new Promise<void>((resolve) => (this.#wake = resolve))
    clearTimeout(deadline)
    const status = this.#ended.get(runId)
    this.#ended.clear()
    if (status !== 'completed') throw new Error(`a run is ${status}`)
    if (this.#textSeen === 0) throw new Error('a run was completed and no word of it was seen')
  }
}

/** Mastra's server remembers nothing: its clients send what was said before. */
async function askMastra(url: string, agent: string): Promise<void> {
  const messages = [...HISTORY, { role: 'user', content: QUESTION }]
  const response = await send(`${url}/api/agents/${agent}/stream`, { body: JSON.stringify({ messages }) })
  let finished = false
  let tail = ''
  await read(response, (piece) => {
    finished ||= (tail + piece).includes('"type":"finish"')
    tail = piece.slice(-32)
  })
  if (response.statusCode !== 200 || !finished)
    throw new Error(`Mastra's server answered ${response.statusCode}: ${tail}`)
}

export async function takeTurns({ of, ms, turns, pauseMs }: TaskOf<'turns'>): Promise<TurnsResult> {
  if (of.product === 'mastra') {
    return closedLoop(
      Array.from({ length: of.clients }, () => () => askMastra(of.url, of.agent)),
      { ms, turns, pauseMs },
    )
  }
  const clients = of.seats.map((seat, index) => clientOf(seat, index, of.conversationId))
  let isFine = false
  try {
    await Promise.all(clients.map((client) => client.ready()))
    const result = await closedLoop(
      clients.map((client) => () => client.turn()),
      { ms, turns, pauseMs },
    )
    isFine = true
    return result
  } finally {
    if (of.conversationId || !isFine) for (const client of clients) client.close()
  }
}

/** People keep the page open: who has come stays connected from one task to the next, so that no task pays for coming. */
const present = new Map<string, Client>()

function clientOf(seat: Seat, index: number, conversationId?: string): Client {
  const key = `${index} ${seat.token} ${seat.agentId}`
  const known = present.get(key)
  if (known?.isOpen && conversationId === undefined) return known
  const client = new Client(seat, conversationId)
  if (conversationId === undefined) present.set(key, client)
  return client
}
