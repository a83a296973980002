import { expect } from 'chai'
import { expectSettledOnce } from '../support/invariants.ts'
import type { MockProvider, MockRequest } from '../support/mock-llm.ts'
import { callsOf, usePartyWorld } from './party-world.ts'

/** With prices. */
const MODELS: Partial<Record<MockProvider, string>> = {
  openai: 'gpt-5-mini',
  anthropic: 'claude-sonnet-4-5',
  google: 'gemini-2.5-flash',
  groq: 'llama-3.3-70b-versatile',
}
const USAGE = { inputTokens: 100, outputTokens: 10 }
const isFirst = { match: (request: MockRequest) => !JSON.stringify(request.body).includes('<result>\\n') }
const hasResult = { match: (request: MockRequest) => JSON.stringify(request.body).includes('<result>\\n') }

describe('An agent with tools', () => {
  const world = usePartyWorld()

  const withTools = async (tools: object[], provider: MockProvider = 'openai-compatible', more: object = {}) => {
    const user = await world.app.api.register()
    const model = MODELS[provider] ?? 'test-model'
    const agentIds = await user.agentsOn({ provider, baseUrl: world.llm.baseUrl(provider), model }, ['Ada'])
    const [agentId = ''] = agentIds
    const agent = await user.put(`/api/agents/${agentId}`, { tools, ...more })
    expect(agent.status, JSON.stringify(agent.body)).to.equal(200)
    const ask = async (message = 'What is it?') => {
      const accepted = await user.accept('/api/chat', { agentId, message })
      const run = await user.finished(accepted.runId)
      const messages = await user.messages(accepted.conversationId)
      return { run, messages, last: messages.at(-1), ...accepted }
    }
    return { user, agentId, ask }
  }

  for (const provider of ['openai-compatible', 'openai', 'anthropic', 'google', 'groq', 'ollama'] as const) {
    it(`uses them over the wire of ${provider}: the result is in the next call, the answer in one message, each call paid once`, async () => {
      world.llm.reply({
        when: isFirst,
        text: 'Let me see.',
        toolCalls: [{ name: 'calculator', arguments: { expression: '6 * 7' } }],
        usage: USAGE,
      })
      world.llm.reply({ when: hasResult, text: 'It is 42.', usage: USAGE })
      const { ask } = await withTools([{ name: 'calculator' }], provider)
      const { run, last, runId } = await ask()
      expect(run).to.deep.include({ status: 'completed', error: null })
      expect(last?.content).to.equal('Let me see.\n\nIt is 42.')
      expect(last?.toolCalls).to.have.length(1)
      expect(last?.toolCalls?.[0]).to.deep.include({
        name: 'calculator',
        status: 'done',
        result: '42',
        call: 0,
        step: 0,
      })
      expect(run.receipt).to.deep.include({ turns: 1, steps: 1, inputTokens: 200, outputTokens: 20 })
      expect(await callsOf(world.app.container.db, runId)).to.deep.equal(
        [0, 1].map((call) => ({ turn: 0, attempt: 1, call, purpose: 'speak', outcome: 'charged' })),
      )
      expect(world.llm.requests).to.have.length(2)
      expect(JSON.stringify(world.llm.requests[1]?.body)).to.include('42')
      expect(last?.credits).to.equal(run.receipt.credits)
      await expectSettledOnce(world.app.container.db, runId)
    })
  }

  it('is told what is wrong with a call, and can do better', async () => {
    world.llm.replyOnce({ toolCalls: [{ name: 'teleport', arguments: {} }] })
    world.llm.replyOnce({ toolCalls: [{ name: 'calculator', arguments: '{"expression": ' }] })
    world.llm.replyOnce({ toolCalls: [{ name: 'calculator', arguments: { formula: '1' } }] })
    world.llm.reply('I cannot count.')
    const { ask } = await withTools([{ name: 'calculator' }, { name: 'current_time', policy: 'deny' }])
    const { run, last } = await ask()
    expect(run.status).to.equal('completed')
    expect(last?.toolCalls?.map(({ name, errorCode }) => [name, errorCode])).to.deep.equal([
      ['teleport', 'tool.unknown'],
      ['calculator', 'tool.bad_arguments'],
      ['calculator', 'tool.bad_arguments'],
    ])
    // Three steps in vain: no more is to be called, and the answer is asked for.
    expect(world.llm.requests.map(({ body }) => body.tool_choice)).to.deep.equal(['auto', 'auto', 'auto', 'none'])
    expect(last?.toolCalls?.[0]?.result).to.include('There are: calculator.')
    expect(JSON.stringify(world.llm.requests[0]?.body.tools)).to.not.include('current_time')
  })

  it('that calls the same for ever is stopped, with words', async () => {
    world.llm.reply({ when: { match: ({ body }) => body.tool_choice === 'none' }, text: 'Enough.' })
    world.llm.reply({
      when: { match: ({ body }) => body.tool_choice !== 'none' },
      toolCalls: [{ name: 'calculator', arguments: { expression: '1+1' } }],
    })
    const { ask } = await withTools([{ name: 'calculator' }])
    const { run, last } = await ask()
    expect(run.status).to.equal('completed')
    expect(last?.content).to.equal('Enough.')
    expect(last?.toolCalls?.map(({ status }) => status)).to.deep.equal(['done', 'done', 'done', 'failed'])
    expect(last?.toolCalls?.at(-1)?.errorCode).to.equal('tool.repeated')
  })

  it('takes no more steps than it is allowed', async () => {
    let n = 0
    world.llm.reply({ when: { match: ({ body }) => body.tool_choice === 'none' }, text: 'That was it.' })
    world.llm.reply({
      when: { match: ({ body }) => body.tool_choice !== 'none' && n++ >= 0 },
      toolCalls: [{ name: 'current_time', arguments: {} }],
    })
    const { ask } = await withTools([{ name: 'current_time' }], 'openai-compatible', { maxSteps: 3 })
    const { run, last } = await ask()
    expect(run).to.deep.include({ status: 'completed' })
    expect(run.receipt.steps).to.equal(2)
    expect(last?.content).to.equal('That was it.')
  })

  it('may ask for ten at once, and is told of the eleventh', async () => {
    const toolCalls = Array.from({ length: 11 }, (_, n) => ({
      name: 'calculator',
      arguments: { expression: `${n} + 1` },
    }))
    world.llm.replyOnce({ toolCalls })
    world.llm.reply('Done.')
    const { ask } = await withTools([{ name: 'calculator' }])
    const { last } = await ask()
    expect(last?.toolCalls?.map(({ result, status }) => (status === 'done' ? result : status))).to.deep.equal([
      ...Array.from({ length: 10 }, (_, n) => String(n + 1)),
      'failed',
    ])
  })

  it('that fails after a step keeps what it had said and done, and watchers are told', async () => {
    const hold = world.llm.hold()
    world.llm.reply({ when: hasResult, status: 401, error: { message: 'No.' } })
    world.llm.reply({
      when: isFirst,
      hold,
      text: 'Let me see.',
      toolCalls: [{ name: 'calculator', arguments: { expression: '6 * 7' } }],
      usage: USAGE,
    })
    const { user, agentId } = await withTools([{ name: 'calculator' }])
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'What is it?' })
    const told: string[] = []
    const unsubscribe = await world.app.container.feed.subscribe(conversationId, (event) => {
      if (event.type === 'message.created' && event.message.role === 'agent') told.push(event.message.content)
    })
    hold.release()
    expect(await user.finished(runId)).to.deep.include({ status: 'failed' })
    await unsubscribe()
    const last = (await user.messages(conversationId)).at(-1)
    expect(last).to.deep.include({ content: 'Let me see.', status: 'failed' })
    expect(last?.toolCalls?.[0]).to.deep.include({ status: 'done', result: '42' })
    expect(told).to.deep.equal(['Let me see.'])
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('is refused where a tool does not exist, with the field', async () => {
    const user = await world.app.api.register()
    const tools = [{ name: 'calculator' }, { name: 'teleport' }, { serverId: user.id, name: 'x' }]
    const answer = await user.post('/api/agents', { name: 'Ada', instructions: 'You are Ada.', tools })
    expect(answer.status).to.equal(400)
    expect(Object(answer.body).error.details.issues.map(({ path }: { path: string }) => path)).to.deep.equal([
      'tools.1.name',
      'tools.2.serverId',
    ])
  })

  it("speaks to others in words alone: no result of a tool stands in another's prompt", async () => {
    const speaks = (name: string) => ({
      match: (request: MockRequest) => request.system.startsWith(`You are ${name}.`),
    })
    world.llm.reply({ when: speaks('Otto'), text: 'I see.' })
    world.llm.reply({ when: { match: (r) => speaks('Ada').match(r) && hasResult.match(r) }, text: 'It is a lot.' })
    world.llm.reply({
      when: { match: (r) => speaks('Ada').match(r) && isFirst.match(r) },
      toolCalls: [{ name: 'calculator', arguments: { expression: '123457 * 2' } }],
    })
    const { user, agentIds } = await world.guests(['Ada', 'Otto'])
    await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator' }] })
    const { runId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'How much?', maxTurns: 2 })
    expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
    const heard = world.llm.requests.filter(speaks('Otto').match)
    expect(heard).to.have.length(1)
    expect(JSON.stringify(heard[0]?.body)).to.include('It is a lot.').and.not.include('246914')
  })
})
