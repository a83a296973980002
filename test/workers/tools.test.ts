import { expect } from 'chai'
import { expectSettledOnce } from '../support/invariants.ts'
import type { MockProvider, MockRequest } from '../support/mock-llm.ts'
import { eventually, usePace } from '../support/pace.ts'
import { whileUncommitted } from '../support/race.ts'
import { answered, asksFor, by, callsOf, speakerOf, usePartyWorld } from './party-world.ts'

/** With prices. */
const MODELS: Partial<Record<MockProvider, string>> = {
  openai: 'gpt-5-mini',
  anthropic: 'claude-sonnet-4-5',
  google: 'gemini-2.5-flash',
  groq: 'llama-3.3-70b-versatile',
}
const USAGE = { inputTokens: 100, outputTokens: 10 }
const isFirst = { match: (request: MockRequest) => !JSON.stringify(request.body).includes('<result>\\n') }
const CALCULATION = { name: 'calculator', arguments: { expression: '6 * 7' } }
const hasResult = { match: (request: MockRequest) => JSON.stringify(request.body).includes('<result>\\n') }

describe('An agent with tools', () => {
  usePace()
  const PER_MINUTE = 10
  const world = usePartyWorld({ env: { TOOL_CALLS_PER_MINUTE: String(PER_MINUTE) } })

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

  const ELSEWHERE = 100
  /** As if as many calls as may be had been made just now, in another turn. */
  const limitReached = async ({ id }: { id: string }) => {
    await world.app.container.db.query(
      `INSERT INTO tool_calls SELECT (jsonb_populate_record(c, jsonb_build_object('turn', $3::int, 'call', n, 'id', gen_random_uuid(),
         'status', 'done', 'started_at', clock_timestamp(), 'ended_at', clock_timestamp()))).*
       FROM tool_calls c, generate_series(1, $2::int) AS n WHERE c.id = $1`,
      [id, PER_MINUTE, ELSEWHERE],
    )
  }
  /** As if a minute had gone by since. */
  const limitForgotten = async (runId: string, turn: number) => {
    const { db } = world.app.container
    await db.query('DELETE FROM tool_calls WHERE run_id = $1 AND turn = $2', [runId, ELSEWHERE])
    await db.query('UPDATE turns SET due_at = now() WHERE run_id = $1 AND index = $2', [runId, turn])
  }

  for (const provider of ['openai-compatible', 'openai', 'anthropic', 'google', 'groq', 'ollama'] as const) {
    it(`uses them over the wire of ${provider}: the result is in the next call, the answer in one message, each call paid once`, async () => {
      world.llm.reply({
        when: isFirst,
        text: 'Let me see.',
        toolCalls: [CALCULATION],
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
      toolCalls: [CALCULATION],
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

  it('tells of its provider that it is in trouble also behind a step, in which it had spoken', async () => {
    const hold = world.llm.hold()
    world.llm.reply({ when: hasResult, hold, text: 'It is 42.', usage: USAGE })
    world.llm.replyOnce({ when: hasResult, status: 503, error: { message: 'Overloaded.' } })
    world.llm.reply({ when: isFirst, text: 'Let me see.', toolCalls: [CALCULATION], usage: USAGE })
    const { user, agentId } = await withTools([{ name: 'calculator' }])
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'What is it?' })
    await hold.reached
    const noted = await world.app.container.db.query(
      'SELECT failures FROM breakers WHERE subject = (SELECT connection_id::text FROM agents WHERE id = $1)',
      [agentId],
    )
    hold.release()
    expect(noted).to.deep.equal([{ failures: 1 }])
    expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
    expect((await user.messages(conversationId)).at(-1)?.content).to.equal('Let me see.\n\nIt is 42.')
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

  for (const [policy, end] of [
    ['deny', { status: 'failed', errorCode: 'tool.denied', startedAt: null }],
    ['ask', { status: 'expired', startedAt: null }],
  ] as const) {
    it(`uses none of them against what its owner says by then: ${policy}, said while its model was still asking for it`, async () => {
      const hold = world.llm.hold()
      world.llm.reply(answered('Then not.')).reply({ ...asksFor('6 * 7'), hold })
      const { user, agentId } = await withTools([{ name: 'calculator' }])
      const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'What is it?' })
      await world.llm.request(0)
      expect((await user.put(`/api/agents/${agentId}`, { tools: [{ name: 'calculator', policy }] })).status).to.equal(
        200,
      )
      hold.release()
      if (policy === 'ask') {
        await eventually(async () => (await user.run(runId)).status === 'waiting')
        const { db, dispatcher } = world.app.container
        await db.query(`UPDATE tool_calls SET expires_at = now() WHERE run_id = $1`, [runId])
        await db.query(`UPDATE turns SET due_at = now() WHERE run_id = $1`, [runId])
        await dispatcher.admit(user.id)
      }
      expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
      expect((await user.messages(conversationId)).at(-1)?.toolCalls?.[0]).to.deep.include(end)
    })
  }

  it(`makes ${PER_MINUTE} calls of one within a minute, and not one more, however many are begun at once`, async () => {
    const more = (from: number) =>
      Array.from({ length: 10 }, (_, n) => ({ name: 'calculator', arguments: { expression: `${from + n} + 1` } }))
    world.llm.replyOnce({ toolCalls: more(0).slice(0, 4) })
    world.llm.replyOnce({ toolCalls: more(10) })
    world.llm.reply('Done.')
    const { user, ask } = await withTools([{ name: 'calculator' }])
    const { runId } = await ask()
    const { data } = Object((await user.get(`/api/chat/runs/${runId}/tool-calls?limit=20`)).body)
    const ends = data.map(({ errorCode }: { errorCode: string | null }) => errorCode)
    expect(ends.filter((code: string | null) => code === null)).to.have.length(PER_MINUTE)
    expect(ends.filter((code: string | null) => code === 'tool.rate_limited')).to.have.length(4)
  })

  it('does what somebody has approved once there is room for it again, should too many have been made of late', async () => {
    const { db, dispatcher } = world.app.container
    world.llm.reply(answered('Done.')).reply(asksFor('6 * 7'))
    const { user, agentId } = await withTools([{ name: 'calculator', policy: 'ask' }])
    const { runId } = await user.accept('/api/chat', { agentId, message: 'What is it?' })
    await eventually(async () => (await user.run(runId)).status === 'waiting')
    const [approval] = Object((await user.get('/api/chat/approvals')).body).data
    await limitReached(approval)
    await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })
    const call = async () => (await db.query('SELECT status, starts FROM tool_calls WHERE id = $1', [approval.id]))[0]
    const turn = async () => (await db.query('SELECT status, waits FROM turns WHERE run_id = $1', [runId]))[0]
    await eventually(async () => (await turn()).status === 'queued' && (await turn()).waits === 2)
    expect(await call()).to.deep.equal({ status: 'approved', starts: 0 })
    await limitForgotten(runId, 0)
    await dispatcher.admit(user.id)
    expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
    expect(await call()).to.deep.equal({ status: 'done', starts: 1 })
  })

  it('beside others: while only people are waited for, the run waits and its time stands still, whoever ended last, or is to go on later', async () => {
    const { db, dispatcher } = world.app.container
    const hold = world.llm.hold()
    world.llm.reply('So it is.')
    for (const name of ['Ada', 'Otto']) world.llm.replyOnce({ when: by(name), toolCalls: [CALCULATION] })
    for (const name of ['Eve', 'Max']) world.llm.replyOnce({ when: by(name), hold, text: 'I see.' })
    const { user, agentIds } = await world.guests(['Ada', 'Otto', 'Eve', 'Max'])
    const tools = [{ name: 'calculator', policy: 'ask' }]
    for (const agentId of agentIds.slice(0, 2)) await user.put(`/api/agents/${agentId}`, { tools })
    const body = { agentIds, message: 'How much?', strategy: 'panel', maxTurns: 5, stop: { maxSeconds: 600 } }
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', body)
    const now = async () => (await user.run(runId)).status
    const awaiting = async () => Object((await user.get('/api/chat/approvals')).body).data
    const setAside = async () => (await user.run(runId)).turns.filter(({ status }) => status === 'queued').length
    await eventually(async () => (await awaiting()).length === 2 && (await setAside()) === 2)
    expect(await now()).to.equal('running')
    // Those who speak end at once.
    await whileUncommitted(db, 'SELECT FROM conversations WHERE id = $1 FOR UPDATE', [conversationId], async () => {
      hold.release()
      await eventually(async () => (await now()) === 'waiting')
    })
    // As if it had been a long time.
    await db.query(
      `UPDATE runs SET paused_at = paused_at - interval '1 hour', started_at = started_at - interval '1 hour' WHERE id = $1`,
      [runId],
    )
    const [otto, ada] = await awaiting()
    await limitReached(ada)
    await user.post(`/api/chat/approvals/${ada.id}`, { decision: 'approve' })
    await eventually(async () => {
      const [{ waits }] = await db.query('SELECT waits FROM turns WHERE run_id = $1 AND index = $2', [runId, ada.turn])
      return waits === 2
    })
    expect(await now()).to.equal('waiting')
    await limitForgotten(runId, ada.turn)
    await dispatcher.admit(user.id)
    await eventually(async () => (await user.run(runId)).turns[ada.turn]?.status === 'completed')
    expect(await now()).to.equal('waiting')
    await user.post(`/api/chat/approvals/${otto.id}`, { decision: 'deny' })
    expect(await user.finished(runId)).to.deep.include({ status: 'completed', stopReason: 'finished' })
    expect((await user.run(runId)).turns).to.have.length(5)
    await expectSettledOnce(db, runId)
  })

  it("speaks to others in words alone: no result of a tool stands in another's prompt", async () => {
    world.llm.reply({ when: by('Otto'), text: 'I see.' })
    world.llm.reply({ when: { match: (r) => speakerOf(r) === 'Ada' && hasResult.match(r) }, text: 'It is a lot.' })
    world.llm.reply({
      when: { match: (r) => speakerOf(r) === 'Ada' && isFirst.match(r) },
      toolCalls: [{ name: 'calculator', arguments: { expression: '123457 * 2' } }],
    })
    const { user, agentIds } = await world.guests(['Ada', 'Otto'])
    await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator' }] })
    const { runId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'How much?', maxTurns: 2 })
    expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
    const heard = world.llm.requests.filter((request) => speakerOf(request) === 'Otto')
    expect(heard).to.have.length(1)
    expect(JSON.stringify(heard[0]?.body)).to.include('It is a lot.').and.not.include('246914')
  })
})
