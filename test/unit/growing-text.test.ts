import { expect } from 'chai'
import type { MessageView, RunView } from '../../src/contract/views.ts'
import { GrowingText } from '../../src/doors/openai/growing-text.ts'
import { ResponseEvents } from '../../src/doors/openai/response-events.ts'
import type { Speech } from '../../src/doors/speech-order.ts'
import { AppError } from '../../src/shared/errors.ts'

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const AT = '2026-01-01T00:00:00.000Z'

const began = (turn: number, agentName: string, attempt = 1): Speech => ({
  type: 'speech.began',
  turn,
  attempt,
  agentId: id(9),
  agentName,
})
const text = (turn: number, offset: number, said: string, attempt = 1): Speech => ({
  type: 'speech.text',
  turn,
  attempt,
  offset,
  text: said,
})
const voided = (turn: number, attempt = 1): Speech => ({ type: 'speech.void', turn, attempt })
const message = (turn: number, content: string, agentName: string): MessageView => ({
  id: id(100 + turn),
  seq: 2 + turn,
  role: 'agent',
  agentId: id(9),
  agentName,
  content,
  status: 'complete',
  runId: id(2),
  turn,
  fileIds: [],
  createdAt: AT,
})
const ended = (turn: number, content: string, agentName = 'Ada', attempt = 1): Speech => ({
  type: 'speech.ended',
  turn,
  attempt,
  message: message(turn, content, agentName),
})
const run: RunView = {
  id: id(2),
  conversationId: id(1),
  status: 'completed',
  strategy: 'round_robin',
  maxTurns: 3,
  stopReason: 'finished',
  error: null,
  turns: [],
  receipt: { turns: 2, inputTokens: 1, outputTokens: 1, credits: '0.000001', released: '0.000000', estimated: false },
  createdAt: AT,
  startedAt: AT,
  finishedAt: AT,
}
const over: Speech = { type: 'run.ended', run }

describe('A text that can only grow', () => {
  const single = { namesSpeakers: false, wholeTurns: false }
  const party = { namesSpeakers: true, wholeTurns: false }
  const pieces = (options: { namesSpeakers: boolean; wholeTurns: boolean }, ...speeches: Speech[]) => {
    const growing = new GrowingText(options)
    return speeches.map((speech) => growing.take(speech)).filter((piece) => piece !== '')
  }
  const two = [
    ...[began(0, 'Ada'), text(0, 0, 'I like '), text(0, 7, 'tea.'), ended(0, 'I like tea.')],
    ...[began(1, 'Otto'), text(1, 0, 'Coffee.'), ended(1, 'Coffee.', 'Otto'), over],
  ]

  it('goes out as it is said, each speaker of a party by name', () => {
    expect(pieces(party, ...two)).to.deep.equal(['Ada: ', 'I like ', 'tea.', '\n\nOtto: ', 'Coffee.'])
    expect(pieces(single, ...two.slice(0, 4), over)).to.deep.equal(['I like ', 'tea.'])
  })

  it('goes out by whole turns for who wants nothing else', () => {
    expect(pieces({ ...party, wholeTurns: true }, ...two)).to.deep.equal(['Ada: I like tea.', '\n\nOtto: Coffee.'])
    const again = [began(0, 'Ada'), text(0, 0, 'I li'), voided(0), began(0, 'Ada', 2), text(0, 0, 'Yes.', 2)]
    expect(pieces({ ...single, wholeTurns: true }, ...again, ended(0, 'Yes.'), over)).to.deep.equal(['Yes.'])
  })

  it('waits while an attempt says what was said, and goes on behind it', () => {
    const again = [began(0, 'Ada'), text(0, 0, 'I like t'), voided(0), began(0, 'Ada', 2), text(0, 0, 'I li', 2)]
    const rest = [text(0, 4, 'ke tea', 2), text(0, 10, '.', 2), ended(0, 'I like tea.'), over]
    expect(pieces(party, ...again, ...rest)).to.deep.equal(['Ada: ', 'I like t', 'ea', '.'])
  })

  it('is given up where what is kept is something else', () => {
    const shown = [began(0, 'Ada'), text(0, 0, 'I like t')]
    const others: Speech[][] = [
      [voided(0), began(0, 'Ada', 2), text(0, 0, 'You', 2)],
      [voided(0), began(0, 'Ada', 2), text(0, 0, 'I like', 2), ended(0, 'I like')],
      [voided(0), began(1, 'Otto')],
      [voided(0), over],
    ]
    for (const speeches of others) {
      expect(() => pieces(single, ...shown, ...speeches))
        .to.throw(AppError)
        .with.property('code', 'run.said_anew')
    }
  })
})

describe('The events of a response', () => {
  const given = { model: 'Ada', instructions: null, metadata: null, background: true, previous: null, isParty: true }
  const eventsOf = (after: number | undefined, speeches: Speech[]) => {
    const events = new ResponseEvents(run, given, { namesSpeakers: true, after })
    return [...events.first(), ...speeches.flatMap((speech) => events.take(speech))]
  }
  const textOf = (events: ReturnType<typeof eventsOf>) => events.map(({ delta }) => delta ?? '').join('')
  const live = [
    ...[began(0, 'Ada'), text(0, 0, 'I like '), text(0, 7, 'tea.'), ended(0, 'I like tea.')],
    ...[began(1, 'Otto'), text(1, 0, 'Cof'), text(1, 3, 'fee.'), ended(1, 'Coffee.', 'Otto'), over],
  ]
  /** As it is read from the rows later: each turn at once. */
  const later = [
    ...[began(0, 'Ada'), text(0, 0, 'I like tea.'), ended(0, 'I like tea.')],
    ...[began(1, 'Otto'), text(1, 0, 'Coffee.'), ended(1, 'Coffee.', 'Otto'), over],
  ]

  it('have numbers that only rise, and fit into 31 bits at the end of the longest run', () => {
    const numbers = eventsOf(undefined, live).map(({ sequence_number }) => sequence_number)
    expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b))
    const last = eventsOf(undefined, [began(49, 'Ada', 99), text(49, 0, 'x'.repeat(1_000_000)), over])
    expect(last.at(-1)?.sequence_number).to.be.below(2 ** 31)
  })

  it('read again behind any of them are exactly the rest, however they are cut then', () => {
    const whole = eventsOf(undefined, live)
    for (const [place, { sequence_number: after }] of whole.entries()) {
      const rest = eventsOf(after, later)
      const shown = textOf(whole.slice(0, place + 1)) + textOf(rest)
      expect(shown, `behind ${after}`).to.equal('Ada: I like tea.Otto: Coffee.')
      const kinds = ({ type }: { type: string }) => type !== 'response.output_text.delta'
      const kindsOf = (events: typeof whole) =>
        events.filter(kinds).map(({ type, sequence_number }) => [type, sequence_number])
      expect([...kindsOf(whole.slice(0, place + 1)), ...kindsOf(rest)]).to.deep.equal(kindsOf(whole))
    }
  })

  it('close what counts no more, and begin another item at the next place', () => {
    const again = [began(0, 'Ada'), text(0, 0, 'I li'), voided(0), began(0, 'Ada', 2), text(0, 0, 'Yes.', 2)]
    const events = eventsOf(undefined, [...again, ended(0, 'Yes.', 'Ada', 2), over])
    const items = events.filter(({ type }) => type === 'response.output_item.done')
    expect(items).to.have.length(2)
    expect(items[0]).to.deep.nested.include({ output_index: 0, 'item.status': 'incomplete' })
    expect(items[1]).to.deep.nested.include({ output_index: 1, 'item.status': 'completed' })
    expect(events.at(-1)).to.have.nested.property('response.output.length', 1)
  })
})
