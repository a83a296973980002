import { expect } from 'chai'
import { addressed, named } from '../../src/rounds/addressing.ts'
import { nextStep } from '../../src/rounds/next-step.ts'
import { outlook, type StopRules } from '../../src/rounds/stop-rules.ts'
import { leastRecent, type PastTurn, type RoundState } from '../../src/rounds/strategy.ts'
import { decisionSchema, readDecision } from '../../src/rounds/supervisor.ts'

const [ada, blaise, clara] = [
  { id: 'a', name: 'Ada' },
  { id: 'b', name: 'Blaise' },
  { id: 'c', name: 'Clara Schumann' },
] as const
const participants = [ada, blaise, clara]
const rules: StopRules = { maxTurns: 9, maxRounds: null, maxCredits: null, maxSeconds: null, phrase: null }
const fresh = { spent: 0n, seconds: 0 }

const spoke = (...ids: string[]): PastTurn[] =>
  ids.map((agentId, index) => ({ index, agentId, passed: false, seenSeq: 1 }))
const state = (change: Partial<RoundState> = {}): RoundState => ({ participants, turns: [], lastText: '', ...change })
const panelists = (...turns: Array<Partial<PastTurn>>): PastTurn[] =>
  turns.map((turn, index) => ({ index, agentId: participants[index]?.id ?? '', passed: false, step: 0, ...turn }))

describe('Addressing', () => {
  const cases: Array<[string, string[]]> = [
    ['@Ada what do you think?', ['a']],
    ['Ada, what do you think?', ['a']],
    ['What do you think, Ada?', ['a']],
    ['I disagree. Blaise, your turn.', ['b']],
    ['Thanks, Ada. @Blaise, do you agree?', ['b']],
    ['Ada and Blaise, please answer.', ['a', 'b']],
    ['ada: how much is it?', ['a']],
    ['Over to Clara.', []],
    ['What about Clara?', ['c']],
    ['What would you do, Clara Schumann?', ['c']],
    ['@Clara', ['c']],
    ["I like Ada's point about cost.", []],
    ['Ada is right, and so is Blaise.', []],
    ['The Adage holds. Adalbert, no.', []],
    ['', []],
  ]
  for (const [text, ids] of cases) {
    it(`"${text}" calls ${ids.join(' and ') || 'nobody'}`, () =>
      expect(addressed(text, participants)).to.deep.equal(ids))
  }

  it('a name with signs of its own is a name and no pattern', () => {
    expect(
      addressed('@Q.E.D. (x+y)? And @R2', [
        { id: 'q', name: 'Q.E.D. (x+y)' },
        { id: 'r', name: 'R2' },
      ]),
    ).to.deep.equal(['q', 'r'])
  })

  it('names are found anywhere, the last one last', () => {
    expect(named("Blaise's risk and Ada's cost", participants)).to.deep.equal(['b', 'a'])
  })

  it('a first name that two share means neither', () => {
    const twins = [
      { id: '1', name: 'Ada King' },
      { id: '2', name: 'Ada Byron' },
    ]
    expect(addressed('@Ada, go on', twins)).to.deep.equal([])
    expect(addressed('@Ada Byron, go on', twins)).to.deep.equal(['2'])
  })
})

describe('Strategies', () => {
  const next = (name: Parameters<typeof nextStep>[0], known: Partial<RoundState>, unanswered = false) =>
    nextStep(name, state(known), rules, fresh, unanswered)

  it('round_robin: everybody in turn', () => {
    expect(next('round_robin', {})).to.deep.equal({ speak: ['a'] })
    expect(next('round_robin', { turns: spoke('a', 'b', 'c') })).to.deep.equal({ speak: ['a'] })
  })

  it('supervisor: the turn decides by itself, unless there is nothing to decide', () => {
    expect(next('supervisor', {})).to.deep.equal({ speak: [null] })
    expect(next('supervisor', { participants: [ada] })).to.deep.equal({ speak: ['a'] })
  })

  it('mention: whom the user calls, each once; then whom the speaker calls; else who was silent for longest', () => {
    const user = { text: '@Clara and @Blaise: is it safe?', seq: 1 }
    expect(next('mention', { lastText: user.text, user })).to.deep.equal({ speak: ['c'] })
    expect(next('mention', { lastText: 'Ada, help!', user, turns: spoke('c') })).to.deep.equal({ speak: ['b'] })
    expect(next('mention', { lastText: 'What now, Clara?', user, turns: spoke('c', 'b') })).to.deep.equal({
      speak: ['c'],
    })
    expect(next('mention', { lastText: 'Fine.', user, turns: spoke('c', 'b') })).to.deep.equal({ speak: ['a'] })
    expect(next('mention', { lastText: 'As I, Blaise, said. Blaise!', user, turns: spoke('c', 'b') })).to.deep.equal({
      speak: ['a'],
    })
  })

  it('mention: a new word of the user calls again whoever spoke before it', () => {
    const user = { text: '@Blaise, why?', seq: 4 }
    expect(next('mention', { lastText: user.text, user, turns: spoke('b', 'a') }, true)).to.deep.equal({ speak: ['b'] })
  })

  it('handoff: the speaker names who goes on; by a call, else by the last name; else in order', () => {
    expect(next('handoff', { lastText: 'Blaise, what do you think?' })).to.deep.equal({ speak: ['b'] })
    expect(next('handoff', { lastText: 'Ada is right. Clara, go on.', turns: spoke('b') })).to.deep.equal({
      speak: ['c'],
    })
    expect(next('handoff', { lastText: 'I leave that to Blaise and his doubts.', turns: spoke('a') })).to.deep.equal({
      speak: ['b'],
    })
    expect(next('handoff', { lastText: 'Nothing more.', turns: spoke('a', 'b') })).to.deep.equal({ speak: ['c'] })
    expect(next('handoff', { lastText: 'I, Ada, say so.', turns: spoke('a') })).to.deep.equal({ speak: ['b'] })
  })

  it('panel: all at once, then the moderator, then the end', () => {
    expect(next('panel', {})).to.deep.equal({ speak: ['a', 'b', 'c'] })
    const answers = panelists({}, {}, {})
    expect(next('panel', { turns: answers })).to.deep.equal({ speak: ['a'], kind: 'moderate' })
    const summed = [...answers, { index: 3, agentId: 'a', passed: false, kind: 'moderate' as const, step: 1 }]
    expect(next('panel', { turns: summed })).to.deep.equal({ end: 'finished' })
    expect(next('panel', { turns: summed }, true)).to.deep.equal({ speak: ['a', 'b', 'c'] })
  })

  it('panel: who failed does not moderate; when all pass there is nothing to sum up', () => {
    expect(next('panel', { turns: panelists({ failed: true }, {}, {}) })).to.deep.equal({
      speak: ['b'],
      kind: 'moderate',
    })
    expect(next('panel', { turns: panelists({ failed: true }, { passed: true }, { passed: true }) })).to.deep.equal({
      end: 'all_passed',
    })
    expect(next('panel', { turns: panelists({ passed: true }, { passed: true }, { passed: true }) })).to.deep.equal({
      end: 'all_passed',
    })
  })

  it('panel: where turns are short, the last give way to the moderator; the moderator is owed against soft rules', () => {
    const short = (maxTurns: number, turns: PastTurn[] = []) =>
      nextStep('panel', state({ turns }), { ...rules, maxTurns, maxRounds: 1, phrase: 'x' }, fresh, false)
    expect(short(3)).to.deep.equal({ speak: ['a', 'b'] })
    expect(short(3, panelists({}, {}))).to.deep.equal({ speak: ['a'], kind: 'moderate' })
    expect(short(4, panelists({}, {}, {}))).to.deep.equal({ speak: ['a'], kind: 'moderate' })
    expect(short(1)).to.deep.equal({ speak: ['a'] })
    expect(short(1, panelists({}))).to.deep.equal({ end: 'max_turns' })
  })

  it('who has been silent for longest is never the last speaker, unless alone', () => {
    expect(leastRecent({ participants, turns: spoke('a', 'b') })).to.equal('c')
    expect(leastRecent({ participants, turns: spoke('a', 'b', 'c', 'a') })).to.equal('b')
    expect(leastRecent({ participants: [ada], turns: spoke('a') })).to.equal('a')
  })
})

describe('Stop rules with an open word of the user', () => {
  const limits = { ...rules, maxTurns: 2, maxCredits: 100n }
  const following = (spent: bigint, seconds: number, unanswered: boolean) =>
    nextStep(
      'round_robin',
      state({ turns: spoke('a', 'b') }),
      { ...limits, maxSeconds: 60 },
      { spent, seconds },
      unanswered,
    )

  it('turns give way to it, credits and time do not, whichever rule comes first', () => {
    expect(following(10n, 1, false)).to.deep.equal({ end: 'max_turns' })
    expect(following(10n, 1, true)).to.deep.equal({ speak: ['c'] })
    expect(following(100n, 1, true)).to.deep.equal({ end: 'max_credits' })
    expect(following(10n, 60, true)).to.deep.equal({ end: 'max_seconds' })
  })

  it('near the end of the credits one last word is taken, and only one', () => {
    const step = (spent: bigint, turns = spoke('a', 'b')) =>
      nextStep('round_robin', state({ turns }), { ...limits, maxTurns: 9 }, { spent, seconds: 0 }, false)
    expect(step(40n)).to.deep.equal({ speak: ['c'] })
    expect(step(60n)).to.deep.equal({ speak: ['c'], kind: 'wrap_up' })
    expect(step(90n)).to.deep.equal({ end: 'max_credits' })
    expect(step(10n, [...spoke('a'), { index: 1, agentId: 'b', passed: false, kind: 'wrap_up' }])).to.deep.equal({
      end: 'max_credits',
    })
    expect(outlook({ ...limits }, 0, fresh)).to.equal('enough')
  })
})

describe("A supervisor's answer", () => {
  const known = { participants, turns: spoke('a') }
  const read = (text: string, unanswered = false) => readDecision(text, known, unanswered)

  it('names a speaker, in whatever wrapping', () => {
    for (const text of [
      '{"done":false,"handBackToUser":false,"next":"Blaise","reason":"risk"}',
      '```json\n{"next": "blaise"}\n```',
      'Sure! {"next":"@Blaise","done":null}',
    ])
      expect(read(text), text).to.deep.equal({ kind: 'speak', agentId: 'b' })
  })

  it('ends, or hands back, but not before the user was answered', () => {
    expect(read('{"done":true,"next":"Blaise"}')).to.deep.equal({ kind: 'done' })
    expect(read('{"handBackToUser":true,"next":""}')).to.deep.equal({ kind: 'hand_back' })
    expect(read('{"done":true,"next":"Blaise"}', true)).to.deep.equal({ kind: 'speak', agentId: 'b' })
    expect(read('{"done":true}', true)).to.equal(undefined)
  })

  it('is unusable when it is nonsense, names nobody known, or makes a monologue', () => {
    for (const text of [
      '',
      'Blaise',
      '{',
      '[]',
      '{"next":5}',
      '{"next":"Zoe"}',
      '{"next":"Ada"}',
      'I cannot help with that.',
    ])
      expect(read(text), text).to.equal(undefined)
  })

  it('is asked for by a schema that names the participants', () => {
    expect(decisionSchema(participants).properties.next.enum).to.deep.equal(['Ada', 'Blaise', 'Clara Schumann'])
  })
})
