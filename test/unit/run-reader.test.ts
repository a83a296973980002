import { expect } from 'chai'
import type { ConversationEvent } from '../../src/contract/events.ts'
import type { MessageView, RunView } from '../../src/contract/views.ts'
import { readRun } from '../../src/doors/run-reader.ts'
import type { RunStep } from '../../src/doors/run-script.ts'
import { RunEvents } from '../../src/realtime/run-events.ts'
import type { StreamEnd } from '../../src/realtime/stream-outlet.ts'
import { AppError, notFound } from '../../src/shared/errors.ts'

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const AT = '2026-01-01T00:00:00.000Z'
const conversationId = id(1)
const runId = id(2)
const agentId = id(3)

const started: ConversationEvent = {
  type: 'turn.started',
  conversationId,
  runId,
  turn: 0,
  attempt: 1,
  agentId,
  agentName: 'Ada',
}
const delta = (offset: number, text: string): ConversationEvent => ({
  type: 'turn.delta',
  conversationId,
  runId,
  turn: 0,
  attempt: 1,
  offset,
  text,
})
const message: MessageView = {
  id: id(4),
  seq: 2,
  role: 'agent',
  agentId,
  agentName: 'Ada',
  content: 'I like tea.',
  status: 'complete',
  runId,
  turn: 0,
  fileIds: [],
  createdAt: AT,
}
const created: ConversationEvent = { type: 'message.created', conversationId, message }
const run: RunView = {
  id: runId,
  conversationId,
  status: 'completed',
  strategy: 'round_robin',
  maxTurns: 1,
  stopReason: 'finished',
  error: null,
  turns: [{ index: 0, agentId, status: 'completed', attempt: 1, messageId: message.id }],
  receipt: { turns: 1, inputTokens: 1, outputTokens: 1, credits: '0.000001', released: '0.000000', estimated: false },
  createdAt: AT,
  startedAt: AT,
  finishedAt: AT,
}
const completed: ConversationEvent = { type: 'run.completed', conversationId, run }

/** One opening of the stream: what it has and how it ends, or why it cannot be opened. `undefined`: it goes on. */
type Opening = { events: ConversationEvent[]; ends: StreamEnd | undefined } | AppError

/** Reads a run whose stream is opened so, one opening after the other. */
function reading(...openings: Opening[]) {
  const asked: Array<string | undefined> = []
  const looked: Array<readonly number[] | undefined> = []
  const steps: RunStep[] = []
  const gone = new AbortController()
  let closed = 0
  const follow = async (_reader: unknown, _runId: string, lastEventId?: string) => {
    const opening = openings[asked.length]
    asked.push(lastEventId)
    if (!opening) throw new Error('it was opened too often')
    if (opening instanceof AppError) throw opening
    const events = new RunEvents()
    for (const [place, event] of opening.events.entries()) events.write({ event, id: `${asked.length}.${place}` })
    if (opening.ends) events.end(opening.ends)
    const close = () => {
      closed++
      events.end('over')
    }
    return { events, close }
  }
  const done = (async () => {
    const reader = { userId: id(8), sessionId: id(9) }
    const request = {
      reader,
      runId,
      names: new Map([[agentId, 'Ada']]),
      door: {
        calls: async (_runId: string, turns?: readonly number[]) => {
          looked.push(turns)
          return { calls: [], said: [] }
        },
        run: () => Promise.reject(new Error('nobody asks')),
        speakers: async () => new Map(),
      },
      gone: gone.signal,
    }
    for await (const step of readRun({ follow }, request)) steps.push(step)
  })()
  const code = done.then(
    () => undefined,
    (error: unknown) => Object(error).code,
  )
  return { asked, looked, steps, gone, code, closed: () => closed }
}
const textOf = (steps: RunStep[]) => steps.map((step) => (step.type === 'turn.text' ? step.text : '')).join('')

describe('Reading a run to its end', () => {
  it('goes on behind what was told when the stream could not be read on, also after a while', async () => {
    const unavailable = new AppError('database.unavailable')
    const broken = { events: [started, delta(0, 'I like ')], ends: 'trouble' as const }
    const rest = { events: [delta(7, 'tea.'), created, completed], ends: 'over' as const }
    const read = reading(broken, unavailable, rest)
    expect(await read.code).to.equal(undefined)
    expect(read.asked).to.deep.equal([undefined, '1.1', '1.1'])
    expect(textOf(read.steps)).to.equal('I like tea.')
    expect(read.steps.map(({ type }) => type)).to.deep.equal([
      ...['turn.began', 'turn.text', 'turn.text', 'turn.ended', 'run.ended'],
    ])
  })

  it('reads the last words from the rows when it hears of the end before them', async () => {
    const early = { events: [started, delta(0, 'I like '), completed], ends: 'over' as const }
    const read = reading(early, { events: [delta(7, 'tea.'), created, completed], ends: 'over' })
    expect(await read.code).to.equal(undefined)
    expect(read.asked).to.deep.equal([undefined, '1.1'])
    expect(textOf(read.steps)).to.equal('I like tea.')
    expect(read.steps.filter(({ type }) => type === 'run.ended')).to.have.length(1)
  })

  it('asks for what turns have done with tools that were open when the run was read, though they may be over by then', async () => {
    const turns = run.turns.map((turn) => ({ ...turn, status: 'running' as const, messageId: null }))
    const under: RunView = { ...run, status: 'running', turns, receipt: { ...run.receipt, steps: 1 }, finishedAt: null }
    const events: ConversationEvent[] = [
      { type: 'run.updated', conversationId, run: under },
      ...[started, delta(0, 'I like tea.'), created, completed],
    ]
    const read = reading({ events, ends: 'over' })
    expect(await read.code).to.equal(undefined)
    expect(read.looked).to.deep.equal([[0]])
  })

  it('says why it cannot go on: at the first opening whatever it is, later what will not pass', async () => {
    expect(await reading(new AppError('database.unavailable')).code).to.equal('database.unavailable')
    const broken = { events: [started], ends: 'trouble' as const }
    expect(await reading(broken, notFound('run')).code).to.equal('run.not_found')
    const ends: Array<[StreamEnd, string]> = [
      ['gone', 'conversation.not_found'],
      ['session', 'auth.unauthorized'],
      ['server', 'run.unread'],
    ]
    for (const [why, code] of ends) expect(await reading({ events: [started], ends: why }).code, why).to.equal(code)
  })

  it('ends without a word when nobody reads any more, and lets go of the stream', async () => {
    const read = reading({ events: [started], ends: undefined })
    while (read.steps.length === 0) await new Promise((resolve) => setImmediate(resolve))
    read.gone.abort()
    expect(await read.code).to.equal(undefined)
    expect(read.closed()).to.be.greaterThan(0)
    expect(read.steps.at(-1)?.type).to.equal('turn.began')
  })
})
