import { expect } from 'chai'
import { type StopRules, stopReasonOf } from '../../src/rounds/stop-rules.ts'
import type { PastTurn, RoundState } from '../../src/rounds/strategy.ts'

const participants = ['a', 'b', 'c'].map((id) => ({ id, name: id.toUpperCase() }))
const none: StopRules = { maxTurns: 50, maxRounds: null, maxCredits: null, maxSeconds: null, phrase: null }
const fresh = { spent: 0n, seconds: 0 }

/** Turns in order; a capital letter passed. */
const taken = (turns: string, lastText = 'Words.'): RoundState => ({
  participants,
  turns: [...turns].map((letter, index): PastTurn => {
    const agentId = letter.toLowerCase()
    return { index, agentId, passed: letter !== agentId }
  }),
  lastText,
})
const reason = (rules: Partial<StopRules>, state: RoundState, progress = fresh) =>
  stopReasonOf({ ...none, ...rules }, state, progress)

describe('A run stops', () => {
  it('not by itself', () => {
    expect(reason({}, taken(''))).to.equal(null)
    expect(reason({}, taken('abcabcabc'))).to.equal(null)
  })

  it('when its turns are used up, always', () => {
    expect(reason({ maxTurns: 3 }, taken('ab'))).to.equal(null)
    expect(reason({ maxTurns: 3 }, taken('abc'))).to.equal('max_turns')
    expect(reason({ maxTurns: 3 }, taken('abcd'))).to.equal('max_turns')
  })

  it('as finished when the one agent that was asked has answered', () => {
    const alone = { ...taken('a'), participants: participants.slice(0, 1) }
    expect(reason({ maxTurns: 1 }, alone)).to.equal('finished')
  })

  it('after whole rounds', () => {
    expect(reason({ maxRounds: 2 }, taken('abcab'))).to.equal(null)
    expect(reason({ maxRounds: 2 }, taken('abcabc'))).to.equal('max_rounds')
  })

  it("at its phrase, however it is written, but not at the user's own words", () => {
    expect(reason({ phrase: 'We are done' }, taken('a', 'So, WE ARE DONE.'))).to.equal('phrase')
    expect(reason({ phrase: 'We are done' }, taken('a', 'We are nearly done'))).to.equal(null)
    expect(reason({ phrase: 'We are done' }, taken('', 'Say "we are done" at the end.'))).to.equal(null)
    expect(reason({ phrase: 'x.*' }, taken('a', 'xyz')), 'a phrase is no pattern').to.equal(null)
  })

  it('when everybody passes one after another, not when somebody still spoke', () => {
    expect(reason({}, taken('abcABC'))).to.equal('all_passed')
    expect(reason({}, taken('ABC'))).to.equal('all_passed')
    expect(reason({}, taken('AB'))).to.equal(null)
    expect(reason({}, taken('ABcAB'))).to.equal(null)
  })

  it('when its credits or its time are used up, to the last part', () => {
    expect(reason({ maxCredits: 10n }, taken('a'), { spent: 9n, seconds: 0 })).to.equal(null)
    expect(reason({ maxCredits: 10n }, taken('a'), { spent: 10n, seconds: 0 })).to.equal('max_credits')
    expect(reason({ maxSeconds: 60 }, taken('a'), { spent: 0n, seconds: 59.9 })).to.equal(null)
    expect(reason({ maxSeconds: 60 }, taken('a'), { spent: 0n, seconds: 60 })).to.equal('max_seconds')
    const huge = 2n ** 60n
    expect(reason({ maxCredits: huge }, taken('a'), { spent: huge - 1n, seconds: 0 })).to.equal(null)
  })

  it('for the first of several reasons, in an order that does not change', () => {
    const all = { maxTurns: 3, maxRounds: 1, maxCredits: 1n, maxSeconds: 1, phrase: 'end' }
    const over = { spent: 5n, seconds: 5 }
    expect(reason(all, taken('abc', 'the end'), over)).to.equal('phrase')
    expect(reason(all, taken('ABC'), over)).to.equal('all_passed')
    expect(reason(all, taken('abc'), over)).to.equal('max_turns')
    expect(reason({ ...all, maxTurns: 9 }, taken('abc'), over)).to.equal('max_rounds')
    expect(reason({ ...all, maxTurns: 9, maxRounds: 9 }, taken('abc'), over)).to.equal('max_credits')
  })
})
