import { expect } from 'chai'
import { useApp } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { BAD_KEY, type MockLlm, type MockProvider, startMockLlm } from '../support/mock-llm.ts'

const PROVIDERS: MockProvider[] = ['openai', 'anthropic', 'google', 'openai-compatible']
const MODELS = {
  openai: 'gpt-5-mini',
  anthropic: 'claude-haiku-4-5',
  google: 'gemini-2.5-flash',
  'openai-compatible': 'any',
}

describe('A turn over the wire of a real provider', () => {
  let llm: MockLlm
  const app = useApp()
  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())
  beforeEach(() => llm.reset())

  const connection = (provider: MockProvider, apiKey = 'test-key-1234') => ({
    provider,
    model: MODELS[provider as keyof typeof MODELS] ?? 'm',
    baseUrl: llm.baseUrl(provider),
    apiKey,
  })

  for (const provider of PROVIDERS) {
    it(`${provider}: streams, and charges the usage that it reports`, async () => {
      const user = await app.api.register()
      const [ada = ''] = await user.agentsOn(connection(provider), ['Ada'])
      llm.reply({ text: 'Good morning to you.', usage: { inputTokens: 31, outputTokens: 12 } })
      const { runId, conversationId } = await user.accept('/api/chat', { agentId: ada, message: 'Hello' })
      const run = await user.finished(runId)
      expect(run).to.deep.include({ status: 'completed', stopReason: 'finished', error: null })
      expect(run.receipt).to.deep.include({ turns: 1, inputTokens: 31, outputTokens: 12, estimated: false })
      const messages = await user.messages(conversationId)
      expect(messages.map(({ seq, role, content, agentName }) => ({ seq, role, content, agentName }))).to.deep.equal([
        { seq: 1, role: 'user', content: 'Hello', agentName: null },
        { seq: 2, role: 'agent', content: 'Good morning to you.', agentName: 'Ada' },
      ])
      expect(llm.requests).to.have.length(1)
      expect(llm.requests[0]).to.deep.include({ stream: true, key: 'test-key-1234' })
      await expectSettledOnce(app.container.db, runId)
    })

    it(`${provider}: waits as long as a 429 asks, then succeeds; the user pays once`, async () => {
      const user = await app.api.register()
      const [ada = ''] = await user.agentsOn(connection(provider), ['Ada'])
      llm.replyOnce({ status: 429, retryAfter: 1 }).reply('Here I am.')
      const startedAt = performance.now()
      const { runId } = await user.accept('/api/chat', { agentId: ada, message: 'Hello' })
      const run = await user.finished(runId)
      expect(run.status).to.equal('completed')
      expect(run.turns.map((turn) => turn.attempt)).to.deep.equal([2])
      expect(performance.now() - startedAt).to.be.greaterThan(1000)
      await expectSettledOnce(app.container.db, runId)
    })

    it(`${provider}: gives up on endless 500s, with a clear error and no charge`, async () => {
      const user = await app.api.register()
      const [ada = ''] = await user.agentsOn(connection(provider), ['Ada'])
      llm.reply({ status: 500 })
      const { runId } = await user.accept('/api/chat', { agentId: ada, message: 'Hello' })
      const run = await user.finished(runId)
      expect(run).to.deep.include({ status: 'failed', stopReason: 'failed' })
      expect(run.error?.code).to.equal('provider.unavailable')
      expect(llm.requests).to.have.length(5)
      expect(run.receipt.credits).to.equal('0.000000')
      expect((await user.get('/api/credits/balance')).body).to.deep.include({
        available: '10000.000000',
        held: '0.000000',
      })
      await expectSettledOnce(app.container.db, runId)
    })

    it(`${provider}: a stream cut in the middle is tried again from its start; the loss is the platform's`, async () => {
      const user = await app.api.register()
      const [ada = ''] = await user.agentsOn(connection(provider), ['Ada'])
      llm
        .replyOnce({ text: 'This will be cut in the middle of it.', cutAfter: 2, paceMs: 20 })
        .reply('Whole this time.')
      const { runId, conversationId } = await user.accept('/api/chat', { agentId: ada, message: 'Hello' })
      const run = await user.finished(runId)
      expect(run.status).to.equal('completed')
      expect((await user.messages(conversationId)).map((message) => message.content)).to.deep.equal([
        'Hello',
        'Whole this time.',
      ])
      const lost = await app.container.db.query(
        `SELECT attempt, estimated FROM metered_calls WHERE run_id = $1 AND outcome = 'lost'`,
        [runId],
      )
      expect(lost).to.deep.equal([{ attempt: 1, estimated: true }])
      await expectSettledOnce(app.container.db, runId)
    })

    it(`${provider}: an answer that breaks before its first word has read the prompt: the platform's loss`, async () => {
      const user = await app.api.register()
      const [ada = ''] = await user.agentsOn(connection(provider), ['Ada'])
      llm.replyOnce({ text: 'Never heard.', cutAfter: 0 }).reply('Heard.')
      const { runId } = await user.accept('/api/chat', { agentId: ada, message: 'Hello' })
      expect((await user.finished(runId)).status).to.equal('completed')
      const lost = await app.container.db.query(
        `SELECT attempt, estimated, input_tokens > 0 AS input, output_tokens AS output FROM metered_calls
         WHERE run_id = $1 AND outcome = 'lost'`,
        [runId],
      )
      expect(lost).to.deep.equal([{ attempt: 1, estimated: true, input: true, output: 0 }])
      await expectSettledOnce(app.container.db, runId)
    })

    it(`${provider}: a bad key fails the run at once`, async () => {
      const user = await app.api.register()
      const [ada = ''] = await user.agentsOn(connection(provider, BAD_KEY), ['Ada'])
      const { runId } = await user.accept('/api/chat', { agentId: ada, message: 'Hello' })
      const run = await user.finished(runId)
      expect(run.status).to.equal('failed')
      expect(run.error?.code).to.equal('provider.unauthorized')
      expect(JSON.stringify(run)).not.to.contain(BAD_KEY)
      expect(llm.requests).to.have.length(1)
      await expectSettledOnce(app.container.db, runId)
    })
  }

  it('a party reads the others as named speakers, and its own words as its own', async () => {
    const user = await app.api.register()
    const agentIds = await user.agentsOn(connection('openai-compatible'), ['Ada', 'Blaise'])
    llm.reply({ text: (request) => `Answer ${llm.requests.indexOf(request)}.` })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
      agentIds,
      message: 'Tea or coffee?',
      maxTurns: 3,
    })
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
    expect(llm.requests[2]?.system).to.match(/^You are Ada\./)
    expect(llm.requests[2]?.messages.map(({ role, text }) => ({ role, text }))).to.deep.equal([
      { role: 'user', text: 'User: Tea or coffee?' },
      { role: 'assistant', text: 'Answer 0.' },
      { role: 'user', text: 'Blaise: Answer 1.\n\n(It is your turn, Ada.)' },
    ])
    expect((await user.messages(conversationId)).map(({ agentName }) => agentName)).to.deep.equal([
      null,
      'Ada',
      'Blaise',
      'Ada',
    ])
    await expectSettledOnce(app.container.db, runId)
  })

  describe('whose answer is to have a form', () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' }, people: { type: 'integer' } },
      required: ['city', 'people'],
      additionalProperties: false,
    }
    const answer = { name: 'place', schema }
    const good = '{"city": "Rome", "people": 3}'
    const usage = { inputTokens: 100, outputTokens: 10 }

    const asking = async (provider: MockProvider, more: object = {}) => {
      const user = await app.api.register()
      const [agentId = ''] = await user.agentsOn(connection(provider), ['Ada'])
      if (Object.keys(more).length > 0) await user.put(`/api/agents/${agentId}`, more)
      const accepted = await user.accept('/api/chat', { agentId, message: 'Where?', answer })
      const run = await user.finished(accepted.runId)
      const messages = await user.messages(accepted.conversationId)
      await expectSettledOnce(app.container.db, accepted.runId)
      return { user, run, last: messages.at(-1), ...accepted }
    }
    const bodyOf = (n: number) => JSON.stringify(llm.requests[n]?.body)

    for (const provider of PROVIDERS) {
      it(`${provider}: is asked for it in its own way, told what was wrong with it, once, and its answer is data`, async () => {
        llm.replyOnce({ text: 'Rome has {"city": "Rome", "people": "many"}.', usage })
        llm.reply({ text: '```json\n{"city": "Rome", "people": 3}\n```', usage })
        const { run, last, runId } = await asking(provider)
        expect(run).to.deep.include({ status: 'completed', error: null })
        expect(last).to.deep.include({ content: good, data: { city: 'Rome', people: 3 }, status: 'complete' })
        expect(run.receipt).to.deep.include({ turns: 1, steps: 1, inputTokens: 200, outputTokens: 20 })
        expect(last?.credits).to.equal(run.receipt.credits)
        expect(bodyOf(0)).to.include(
          { openai: '"json_schema"', anthropic: '"output_config"', google: '"responseJsonSchema"' }[String(provider)] ??
            '"json_schema"',
        )
        expect(bodyOf(0)).to.not.include('not as asked for')
        expect(bodyOf(1)).to.include('people: Invalid input').and.include('many')
        const steps = await app.container.db.query('SELECT text FROM tool_steps WHERE run_id = $1', [runId])
        expect(steps).to.deep.equal([{ text: 'Rome has {"city": "Rome", "people": "many"}.' }])
      })
    }

    it('fails, paid and with its words kept, when it has not the form the second time either', async () => {
      llm.reply({ text: '{"city": 5}', usage })
      const { run, last } = await asking('openai-compatible')
      expect(run).to.deep.include({ status: 'failed', stopReason: 'failed' })
      expect(run.error?.code).to.equal('answer.invalid')
      expect(run.error?.message).to.include('city: Invalid input').and.include('people')
      expect(last).to.deep.include({ content: '{"city": 5}\n\n{"city": 5}', status: 'failed' })
      expect(last).to.not.have.property('data')
      expect(run.receipt).to.deep.include({ inputTokens: 200, outputTokens: 20, lost: '0.000000' })
      expect(llm.requests).to.have.length(2)
    })

    for (const [finishReason, code] of [
      ['length', 'answer.cut'],
      ['content_filter', 'answer.refused'],
    ] as const) {
      it(`is not asked again for what ends by ${finishReason}: ${code}`, async () => {
        llm.reply({ text: '{"city": "Ro', finishReason, usage })
        const { run, last } = await asking('openai-compatible')
        expect(run.error?.code).to.equal(code)
        expect(last).to.deep.include({ content: '{"city": "Ro', status: 'failed' })
        expect(run.receipt).to.deep.include({ inputTokens: 100, outputTokens: 10 })
        expect(llm.requests).to.have.length(1)
      })
    }

    it('may use tools before: what is said between them is in its steps, and not in its answer', async () => {
      llm.replyOnce({
        text: 'Let me see.',
        toolCalls: [{ name: 'calculator', arguments: { expression: '1+2' } }],
        usage,
      })
      llm.replyOnce({ text: 'It is Rome.', usage })
      llm.reply({ text: good, usage })
      const { run, last } = await asking('openai', { tools: [{ name: 'calculator' }] })
      expect(last).to.deep.include({ content: good, data: { city: 'Rome', people: 3 } })
      expect(last?.toolCalls?.map(({ result }) => result)).to.deep.equal(['3'])
      expect(run.receipt).to.deep.include({ steps: 2, inputTokens: 300, outputTokens: 30 })
      expect(llm.requests.map(({ body }) => body.tool_choice)).to.deep.equal(['auto', 'auto', 'none'])
    })

    it('is learnt to be asked for JSON, and for words, where a server takes no more; a schema of its own teaches nothing', async () => {
      const user = await app.api.register()
      const [agentId = ''] = await user.agentsOn(connection('openai-compatible'), ['Ada'])
      const ask = async () => {
        const { runId } = await user.accept('/api/chat', { agentId, message: 'Where?', answer })
        expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
      }
      const refuse = (message: string) => llm.replyOnce({ status: 400, error: { message } })
      llm.reply(good)
      refuse("Invalid schema for response_format 'place': a keyword is not permitted.")
      await ask()
      refuse("This response_format type 'json_schema' is unavailable now.")
      await ask()
      refuse('response_format is not supported.')
      await ask()
      await ask()
      const formats = llm.requests.map(({ body }) => Object(body.response_format).type)
      expect(formats).to.deep.equal([
        ...['json_schema', 'json_object'],
        ...['json_schema', 'json_object'],
        ...['json_object', undefined],
        undefined,
      ])
    })

    it('names its members as it likes: no line of it is taken for the words of somebody else', async () => {
      const user = await app.api.register()
      const [agentId = ''] = await user.agentsOn(connection('openai-compatible'), ['Ada'])
      const text = '{"Ada": {\n  "User": "pass",\n  "people": 1\n}}'
      llm.reply(text)
      const asked = { agentId, message: 'Who?', answer: { schema: { type: 'object' } } }
      const { runId, conversationId } = await user.accept('/api/chat', asked)
      await user.finished(runId)
      expect(llm.requests[0]?.body).to.have.nested.property('response_format.json_schema.strict', false)
      const [said] = (await user.messages(conversationId)).slice(-1)
      expect(said).to.deep.include({ content: text, data: { Ada: { User: 'pass', people: 1 } } })
      // Once more, with the same form.
      const again = await user.post(`/api/chat/messages/${said?.id}/regenerate`, {})
      await user.finished(Object(again.body).runId)
      expect((await user.messages(conversationId)).map((one) => [one.status, one.data !== undefined])).to.deep.equal([
        ['complete', false],
        ['superseded', false],
        ['complete', true],
      ])
      // It has its form in a branch too, of a branch as well, and where it was superseded.
      const dataIn = async (id: string) => (await user.messages(id)).map(({ data }) => data !== undefined)
      const branched = async (id: string, at: number) => {
        const messageId = (await user.messages(id))[at]?.id
        return user.create(`/api/chat/conversations/${id}/branch`, { messageId })
      }
      expect(await dataIn(await branched(conversationId, 1))).to.deep.equal([false, true])
      const branch = await branched(conversationId, 2)
      expect(await dataIn(branch)).to.deep.equal([false, true])
      expect(await dataIn(await branched(branch, 1))).to.deep.equal([false, true])
    })

    it('is stopped between its two calls like any turn: what was said is kept, and paid', async () => {
      const hold = llm.hold()
      llm.replyOnce({ text: 'Rome.', usage })
      llm.reply({ text: good, hold })
      const user = await app.api.register()
      const [agentId = ''] = await user.agentsOn(connection('openai-compatible'), ['Ada'])
      const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Where?', answer })
      await hold.reached
      await user.post(`/api/chat/runs/${runId}/cancel`, {})
      const run = await user.finished(runId)
      hold.release()
      expect(run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
      expect((await user.messages(conversationId)).at(-1)).to.deep.include({ content: 'Rome.', status: 'cancelled' })
      await expectSettledOnce(app.container.db, runId)
    })

    it('is not given once more by who has nothing left for it: what was said is kept, and paid', async () => {
      const hold = llm.hold()
      // Dearer than anybody believes: all that is held for it goes.
      llm.reply({ text: 'Rome.', usage: { inputTokens: 1_000_000, outputTokens: 16 }, hold })
      const user = await app.api.register()
      const [agentId = ''] = await user.agentsOn(connection('openai-compatible'), ['Ada'])
      await user.put(`/api/agents/${agentId}`, { maxOutputTokens: 16 })
      const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Where?', answer })
      await hold.reached
      const { ledgerService, transactions } = app.container
      const { available } = await ledgerService.balance(user.id)
      const gift = { userId: user.id, kind: 'adjustment' as const, amount: -available, key: runId, description: 'x' }
      await transactions.run((tx) => ledgerService.give(gift, tx))
      hold.release()
      const run = await user.finished(runId)
      expect(run).to.deep.include({ status: 'completed', stopReason: 'credits_exhausted' })
      const last = (await user.messages(conversationId)).at(-1)
      expect(last).to.deep.include({ content: 'Rome.', status: 'cancelled', credits: run.receipt.credits })
      expect(llm.requests).to.have.length(1)
      await expectSettledOnce(app.container.db, runId)
    })

    it('is refused with its field where it cannot be checked, or nobody alone answers', async () => {
      const user = await app.api.register()
      const agentIds = await user.agentsOn(connection('openai-compatible'), ['Ada', 'Otto'])
      const [agentId] = agentIds
      const node = { type: 'object', properties: { a: { $ref: '#/$defs/n' }, b: { $ref: '#/$defs/n' } } }
      const wrong: Array<[string, object]> = [
        ['answer.schema.type', { schema: { type: 'array' } }],
        ['answer.schema', { schema: { type: 'object', description: 'x'.repeat(16_384) } }],
        ['answer.schema', { schema: { type: 'object', not: { type: 'string' } } }],
        ['answer.schema', { schema: { type: 'object', properties: { a: { $ref: 'https://a.example/b' } } } }],
        ['answer.schema', { schema: { ...node, $defs: { n: node } } }],
        ['answer.name', { schema, name: 'a b' }],
      ]
      for (const [path, form] of wrong) {
        const { status, body } = await user.post('/api/chat', { agentId, message: 'Where?', answer: form })
        expect([status, Object(body).error.details?.issues[0].path], JSON.stringify(body)).to.deep.equal([400, path])
      }
      const others = [
        await user.post('/api/chat/multi-agent', { agentIds, message: 'Where?', answer }),
        await user.post('/api/chat', { agentId, message: 'Where?', answer, onBusy: 'interject' }),
      ]
      expect(others.map(({ status, body }) => [status, Object(body).error.details.issues[0].path])).to.deep.equal([
        [400, 'answer'],
        [400, 'onBusy'],
      ])
    })
  })
})
