import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { wordsAreLive } from '../support/live-words.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { SocketTap } from '../support/socket-tap.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('Asking agents', () => {
  let llm: MockLlm
  let user: TestUser
  let agentIds: string[]
  const app = useApp()
  const connection = () => ({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') })
  before(async () => {
    llm = await startMockLlm()
    user = await app.api.register()
    agentIds = await user.agentsOn(connection(), ['Ada', 'Blaise'])
  })
  after(() => llm.stop())
  beforeEach(() => llm.reset())

  const rowsOf = async (who: TestUser) => {
    const [counts] = await app.container.db.query(
      `SELECT (SELECT count(*)::int FROM conversations WHERE user_id = $1) AS conversations,
         (SELECT count(*)::int FROM runs WHERE user_id = $1) AS runs,
         (SELECT count(*)::int FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.user_id = $1) AS messages`,
      [who.id],
    )
    return counts
  }

  it('is answered at once with 202, while the answer is still being thought about', async () => {
    const hold = llm.hold()
    llm.reply({ text: 'An answer.', hold })
    const answer = await user.post('/api/chat', { agentId: agentIds[0], message: 'Hello' })
    expect(answer.status).to.equal(202)
    const { conversationId, runId, messageId, status } = Object(answer.body)
    expect(Object.keys(Object(answer.body))).to.have.members(['conversationId', 'runId', 'messageId', 'status'])
    for (const id of [conversationId, runId, messageId]) expect(id).to.match(UUID_V7)
    expect(status).to.equal('queued')
    await hold.reached
    const running = await user.run(runId)
    expect(running).to.deep.include({ status: 'running', stopReason: null, finishedAt: null })
    expect(running.turns).to.deep.equal([
      { index: 0, agentId: agentIds[0], status: 'running', attempt: 1, messageId: null },
    ])
    const shown = Object((await user.get(`/api/chat/conversations/${conversationId}`)).body)
    expect(shown.activeRun.id).to.equal(runId)
    expect(shown.messages.data.map(({ id }: { id: string }) => id)).to.deep.equal([messageId])
    hold.release()
    expect(await user.finished(runId)).to.deep.include({ status: 'completed', stopReason: 'finished' })
    expect(Object((await user.get(`/api/chat/conversations/${conversationId}`)).body).activeRun).to.equal(null)
    await expectSettledOnce(app.container.db, runId)
  })

  it('goes on in a conversation; what was said before is read by the model', async () => {
    llm.replyOnce('Blue, of course.').reply('As I said: blue.')
    const first = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Red or blue?' })
    await user.finished(first.runId)
    const { conversationId } = first
    const second = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Sure?', conversationId })
    await user.finished(second.runId)
    expect(second.conversationId).to.equal(conversationId)
    expect(llm.requests.at(-1)?.messages.map(({ text }) => text)).to.deep.equal([
      'Red or blue?',
      'Blue, of course.',
      'Sure?',
    ])
    expect((await user.messages(conversationId)).map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4])
  })

  it('several at once makes a party: each speaks in turn, until its turns are used up', async () => {
    llm.reply({ text: (request) => `Answer ${llm.requests.indexOf(request)}.` })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
      agentIds,
      message: 'Tea or coffee?',
      maxTurns: 3,
    })
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns', strategy: 'round_robin', maxTurns: 3 })
    const messages = await user.messages(conversationId)
    expect(messages.map(({ agentName, content }) => [agentName, content])).to.deep.equal([
      [null, 'Tea or coffee?'],
      ['Ada', 'Answer 0.'],
      ['Blaise', 'Answer 1.'],
      ['Ada', 'Answer 2.'],
    ])
    expect(run.turns.map(({ messageId }) => messageId)).to.deep.equal(messages.slice(1).map(({ id }) => id))
    expect(run.receipt.turns).to.equal(3)
    await expectSettledOnce(app.container.db, runId)
  })

  it('with a mistake gives the path of each, and leaves nothing behind', async () => {
    const nobody = await app.api.register()
    const [one = '', two = ''] = agentIds
    const bad: Array<[string, Record<string, unknown>, string[]]> = [
      ['/api/chat', {}, ['agentId', 'message']],
      ['/api/chat', { agentId: 'x', message: ' ', stream: true }, ['agentId', 'message', 'stream']],
      ['/api/chat', { agentId: one, message: 'x'.repeat(32_001) }, ['message']],
      ['/api/chat', { agentId: one, message: 'a\0b' }, ['message']],
      ['/api/chat', { agentId: one, message: 'Hi', conversationId: 7, onBusy: 'wait' }, ['conversationId', 'onBusy']],
      ['/api/chat/multi-agent', { agentIds: [one], message: 'Hi' }, ['agentIds']],
      ['/api/chat/multi-agent', { agentIds: [one, one], message: 'Hi' }, ['agentIds']],
      ['/api/chat/multi-agent', { agentIds: [one, 'x'], message: 'Hi' }, ['agentIds.1']],
      ['/api/chat/multi-agent', { agentIds: [one, two], message: 'Hi', maxTurns: 51 }, ['maxTurns']],
      ['/api/chat/multi-agent', { agentIds: [one, two], message: 'Hi', strategy: 'random' }, ['strategy']],
      [
        '/api/chat/multi-agent',
        { agentIds: [one, two], message: 'Hi', stop: { maxCredits: '0', maxRounds: 0, phrase: '', other: 1 } },
        ['stop.maxCredits', 'stop.maxRounds', 'stop.phrase', 'stop.other'],
      ],
    ]
    for (const [path, body, paths] of bad) {
      const answer = await nobody.post(path, body)
      expect(answer.status, JSON.stringify(body)).to.equal(400)
      const found = Object(errorOf(answer).details).issues.map((issue: { path: string }) => issue.path)
      expect(found, JSON.stringify(body)).to.have.members(paths)
    }
    expect(await rowsOf(nobody)).to.deep.equal({ conversations: 0, runs: 0, messages: 0 })
  })

  it('in a conversation of somebody else, or in none that there is, is a 404, and says nothing there', async () => {
    llm.reply('Hello.')
    const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Mine' })
    await user.finished(runId)
    const other = await app.api.register()
    const [theirs = ''] = await other.agentsOn(connection(), ['Eve'])
    for (const id of [conversationId, randomUUID()]) {
      const answer = await other.post('/api/chat', { agentId: theirs, message: 'Let me in', conversationId: id })
      expect(answer.status).to.equal(404)
      expect(errorOf(answer).code).to.equal('conversation.not_found')
    }
    const answers = [
      await other.get(`/api/chat/runs/${runId}`),
      await other.post(`/api/chat/runs/${runId}/cancel`, undefined),
    ]
    expect(answers.map(({ status }) => status)).to.deep.equal([404, 404])
    expect(await user.messages(conversationId)).to.have.length(2)
    expect(await rowsOf(other)).to.deep.equal({ conversations: 0, runs: 0, messages: 0 })
  })

  it('without credits is refused with 402 before anything is written, and no provider is called', async () => {
    const poor = await app.api.register()
    const [agentId = ''] = await poor.agentsOn(connection(), ['Ada'])
    const { ledgerService, transactions } = app.container
    const take = (amount: bigint) =>
      transactions.run((tx) =>
        ledgerService.give({ userId: poor.id, kind: 'adjustment', amount, key: randomUUID(), description: 'Test' }, tx),
      )
    await take(-10_000_000_000n)
    const answer = await poor.post('/api/chat', { agentId, message: 'Hello' })
    expect(answer.status).to.equal(402)
    expect(errorOf(answer).code).to.equal('credits.insufficient')
    expect(await rowsOf(poor)).to.deep.equal({ conversations: 0, runs: 0, messages: 0 })
    expect(llm.requests).to.have.length(0)
    await take(10_000_000n)
    const { runId } = await poor.accept('/api/chat', { agentId, message: 'Hello' })
    expect((await poor.finished(runId)).status).to.equal('completed')
  })

  it('with less than the smallest hold is refused with 402 at every door: what there is, what is needed, and nothing is left behind', async () => {
    const poor = await app.api.register()
    const agentIds = await poor.agentsOn(connection(), ['Ada', 'Blaise'])
    const [agentId = ''] = agentIds
    llm.reply('Hello.')
    const { runId, conversationId } = await poor.accept('/api/chat', { agentId, message: 'Hello' })
    await poor.finished(runId)
    const last = (await poor.messages(conversationId)).at(-1)?.id
    const { ledgerService, transactions } = app.container
    const { available } = await ledgerService.balance(poor.id)
    const amount = 50_000n - available
    const poverty = { userId: poor.id, kind: 'adjustment' as const, amount, key: randomUUID(), description: 'Test' }
    await transactions.run((tx) => ledgerService.give(poverty, tx))
    const before = await rowsOf(poor)
    const calls = llm.requests.length
    const socket = await new SocketTap(app.url, poor.token).connected()
    const doors = {
      chat: () => poor.post('/api/chat', { agentId, message: 'Hello' }),
      party: () => poor.post('/api/chat/multi-agent', { agentIds, message: 'Hello' }),
      supervised: () => poor.post('/api/chat/multi-agent', { agentIds, message: 'Hello', strategy: 'supervisor' }),
      panel: () => poor.post('/api/chat/multi-agent', { agentIds, message: 'Hello', strategy: 'panel' }),
      regenerate: () => poor.post(`/api/chat/messages/${last}/regenerate`, undefined),
      command: async () => {
        const { ok, error } = await socket.ask('message.send', { agentId, message: 'Hello' })
        const { status, ...body } = Object(error)
        return { status: ok ? 202 : Number(status), headers: new Headers(), body: { error: body } }
      },
    }
    for (const [door, knock] of Object.entries(doors)) {
      const answer = await knock()
      const { code, details } = errorOf(answer)
      expect([answer.status, code], door).to.deep.equal([402, 'credits.insufficient'])
      expect(details, door).to.deep.include({ available: '0.050000' })
      expect(Object(details).required, door).to.match(/^\d+\.\d{6}$/)
      expect(Number(Object(details).required), door).to.be.within(2, 20)
    }
    socket.close()
    expect(await rowsOf(poor)).to.deep.equal(before)
    expect(llm.requests).to.have.length(calls)
  })

  it('a model that has no price is refused, not free', async () => {
    const connectionId = await user.create('/api/connections', {
      name: 'Unpriced',
      provider: 'openai',
      model: 'gpt-from-the-future',
      apiKey: 'test-key-1234',
      baseUrl: llm.baseUrl('openai'),
    })
    const agentId = await user.create('/api/agents', { name: 'Pricey', instructions: 'I', connectionId })
    const before = await rowsOf(user)
    const alone = await user.post('/api/chat', { agentId, message: 'Hello' })
    const amongOthers = await user.post('/api/chat/multi-agent', { agentIds: [agentIds[0], agentId], message: 'Hello' })
    for (const answer of [alone, amongOthers]) {
      expect(answer.status).to.equal(422)
      expect(errorOf(answer)).to.deep.include({
        code: 'model.unpriced',
        details: { provider: 'openai', model: 'gpt-from-the-future' },
      })
    }
    expect(await rowsOf(user)).to.deep.equal(before)
    expect(llm.requests).to.have.length(0)
  })

  it('while they talk is queued behind, or refused, as the request wishes', async () => {
    const hold = llm.hold(1)
    llm.replyOnce({ text: 'A long first answer.', hold }).reply('The second answer.')
    const first = await user.accept('/api/chat', { agentId: agentIds[0], message: 'First' })
    const { conversationId } = first
    await hold.reached
    const busy = await user.post('/api/chat', { agentId: agentIds[0], message: 'No', conversationId, onBusy: 'reject' })
    expect(busy.status).to.equal(409)
    expect(errorOf(busy)).to.deep.include({ code: 'chat.busy', details: { runId: first.runId } })
    const second = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Second', conversationId })
    expect(second.status).to.equal('pending')
    hold.release()
    await user.finished(first.runId)
    await user.finished(second.runId)
    expect(llm.requests.at(-1)?.messages.map(({ text }) => text)).to.deep.equal([
      'First',
      'A long first answer.',
      'Second',
    ])
    const shown = await user.messages(conversationId)
    expect(shown.map(({ content }) => content)).to.deep.equal([
      'First',
      'Second',
      'A long first answer.',
      'The second answer.',
    ])
  })

  it('can be stopped: what was said is kept and paid, the rest is given back, the provider is hung up on', async () => {
    const hold = llm.hold(3)
    llm.reply({ text: 'These words are said and these are never said at all.', hold })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Talk' })
    const request = await hold.reached
    await wordsAreLive(app.container.feed, conversationId)
    const answer = await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    expect(answer.status).to.equal(200)
    expect(answer.body).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
    expect(await request.ended).to.equal('aborted')
    const last = (await user.messages(conversationId)).at(-1)
    expect(last?.status).to.equal('cancelled')
    expect('These words are said and these are never said at all.'.startsWith(last?.content ?? '-')).to.equal(true)
    expect(Object(answer.body).receipt.estimated).to.equal(true)
    expect(await app.container.ledgerService.balance(user.id)).to.deep.include({ held: 0n })
    const again = await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    expect(again.body, 'a second stop changes nothing').to.deep.equal(answer.body)
    await expectSettledOnce(app.container.db, runId)
  })
})
