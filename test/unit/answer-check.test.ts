import { expect } from 'chai'
import { z } from 'zod'
import { listOf } from '../../src/contract/views.ts'
import { deviation, unpromised } from '../../src/http/answer-check.ts'
import { defineRoute, defineStreamRoute, Reply } from '../../src/http/route.ts'

const thing = z.object({ id: z.string(), note: z.string().optional() })
const route = defineRoute({
  method: 'get',
  path: '/api/things/:id',
  access: 'user',
  scope: 'read',
  params: z.object({ id: z.string() }),
  summary: 'A thing',
  response: thing,
  others: { 202: z.object({ later: z.boolean() }) },
  errors: ['agent.not_found'],
  handler: async () => new Reply(202, { later: true }),
})
const error = (code: string) => ({ error: { code, message: 'What happened.', details: {} } })

describe('What a route promises', () => {
  it('is what it may answer: its fields, its other statuses, its errors and those of any route', () => {
    expect(unpromised(route, 200, { id: 'a' })).to.equal(undefined)
    expect(unpromised(route, 200, { id: 'a', note: undefined }), 'as JSON has it').to.equal(undefined)
    expect(unpromised(route, 202, { later: true })).to.equal(undefined)
    for (const code of ['agent.not_found', 'request.not_found', 'auth.unauthorized', 'server.error']) {
      expect(unpromised(route, 404, error(code)), code).to.equal(undefined)
    }
  })

  it('is broken by a field too few or too many, another status, an error that is not named or has another form', () => {
    expect(unpromised(route, 200, {})).to.include('id')
    expect(unpromised(route, 200, { id: 'a', secret: 1 })).to.equal('unknown fields: secret')
    expect(unpromised(route, 201, { id: 'a' })).to.include('no JSON')
    expect(unpromised(route, 409, error('agent.too_many'))).to.include('agent.too_many')
    expect(unpromised(route, 403, error('auth.forbidden')), 'of administrators only').to.include('auth.forbidden')
    expect(unpromised(route, 404, { error: 'no' })).to.include('no error as errors are')
  })

  it('names where fields are that nobody knows, in lists too', () => {
    const sent = { data: [{ id: 'a' }, { id: 'b', extra: {} }], nextCursor: null, total: 2 }
    expect(deviation(listOf(thing), sent)).to.equal('unknown fields: data.1.extra, total')
  })

  it('is nothing as JSON, of a route that answers 204 or other content', () => {
    const none = { ...route, answers: { 204: null } }
    expect(unpromised(none, 204, {})).to.include('no JSON')
    const stream = defineStreamRoute({
      method: 'get',
      path: '/api/bytes',
      access: 'public',
      scope: 'public',
      summary: 'Bytes',
      answers: { 200: { types: ['text/plain'], says: 'Bytes.' } },
      errors: [],
      handler: async () => {},
    })
    expect(unpromised(stream, 200, {})).to.include('no JSON')
  })
})
