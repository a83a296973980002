import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'
const BLAISE = '01990000-0000-7000-8000-0000000000a2'

describe('A repeated request with its Idempotency-Key', () => {
  let user: TestUser
  const app = useApp({ worker: false })
  beforeEach(async () => {
    user = await app.api.register()
  })
  const send = (body: Record<string, unknown>, key: string, who = user, path = '/api/chat') =>
    who.post(path, body, { 'idempotency-key': key })
  const runsOf = async (who: TestUser) => {
    const [{ runs, messages }] = await app.container.db.query(
      `SELECT count(DISTINCT r.id)::int AS runs, count(m.id)::int AS messages
       FROM runs r LEFT JOIN messages m ON m.run_id = r.id WHERE r.user_id = $1`,
      [who.id],
    )
    return { runs, messages }
  }

  it('is answered as the first was, and asks nothing again', async () => {
    const first = await send({ agentId: ADA, message: 'Hello' }, 'k1')
    const second = await send({ message: 'Hello', agentId: ADA }, 'k1')
    expect([first.status, second.status]).to.deep.equal([202, 202])
    expect(second.body).to.deep.equal(first.body)
    expect(await runsOf(user)).to.deep.equal({ runs: 1, messages: 1 })
  })

  it('makes one run, however many of it come at once', async () => {
    const body = { agentIds: [ADA, BLAISE], message: 'Hello', stop: { maxCredits: '5', maxRounds: 2 } }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send(body, 'parallel', user, '/api/chat/multi-agent')),
    )
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]))
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).to.equal(1)
    expect(await runsOf(user)).to.deep.equal({ runs: 1, messages: 1 })
  })

  it('with another body is a 409, and changes nothing', async () => {
    await send({ agentId: ADA, message: 'Hello' }, 'k1')
    for (const body of [
      { agentId: ADA, message: 'Hello!' },
      { agentId: BLAISE, message: 'Hello' },
      { agentId: ADA, message: 'Hello', onBusy: 'reject' },
    ]) {
      const answer = await send(body, 'k1')
      expect(answer.status).to.equal(409)
      expect(errorOf(answer).code).to.equal('request.idempotency_conflict')
    }
    const party = { agentIds: [ADA, BLAISE], message: 'Hi', stop: { maxCredits: '5' } }
    expect((await send(party, 'k2', user, '/api/chat/multi-agent')).status).to.equal(202)
    const dearer = { ...party, stop: { maxCredits: '50' } }
    expect((await send(dearer, 'k2', user, '/api/chat/multi-agent')).status).to.equal(409)
    expect(await runsOf(user)).to.deep.equal({ runs: 2, messages: 2 })
  })

  it('and other keys, users and routes have nothing to do with each other', async () => {
    const other = await app.api.register()
    const body = { agentId: ADA, message: 'Hello' }
    const answers = [
      await send(body, 'same'),
      await send(body, 'different'),
      await send(body, 'same', other),
      await send({ agentIds: [ADA, BLAISE], message: 'Hello' }, 'same', user, '/api/chat/multi-agent'),
    ]
    expect(new Set(answers.map(({ body: accepted }) => Object(accepted).runId)).size).to.equal(4)
    expect(Object(answers[2]?.body).conversationId).not.to.equal(Object(answers[0]?.body).conversationId)
  })

  it('is answered as before even when the agent, or the conversation, is gone by then', async () => {
    const agentId = await user.create('/api/agents', { name: 'Mortal', instructions: 'I' })
    const first = await send({ agentId, message: 'Hello' }, 'k1')
    expect(first.status).to.equal(202)
    await user.delete(`/api/agents/${agentId}`)
    expect((await send({ agentId, message: 'Hello' }, 'k1')).body).to.deep.equal(first.body)
    expect((await send({ agentId, message: 'Hello' }, 'k2')).status).to.equal(404)
    await user.delete(`/api/chat/conversations/${Object(first.body).conversationId}`)
    expect((await send({ agentId, message: 'Hello' }, 'k1')).body).to.deep.equal(first.body)
  })

  it('that was refused may be sent again with the same key once nothing speaks against it', async () => {
    const { ledgerService, transactions } = app.container
    const give = (amount: bigint) =>
      transactions.run((tx) =>
        ledgerService.give({ userId: user.id, kind: 'adjustment', amount, key: randomUUID(), description: 'Test' }, tx),
      )
    await give(-10_000_000_000n)
    expect((await send({ agentId: ADA, message: 'Hello' }, 'k1')).status).to.equal(402)
    await give(1_000_000n)
    expect((await send({ agentId: ADA, message: 'Hello' }, 'k1')).status).to.equal(202)
    expect(await runsOf(user)).to.deep.equal({ runs: 1, messages: 1 })
  })

  it('must have a key that is one', async () => {
    for (const key of ['', ' ', 'x'.repeat(256), 'two words']) {
      const answer = await send({ agentId: ADA, message: 'Hello' }, key)
      expect(answer.status, `"${key}"`).to.equal(400)
      expect(Object(errorOf(answer).details).issues[0].path).to.equal('Idempotency-Key')
    }
    expect((await send({ agentId: ADA, message: 'Hello' }, 'x'.repeat(255))).status).to.equal(202)
    expect(await runsOf(user)).to.deep.equal({ runs: 1, messages: 1 })
  })

  it('without a key is a new request each time', async () => {
    await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    expect(await runsOf(user)).to.deep.equal({ runs: 2, messages: 2 })
  })
})
