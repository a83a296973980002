import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { whileUncommitted } from '../support/race.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'
const minimal = { name: 'Nora', instructions: 'You are Nora.' }

describe('Agents', () => {
  let llm: MockLlm
  let user: TestUser
  let other: TestUser
  const app = useApp()
  before(async () => {
    llm = await startMockLlm()
    ;[user, other] = await Promise.all([app.api.register(), app.api.register()])
  })
  after(() => llm.stop())
  const connection = () => ({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') })

  it('need a name and instructions; the rest has defaults', async () => {
    const answer = await user.post('/api/agents', minimal)
    expect(answer.status).to.equal(201)
    const { id, createdAt, updatedAt, ...rest } = Object(answer.body)
    expect(rest).to.deep.equal({
      ...minimal,
      characteristics: '',
      chatStyle: { friendliness: 'medium', humor: 'medium', formality: 'medium', verbosity: 'medium' },
      connectionId: null,
      model: null,
      fallbackConnectionId: null,
      fallbackModel: null,
      temperature: null,
      maxOutputTokens: null,
      reasoningEffort: null,
      tools: [],
      maxSteps: null,
      avatar: null,
      color: null,
      scope: 'user',
    })
    expect(createdAt).to.equal(updatedAt)
    expect((await user.get(`/api/agents/${id}`)).body).to.deep.equal(answer.body)
  })

  it('keep what a change leaves out, and take null for what may be none', async () => {
    const id = await user.create('/api/agents', { ...minimal, model: 'some-model', temperature: 0.5 })
    const changed = await user.put(`/api/agents/${id}`, {
      model: null,
      chatStyle: { humor: 'high' },
      maxOutputTokens: 99,
    })
    expect(changed.status).to.equal(200)
    expect(changed.body).to.deep.include({ ...minimal, model: null, temperature: 0.5, maxOutputTokens: 99 })
    expect(Object(changed.body).chatStyle.humor).to.equal('high')
  })

  it('have a face: an emoji or initials, and a colour; no address of anything', async () => {
    const id = await user.create('/api/agents', { ...minimal, avatar: '👨‍👩‍👧‍👦', color: '#4F46E5' })
    expect((await user.get(`/api/agents/${id}`)).body).to.deep.include({ avatar: '👨‍👩‍👧‍👦', color: '#4f46e5' })
    for (const avatar of ['🇩🇪', 'JP', 'é', '日本', null]) {
      expect((await user.put(`/api/agents/${id}`, { avatar })).body, String(avatar)).to.deep.include({ avatar })
    }
    const wrong = ['', 'abc', 'https://example.com/a.png', '<b', 'a\u0000', '\ud83d', `a${'\u0301'.repeat(60)}`, 7]
    for (const avatar of wrong) {
      expect((await user.put(`/api/agents/${id}`, { avatar })).status, String(avatar)).to.equal(400)
    }
    for (const color of ['red', '#fff', '#12345g', 'url(x)', '']) {
      expect((await user.put(`/api/agents/${id}`, { color })).status, color).to.equal(400)
    }
  })

  it('are refused with the path of each mistake; an unknown field is one', async () => {
    const answer = await user.post('/api/agents', {
      name: 'No: name',
      temperature: 3,
      maxOutputTokens: 1.5,
      chatStyle: { humor: 'extreme', rudeness: 'high' },
      owner: 'me',
    })
    expect(answer.status).to.equal(400)
    const paths = Object(errorOf(answer).details).issues.map(({ path }: { path: string }) => path)
    expect(paths).to.have.members([
      'name',
      'instructions',
      'temperature',
      'maxOutputTokens',
      'chatStyle.humor',
      'chatStyle.rudeness',
      'owner',
    ])
  })

  it("may use one's own connections and the platform's, nobody else's", async () => {
    const connectionOf = (who: TestUser) =>
      who.create('/api/connections', { name: 'C', model: 'm', apiKey: null, ...connection() })
    const [mine, theirs] = await Promise.all([connectionOf(user), connectionOf(other)])
    expect((await user.post('/api/agents', { ...minimal, connectionId: mine })).status).to.equal(201)
    for (const connectionId of [theirs, randomUUID()]) {
      const refused = await user.post('/api/agents', { ...minimal, connectionId })
      expect(refused.status).to.equal(400)
      expect(Object(errorOf(refused).details).issues[0].path).to.equal('connectionId')
    }
    const id = await user.create('/api/agents', minimal)
    expect((await user.put(`/api/agents/${id}`, { connectionId: theirs })).status).to.equal(400)
  })

  it('of others do not exist: not to read, change, delete or talk with', async () => {
    const id = await other.create('/api/agents', minimal)
    const answers = await Promise.all([
      user.get(`/api/agents/${id}`),
      user.put(`/api/agents/${id}`, { name: 'Mine' }),
      user.delete(`/api/agents/${id}`),
      user.post('/api/chat', { agentId: id, message: 'Hello' }),
      user.post('/api/chat/multi-agent', { agentIds: [ADA, id], message: 'Hello' }),
    ])
    expect(answers.map(({ status }) => status)).to.deep.equal([404, 404, 404, 404, 404])
    const last = answers.at(-1)
    expect(last && Object(errorOf(last).details).issues).to.deep.equal([
      { path: 'agentIds.1', message: 'is not an agent of yours' },
    ])
    expect((await other.get(`/api/agents/${id}`)).body).to.deep.include(minimal)
    const { data } = Object((await user.get('/api/agents?limit=100')).body)
    expect(data.map((agent: { id: string }) => agent.id)).not.to.include(id)
  })

  it('of the platform are there for everybody, and only administrators change them', async () => {
    const { data } = Object((await user.get('/api/agents?limit=100')).body)
    const platform = data.filter(({ scope }: { scope: string }) => scope === 'platform')
    expect(platform.map(({ name }: { name: string }) => name)).to.have.members(['Ada', 'Blaise', 'Clara'])
    const answers = [await user.put(`/api/agents/${ADA}`, { name: 'Eve' }), await user.delete(`/api/agents/${ADA}`)]
    expect(answers.map(({ status }) => status)).to.deep.equal([403, 403])
    const admin = await app.api.login(ADMIN.email, ADMIN.password)
    expect((await admin.put(`/api/agents/${ADA}`, { characteristics: 'exact' })).status).to.equal(200)
  })

  it('come in pages, newest first, without gaps or repeats', async () => {
    const reader = await app.api.register()
    const made: string[] = []
    for (let i = 0; i < 5; i++) made.unshift(await reader.create('/api/agents', { ...minimal, name: `N${i}` }))
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const page = Object((await reader.get(`/api/agents?limit=3${cursor && `&cursor=${cursor}`}`)).body)
      seen.push(...page.data.map(({ id }: { id: string }) => id))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
    expect(seen.slice(0, 5)).to.deep.equal(made)
    expect(seen).to.have.length(8)
    expect(new Set(seen).size).to.equal(8)
  })

  it('that are deleted keep what they said, and their name on it, and talk no more', async () => {
    llm.reply('Remember me.')
    const [agentId = ''] = await user.agentsOn(connection(), ['Mortal'])
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
    await user.finished(runId)
    const said = await user.messages(conversationId)
    expect((await user.delete(`/api/agents/${agentId}`)).status).to.equal(204)
    expect((await user.get(`/api/agents/${agentId}`)).status).to.equal(404)
    expect((await user.delete(`/api/agents/${agentId}`)).status).to.equal(404)
    expect(await user.messages(conversationId)).to.deep.equal(said)
    expect(said.at(-1)).to.deep.include({ agentId, agentName: 'Mortal', content: 'Remember me.' })
    const again = await user.post('/api/chat', { agentId, message: 'Hello?', conversationId })
    expect(again.status).to.equal(404)
  })

  it('that are deleted while they talk say it to the end', async () => {
    const hold = llm.hold(1)
    llm.reset()
    llm.reply({ text: 'A sentence that is finished whatever happens.', hold })
    const [agentId = ''] = await user.agentsOn(connection(), ['Steady'])
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
    await hold.reached
    expect((await user.delete(`/api/agents/${agentId}`)).status).to.equal(204)
    hold.release()
    expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
    expect((await user.messages(conversationId)).at(-1)).to.deep.include({
      agentName: 'Steady',
      content: 'A sentence that is finished whatever happens.',
    })
  })

  it('whose connection is deleted as they are made or changed are refused, with its path', async () => {
    const make = () => user.create('/api/connections', { name: 'C', model: 'm', apiKey: null, ...connection() })
    const id = await user.create('/api/agents', minimal)
    const requests = [
      (connectionId: string) => user.post('/api/agents', { ...minimal, connectionId }),
      (connectionId: string) => user.put(`/api/agents/${id}`, { connectionId }),
    ]
    for (const request of requests) {
      const connectionId = await make()
      const answer = await whileUncommitted(
        app.container.db,
        'DELETE FROM connections WHERE id = $1',
        [connectionId],
        () => request(connectionId),
      )
      expect(answer.status).to.equal(400)
      expect(Object(errorOf(answer).details).issues[0].path).to.equal('connectionId')
    }
  })

  it('that are deleted as they are changed stay deleted, and keep no connection', async () => {
    const [agentId = ''] = await user.agentsOn(connection(), ['Gone'])
    const { connectionId } = Object((await user.get(`/api/agents/${agentId}`)).body)
    const answer = await whileUncommitted(
      app.container.db,
      'UPDATE agents SET deleted_at = now(), connection_id = NULL WHERE id = $1',
      [agentId],
      () => user.put(`/api/agents/${agentId}`, { connectionId, name: 'Back' }),
    )
    expect(answer.status).to.equal(404)
    expect((await user.delete(`/api/connections/${connectionId}`)).status).to.equal(204)
  })

  it("of the platform use the platform's connections only, whoever changes them", async () => {
    const admin = await app.api.login(ADMIN.email, ADMIN.password)
    const own = await admin.create('/api/connections', { name: 'Own', model: 'm', apiKey: null, ...connection() })
    const refused = await admin.put(`/api/agents/${ADA}`, { connectionId: own })
    expect(refused.status).to.equal(400)
    expect(Object(errorOf(refused).details).issues[0].path).to.equal('connectionId')
    const platform = await admin.create('/api/connections', {
      ...{ name: 'All', model: 'm', apiKey: null, scope: 'platform' },
      ...connection(),
    })
    expect((await admin.put(`/api/agents/${ADA}`, { connectionId: platform })).status).to.equal(200)
    expect((await admin.put(`/api/agents/${ADA}`, { connectionId: null })).status).to.equal(200)
  })

  it('that are deleted let their connection go', async () => {
    const [agentId = ''] = await user.agentsOn(connection(), ['Last'])
    const { connectionId } = Object((await user.get(`/api/agents/${agentId}`)).body)
    const inUse = await user.delete(`/api/connections/${connectionId}`)
    expect(inUse.status).to.equal(409)
    expect(Object(errorOf(inUse).details).agents).to.deep.equal([{ id: agentId, name: 'Last' }])
    await user.delete(`/api/agents/${agentId}`)
    expect((await user.delete(`/api/connections/${connectionId}`)).status).to.equal(204)
  })
})
