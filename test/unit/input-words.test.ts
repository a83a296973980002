import { expect } from 'chai'
import { z } from 'zod'
import { chatSchemas } from '../../src/contract/chat.schemas.ts'
import { checkedInput } from '../../src/shared/checked-input.ts'
import { AppError } from '../../src/shared/errors.ts'

const issuesOf = (schema: z.ZodType, value: unknown): Array<[string, string]> => {
  try {
    checkedInput(schema, value)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return Object(error.details).issues.map(({ path, message }: Record<string, string>) => [path, message])
  }
  return []
}
const wordsOf = (schema: z.ZodType, value: unknown) => issuesOf(z.object({ it: schema }), { it: value })[0]?.[1]

describe('What is wrong with a field', () => {
  const shape: Array<[schema: z.ZodType, value: unknown, words: string]> = [
    [z.string(), undefined, 'is missing'],
    [z.guid('must be a UUID'), undefined, 'is missing'],
    [z.enum(['a', 'b']), undefined, 'is missing'],
    [z.string(), 1, 'must be text'],
    [z.string(), null, 'must be text'],
    [z.number(), 'x', 'must be a number'],
    [z.coerce.number(), 'x', 'must be a number'],
    [z.number().int(), 1.5, 'must be a whole number'],
    [z.boolean(), 'yes', 'must be true or false'],
    [z.array(z.string()), {}, 'must be a list'],
    [z.strictObject({}), [], 'must be an object'],
    [z.strictObject({}), null, 'must be an object'],
    [z.enum(['low', 'high']), 'x', 'must be one of low, high'],
    [z.literal('only'), 'x', 'must be "only"'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(12), 'x', 'must be at least 12 characters'],
    [z.string().max(100), 'x'.repeat(101), 'must be at most 100 characters'],
    [z.string().max(1), 'xx', 'must be at most 1 character'],
    [z.string().length(6), 'x', 'must be exactly 6 characters'],
    [z.array(z.string()).min(1), [], 'must not be empty'],
    [z.array(z.string()).min(2), [], 'must have at least 2 items'],
    [z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 item'],
    [z.number().min(1), 0, 'must be at least 1'],
    [z.number().max(2), 3, 'must be at most 2'],
    [z.number().gt(1), 1, 'must be more than 1'],
    [z.number().multipleOf(5), 3, 'must be a multiple of 5'],
    [z.email(), 'x', 'must be an e-mail address'],
    [z.uuid(), 'x', 'must be a UUID'],
    [z.iso.date(), 'x', 'must be a day, such as 2026-01-31'],
    [z.iso.datetime(), 'x', 'must be a moment, such as 2026-01-31T12:00:00Z'],
    [z.string().regex(/^a$/), 'x', 'is not written as it has to be'],
    [z.record(z.string().max(1), z.number()), { long: 1 }, 'has a key that it must not have'],
    [z.custom(() => false), 1, 'is not valid'],
  ]
  for (const [schema, value, words] of shape) {
    it(`is said for whoever wrote it: ${JSON.stringify(value)?.slice(0, 20)} "${words}"`, () => {
      expect(wordsOf(schema, value)).to.equal(words)
    })
  }

  it('is said once of a field, however much is wrong with it', () => {
    const name = z.string().min(3).regex(/^a/).max(60)
    expect(issuesOf(z.strictObject({ name }), { name: 'x' })).to.deep.equal([['name', 'must be at least 3 characters']])
  })

  it('of a body that may be one of two is said of the one that it is nearest to', () => {
    const { single, party } = chatSchemas({ MESSAGE_MAX_CHARS: 100, MAX_TURNS_CAP: 10 })
    const body = z.union([single, party])
    expect(issuesOf(body, {})).to.deep.equal([
      ['agentId', 'is missing'],
      ['message', 'is missing'],
    ])
    const id = '01990000-0000-7000-8000-0000000000a1'
    expect(issuesOf(body, { agentIds: [id, id], message: 'Tea?', strategy: 'x' })).to.deep.equal([
      ['agentIds', 'must not name an agent twice'],
      ['strategy', 'must be one of round_robin, supervisor, mention, handoff, panel'],
    ])
    expect(issuesOf(body, { agentIds: [1, id], message: 'Tea?' })).to.deep.equal([['agentIds.0', 'must be a UUID']])
  })
})
