import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { io } from 'socket.io-client'
import { acceptedView, partyView } from '../../src/contract/views.ts'
import { party } from '../architecture/route-table.ts'
import { type Answer, errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

const issuesOf = (answer: Answer) => Object(errorOf(answer).details).issues
const [ADA, BLAISE] = party.agentIds

describe('Saved parties', () => {
  let user: TestUser
  const app = useApp({ worker: false })
  beforeEach(async () => {
    user = await app.api.register()
  })
  const agent = (name: string) => user.create('/api/agents', { name, instructions: `You are ${name}.` })
  const limitsOf = async (runId: string) => {
    const [run] = await app.container.db.query(
      'SELECT agent_ids, strategy, max_turns, max_rounds, max_credits, max_seconds, stop_phrase FROM runs WHERE id = $1',
      [runId],
    )
    return run
  }

  it('need a name and agents; the rest has defaults', async () => {
    const answer = await user.post('/api/parties', party)
    expect(answer.status).to.equal(201)
    const { id, createdAt, updatedAt, agents, ...rest } = partyView.strict().parse(answer.body)
    expect(rest).to.deep.equal({ ...party, strategy: 'round_robin', maxTurns: null, stop: {} })
    expect(agents.map((one) => [one.id, one.gone])).to.deep.equal([
      [ADA, false],
      [BLAISE, false],
    ])
    expect(createdAt).to.equal(updatedAt)
    expect((await user.get(`/api/parties/${id}`)).body).to.deep.equal(answer.body)
  })

  it('are changed in what is sent, listed newest first, and deleted', async () => {
    const stop = { maxRounds: 2, maxCredits: '5.000000', maxSeconds: 60, phrase: 'DONE' }
    const first = await user.create('/api/parties', { ...party, strategy: 'panel', maxTurns: 4, stop })
    const second = await user.create('/api/parties', party)
    const changed = await user.put(`/api/parties/${first}`, { name: 'Duo', maxTurns: null })
    expect(changed.body).to.deep.include({ name: 'Duo', strategy: 'panel', maxTurns: null, stop })
    const again = await user.put(`/api/parties/${first}`, { stop: { maxSeconds: 30 } })
    expect(Object(again.body).stop, 'a stop is one thing').to.deep.equal({ maxSeconds: 30 })
    const list = await user.get('/api/parties')
    expect(Object(list.body).data.map(({ id }: { id: string }) => id)).to.deep.equal([second, first])
    expect((await user.delete(`/api/parties/${first}`)).status).to.equal(204)
    expect((await user.get(`/api/parties/${first}`)).status).to.equal(404)
    expect((await user.delete(`/api/parties/${first}`)).status).to.equal(404)
  })

  it('are of agents that one has, two to ten of different names', async () => {
    const stranger = await app.api.register()
    const theirs = await stranger.create('/api/agents', { name: 'Theirs', instructions: 'I' })
    const unknown = await user.post('/api/parties', { ...party, agentIds: [ADA, theirs, randomUUID()] })
    expect(errorOf(unknown).code).to.equal('agent.not_found')
    expect(issuesOf(unknown).map(({ path }: { path: string }) => path)).to.deep.equal(['agentIds.1', 'agentIds.2'])
    const twins = await user.post('/api/parties', { ...party, agentIds: [await agent('Una'), await agent('UNA')] })
    expect(issuesOf(twins)[0].path).to.equal('agentIds.1')
    for (const body of [
      { ...party, agentIds: [ADA] },
      { ...party, name: ' ' },
      { ...party, message: 'Hi' },
    ]) {
      expect((await user.post('/api/parties', body)).status).to.equal(400)
    }
    const id = await user.create('/api/parties', party)
    expect((await user.put(`/api/parties/${id}`, { agentIds: [ADA, theirs] })).status).to.equal(404)
  })

  it('are begun by their id, as they are then; a conversation knows who is in it', async () => {
    const stop = { maxRounds: 3, maxCredits: '5', maxSeconds: 60, phrase: 'DONE' }
    const partyId = await user.create('/api/parties', { ...party, strategy: 'panel', maxTurns: 4, stop })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', { partyId, message: 'Hello' })
    expect(await limitsOf(runId)).to.deep.equal({
      agent_ids: party.agentIds,
      strategy: 'panel',
      max_turns: 4,
      max_rounds: 3,
      max_credits: '5000000',
      max_seconds: 60,
      stop_phrase: 'DONE',
    })
    const conversation = await user.get(`/api/chat/conversations/${conversationId}`)
    expect(conversation.body).to.deep.include({ agentIds: party.agentIds, strategy: 'panel' })
    // Whatever becomes of it.
    await user.delete(`/api/parties/${partyId}`)
    expect((await limitsOf(runId)).max_turns).to.equal(4)
  })

  it('give way to what a request says itself; of two limits of credits the smaller counts', async () => {
    const stop = { maxRounds: 3, maxCredits: '5', phrase: 'DONE' }
    const partyId = await user.create('/api/parties', { ...party, maxTurns: 4, stop })
    const begin = async (body: object) =>
      limitsOf((await user.accept('/api/chat/multi-agent', { partyId, message: 'Hello', ...body })).runId)
    const other = { strategy: 'mention', maxTurns: 2, stop: { maxRounds: 9, maxCredits: '50' } }
    expect(await begin(other)).to.deep.include({
      strategy: 'mention',
      max_turns: 2,
      max_rounds: 9,
      max_credits: '5000000',
      stop_phrase: 'DONE',
    })
    expect((await begin({ stop: { maxCredits: '1' } })).max_credits).to.equal('1000000')
    const unlimited = await user.create('/api/parties', party)
    expect((await begin({ partyId: unlimited, stop: { maxCredits: '1' } })).max_credits).to.equal('1000000')
    expect((await begin({ partyId: unlimited })).max_turns, 'the usual number').to.equal(
      app.container.env.MAX_TURNS_DEFAULT,
    )
  })

  it('are named in place of agents, not beside them', async () => {
    const partyId = await user.create('/api/parties', party)
    const message = 'Hello'
    const both = await user.post('/api/chat/multi-agent', { ...{ partyId, message }, agentIds: party.agentIds })
    expect(issuesOf(both)).to.deep.equal([{ path: 'partyId', message: 'cannot be combined with agentIds' }])
    const neither = await user.post('/api/chat/multi-agent', { message, maxTurns: 0 })
    expect(issuesOf(neither).map(({ path }: { path: string }) => path)).to.have.members(['agentIds', 'maxTurns'])
    for (const id of [randomUUID(), await (await app.api.register()).create('/api/parties', party)]) {
      const answer = await user.post('/api/chat/multi-agent', { partyId: id, message })
      expect(errorOf(answer).code).to.equal('party.not_found')
    }
  })

  it('of which somebody was deleted say who it was, and do not talk before they are changed', async () => {
    const [una, duo] = [await agent('Una'), await agent('Duo')]
    const id = await user.create('/api/parties', { ...party, agentIds: [una, ADA, duo] })
    const before = await user.accept('/api/chat/multi-agent', { partyId: id, message: 'Hello' })
    await user.delete(`/api/agents/${duo}`)
    const shown = partyView.parse((await user.get(`/api/parties/${id}`)).body)
    expect(shown.agentIds).to.deep.equal([una, ADA, duo])
    expect(shown.agents.filter(({ gone }) => gone)).to.deep.equal([{ id: duo, name: 'Duo', gone: true }])
    for (const path of ['/api/chat/multi-agent', '/api/credits/estimate']) {
      const answer = await user.post(path, { partyId: id, message: 'Hello' })
      expect(answer.status).to.equal(409)
      expect(errorOf(answer)).to.deep.include({
        code: 'party.agents_gone',
        details: { agents: [{ id: duo, name: 'Duo' }] },
      })
    }
    expect((await limitsOf(before.runId)).agent_ids, 'what was accepted goes on').to.deep.equal([una, ADA, duo])
    expect((await user.put(`/api/parties/${id}`, { agentIds: [una, duo] })).status).to.equal(404)
    expect((await user.put(`/api/parties/${id}`, { name: 'Still' })).status, 'the rest may be changed').to.equal(200)
    await user.put(`/api/parties/${id}`, { agentIds: [una, ADA] })
    await user.accept('/api/chat/multi-agent', { partyId: id, message: 'Hello' })
  })

  it('are estimated as their agents are', async () => {
    const partyId = await user.create('/api/parties', { ...party, strategy: 'supervisor', maxTurns: 3 })
    const message = 'What is time?'
    const saved = await user.post('/api/credits/estimate', { partyId, message })
    const named = await user.post('/api/credits/estimate', {
      ...party,
      name: undefined,
      message,
      strategy: 'supervisor',
      maxTurns: 3,
    })
    expect(saved.status).to.equal(200)
    expect(saved.body).to.deep.equal(named.body)
  })

  it('are begun over sockets too, and once under a key, whatever becomes of them', async () => {
    const partyId = await user.create('/api/parties', party)
    const socket = io(app.url, { transports: ['websocket'], auth: { token: user.token }, forceNew: true })
    const send = async () =>
      acceptedView.parse(
        await socket.emitWithAck('message.send', { partyId, message: 'Hello', idempotencyKey: 'once' }),
      )
    try {
      const first = await send()
      await user.delete(`/api/parties/${partyId}`)
      expect(await send()).to.deep.equal(first)
      expect((await limitsOf(first.runId)).agent_ids).to.deep.equal(party.agentIds)
    } finally {
      socket.disconnect()
    }
  })

  it('may be what a schedule begins', async () => {
    const partyId = await user.create('/api/parties', party)
    const body = { name: 'Morning', cron: '0 9 * * *', party: { partyId, message: 'Hello' } }
    expect((await user.post('/api/schedules', body)).status).to.equal(201)
  })
})
