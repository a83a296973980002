import { expect } from 'chai'
import type { Change } from '../../src/client/client.ts'
import { PartyPrinter } from '../../src/client/demo-printer.ts'

describe("the demo's printer", () => {
  const print = (changes: Change[]): string => {
    let output = ''
    const printer = new PartyPrinter(
      (text) => {
        output += text
      },
      (agentId) => agentId ?? 'Somebody',
    )
    for (const change of changes) printer.show(change)
    return output
  }
  const at = (turn: number) => ({ runId: 'run', turn })
  const start = (turn: number, agentName: string | null, attempt = 1): Change => {
    return { type: 'turn.started', ...at(turn), attempt, agentId: null, agentName }
  }
  const say = (turn: number, text: string): Change => ({ type: 'turn.text', ...at(turn), attempt: 1, text })
  const done = (turn: number): Change => ({
    type: 'turn.completed',
    ...at(turn),
    message: {
      id: 'm',
      seq: 1,
      role: 'agent',
      agentId: null,
      agentName: null,
      content: '',
      status: 'complete',
      runId: 'run',
      turn,
      fileIds: [],
      createdAt: '2026-01-01T00:00:00.000Z',
    },
  })

  it('prints names and words as they come, and what a failed attempt said again', () => {
    const reset: Change = { type: 'turn.reset', ...at(1) }
    const party = [start(0, 'Ada'), say(0, 'Tea '), say(0, 'it is.'), done(0), start(1, null), say(1, 'Cof'), reset]
    expect(print([...party, start(1, null, 2), say(1, 'Coffee.'), done(1)])).to.equal(
      'Ada: Tea it is.\n\nSomebody: Cof\n(again) Somebody: Coffee.\n\n',
    )
  })

  it('prints who speaks at once one after another', () => {
    const panel = [
      start(0, 'Ada'),
      start(1, 'Blaise'),
      say(1, 'Cof'),
      say(0, 'Te'),
      say(1, 'fee'),
      done(1),
      say(0, 'a'),
    ]
    expect(print([...panel, start(2, 'Clara'), say(2, 'Bo'), done(0), say(2, 'th'), done(2)])).to.equal(
      'Ada: Tea\n\nBlaise: Coffee\n\nClara: Both\n\n',
    )
  })

  it('says that a speaker passed', () => {
    expect(print([start(0, 'Ada'), { type: 'turn.completed', ...at(0), message: null }])).to.equal('Ada: (passes)\n\n')
  })
})
