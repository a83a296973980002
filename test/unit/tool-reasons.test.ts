import { expect } from 'chai'
import { reasonOf } from '../../src/console/views/room/tool-reasons.ts'
import { isServerProblem } from '../../src/console/views/servers/problem-words.ts'
import { toolFailureCodes } from '../../src/contract/tool-failures.ts'
import { FAULTS } from '../../src/mcp/mcp-fault.ts'

const call = (errorCode: string | null, status: 'failed' | 'denied' | 'unknown' | 'done' = 'failed', result = 'Why.') =>
  reasonOf({ name: 'add_12345678', sourceName: 'add', status, errorCode, result })

describe('Why a call came to nothing, in the console', () => {
  it('has words for each code, in the room or in the view of servers', () => {
    const mute = [...toolFailureCodes, ...Object.keys(FAULTS), 'mcp.tool_changed', 'mcp.off', 'mcp.paused', 'mcp.busy']
      .filter((code) => code !== 'tool.failed')
      .filter((code) => {
        const reason = call(code)
        return reason?.words.length !== 1 && !isServerProblem(reason?.serverCode ?? '')
      })
    expect(mute).to.deep.equal([])
  })

  it("marks a server's own words as such, and ours to the agent where they say more", () => {
    expect(call('tool.failed')?.quote).to.deep.equal({ of: 'server', text: 'Why.' })
    expect(call('tool.bad_arguments')?.quote).to.deep.equal({ of: 'agent', text: 'Why.' })
    expect(call('tool.gone')?.quote).to.equal(null)
    // Of a server of tomorrow, whose codes have no words here yet.
    expect(call('tool.of_tomorrow')?.quote).to.deep.equal({ of: 'agent', text: 'Why.' })
    const builtin = { name: 'calculator', sourceName: 'calculator', status: 'failed' as const, result: 'Unexpected.' }
    expect(reasonOf({ ...builtin, errorCode: 'tool.failed' })).to.deep.equal({
      words: ['tool.why.failed'],
      serverCode: null,
      quote: { of: 'agent', text: 'Unexpected.' },
    })
    // A server may call a tool of its own by the name of one that is built in.
    expect(reasonOf({ ...builtin, name: 'calculator_12345678', errorCode: 'tool.failed' })?.quote?.of).to.equal(
      'server',
    )
  })

  it('says how a call ended besides, and nothing of one that was done', () => {
    expect(call('tool.gone', 'unknown')?.words).to.deep.equal(['tool.unknown', 'tool.why.gone'])
    expect(call(null, 'denied')?.words).to.deep.equal(['tool.why.denied.you'])
    expect(call('tool.denied', 'denied')?.words).to.deep.equal(['tool.why.denied'])
    expect(call(null, 'done')).to.equal(null)
  })
})
