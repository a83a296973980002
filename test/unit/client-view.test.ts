import { expect } from 'chai'
import fc from 'fast-check'
import {
  type Change,
  type ConversationInput,
  type ConversationState,
  emptyConversation,
  joinAfter,
  reduce,
} from '../../src/client/conversation-view.ts'
import type { ConversationEvent } from '../../src/contract/events.ts'
import type { ConversationView, MessageView, RunTurnView, RunView, SnapshotView } from '../../src/contract/views.ts'

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const AT = '2026-01-01T00:00:00.000Z'
const CONVERSATION = id(1)

/** The server's side: rows, live text, and the events that each change publishes. */
class Truth {
  version = 1
  messages: MessageView[] = []
  runs: RunView[] = []
  live: { turn: RunTurnView; text: string } | undefined
  /** The live text was lost: snapshots lack it, and the next words come as a rewrite. */
  lost = false
  #ids = 100

  get active(): RunView | undefined {
    return this.runs.find((run) => run.status === 'running')
  }

  snapshot(afterSeq = 0): SnapshotView {
    const activeRun = structuredClone(this.active ?? null)
    const shape = { title: null, agentIds: [], strategy: 'round_robin', archived: false } as const
    const conversation: ConversationView = {
      ...shape,
      id: CONVERSATION,
      agentIds: [],
      version: this.version,
      createdAt: AT,
      updatedAt: AT,
      activeRun,
      lastRun: structuredClone(this.runs.at(-1) ?? null),
    }
    const live =
      this.live && !this.lost && activeRun ? [{ ...this.#name(), agentId: id(50), text: this.live.text }] : []
    return { conversation, messages: this.messages.filter((message) => message.seq > afterSeq), activeRun, live }
  }

  say(): ConversationEvent[] {
    return [this.#at({ type: 'message.created', message: this.#add('user', `message ${this.messages.length}`) })]
  }

  startRun(): ConversationEvent[] {
    if (this.active) return []
    const receipt = {
      turns: 0,
      inputTokens: 0,
      outputTokens: 0,
      credits: '0.000000',
      released: '0.000000',
      estimated: false,
    }
    const run: RunView = {
      id: id(this.#ids++),
      conversationId: CONVERSATION,
      status: 'running',
      strategy: 'round_robin',
      maxTurns: 9,
      stopReason: null,
      error: null,
      turns: [],
      receipt,
      createdAt: AT,
      startedAt: AT,
      finishedAt: null,
    }
    this.runs.push(run)
    return [this.#at({ type: 'run.updated', run: structuredClone(run) })]
  }

  /** A new turn, or a new attempt at the one that speaks. */
  startTurn(): ConversationEvent[] {
    const run = this.active
    if (!run) return []
    const turn = this.live?.turn ?? {
      index: run.turns.length,
      agentId: id(50),
      status: 'running',
      attempt: 0,
      messageId: null,
    }
    if (!this.live) run.turns.push(turn)
    turn.attempt++
    this.live = { turn, text: '' }
    this.lost = false
    return [this.#at({ type: 'turn.started', ...this.#name(), agentId: id(50), agentName: 'Ada' })]
  }

  speak(text: string): ConversationEvent[] {
    if (!this.live) return []
    const offset = this.lost ? 0 : this.live.text.length
    this.live.text += text
    this.lost = false
    return [
      { type: 'turn.delta', conversationId: CONVERSATION, ...this.#name(), offset, text: this.live.text.slice(offset) },
    ]
  }

  failAttempt(): ConversationEvent[] {
    if (!this.live) return []
    const error = { code: 'provider.timeout', message: 'Too slow.' }
    return [this.#at({ type: 'turn.failed', ...this.#name(), error, willRetry: true })]
  }

  settle(kind: 'same' | 'cleaned' | 'passed'): ConversationEvent[] {
    if (!this.live) return []
    const name = this.#name()
    const { turn, text } = this.live
    const content = kind === 'cleaned' ? text.trim() : text
    const message = kind === 'passed' ? null : this.#add('agent', content, name)
    turn.status = 'completed'
    turn.messageId = message?.id ?? null
    this.live = undefined
    const usage = {
      inputTokens: 0,
      outputTokens: 0,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      estimated: false,
    }
    const run = structuredClone(this.active)
    const completed = {
      type: 'turn.completed',
      conversationId: CONVERSATION,
      ...name,
      message,
      usage,
      credits: '0.000000',
    } as const
    return run ? [completed, this.#at({ type: 'run.updated', run })] : []
  }

  endRun(): ConversationEvent[] {
    const run = this.active
    if (!run) return []
    const events = this.live ? this.settle('same') : []
    run.status = 'completed'
    return [...events, this.#at({ type: 'run.completed', run: structuredClone(run) })]
  }

  supersede(): ConversationEvent[] {
    const last = this.messages.at(-1)
    if (!last) return []
    const message: MessageView = { ...last, status: 'superseded' }
    this.messages = this.messages.with(-1, message)
    return [this.#at({ type: 'message.created', message })]
  }

  #name() {
    return { runId: this.active?.id ?? '', turn: this.live?.turn.index ?? 0, attempt: this.live?.turn.attempt ?? 0 }
  }

  #at<E extends object>(event: E): E & { conversationId: string; version: number } {
    return { ...event, conversationId: CONVERSATION, version: ++this.version }
  }

  #add(role: 'user' | 'agent', content: string, from?: { runId: string; turn: number }): MessageView {
    const message: MessageView = {
      id: id(this.#ids++),
      seq: this.messages.length + 1,
      role,
      agentId: from ? id(50) : null,
      agentName: from ? 'Ada' : null,
      content,
      status: 'complete',
      runId: from?.runId ?? null,
      turn: from?.turn ?? null,
      fileIds: [],
      createdAt: AT,
    }
    this.messages.push(message)
    return message
  }
}

/** A client that shows changes as they come, and checks what they promise. */
class Viewer {
  state: ConversationState = emptyConversation
  wantsJoin = false
  readonly shown = new Map<string, string>()
  readonly ended: string[] = []
  readonly #completed = new Set<string>()
  readonly #messages = new Set<string>()
  readonly #truth: Truth

  constructor(truth: Truth) {
    this.#truth = truth
  }

  take(input: ConversationInput): void {
    const step = reduce(this.state, input)
    this.state = step.state
    this.wantsJoin ||= step.rejoin
    for (const change of step.changes) this.#show(change)
    for (const runId of step.fetchRuns) {
      const run = this.#truth.runs.find((known) => known.id === runId)
      if (run) this.take({ type: 'run.fetched', run: structuredClone(run) })
    }
  }

  join(): void {
    this.wantsJoin = false
    const afterSeq = joinAfter(this.state)
    this.take({ type: 'joined', afterSeq, ...this.#truth.snapshot(afterSeq) })
  }

  #show(change: Change): void {
    const turn = 'turn' in change ? `${change.runId}:${change.turn}` : ''
    if (change.type === 'turn.reset') this.shown.set(turn, '')
    if (change.type === 'turn.text') this.shown.set(turn, (this.shown.get(turn) ?? '') + change.text)
    if (change.type === 'turn.completed') {
      expect(this.#completed.has(turn), 'a turn completes once').to.equal(false)
      this.#completed.add(turn)
      expect(this.shown.get(turn) ?? '').to.equal(change.message?.content ?? '')
    }
    if (change.type === 'message') {
      expect(this.#messages.has(change.message.id), 'a message comes once').to.equal(false)
      this.#messages.add(change.message.id)
    }
    if (change.type === 'run.ended') {
      expect(this.ended, 'a run ends once').not.to.include(change.run.id)
      this.ended.push(change.run.id)
    }
  }
}

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('speak' as const), text: fc.string({ unit: 'binary', minLength: 1 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('startTurn' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('say', 'startRun', 'failAttempt', 'endRun', 'supersede') }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('settle' as const), kind: fc.constantFrom('same', 'cleaned', 'passed') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('snapshot', 'oldSnapshot', 'loseText') }) },
)
const fate = fc.constantFrom('deliver', 'deliver', 'deliver', 'deliver', 'drop', 'twice', 'againLater')

function perform(
  truth: Truth,
  step: { do: string; text?: string; kind?: 'same' | 'cleaned' | 'passed' },
): ConversationEvent[] {
  switch (step.do) {
    case 'speak':
      return truth.speak(step.text ?? '')
    case 'settle':
      return truth.settle(step.kind ?? 'same')
    case 'say':
      return truth.say()
    case 'startRun':
      return truth.startRun()
    case 'startTurn':
      return truth.startTurn()
    case 'failAttempt':
      return truth.failAttempt()
    case 'endRun':
      return truth.endRun()
    case 'supersede':
      return truth.supersede()
    default:
      return []
  }
}

describe("a client's view of a conversation", () => {
  it('converges to the rows, whatever is dropped, repeated or overtaken, and shows no character twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(action, fate), { maxLength: 60, size: 'max' }),
        fc.boolean(),
        (steps, joinsLate) => {
          const truth = new Truth()
          const viewer = new Viewer(truth)
          const late: ConversationEvent[] = []
          let old = structuredClone(truth.snapshot())
          if (!joinsLate) viewer.join()
          for (const [step, how] of [[{ do: 'startRun' }, 'deliver'] as const, ...steps]) {
            const joined = viewer.state.conversation !== null
            if (step.do === 'loseText') truth.lost = truth.live !== undefined
            if (step.do === 'oldSnapshot' && joined) {
              viewer.take({ type: 'conversation.snapshot', conversationId: CONVERSATION, ...old })
              old = structuredClone(truth.snapshot())
            }
            if (step.do === 'snapshot') viewer.join()
            for (const event of structuredClone(perform(truth, step))) {
              if (!joined || how === 'drop') continue
              viewer.take(event)
              if (how === 'twice') viewer.take(event)
              if (how === 'againLater') late.push(event)
            }
            // The client joins again when it asked to, but not always at once.
            if (viewer.wantsJoin && truth.version % 2 === 0) viewer.join()
          }
          for (const event of late) if (viewer.state.conversation) viewer.take(event)
          truth.lost = false
          do viewer.join()
          while (viewer.wantsJoin)

          const { state } = viewer
          expect(state.messages).to.deep.equal(truth.messages)
          expect(state.live.map((live) => live.text)).to.deep.equal(truth.live ? [truth.live.text] : [])
          expect(state.conversation?.activeRun).to.deep.equal(truth.active ?? null)
          expect(state.conversation?.lastRun).to.deep.equal(truth.runs.at(-1) ?? null)
          for (const message of truth.messages) {
            if (message.role === 'agent')
              expect(viewer.shown.get(`${message.runId}:${message.turn}`) ?? '').to.equal(message.content)
          }
          for (const run of state.runs.values()) {
            expect(run.status).to.equal(truth.runs.find((known) => known.id === run.id)?.status)
            expect(viewer.ended.includes(run.id)).to.equal(run.status === 'completed')
          }
        },
      ),
      { numRuns: 1_500 },
    )
  })

  it('has no active run any more when it ends, as the rows say, without joining again', () => {
    const truth = new Truth()
    const viewer = new Viewer(truth)
    viewer.join()
    for (const event of [...truth.startRun(), ...truth.startTurn(), ...truth.speak('one')]) viewer.take(event)
    expect(viewer.state.conversation?.activeRun?.id).to.equal(truth.active?.id)
    for (const event of truth.endRun()) viewer.take(event)
    expect(viewer.wantsJoin).to.equal(false)
    expect(viewer.state.conversation).to.deep.include({ activeRun: null, lastRun: truth.runs[0] })
  })

  it('asks for a join on a gap, and shows the text on once it is healed', () => {
    const truth = new Truth()
    const viewer = new Viewer(truth)
    viewer.join()
    for (const event of [...truth.startRun(), ...truth.startTurn(), ...truth.speak('one ')]) viewer.take(event)
    truth.speak('two ')
    for (const event of truth.speak('three')) viewer.take(event)
    expect(viewer.wantsJoin).to.equal(true)
    viewer.join()
    expect([...viewer.shown.values()]).to.deep.equal(['one two three'])
  })

  it('tells that a turn begins anew with a higher attempt', () => {
    const truth = new Truth()
    const changes: string[] = []
    let state = reduce(emptyConversation, { type: 'joined', afterSeq: undefined, ...truth.snapshot() }).state
    const events = [
      ...truth.startRun(),
      ...truth.startTurn(),
      ...truth.speak('first'),
      ...truth.startTurn(),
      ...truth.speak('second'),
    ]
    for (const event of [...events, ...truth.settle('same')]) {
      const step = reduce(state, event)
      state = step.state
      changes.push(...step.changes.map((change) => (change.type === 'turn.text' ? change.text : change.type)))
    }
    expect(changes.filter((change) => !change.startsWith('run'))).to.deep.equal([
      'turn.started',
      'first',
      'turn.reset',
      'turn.started',
      'second',
      'turn.completed',
    ])
  })

  it('goes on asking while a page of missed messages is full', () => {
    const truth = new Truth()
    const viewer = new Viewer(truth)
    viewer.join()
    for (let i = 0; i < 250; i++) truth.say()
    let joins = 0
    do {
      const afterSeq = joinAfter(viewer.state) ?? 0
      const snapshot = truth.snapshot(afterSeq)
      viewer.wantsJoin = false
      viewer.take({ type: 'joined', afterSeq, ...snapshot, messages: snapshot.messages.slice(0, 100) })
      joins++
    } while (viewer.wantsJoin)
    expect(viewer.state.messages).to.have.length(250)
    expect(joins).to.equal(3)
  })
})
