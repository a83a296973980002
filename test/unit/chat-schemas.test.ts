import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { chatSchemas } from '../../src/contract/chat.schemas.ts'

const { single, party } = chatSchemas({ MESSAGE_MAX_CHARS: 100, MAX_TURNS_CAP: 20 })
const [a, b] = [randomUUID(), randomUUID()]
const talk = { agentIds: [a, b], message: 'Hello' }
/** The paths that are refused. */
const wrong = (schema: typeof single | typeof party, body: unknown): string[] =>
  (schema.safeParse(body).error?.issues ?? []).map((issue) =>
    [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys : [])].join('.'),
  )

describe('What may be asked in a chat', () => {
  it('is little: an agent and a message, or several agents', () => {
    expect(single.parse({ agentId: a, message: 'Hello' })).to.deep.equal({ agentId: a, message: 'Hello' })
    expect(party.parse(talk)).to.deep.equal(talk)
  })

  it('keeps the message letter by letter', () => {
    const message = '  Grüße,\n\n\t👩‍👩‍👧 "x" \\ \u2028 '
    expect(single.parse({ agentId: a, message }).message).to.equal(message)
  })

  it('has a message that says something, is not too long and can be stored', () => {
    for (const message of ['', ' \n\t ', '\u00a0', 'x'.repeat(101), 'a\0b', 'half \ud83d', 7, null, ['Hi']])
      expect(wrong(single, { agentId: a, message }), JSON.stringify(message)).to.deep.equal(['message'])
    expect(wrong(single, { agentId: a, message: 'x'.repeat(100) })).to.deep.equal([])
  })

  it('has two to ten agents, each once', () => {
    const many = (count: number) => ({ ...talk, agentIds: Array.from({ length: count }, () => randomUUID()) })
    expect([2, 10].map((count) => wrong(party, many(count)))).to.deep.equal([[], []])
    expect([0, 1, 11].map((count) => wrong(party, many(count)))).to.deep.equal([
      ['agentIds'],
      ['agentIds'],
      ['agentIds'],
    ])
    expect(wrong(party, { ...talk, agentIds: [a, a] })).to.deep.equal(['agentIds'])
  })

  it('is of a saved party or of agents, whatever else is wrong with it', () => {
    expect(party.parse({ partyId: a, message: 'Hi' })).to.deep.equal({ partyId: a, message: 'Hi' })
    expect(wrong(party, { ...talk, partyId: a })).to.deep.equal(['partyId'])
    expect(wrong(party, { message: 'Hi' })).to.deep.equal(['agentIds'])
    expect(wrong(party, { maxTurns: 0 })).to.have.members(['agentIds', 'message', 'maxTurns'])
    for (const nothing of [null, 'x', []]) expect(wrong(party, nothing)).to.deep.equal([''])
  })

  it('is limited by the server, whatever it asks for', () => {
    for (const maxTurns of [0, 21, 1.5, '5', -1])
      expect(wrong(party, { ...talk, maxTurns })).to.deep.equal(['maxTurns'])
    expect(party.parse({ ...talk, maxTurns: 20 }).maxTurns).to.equal(20)
    expect(wrong(single, { agentId: a, message: 'Hi', maxTurns: 3 })).to.deep.equal(['maxTurns'])
  })

  it('has stop rules that are exact: credits as decimal text, never as a float', () => {
    const stop = { maxRounds: 3, maxCredits: '12.000001', maxSeconds: 60, phrase: ' DONE ' }
    expect(party.parse({ ...talk, stop }).stop).to.deep.equal({ ...stop, maxCredits: 12_000_001n, phrase: 'DONE' })
    for (const maxCredits of [5, '0', '-1', '1.0000001', 'all', ''])
      expect(wrong(party, { ...talk, stop: { maxCredits } }), String(maxCredits)).to.deep.equal(['stop.maxCredits'])
    expect(wrong(party, { ...talk, stop: { maxTurns: 3 } })).to.deep.equal(['stop.maxTurns'])
    expect(wrong(party, { ...talk, stop: { maxSeconds: 3_601 } })).to.deep.equal(['stop.maxSeconds'])
  })

  it('knows five strategies and four ways to come in while others talk', () => {
    for (const strategy of ['round_robin', 'supervisor', 'mention', 'handoff', 'panel'])
      expect(wrong(party, { ...talk, strategy }), strategy).to.deep.equal([])
    for (const onBusy of ['interject', 'enqueue', 'interrupt', 'reject'])
      expect(wrong(party, { ...talk, onBusy }), onBusy).to.deep.equal([])
    expect(wrong(party, { ...talk, strategy: 'constructor', onBusy: 'wait' })).to.deep.equal(['strategy', 'onBusy'])
  })
})
