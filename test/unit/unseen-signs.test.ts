import { expect } from 'chai'
import { doubtOf } from '../../src/doors/told-call.ts'
import { presentToolCall, type ShownToolCall } from '../../src/tools/tool-call.presenter.ts'
import { isMisleading, withoutUnseen } from '../../src/tools/unseen-signs.ts'

const TAGS = '\u{e0069}\u{e0067}\u{e006e}'
const call: ShownToolCall = {
  id: 'c',
  call: 0,
  step: 0,
  name: 'pay_0a1b2c3d',
  sourceName: 'pay',
  title: 'Pay',
  status: 'awaiting',
  args: {},
  result: null,
  errorCode: null,
  files: null,
  inheritedFrom: null,
  attempt: null,
  startedAt: null,
  endedAt: null,
}

describe('Signs that nobody sees', () => {
  it('stand as what they are in the arguments that a person decides on, which stay the same JSON', () => {
    const args = { to: `a\u202egnp.exe`, 'b\u200b': TAGS, note: 'é 👩‍🚀 می‌خواهم\u009b31m', blank: '\u3164' }
    const shown = presentToolCall({ ...call, args }).args
    expect(JSON.parse(shown)).to.deep.equal(args)
    for (const written of ['a\\u202egnp', 'b\\u200b', '\\udb40\\udc69', '\\u009b31m', '\\u3164'])
      expect(shown).to.include(written)
    expect(shown).to.include('é 👩‍🚀 می‌خواهم')
  })

  it('stand as what they are in the name of a tool, which a model may have made up', () => {
    expect(presentToolCall(call).sourceName).to.equal('pay')
    expect(presentToolCall({ ...call, sourceName: `pay\u202e${TAGS}` }).sourceName).to.match(/^pay\\u202e\\udb40/)
  })

  it('behind the beginning that doors show of long arguments are told of to whoever decides', () => {
    const long = presentToolCall({ ...call, args: { a: 'x'.repeat(600), to: 'somebody else' } })
    expect(long.args).not.to.include('somebody else')
    expect(doubtOf(long)).to.include('only the beginning')
    expect(doubtOf({ ...long, status: 'done' })).to.equal(undefined)
    expect(doubtOf(presentToolCall(call))).to.equal(undefined)
    const again = presentToolCall({ ...call, args: { a: 'x'.repeat(600) }, startedAt: new Date() })
    expect(doubtOf(again)).to.include('started once').and.to.include('only the beginning')
  })

  it('are told of in definitions of tools, and taken out of what a tool gave back', () => {
    expect(isMisleading(`Reads.${TAGS}`)).to.equal(true)
    expect(isMisleading('Liest. يقرأ \u200f👩‍🚀')).to.equal(false)
    expect(withoutUnseen(`Sencha.${TAGS} 👩‍🚀`)).to.equal('Sencha. 👩‍🚀')
  })
})
