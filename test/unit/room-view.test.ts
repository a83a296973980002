import { expect } from 'chai'
import { citationsIn } from '../../src/console/views/room/citations.ts'
import { isReadable, MOST_CHARS, openable } from '../../src/console/views/room/markdown/readable.ts'
import { complete, matching, mentionAt } from '../../src/console/views/room/mentions.ts'
import { roomRows } from '../../src/console/views/room/room-rows.ts'
import { roomNow } from '../../src/console/views/room/room-status.ts'
import type { RoomState, Speaking } from '../../src/console/views/room/room-store.ts'
import { saidAndDone } from '../../src/console/views/room/said-and-done.ts'
import type {
  ConversationView,
  FileView,
  MessageView,
  RunTurnView,
  RunView,
  ToolCallView,
} from '../../src/contract/views.ts'

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const AT = '2026-01-01T00:00:00.000Z'
const [ADA, BEN, CORA, RUN] = [id(1), id(2), id(3), id(10)]

const turnOf = (index: number, agentId: string | null, status: RunTurnView['status'], attempt = 1): RunTurnView => ({
  index,
  agentId,
  status,
  attempt,
  messageId: null,
})

const runOf = (part: Partial<RunView>): RunView => ({
  id: RUN,
  conversationId: id(9),
  status: 'running',
  strategy: 'round_robin',
  maxTurns: 6,
  stopReason: null,
  error: null,
  turns: [],
  receipt: { turns: 0, inputTokens: 0, outputTokens: 0, credits: '0.000000', released: '0.000000', estimated: false },
  createdAt: AT,
  startedAt: AT,
  finishedAt: null,
  ...part,
})

const conversationOf = (activeRun: RunView | null): ConversationView => ({
  id: id(9),
  title: null,
  agentIds: [ADA, BEN, CORA],
  strategy: 'round_robin',
  archived: false,
  version: 1,
  createdAt: AT,
  updatedAt: AT,
  activeRun,
})

const messageOf = (seq: number, part: Partial<MessageView> = {}): MessageView => ({
  id: id(100 + seq),
  seq,
  role: 'user',
  agentId: null,
  agentName: null,
  content: 'Hello',
  status: 'complete',
  runId: RUN,
  turn: null,
  fileIds: [],
  createdAt: AT,
  ...part,
})
const saidBy = (seq: number, agentId: string, turn: number, part: Partial<MessageView> = {}) =>
  messageOf(seq, { role: 'agent', agentId, turn, ...part })
const speakingOf = (turn: number, agentId: string, hasWords = true): Speaking => ({
  runId: RUN,
  turn,
  attempt: 1,
  agentId,
  hasWords,
})

describe('The rows of a room', () => {
  const rowsOf = (
    messages: MessageView[],
    run: Partial<RunView>,
    speaking: Speaking[] = [],
    withSuperseded = false,
  ): string[] =>
    roomRows({ messages, speaking, runs: new Map([[RUN, runOf(run)]]) }, withSuperseded).map((row) =>
      row.kind === 'panel' ? `panel of ${row.speeches.length}` : row.kind,
    )

  it('keep a speech in its place from its first word to its message', () => {
    const speaking = roomRows({ messages: [messageOf(1)], speaking: [speakingOf(0, ADA)], runs: new Map() })
    const said = roomRows({ messages: [messageOf(1), saidBy(2, ADA, 0)], speaking: [], runs: new Map() })
    expect(said.map(({ key }) => key)).to.deep.equal(speaking.map(({ key }) => key))
  })

  it('have a panel side by side, and who sums up behind it', () => {
    const panel = { strategy: 'panel' } as const
    const asked = [messageOf(1), saidBy(2, BEN, 1)]
    expect(rowsOf(asked, panel, [speakingOf(0, ADA), speakingOf(2, CORA)])).to.deep.equal(['message', 'panel of 3'])
    const answered = [messageOf(1), saidBy(2, BEN, 1), saidBy(3, CORA, 2), saidBy(4, ADA, 0)]
    expect(rowsOf(answered, panel, [speakingOf(3, ADA)])).to.deep.equal(['message', 'panel of 3', 'speaking'])
    // What is asked after it is another panel.
    const again = [...answered, saidBy(5, ADA, 3), messageOf(6), saidBy(7, ADA, 4), saidBy(8, BEN, 5)]
    expect(rowsOf(again, panel)).to.deep.equal(['message', 'panel of 3', 'message', 'message', 'panel of 2'])
  })

  it('put the speakers of a panel in the order of their turns, whoever is done first', () => {
    const rows = roomRows({
      messages: [saidBy(2, CORA, 2), saidBy(3, ADA, 0)],
      speaking: [speakingOf(1, BEN)],
      runs: new Map([[RUN, runOf({ strategy: 'panel' })]]),
    })
    const [panel] = rows
    expect(panel?.kind === 'panel' && panel.speeches.map(({ key }) => key)).to.deep.equal(
      [0, 1, 2].map((n) => `${RUN}:${n}`),
    )
  })

  it('say how a run ended where its words do not say it', () => {
    const over = { status: 'completed', stopReason: 'finished', turns: [turnOf(0, ADA, 'completed')] } as const
    const answered = [messageOf(1), saidBy(2, ADA, 0)]
    expect(rowsOf(answered, { ...over, turns: [...over.turns] })).to.deep.equal(['message', 'message'])
    expect(rowsOf([messageOf(1)], { status: 'failed', stopReason: 'failed' })).to.deep.equal(['message', 'end'])
    expect(rowsOf(answered, { status: 'cancelled', stopReason: 'cancelled' })).to.deep.equal([
      'message',
      'message',
      'end',
    ])
    expect(rowsOf(answered, { status: 'running' })).to.deep.equal(['message', 'message'])
  })

  it('leave out what was said anew, unless it is asked for', () => {
    const messages = [messageOf(1), saidBy(2, ADA, 0, { status: 'superseded' })]
    expect(rowsOf(messages, {})).to.deep.equal(['message'])
    expect(rowsOf(messages, {}, [], true)).to.deep.equal(['message', 'message'])
  })

  it('are found in steps that grow with the messages, not with their square', () => {
    let reads = 0
    const counted = (message: MessageView) =>
      new Proxy(message, {
        get(target, name, receiver) {
          reads++
          return Reflect.get(target, name, receiver)
        },
      })
    const readsOf = (count: number) => {
      reads = 0
      const messages = Array.from({ length: count }, (_, n) => counted(saidBy(n + 1, id(1 + (n % 3)), n)))
      roomRows({ messages, speaking: [], runs: new Map([[RUN, runOf({ strategy: 'panel' })]]) })
      return reads
    }
    expect(readsOf(4_000)).to.be.below(readsOf(1_000) * 5)
  })
})

describe('What goes on in a room', () => {
  const now = (run: Partial<RunView>, part: Partial<RoomState> = {}, stopping: string | null = null) => {
    const conversation = conversationOf(runOf(run))
    const { status, next } = roomNow({ conversation, speaking: [], trouble: new Map(), ...part }, stopping)
    return [status.kind, next] as const
  }

  it('is said for every state of a run', () => {
    expect(now({ status: 'waiting' })).to.deep.equal(['files', null])
    expect(now({ status: 'queued', turns: [turnOf(0, ADA, 'queued', 0)] })[0]).to.equal('place')
    expect(now({ turns: [turnOf(0, ADA, 'running')] })[0]).to.equal('thinking')
    expect(now({ turns: [turnOf(0, null, 'running')] })[0]).to.equal('choosing')
    const speaking = [speakingOf(0, ADA)]
    expect(now({ turns: [turnOf(0, ADA, 'running')] }, { speaking })[0]).to.equal('speaking')
    expect(now({ turns: [turnOf(0, ADA, 'running')] }, { speaking }, RUN)[0]).to.equal('stopping')
    expect(
      roomNow({ conversation: conversationOf(null), speaking: [], trouble: new Map() }, null).status.kind,
    ).to.equal('idle')
  })

  it('names why a turn is late', () => {
    const trouble = new Map([
      [`${RUN}:0`, { attempt: 1, code: 'provider.rate_limited', message: 'Slow down.', retryAt: AT }],
    ])
    expect(now({ turns: [turnOf(0, ADA, 'queued')] }, { trouble })[0]).to.equal('retrying')
  })

  it('names who is next where that is certain', () => {
    const turns = [turnOf(0, ADA, 'completed'), turnOf(1, BEN, 'running')]
    expect(now({ turns })[1]).to.equal(CORA)
    expect(now({ turns, maxTurns: 2 })[1]).to.equal(null)
    expect(now({ turns, strategy: 'supervisor' })[1]).to.equal(null)
  })
})

describe("Agents' Markdown", () => {
  it('is read as such, however long an honest answer is', () => {
    const section = `## Title\n\nSome **words**, and a [link](https://example.com).\n\n- one\n  - two\n    - three\n\n> so\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n\`\`\`ts\nlet a = 1\n\`\`\`\n\n`
    expect(isReadable(section.repeat(200))).to.equal(true)
  })

  it('is shown plainly where a parser would pay too much', () => {
    const hostile = [
      'x'.repeat(1_000_000),
      'x'.repeat(9_000),
      '>'.repeat(500),
      '- '.repeat(500),
      '1. '.repeat(500),
      `${' '.repeat(400)}- x`,
      '[^1]'.repeat(200),
      '| a '.repeat(3_000).replaceAll(' a ', ' a\n'),
      'a\n'.repeat(MOST_CHARS),
    ]
    for (const text of hostile) expect(isReadable(text), text.slice(0, 12)).to.equal(false)
  })

  it('has links to the web and to mail, and to nothing else', () => {
    const wrong = [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      '\u0001javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      '/c/new',
      '//evil.example',
      'vbscript:x',
      '',
      undefined,
    ]
    for (const address of wrong) expect(openable(address), address).to.equal(undefined)
    expect(openable('https://example.com/a?b#c')).to.equal('https://example.com/a?b#c')
    expect(openable('mailto:ada@example.com')).to.equal('mailto:ada@example.com')
  })
})

describe('Mentions', () => {
  const people = [{ name: 'Ada' }, { name: 'Ada Two' }, { name: 'Émile Zola' }, { name: 'ليلى' }]
  const named = (query: string) => matching(people, query, 'en').map(({ name }) => name)

  it('begin at an @ that begins a word', () => {
    expect(mentionAt('Hello @ad', 9)).to.deep.equal({ start: 6, query: 'ad' })
    expect(mentionAt('@', 1)).to.deep.equal({ start: 0, query: '' })
    expect(mentionAt('ada@example', 11)).to.equal(undefined)
    expect(mentionAt('Hello', 5)).to.equal(undefined)
    expect(mentionAt('@ada\nand', 8)).to.equal(undefined)
  })

  it('match the beginning of any word of a name', () => {
    expect(named('')).to.have.length(4)
    expect(named('AD')).to.deep.equal(['Ada', 'Ada Two'])
    expect(named('two')).to.deep.equal(['Ada Two'])
    expect(named('zo')).to.deep.equal(['Émile Zola'])
    expect(named('لي')).to.deep.equal(['ليلى'])
  })

  it('put the name in the place of what was written of it', () => {
    expect(complete('Hi @ad, come', { start: 3, query: 'ad' }, 'Ada')).to.deep.equal({
      text: 'Hi @Ada, come',
      caret: 7,
    })
    expect(complete('Hi @ad come', { start: 3, query: 'ad' }, 'Ada')).to.deep.equal({ text: 'Hi @Ada come', caret: 8 })
  })
})

describe('Places in files that an agent names', () => {
  const file = (n: number, name: string, pages: number | null): FileView => ({
    id: id(n),
    name,
    contentType: 'application/pdf',
    size: 1,
    sha256: null,
    status: 'ready',
    error: null,
    pages,
    textLength: 1,
    createdAt: AT,
    updatedAt: AT,
  })
  const report = file(1, 'report.pdf', 12)
  const note = file(2, 'note.txt', null)
  const found = (text: string) => citationsIn(text, [report, note]).map(({ file: { name }, page }) => [name, page])

  it('are found in any language, each once', () => {
    expect(
      found('It rose (report.pdf, page 3), and fell (report.pdf, page 4); see (report.pdf, page 3).'),
    ).to.deep.equal([
      ['report.pdf', 3],
      ['report.pdf', 4],
    ])
    expect(found('Es stieg (report.pdf, Seite 3) und („report.pdf“, S. 5).')).to.deep.equal([
      ['report.pdf', 3],
      ['report.pdf', 5],
    ])
    expect(found('(report.pdf، الصفحة 7)')).to.deep.equal([['report.pdf', 7]])
    expect(found('As (note.txt, Introduction) says.')).to.deep.equal([['note.txt', null]])
  })

  it('are none that the file does not have', () => {
    expect(found('(report.pdf, page 99)')).to.deep.equal([['report.pdf', null]])
    expect(found('(report.pdf) in 2025')).to.deep.equal([['report.pdf', null]])
    expect(found('Nothing here.')).to.deep.equal([])
  })
})

describe('What an agent says and does in a turn', () => {
  const callAt = (call: number, offset: number | undefined): ToolCallView => ({
    id: id(200 + call),
    call,
    step: 0,
    name: 'add',
    title: 'Add',
    status: 'done',
    args: '{}',
    result: null,
    errorCode: null,
    startedAt: AT,
    endedAt: AT,
    ...(offset !== undefined && { offset }),
  })
  const partsOf = (text: string, offsets: Array<number | undefined>) =>
    saidAndDone(
      text,
      offsets.map((offset, call) => callAt(call, offset)),
    ).map((part) => (part.kind === 'words' ? part.text : part.calls.map(({ call }) => call)))

  it('stands in the order in which it came', () => {
    expect(partsOf('I look.\n\nI add.\n\nDone.', [7, 15, 15])).to.deep.equal([
      'I look.',
      [0],
      'I add.',
      [1, 2],
      'Done.',
    ])
    expect(partsOf('Done.', [0])).to.deep.equal([[0], 'Done.'])
    // Nothing was said between them.
    expect(partsOf('I look.\n\nDone.', [7, 7])).to.deep.equal(['I look.', [0, 1], 'Done.'])
  })

  it('leaves no word out, whatever is told of it, and knows an older server', () => {
    expect(partsOf('Done.', [undefined])).to.deep.equal([[0], 'Done.'])
    expect(partsOf('I lo', [7])).to.deep.equal(['I lo', [0]])
    expect(partsOf('', [7])).to.deep.equal([[0]])
    // What comes late of an earlier one.
    expect(partsOf('I look.\n\nDone.', [7, 0])).to.deep.equal(['I look.', [0, 1], 'Done.'])
  })

  it('has its parts by names that stay, while more of it comes', () => {
    const names = (text: string, calls: number) =>
      saidAndDone(text, calls > 0 ? [callAt(0, 7)] : []).map(({ kind, at }) => `${kind} ${at}`)
    expect(names('I look.', 0)).to.deep.equal(['words 0'])
    expect(names('I look.', 1)).to.deep.equal(['words 0', 'calls 7'])
    expect(names('I look.\n\nDone.', 1)).to.deep.equal(['words 0', 'calls 7', 'words 7'])
  })
})
