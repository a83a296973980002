import { expect } from 'chai'
import type { ConversationEvent } from '../../src/contract/events.ts'
import type { MessageView, RunView, SnapshotView } from '../../src/contract/views.ts'
import { StreamPosition } from '../../src/realtime/stream-position.ts'
import { missedEvents, place } from '../../src/realtime/stream-replay.ts'

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const AT = '2026-01-01T00:00:00.000Z'
const CONVERSATION = id(1)
const RUN = id(2)
const AGENT = id(3)

const message = (seq: number, change: Partial<MessageView> = {}): MessageView => ({
  id: id(100 + seq),
  seq,
  role: 'agent',
  agentId: AGENT,
  agentName: 'Ada',
  content: `text ${seq}`,
  status: 'complete',
  runId: RUN,
  turn: seq - 2,
  fileIds: [],
  createdAt: AT,
  ...change,
})
const question = message(1, { role: 'user', agentId: null, agentName: null, turn: null, content: 'Tea or coffee?' })
const turnOf = (index: number, attempt: number, status: 'running' | 'completed') => ({
  index,
  agentId: AGENT,
  status,
  attempt,
  messageId: null,
})
const run = (status: RunView['status'], turns: RunView['turns'], runId = RUN): RunView => ({
  id: runId,
  conversationId: CONVERSATION,
  status,
  strategy: 'round_robin',
  maxTurns: 4,
  stopReason: null,
  error: null,
  turns,
  receipt: { turns: 0, inputTokens: 0, outputTokens: 0, credits: '0.000000', released: '0.000000', estimated: false },
  createdAt: AT,
  startedAt: AT,
  finishedAt: null,
})
const snapshot = (version: number, change: Partial<SnapshotView>): SnapshotView => {
  const { messages = [], activeRun = null, live = [] } = change
  const times = { createdAt: AT, updatedAt: AT }
  const shown = { title: null, agentIds: [], strategy: 'round_robin', archived: false } as const
  const conversation = { ...shown, id: CONVERSATION, agentIds: [], version, ...times, activeRun }
  return { conversation, messages, activeRun, live }
}
const delta = (attempt: number, offset: number, text: string): ConversationEvent => ({
  type: 'turn.delta',
  conversationId: CONVERSATION,
  runId: RUN,
  turn: 0,
  attempt,
  offset,
  text,
})
const spoken = (text: string) => ({ runId: RUN, turn: 0, attempt: 1, agentId: AGENT, text })
const begun = (text: string) => {
  const position = new StreamPosition(CONVERSATION)
  const activeRun = run('running', [turnOf(0, 1, 'running')])
  position.begin(snapshot(5, { messages: [question], activeRun, live: [spoken(text)] }))
  return position
}
const texts = (events: { event: ConversationEvent }[]) =>
  events.flatMap(({ event }) => (event.type === 'turn.delta' ? [`${event.attempt}@${event.offset}:${event.text}`] : []))
const types = (events: { event: ConversationEvent }[]) => events.map(({ event }) => event.type)
const none = new Set<string>()

describe('the position in an event stream', () => {
  it('is its id, and the id of nothing else', () => {
    const position = begun('So far')
    const again = StreamPosition.parse(position.toString(), CONVERSATION)
    expect(again?.toString()).to.equal(position.toString())
    expect(again).to.include({ version: 5, seq: 1 })
    expect([...(again?.openRuns ?? [])]).to.deep.equal([RUN])
    expect(StreamPosition.parse(position.toString(), id(9))).to.equal(undefined)
    const forged = Buffer.from(JSON.stringify([1, CONVERSATION, -1, 0, [], [], []])).toString('base64url')
    for (const other of [undefined, '', '17', 'e30', forged, position.toString().slice(0, -9)]) {
      expect(StreamPosition.parse(other, CONVERSATION)).to.equal(undefined)
    }
  })

  it('lets each character through once, and only of the latest attempt', () => {
    const position = begun('abc')
    const take = (event: ConversationEvent) => texts(place(position, event)).join()
    expect(take(delta(1, 0, 'abc'))).to.equal('')
    expect(take(delta(1, 1, 'bcde'))).to.equal('1@3:de')
    expect(take(delta(1, 9, 'gap'))).to.equal('')
    expect(take(delta(2, 0, 'new'))).to.equal('2@0:new')
    expect(take(delta(1, 5, 'late'))).to.equal('')
  })

  it('goes on behind a hole in the messages without forgetting it', () => {
    const position = begun('')
    const created = (seq: number): ConversationEvent => {
      return { type: 'message.created', conversationId: CONVERSATION, message: message(seq, { role: 'user' }) }
    }
    expect(types(place(position, created(3)))).to.deep.equal(['message.created'])
    expect(position.seq).to.equal(1)
    expect(StreamPosition.parse(position.toString(), CONVERSATION)?.knows({ seq: 3 })).to.equal(true)
    place(position, created(2))
    expect(position.seq).to.equal(3)
    expect(place(position, created(3))).to.deep.equal([])
  })

  it('gives the rest of a turn before its end, once', () => {
    const position = begun('text')
    const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
    const end: ConversationEvent = {
      type: 'turn.completed',
      conversationId: CONVERSATION,
      runId: RUN,
      turn: 0,
      attempt: 1,
      message: message(2),
      usage: { ...usage, estimated: false },
      credits: '0.000001',
    }
    const placed = place(position, end)
    expect(types(placed)).to.deep.equal(['turn.delta', 'turn.completed'])
    expect(texts(placed)).to.deep.equal(['1@4: 2'])
    expect(place(position, end)).to.deep.equal([])
  })
})

describe('resuming an event stream', () => {
  it('continues live text at the very character', async () => {
    const activeRun = run('running', [turnOf(0, 1, 'running')])
    const now = snapshot(5, { messages: [question], activeRun, live: [spoken('So far and further')] })
    const { events } = await missedEvents(begun('So far'), now, async () => undefined, none)
    expect(types(events)).to.deep.equal(['turn.delta'])
    expect(texts(events)).to.deep.equal(['1@6: and further'])
  })

  it('tells what was said and how the run ended meanwhile, each event with its own position', async () => {
    const turns = [turnOf(0, 1, 'completed'), turnOf(1, 2, 'completed')]
    const now = snapshot(9, { messages: [question, message(2), message(3)] })
    const position = begun('text')
    const { events, unsure } = await missedEvents(position, now, async () => run('completed', turns), none)
    expect(types(events)).to.deep.equal([
      ...['turn.delta', 'message.created', 'turn.delta', 'message.created', 'run.completed', 'conversation.updated'],
    ])
    expect(texts(events)).to.deep.equal(['1@4: 2', '2@0:text 3'])
    expect(unsure).to.deep.equal([])
    // Cut behind any of them, the rest and nothing else comes.
    for (const [at, { id: last }] of events.entries()) {
      const resumed = StreamPosition.parse(last, CONVERSATION) ?? new StreamPosition(id(9))
      const rest = await missedEvents(resumed, now, async () => run('completed', turns), new Set([RUN]))
      expect(types(rest.events)).to.deep.equal(types(events.slice(at + 1)))
    }
  })

  it('tells how calls of tools ended before the words that have a place for them', async () => {
    const call = { id: id(9), call: 0, step: 0, name: 'add', title: 'Add', args: '{}', result: '2', errorCode: null }
    const ended = { ...call, startedAt: AT, endedAt: AT, offset: 4 }
    const toolCalls = [
      { ...ended, status: 'done' as const },
      { ...ended, call: 1, status: 'denied' as const },
    ]
    const now = snapshot(9, { messages: [question, message(2, { toolCalls })] })
    const find = async () => run('completed', [turnOf(0, 1, 'completed')])
    const { events } = await missedEvents(begun(''), now, find, none)
    expect(types(events).slice(0, 4)).to.deep.equal([
      ...['tool.completed', 'tool.failed', 'turn.delta', 'message.created'],
    ])
  })

  it('does not tell the end of a run that a newer reading may show whole', async () => {
    const position = begun('')
    place(position, { type: 'run.updated', conversationId: CONVERSATION, run: run('pending', [], id(7)) })
    const find = async (runId: string) => run(runId === RUN ? 'cancelled' : 'completed', [], runId)
    const now = snapshot(8, { messages: [question] })
    const first = await missedEvents(position, now, find, none)
    expect(types(first.events)).to.deep.equal(['conversation.updated'])
    expect(first.unsure).to.deep.equal([RUN, id(7)])
    const second = await missedEvents(position, now, find, new Set(first.unsure))
    expect(types(second.events)).to.deep.equal(['run.cancelled', 'run.completed'])
    expect(await missedEvents(position, now, find, none)).to.deep.equal({ events: [], unsure: [] })
  })

  it('repeats a known message only when it was superseded', async () => {
    const old = snapshot(5, { messages: [question, message(2, { status: 'superseded' })] })
    const position = new StreamPosition(CONVERSATION)
    position.begin(snapshot(5, { messages: [question, message(2)] }))
    const { events } = await missedEvents(position, old, async () => undefined, none)
    expect(types(events)).to.deep.equal(['message.created'])
  })
})
