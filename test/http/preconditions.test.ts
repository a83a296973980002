import { expect } from 'chai'
import { ADA, mcpServer, party, schedule, webhook } from '../architecture/route-table.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

describe('If-Match', () => {
  const app = useApp()
  let user: TestUser
  before(async () => {
    user = await app.api.register()
  })

  /** What may be edited by several people, or in several windows: how one is made, and two changes of it. */
  const EDITED: Record<string, { path: string; make: () => Promise<string>; method: string; changes: object[] }> = {
    agents: {
      path: '/api/agents',
      make: () => user.create('/api/agents', { name: 'Ada', instructions: 'You are Ada.' }),
      method: 'PUT',
      changes: [{ name: 'One' }, { name: 'Two' }],
    },
    connections: {
      path: '/api/connections',
      make: () => user.create('/api/connections', { name: 'C', provider: 'demo', model: 'demo' }),
      method: 'PUT',
      changes: [{ name: 'One' }, { name: 'Two' }],
    },
    conversations: {
      path: '/api/chat/conversations',
      make: async () => {
        const { conversationId, runId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
        await user.finished(runId)
        return conversationId
      },
      method: 'PATCH',
      changes: [{ title: 'One' }, { title: 'Two' }],
    },
    gallery: {
      path: '/api/gallery',
      make: async () => {
        const id = await user.create('/api/agents', { name: 'Ada', instructions: 'You are Ada.' })
        return user.create('/api/gallery', { kind: 'agent', id, authorName: 'Ada' })
      },
      method: 'PUT',
      changes: [{ description: 'One' }, { description: 'Two' }],
    },
    parties: {
      path: '/api/parties',
      make: () => user.create('/api/parties', party),
      method: 'PUT',
      changes: [{ name: 'One' }, { name: 'Two' }],
    },
    schedules: {
      path: '/api/schedules',
      make: () => user.create('/api/schedules', schedule),
      method: 'PUT',
      changes: [{ name: 'One' }, { name: 'Two' }],
    },
    'MCP servers': {
      path: '/api/mcp/servers',
      make: () => user.create('/api/mcp/servers', mcpServer),
      method: 'PUT',
      changes: [{ name: 'One' }, { name: 'Two' }],
    },
    webhooks: {
      path: '/api/webhooks',
      make: () => user.create('/api/webhooks', webhook),
      method: 'PUT',
      changes: [{ description: 'One' }, { description: 'Two' }],
    },
    users: {
      path: '/api/users',
      make: async () => user.id,
      method: 'PUT',
      changes: [{ name: 'One' }, { name: 'Two' }],
    },
  }

  for (const [what, { path, make, method, changes }] of Object.entries(EDITED)) {
    it(`of ${what}: a change of what was seen is made, one of what was changed since is a 412 and makes none`, async () => {
      const at = `${path}/${await make()}`
      const put = (body: object | undefined, tag: string) => user.request(method, at, body, { 'if-match': tag })
      const seen = (await user.get(at)).headers.get('etag') ?? ''
      expect(seen).to.match(/^"[\w-]+\.[\w-]+"$/)
      const first = await put(changes[0], seen)
      expect(first.status).to.equal(200)
      const late = await put(changes[1], seen)
      expect([late.status, errorOf(late).code]).to.deep.equal([412, 'request.precondition_failed'])
      expect((await user.get(at)).body).to.include(changes[0])
      // The answer to a change has the tag of what it made; a proxy may have made it weak.
      const tag = first.headers.get('etag') ?? ''
      expect((await put(changes[1], `"other.tag", W/${tag}`)).status).to.equal(200)
      expect((await put(changes[0], '*')).status).to.equal(200)
    })

    it(`of ${what}: of many changes at the same time that saw the same, one is made`, async () => {
      const at = `${path}/${await make()}`
      const seen = (await user.get(at)).headers.get('etag') ?? ''
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => user.request(method, at, changes[1], { 'if-match': seen })),
      )
      const statuses = answers.map(({ status }) => status).sort()
      expect(statuses).to.deep.equal([200, ...Array(7).fill(412)])
    })
  }

  it("of one's own profile is that of `me`, and no password is lost on it", async () => {
    const own = await app.api.register()
    const put = (body: object, tag: string) => own.request('PUT', '/api/auth/profile', body, { 'if-match': tag })
    const seen = (await own.get('/api/auth/me')).headers.get('etag') ?? ''
    expect((await put({ name: 'One' }, seen)).status).to.equal(200)
    const [currentPassword, newPassword] = ['correct horse battery', 'staple battery horse correct']
    const late = await put({ currentPassword, newPassword }, seen)
    expect([late.status, errorOf(late).code]).to.deep.equal([412, 'request.precondition_failed'])
    expect((await own.put('/api/auth/profile', { currentPassword, newPassword })).status).to.equal(200)
  })

  it('is not held against what moves by itself: words of a conversation', async () => {
    const { conversationId, runId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    const at = `/api/chat/conversations/${conversationId}`
    const before = (await user.get(at)).headers.get('etag') ?? ''
    await user.finished(runId)
    const after = (await user.get(at)).headers.get('etag') ?? ''
    expect(after, 'other words are another answer').not.to.equal(before)
    expect((await user.request('PATCH', at, { pinned: true }, { 'if-match': before })).status).to.equal(200)
  })

  it('of a tag that is none is a 412, and without it changes are made as ever', async () => {
    const id = await user.create('/api/agents', { name: 'Ada', instructions: 'You are Ada.' })
    for (const tag of ['x', '""', 'W/', '"a"', '"."']) {
      expect((await user.request('PUT', `/api/agents/${id}`, { name: 'N' }, { 'if-match': tag })).status, tag).to.equal(
        412,
      )
    }
    expect((await user.put(`/api/agents/${id}`, { name: 'N' })).status).to.equal(200)
  })
})
