import { expect } from 'chai'
import { nextStep } from '../../src/rounds/next-step.ts'
import type { StopRules } from '../../src/rounds/stop-rules.ts'
import type { PastTurn, RoundState } from '../../src/rounds/strategy.ts'

const participants = ['a', 'b', 'c'].map((id) => ({ id, name: id.toUpperCase() }))
const rules: StopRules = { maxTurns: 50, maxRounds: null, maxCredits: null, maxSeconds: null, phrase: null }
const fresh = { spent: 0n, seconds: 0 }
const taken = (turns: string, lastText = 'Words.'): RoundState => ({
  participants,
  turns: [...turns].map((letter, index): PastTurn => {
    const agentId = letter.toLowerCase()
    return { index, agentId, passed: letter !== agentId }
  }),
  lastText,
})
const next = (state: RoundState, change: Partial<StopRules> = {}, progress = fresh, unanswered = false) =>
  nextStep('round_robin', state, { ...rules, ...change }, progress, unanswered)

describe('Going round', () => {
  it('begins with the first, and comes back to the first after the last', () => {
    expect(['', 'a', 'ab', 'abc', 'abca'].map((turns) => next(taken(turns)))).to.deep.equal(
      ['a', 'b', 'c', 'a', 'b'].map((id) => ({ speak: [id] })),
    )
  })

  it('goes on after whoever spoke last, also out of order, and after one who passed', () => {
    expect(next(taken('ca'))).to.deep.equal({ speak: ['b'] })
    expect(next(taken('aB'))).to.deep.equal({ speak: ['c'] })
  })

  it('starts over when the last speaker is not among the participants any more', () => {
    expect(next(taken('x'))).to.deep.equal({ speak: ['a'] })
  })

  it('stays with the one who is alone', () => {
    const alone = { ...taken('a'), participants: participants.slice(0, 1) }
    expect(next(alone)).to.deep.equal({ speak: ['a'] })
    expect(next(alone, { maxTurns: 1 })).to.deep.equal({ end: 'finished' })
  })

  it('ends by its rules', () => {
    expect(next(taken('abc'), { maxTurns: 3 })).to.deep.equal({ end: 'max_turns' })
    expect(next(taken('ABC'))).to.deep.equal({ end: 'all_passed' })
  })

  it('does not end over words of the user that nobody has answered', () => {
    const speaks = { speak: ['a'] }
    expect(next(taken('abc'), { maxTurns: 3 }, fresh, true)).to.deep.equal(speaks)
    expect(next(taken('abc', 'the end'), { phrase: 'end' }, fresh, true)).to.deep.equal(speaks)
    expect(next(taken('ABC'), {}, fresh, true)).to.deep.equal(speaks)
  })

  it('ends even over those when its credits or its time are used up', () => {
    expect(next(taken('abc'), { maxCredits: 5n }, { spent: 5n, seconds: 0 }, true)).to.deep.equal({
      end: 'max_credits',
    })
    expect(next(taken('abc'), { maxSeconds: 5 }, { spent: 0n, seconds: 5 }, true)).to.deep.equal({ end: 'max_seconds' })
  })

  it('never runs past its turns in a long life, whatever was said', () => {
    let turns = ''
    for (;;) {
      const step = next(taken(turns), { maxTurns: 20 })
      if ('end' in step) break
      turns += step.speak[0]
    }
    expect(turns).to.equal('abcabcabcabcabcabcab')
  })
})
