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
})
