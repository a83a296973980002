import { expect } from 'chai'
import type { ServerEvent } from '../../src/contract/events.ts'
import { readDecision } from '../../src/rounds/supervisor.ts'
import type { WireReply, WireRequest } from '../support/wire-server.ts'
import { useField } from './field-world.ts'
import { C, completion, D, F, good, refused, U } from './wires.ts'

const NAMES = ['Ada', 'Otto', 'Clara']
const PARTICIPANTS = NAMES.map((name, i) => ({ id: `id-${i}`, name }))
const isDecision = ({ messages }: WireRequest): boolean => messages.some(({ text }) => text.startsWith('You moderate'))

describe('Field 6: a supervisor is asked as its model can answer', function () {
  this.timeout(30_000)
  const field = useField()
  const speakersOf = ({ run, agentIds }: { run: { turns: Array<{ agentId: string | null }> }; agentIds: string[] }) =>
    run.turns.map(({ agentId }) => NAMES[agentIds.indexOf(agentId ?? '')] ?? null)
  const supervised = (decide: (request: WireRequest) => WireReply | string, maxTurns = 2) =>
    field.party((request) => (isDecision(request) ? decide(request) : good('I like tea.')), {
      names: NAMES,
      strategy: 'supervisor',
      maxTurns,
    })
  const decides = (text: string) => (request: WireRequest) => (request.stream ? good(text) : { body: completion(text) })

  const ANSWERS: Array<[what: string, text: string]> = [
    ['as asked', '{"done": false, "handBackToUser": false, "next": "Otto", "reason": "x"}'],
    ['with booleans as words', '{"done":"false","handBackToUser":"no","next":"Otto"}'],
    ['with more than the name', '{"done":false,"next":"Otto (the chemist)"}'],
    ['with a mention', '{"next":"@Otto"}'],
    ['in other letters', '{"next":"ＯＴＴＯ"}'],
    ['behind thoughts with braces', 'Let me think: {a, b} or {"done": true}? No. {"done": false, "next": "Otto"}'],
    ['behind an unclosed brace', 'Is it { or not? {"done": false, "next": "Otto"}'],
    ['in a block of thoughts', '<think>{"next":"Clara"}</think>{"next":"Otto"}'],
    ['with a trailing comma', '{"done": false, "next": "Otto",}'],
    ['in a fence, with chatter', 'Sure!\n```json\n{"next": "Otto", "done": false}\n```\nHope it helps.'],
    ["with Python's words", '{"done": False, "handBackToUser": None, "next": "Otto"}'],
    ['with an object within', '{"next":"Otto","why":{"fit":1}}'],
    ['as a list', '{"next":["Otto"]}'],
  ]
  for (const [what, text] of ANSWERS) {
    it(`an answer ${what} is read`, async () => {
      const outcome = await supervised(decides(text), 1)
      expect(speakersOf(outcome)).to.deep.equal(['Otto'])
      expect(outcome.run.notices).to.deep.equal([])
      expect(outcome.requests).to.have.length(2)
    })
  }

  for (const message of [
    "'response_format.type' must be 'json_schema' or 'text'",
    'This model does not support response format `json_object`.',
    'json_validate_failed: Failed to generate JSON. Please adjust your prompt.',
    'Structured outputs are not supported by this model',
    'Unrecognized request argument supplied: response_format',
  ]) {
    it(`a format that is refused is left out from then on: ${message.slice(0, 48)}`, async () => {
      let decisions = 0
      const outcome = await supervised((request) => {
        if (request.body.response_format !== undefined) return refused(400, message)
        decisions += 1
        return decides(`{"done": false, "next": "${decisions === 1 ? 'Otto' : 'Clara'}"}`)(request)
      })
      expect(speakersOf(outcome)).to.deep.equal(['Otto', 'Clara'])
      expect(outcome.requests).to.have.length(5)
    })
  }

  it('where only streams are served, it is streamed from then on', async () => {
    let decisions = 0
    const outcome = await supervised((request) => {
      if (!request.stream) return refused(400, 'This model only supports streaming: please set stream to true.')
      decisions += 1
      return good(`{"done": false, "next": "${decisions === 1 ? 'Otto' : 'Clara'}"}`)
    })
    expect(speakersOf(outcome)).to.deep.equal(['Otto', 'Clara'])
    expect(outcome.requests).to.have.length(5)
  })

  it('a stream although none was asked for is read', async () => {
    const outcome = await supervised(() => good('{"next":"Otto"}'), 1)
    expect(speakersOf(outcome)).to.deep.equal(['Otto'])
  })

  it('the limit of a decision leaves room for thoughts', async () => {
    const outcome = await supervised((request) => {
      const { max_tokens: limit } = request.body
      return Number(limit) < 1_500
        ? `${C({ reasoning_content: 'Hm.' })}${F('length')}${U}${D}`
        : { body: completion({ content: '{"next":"Otto"}', reasoning_content: 'Hm, hm.' }) }
    }, 1)
    expect(speakersOf(outcome)).to.deep.equal(['Otto'])
    expect(outcome.run.notices).to.deep.equal([])
  })

  it('an answer that a server took for a thought is read all the same', async () => {
    const outcome = await supervised(
      () => ({ body: completion({ content: null, reasoning_content: '{"next":"Otto"}' }) }),
      1,
    )
    expect(speakersOf(outcome)).to.deep.equal(['Otto'])
  })

  it('without a usable answer the run says so, in its view and by an event, and goes on', async () => {
    const seen: ServerEvent[] = []
    let stop: (() => Promise<void>) | undefined
    const outcome = await field.party(
      async (request) => {
        if (!isDecision(request)) return good('I like tea.')
        const [{ id } = { id: '' }] = await field.app.container.db.query(
          'SELECT id FROM conversations ORDER BY created_at DESC LIMIT 1',
        )
        stop ??= await field.app.container.feed.subscribe(id, (event) => seen.push(event))
        return { body: completion('I would rather not say.') }
      },
      { names: NAMES, strategy: 'supervisor', maxTurns: 2 },
    )
    await stop?.()
    expect(outcome.run.status).to.equal('completed')
    expect(outcome.run.notices).to.deep.equal([
      {
        turn: 0,
        code: 'supervisor.no_decision',
        message: 'The supervisor gave no usable answer. Whoever had been silent for longest spoke instead.',
      },
      {
        turn: 1,
        code: 'supervisor.no_decision',
        message: 'The supervisor gave no usable answer. Whoever had been silent for longest spoke instead.',
      },
    ])
    const told = seen.filter((event) => event.type === 'run.updated' && (event.run.notices?.length ?? 0) > 0)
    expect(told.length).to.be.at.least(1)
  })

  it('where the model cannot be asked, the run says why', async () => {
    const outcome = await supervised(
      () => ({ status: 401, body: '{"error":{"message":"Incorrect API key provided"}}' }),
      1,
    )
    expect(outcome.run.notices?.map(({ code }) => code)).to.deep.equal(['provider.unauthorized'])
    expect(outcome.run.notices?.[0]?.message).to.contain('refused the API key')
  })

  it('a name within the answer counts only where it is the only one, and a word of its own', () => {
    const read = (text: string, names = PARTICIPANTS) => readDecision(text, { participants: names, turns: [] }, false)
    expect(read('{"next":"Ada or Otto"}')).to.equal(undefined)
    expect(read('{"next":"Ottoman"}')).to.equal(undefined)
    expect(read('{"next":"I choose Clara."}')).to.deep.equal({ kind: 'speak', agentId: 'id-2' })
    expect(read('{"next":"小红 (先生)"}', [{ id: 'x', name: '小红' }])).to.deep.equal({ kind: 'speak', agentId: 'x' })
    expect(read('{"next":""}')).to.equal(undefined)
    expect(read('{"done":"true"}')).to.deep.equal({ kind: 'done' })
    expect(read('{"done":0,"handBackToUser":1}')).to.deep.equal({ kind: 'hand_back' })
  })
})
