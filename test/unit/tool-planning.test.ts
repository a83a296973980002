import { expect } from 'chai'
import { type AgentTool, hashOf } from '../../src/tools/tool.ts'
import { argumentProblems } from '../../src/tools/tool-arguments.ts'
import { modelName } from '../../workers/mcp/mcp-tools.ts'
import { planCalls } from '../../workers/tools/plan-calls.ts'

const definition = {
  name: 'add',
  title: 'Add',
  description: 'Adds.',
  inputSchema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
  effect: 'writes' as const,
  keyed: false,
}
const tool: AgentTool = {
  ...definition,
  source: 'mcp',
  serverId: null,
  sourceName: 'add',
  onUnknown: 'tell',
  policy: 'allow',
  timeoutMs: 1_000,
  definitionHash: hashOf(definition),
}
const plan = (input: string, more: { id?: string; name?: string; tool?: Partial<AgentTool> } = {}) => {
  const tools = new Map([['add', { ...tool, ...more.tool }]])
  const [call] = planCalls([{ id: more.id ?? 'c1', name: more.name ?? 'add', input, providerData: null }], tools, [])
  return call
}

describe('Calls that a model writes', () => {
  it('are planned, asked about or denied as their owner says', () => {
    expect(plan('{"a":1}')).to.deep.include({
      status: 'planned',
      args: { a: 1 },
      providerCallId: 'c1',
      inputSchema: null,
    })
    expect(plan('{"a":1}', { tool: { policy: 'ask' } })).to.deep.include({
      status: 'awaiting',
      inputSchema: tool.inputSchema,
    })
    expect(plan('{"a":1}', { tool: { policy: 'deny' } })).to.deep.include({ status: 'denied' })
  })

  it('need arguments that are JSON and fit, bounded in size and depth', () => {
    for (const input of [
      '{"a":',
      '[1]',
      '7',
      '{"a":"1"}',
      '{}',
      `{"a":1,"b":${'['.repeat(80)}${']'.repeat(80)}}`,
      `{"a":1,"b":"${'x'.repeat(40_000)}"}`,
      // Nobody who decides on it would be shown its end.
      `{"a":1,"b":"${'\u200b'.repeat(12_000)}","to":"somebody else"}`,
    ]) {
      expect(plan(input), input.slice(0, 40)).to.deep.include({ status: 'failed', errorCode: 'tool.bad_arguments' })
    }
  })

  it('are kept as the database and providers can take them', () => {
    expect(plan('{"a":1,"b":"x\\u0000\\ud800"}')?.args).to.deep.equal({ a: 1, b: 'x\ufffd' })
    expect(plan('{"a":1}', { id: '' })?.providerCallId).to.equal('call00000')
    expect(plan('{}', { name: 'né!'.repeat(40) })?.name).to.match(/^[a-zA-Z0-9_-]{1,64}$/)
  })

  it('are listed in the order in which they were asked for: their ids are', () => {
    const written = Array.from({ length: 10 }, (_, n) => ({
      id: '',
      name: 'add',
      input: `{"a":${n}}`,
      providerData: null,
    }))
    const ids = planCalls(written, new Map([['add', tool]]), []).map(({ id }) => id)
    expect(ids).to.deep.equal([...ids].sort())
  })

  it('are of the tool that is meant: behind a space of names, and without what makes it unique, where only one can be', () => {
    const named = (name: string, ...others: string[]) => {
      const all = ['add_1', ...others].map((one) => ({ ...tool, name: one, serverId: one }))
      const tools = new Map(all.map((one) => [one.name, one]))
      const [call] = planCalls([{ id: 'c1', name, input: '{"a":1}', providerData: null }], tools, [])
      return [call?.name, call?.errorCode]
    }
    for (const name of ['add_1', 'functions.add_1', 'default_api.add_1', 'default_api:add', 'add', 'server/add'])
      expect(named(name), name).to.deep.equal(['add_1', null])
    expect(named('add', 'add_2')).to.deep.equal(['add', 'tool.unknown'])
    expect(named('functions.sub')).to.deep.equal(['functions_sub', 'tool.unknown'])
  })

  it('have names of tools of servers that every provider takes, and that are told apart', () => {
    for (const name of ['add', '2fa', '-x', 'größe.m²', 'x'.repeat(200), ''])
      expect(modelName('s1', name), name).to.match(/^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/)
    expect(modelName('s1', 'add')).to.not.equal(modelName('s2', 'add'))
    expect(modelName('s1', 'a.b')).to.not.equal(modelName('s1', 'a_b'))
  })

  it('are judged by schemas of strangers without running their expressions', () => {
    const evil = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } }
    expect(argumentProblems(evil, { a: `${'a'.repeat(40)}!` })).to.deep.equal([])
    expect(argumentProblems({ type: 'object', $ref: '#/nowhere' }, { a: 1 })).to.deep.equal([])
  })

  it('of what writes ask a person, unless the owner said otherwise; a definition that differs has another hash', () => {
    expect(plan('{"a":1}', { tool: { policy: null } })).to.deep.include({ status: 'awaiting' })
    const defaultPolicy = ({ a }: Record<string, unknown>) => (a === 1 ? 'allow' : 'ask')
    expect(plan('{"a":1}', { tool: { policy: null, defaultPolicy } })).to.deep.include({ status: 'planned' })
    expect(plan('{"a":2}', { tool: { policy: null, defaultPolicy } })).to.deep.include({ status: 'awaiting' })
    expect(plan('{"a":1}', { tool: { policy: 'ask', defaultPolicy } })).to.deep.include({ status: 'awaiting' })
    expect(hashOf({ ...definition, description: 'Adds!' })).to.not.equal(hashOf(definition))
    const reordered = { required: ['a'], properties: { a: { type: 'integer' } }, type: 'object' }
    expect(hashOf({ ...definition, inputSchema: reordered })).to.equal(hashOf(definition))
  })
})
