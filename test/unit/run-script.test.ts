import { expect } from 'chai'
import type { ConversationEvent } from '../../src/contract/events.ts'
import type { MessageView, RunTurnView, RunView } from '../../src/contract/views.ts'
import { RunScript, type RunStep } from '../../src/doors/run-script.ts'
import { type Speech, SpeechOrder } from '../../src/doors/speech-order.ts'

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const AT = '2026-01-01T00:00:00.000Z'
const conversationId = id(1)
const RUN = id(2)
const [ADA, BLAISE] = [id(3), id(4)]
const NAMES = new Map([
  [ADA, 'Ada'],
  [BLAISE, 'Blaise'],
])
const USAGE = {
  inputTokens: 1,
  outputTokens: 1,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}

const started = (turn: number, attempt = 1, agentId = ADA): ConversationEvent => ({
  type: 'turn.started',
  conversationId,
  runId: RUN,
  turn,
  attempt,
  agentId,
  agentName: NAMES.get(agentId) ?? '',
})
const delta = (turn: number, offset: number, text: string, attempt = 1): ConversationEvent => ({
  type: 'turn.delta',
  conversationId,
  runId: RUN,
  turn,
  attempt,
  offset,
  text,
})
const message = (turn: number, content: string, agentId = ADA): MessageView => ({
  id: id(100 + turn),
  seq: 2 + turn,
  role: 'agent',
  agentId,
  agentName: NAMES.get(agentId) ?? null,
  content,
  status: 'complete',
  runId: RUN,
  turn,
  fileIds: [],
  createdAt: AT,
})
const completed = (turn: number, said: MessageView | null, attempt = 1): ConversationEvent => ({
  type: 'turn.completed',
  conversationId,
  runId: RUN,
  turn,
  attempt,
  message: said,
  usage: USAGE,
  credits: '0.000001',
})
const created = (said: MessageView): ConversationEvent => ({ type: 'message.created', conversationId, message: said })
const failed = (turn: number, willRetry: boolean, attempt = 1): ConversationEvent => ({
  type: 'turn.failed',
  conversationId,
  runId: RUN,
  turn,
  attempt,
  error: { code: 'provider.stream_cut', message: 'It broke off.' },
  willRetry,
})
const turnOf = (index: number, status: RunTurnView['status'], change: Partial<RunTurnView> = {}): RunTurnView => ({
  index,
  agentId: ADA,
  status,
  attempt: 1,
  messageId: null,
  ...change,
})
const run = (type: 'run.updated' | 'run.completed', turns: RunTurnView[]): ConversationEvent => {
  const view: RunView = {
    id: RUN,
    conversationId,
    status: type === 'run.updated' ? 'running' : 'completed',
    strategy: 'panel',
    maxTurns: 3,
    stopReason: null,
    error: null,
    turns,
    receipt: { turns: 0, inputTokens: 0, outputTokens: 0, credits: '0.000000', released: '0.000000', estimated: false },
    createdAt: AT,
    startedAt: AT,
    finishedAt: null,
  }
  return { type, conversationId, run: view }
}

const stepsOf = (...events: ConversationEvent[]): RunStep[] => {
  const script = new RunScript(RUN, NAMES)
  return events.flatMap((event) => script.take(event))
}
/** In short: `0>Ada`, `0:text`, `0.` for began, text, ended; `0x` for void. */
const short = (steps: Array<RunStep | Speech>): string[] =>
  steps.flatMap((step) => {
    if (step.type === 'turn.began' || step.type === 'speech.began') return `${step.turn}>${step.agentName}`
    if (step.type === 'turn.text' || step.type === 'speech.text') return `${step.turn}@${step.offset}:${step.text}`
    if (step.type === 'turn.ended' || step.type === 'speech.ended') {
      return `${step.turn}.${step.message?.content ?? '-'}`
    }
    if (step.type === 'turn.failed') return `${step.turn}!`
    if (step.type === 'speech.void') return `${step.turn}x`
    return step.type === 'run.ended' ? 'end' : []
  })
const scriptOf = (...events: ConversationEvent[]) => short(stepsOf(...events))
const orderOf = (...events: ConversationEvent[]) => {
  const order = new SpeechOrder()
  return short(stepsOf(...events).flatMap((step) => order.take(step)))
}

describe('The steps of a run', () => {
  it('are a turn as it speaks', () => {
    const events = [started(0), delta(0, 0, 'I like '), delta(0, 7, 'tea.'), completed(0, message(0, 'I like tea.'))]
    const all = [...events, run('run.completed', [turnOf(0, 'completed', { messageId: id(100) })])]
    expect(scriptOf(...all)).to.deep.equal(['0>Ada', '0@0:I like ', '0@7:tea.', '0.I like tea.', 'end'])
  })

  it('name the speaker before the text, also where its beginning was missed', () => {
    const said = message(0, 'I like tea.', BLAISE)
    const expected = ['0>Blaise', '0@0:I like tea.', '0.I like tea.']
    expect(scriptOf(delta(0, 0, 'I like tea.'), created(said)), 'told by the message').to.deep.equal(expected)
    const view = run('run.updated', [turnOf(0, 'running', { agentId: BLAISE })])
    expect(scriptOf(view, delta(0, 0, 'I like '), delta(0, 7, 'tea.'), completed(0, said))).to.deep.equal([
      '0>Blaise',
      '0@0:I like ',
      '0@7:tea.',
      '0.I like tea.',
    ])
    expect(scriptOf(delta(0, 0, 'I like '), view, created(said))).to.deep.equal([
      '0>Blaise',
      '0@0:I like ',
      '0@7:tea.',
      '0.I like tea.',
    ])
  })

  it('begin a turn anew with each attempt, and hear no earlier one any more', () => {
    const events = [started(0), delta(0, 0, 'I li'), failed(0, true), started(0, 2), delta(0, 4, 'ke', 1)]
    const again = [delta(0, 0, 'You like', 2), completed(0, message(0, 'You like tea.'), 2)]
    expect(scriptOf(...events, ...again)).to.deep.equal([
      ...['0>Ada', '0@0:I li', '0!', '0>Ada', '0@0:You like', '0@8: tea.', '0.You like tea.'],
    ])
  })

  it('begin it anew where what is kept is not what was shown', () => {
    const events = [started(0), delta(0, 0, 'I like tea. <thi'), completed(0, message(0, 'I like tea.'))]
    expect(scriptOf(...events)).to.deep.equal([
      ...['0>Ada', '0@0:I like tea. <thi', '0>Ada', '0@0:I like tea.', '0.I like tea.'],
    ])
  })

  it('tell each end once, whoever tells it, and passes by the run too', () => {
    const said = message(0, 'Tea.')
    const passed = run('run.updated', [turnOf(0, 'completed', { messageId: said.id }), turnOf(1, 'completed')])
    const events = [started(0), completed(0, said), created(said), started(1), passed, completed(1, null)]
    expect(scriptOf(...events)).to.deep.equal(['0>Ada', '0@0:Tea.', '0.Tea.', '1>Ada', '1.-'])
    const superseded = created({ ...said, status: 'superseded' })
    expect(scriptOf(superseded)).to.deep.equal([])
  })

  it('are not all while the end is heard of before the last words', () => {
    const script = new RunScript(RUN, NAMES)
    const end = run('run.completed', [turnOf(0, 'completed', { messageId: id(100) })])
    const view = 'run' in end ? end.run : undefined
    if (!view) throw new Error('no run')
    expect(script.hasAllOf(view)).to.equal(false)
    script.take(created(message(0, 'Tea.')))
    expect(script.hasAllOf(view)).to.equal(true)
  })
})

describe('Speech in its order', () => {
  it('has the turns of a panel one behind the other', () => {
    const events = [started(0), started(1, 1, BLAISE), delta(1, 0, 'Cof'), delta(0, 0, 'Te'), delta(1, 3, 'fee.')]
    const ends = [completed(1, message(1, 'Coffee.', BLAISE)), delta(0, 2, 'a.'), completed(0, message(0, 'Tea.'))]
    expect(orderOf(...events, ...ends)).to.deep.equal([
      ...['0>Ada', '0@0:Te', '0@2:a.', '0.Tea.', '1>Blaise', '1@0:Coffee.', '1.Coffee.'],
    ])
  })

  it('says of an attempt that was shown that it counts no more, and nothing of one that was not', () => {
    const shown = [started(0), delta(0, 0, 'I li'), started(0, 2), delta(0, 0, 'Yes.', 2)]
    const end = completed(0, message(0, 'Yes.'), 2)
    expect(orderOf(...shown, end)).to.deep.equal(['0>Ada', '0@0:I li', '0x', '0>Ada', '0@0:Yes.', '0.Yes.'])
    expect(orderOf(started(0), started(0, 2), delta(0, 0, 'Yes.', 2), end)).to.deep.equal([
      ...['0>Ada', '0@0:Yes.', '0.Yes.'],
    ])
  })

  it('leaves out who passed, and who came to nothing', () => {
    const events = [started(0), completed(0, null), started(1), delta(1, 0, 'Hm'), failed(1, false)]
    const rest = [started(2), completed(2, message(2, 'Tea.'))]
    expect(orderOf(...events, ...rest)).to.deep.equal(['1>Ada', '1@0:Hm', '1x', '2>Ada', '2@0:Tea.', '2.Tea.'])
  })

  it('says at the end of a run what it still has, in order', () => {
    const events = [started(0), delta(0, 0, 'Hm'), started(1), completed(1, message(1, 'Tea.'))]
    expect(orderOf(...events, run('run.completed', []))).to.deep.equal([
      ...['0>Ada', '0@0:Hm', '0x', '1>Ada', '1@0:Tea.', '1.Tea.', 'end'],
    ])
  })
})
