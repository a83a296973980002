import { expect } from 'chai'
import { isOfValue, lessonOf } from '../../src/connections/dialects/lessons.ts'
import { OpenAiWire } from '../../src/connections/dialects/openai-wire.ts'
import { presentMessage } from '../../src/conversations/conversation.presenter.ts'
import { checkAnswer, formIssues, storedForm } from '../../src/runs/answer-forms.ts'
import { objectIn } from '../../src/shared/json-in-text.ts'
import { isStrict } from '../../workers/agent-runtime/answer-rules.ts'
import { stepMessages } from '../../workers/agent-runtime/step-prompt.ts'

const form = (properties: object, more: object = {}) => ({
  schema: { type: 'object' as const, properties, required: Object.keys(properties), ...more },
})

describe('The JSON in an answer', () => {
  const jsonIn = (text: string) => objectIn(text)?.json

  it('is the last object that stands by itself, whatever is around it', () => {
    expect(jsonIn('{"a": 1}')).to.equal('{"a": 1}')
    expect(jsonIn('Here:\n```json\n{"a": {"b": "}"}}\n```\nAnything else {you} need?')).to.equal('{"a": {"b": "}"}}')
    expect(jsonIn('A draft: {"a": 1}. Better: {"a": 2}')).to.equal('{"a": 2}')
    expect(jsonIn('A set { is open. {"a": "\\"{"} end')).to.equal('{"a": "\\"{"}')
    for (const none of ['', 'no', '[1]', '{"a": }', '{"a": 1', '{a: 1}', '"{}']) {
      expect(jsonIn(none), none).to.equal(none === '"{}' ? '{}' : undefined)
    }
  })

  it('is looked for in time by the length of the text, and no deeper than can be read', () => {
    expect(jsonIn('{'.repeat(200_000))).to.equal(undefined)
    expect(jsonIn(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).to.equal(undefined)
    expect(objectIn('{"a": [1, {"b": 2}]}')).to.deep.include({ values: 4, depth: 3 })
  })
})

describe('An answer of a form', () => {
  it('is its very JSON, or what is wrong with it', () => {
    const place = form({ city: { type: 'string', pattern: '^[a-z]+$' }, n: { type: ['integer', 'null'] } })
    expect(checkAnswer(place, 'It is {"city":"Rome", "n":12345678901234567890123}')).to.deep.equal({
      faults: ['n: Too big: expected int to be <=9007199254740991'],
    })
    expect(checkAnswer(place, 'It is {"city":"Rome",  "n":null}')).to.deep.equal({ json: '{"city":"Rome",  "n":null}' })
    expect(checkAnswer(place, '{"n": 1}')).to.have.property('faults').with.length(1)
    expect(checkAnswer(place, 'Rome')).to.deep.equal({ faults: ['There is no JSON object in it that can be read.'] })
  })

  it('follows references, also beside other words', () => {
    const city = { $ref: '#/$defs/city', description: 'Where.' }
    const tree = form({ city }, { $defs: { city: { ...form({ name: { type: 'string' } }).schema } } })
    expect(formIssues(tree)).to.deep.equal([])
    expect(checkAnswer(tree, '{"city": {"name": "Rome"}}')).to.have.property('json')
    expect(checkAnswer(tree, '{"city": {}}')).to.have.property('faults')
  })

  it('of more values than can be checked in passing is not', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`p${n}`, { type: 'string' }]))
    const list = form({ a: { type: 'array', items: form(many).schema } })
    const checked = checkAnswer(list, JSON.stringify({ a: Array.from({ length: 2_000 }, () => ({})) }))
    expect(checked).to.deep.equal({ faults: ['It has too many values to be checked: be brief.'] })
  })

  it('is shown as data where its message has it, and as its text alone where that is something else, or long', () => {
    const message = {
      ...{ id: 'm', conversationId: 'c', seq: 2, role: 'agent' as const, agentId: 'a', agentName: 'Ada' },
      ...{ status: 'complete' as const, runId: 'r', turn: 0, fileIds: [], createdAt: new Date(0) },
    }
    const shown = (content: string, isData = true) => presentMessage({ ...message, content, isData }).data
    expect(shown('{"a": 1}')).to.deep.equal({ a: 1 })
    expect(shown('{"a": 1}', false)).to.equal(undefined)
    expect(shown('As an old worker said: {"a": 1}')).to.equal(undefined)
    expect(shown(JSON.stringify({ a: 'x'.repeat(65_536) }))).to.equal(undefined)
  })

  it('is kept without what the database cannot keep', () => {
    expect(storedForm({ schema: { type: 'object', description: 'a\0b\ud800' } })).to.deep.equal({
      schema: { type: 'object', description: 'ab\ufffd' },
    })
  })

  it('is asked for strictly where its schema is of that kind', () => {
    const strict = { additionalProperties: false }
    expect(isStrict(form({ required: { type: 'string' } }, strict).schema)).to.equal(true)
    expect(isStrict(form({ a: form({}).schema }, strict).schema)).to.equal(false)
    expect(isStrict(form({ default: { type: 'string' } }, strict).schema)).to.equal(true)
    expect(isStrict(form({ a: { oneOf: [{ type: 'string' }] } }, strict).schema)).to.equal(false)
    expect(isStrict({ ...form({ a: {} }, strict).schema, required: [] })).to.equal(false)
    expect(isStrict(form({ a: { $ref: '#/$defs/x' } }, { ...strict, $defs: { x: form({}).schema } }).schema)).to.equal(
      false,
    )
  })

  it('given once more is asked for behind what was wrong', () => {
    const steps = [{ step: 0, text: '', thoughts: null }]
    const { messages } = stepMessages({ steps, calls: [] }, { budget: 100, isLast: true, repair: () => 'Once more.' })
    expect(messages).to.deep.equal([
      { role: 'assistant', content: [{ type: 'text', text: '(Nothing.)' }] },
      { role: 'user', content: [{ type: 'text', text: 'Once more.' }] },
    ])
  })

  it('that a model says that it will not give ends as refused', () => {
    const wire = new OpenAiWire()
    wire.read({ choices: [{ delta: { refusal: 'No.' }, finish_reason: 'stop' }] }, { isWhole: false })
    expect(wire.close()).to.include('"content_filter"')
  })

  it('teaches of a server what it takes, and nothing by what is wrong with one schema', () => {
    const sent = (words: string) => {
      const body = { response_format: { type: 'json_schema', json_schema: {} } }
      const trait = lessonOf({ status: 400, words, body }, [])
      return [trait, trait && isOfValue(trait, words)]
    }
    expect(sent("'response_format' of type 'json_schema' is not supported with this model.")).to.deep.equal([
      'no_json_schema',
      false,
    ])
    expect(sent('response_format is not supported.')).to.deep.equal(['no_response_format', false])
    expect(
      sent("Invalid schema for response_format 'x': In context=(), 'additionalProperties' is required to be false."),
    ).to.deep.equal(['no_json_schema', true])
  })
})
