import { expect } from 'chai'
import { z } from 'zod'
import type { DoorService, Saying } from '../../src/doors/door.service.ts'
import { ADA } from '../architecture/route-table.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

describe('Threads of doors', () => {
  const app = useApp({ worker: false })
  let user: TestUser
  let doors: DoorService
  beforeEach(async () => {
    user = await app.api.register()
    doors = app.container.doorService
  })

  const saying = async (thread: string, change: Partial<Saying> = {}, by = user): Promise<Saying> => ({
    userId: by.id,
    model: await doors.models.resolve(by.id, ADA),
    message: 'Hello',
    where: { thread: { userId: by.id, door: 'ui', thread } },
    earlier: [],
    key: undefined,
    ...change,
  })
  const say = async (...given: Parameters<typeof saying>) => doors.say(await saying(...given))
  const conversations = async (by = user) => {
    const list = z.object({ data: z.array(z.object({ id: z.string() })) })
    return list.parse((await by.get('/api/chat/conversations')).body).data.map(({ id }) => id)
  }
  const codeOf = (asking: Promise<unknown>) =>
    asking.then(
      () => undefined,
      (error: unknown) => Object(error).code,
    )

  it('begin with the first request that names them, go on with the next, and are each owner s own', async () => {
    const first = await say('one', { earlier: [{ role: 'user', agentId: null, agentName: null, content: 'Before.' }] })
    const earlier = [{ role: 'user' as const, agentId: null, agentName: null, content: 'Not again.' }]
    const second = await say('one', { message: 'And?', earlier })
    expect(second.conversationId).to.equal(first.conversationId)
    expect((await user.messages(first.conversationId)).map(({ seq, content }) => [seq, content])).to.deep.equal([
      ...[
        [1, 'Before.'],
        [2, 'Hello'],
        [3, 'And?'],
      ],
    ])
    const other = await app.api.register()
    expect((await say('one', {}, other)).conversationId).to.not.equal(first.conversationId)
    const agUi = { thread: { userId: user.id, door: 'ag-ui' as const, thread: 'one' } }
    expect((await say('', { where: agUi })).conversationId).to.not.equal(first.conversationId)
  })

  it('begin once, however many requests name them first at the same moment', async () => {
    const accepted = await Promise.all(Array.from({ length: 6 }, (_, n) => say('race', { message: `Hello ${n}` })))
    expect(new Set(accepted.map(({ conversationId }) => conversationId)).size).to.equal(1)
    expect(await conversations()).to.have.length(1)
    const messages = await user.messages(accepted[0]?.conversationId ?? '')
    expect(messages.map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4, 5, 6])
  })

  it('leave nothing behind where nothing was accepted', async () => {
    const earlier = [{ role: 'user' as const, agentId: null, agentName: null, content: 'Before.' }]
    const note = async () => {
      throw new Error('as if the process had died here')
    }
    await say('undone', { earlier, note }).catch(() => {})
    expect(await conversations()).to.deep.equal([])
    expect(await doors.thread({ userId: user.id, door: 'ui', thread: 'undone' })).to.equal(undefined)
    const key = { route: 'ui', key: 'k', bodyHash: 'one' }
    const first = await say('keyed', { earlier, key })
    expect(await say('keyed', { earlier, key })).to.deep.equal(first)
    expect(await codeOf(say('keyed', { earlier, key: { ...key, bodyHash: 'two' } }))).to.equal(
      'request.idempotency_conflict',
    )
    // The same key for a thread that is not there: nothing of it is begun.
    expect(await say('other', { earlier, key })).to.deep.equal(first)
    expect(await conversations()).to.deep.equal([first.conversationId])
  })

  it('have names of a size', async () => {
    for (const thread of ['', 'x'.repeat(256), 'ü'.repeat(128)]) {
      expect(await codeOf(say(thread)), thread.slice(0, 3)).to.equal('thread.invalid')
    }
    expect((await say('ü'.repeat(127))).status).to.equal('queued')
  })

  it('cannot be named by what no name holds', async () => {
    for (const path of ['', '/stream']) {
      expect((await user.get(`/api/ui/chat/a%00b${path}`)).status).to.equal(404)
    }
    expect((await user.post('/api/ui/chat/a%00b/stop', {})).status).to.equal(404)
    expect((await user.get('/v1/models/a%00b')).status).to.equal(404)
  })

  it('go with their conversation, and then begin anew', async () => {
    const { conversationId } = await say('again')
    expect((await user.delete(`/api/chat/conversations/${conversationId}`)).status).to.equal(204)
    expect((await say('again')).conversationId).to.not.equal(conversationId)
  })

  it('name their models in every way that is clear, and say what would be', async () => {
    const id = await user.create('/api/agents', { name: 'Zoe', instructions: 'You are Zoe.' })
    for (const model of ['Zoe', ` Zoe `, id, id.toUpperCase(), `agent:${id}`]) {
      expect(await doors.models.resolve(user.id, model)).to.include({ id: `agent:${id}`, name: 'Zoe' })
    }
    const party = await user.create('/api/parties', { name: 'Zoe', agentIds: [id, ADA] })
    expect(await codeOf(doors.models.resolve(user.id, 'Zoe'))).to.equal('model.ambiguous')
    for (const model of [party, `party:${party}`]) {
      const found = await doors.models.resolve(user.id, model)
      expect(found).to.include({ id: `party:${party}`, kind: 'party' })
      expect(found.speakers.map(({ name }) => name)).to.deep.equal(['Zoe', 'Ada'])
    }
    for (const model of ['', 'zoe', `party:${id}`, `agent:${party}`, 'agent:Zoe', '\0', '\ud800', '%', "Zoe' --"]) {
      expect(await codeOf(doors.models.resolve(user.id, model)), model).to.equal('model.not_found')
    }
    const other = await app.api.register()
    expect(await codeOf(doors.models.resolve(other.id, `agent:${id}`))).to.equal('model.not_found')
  })
})

describe('Threads of doors of a user who has all conversations', () => {
  const app = useApp({ worker: false, env: { USER_CONVERSATIONS: '1' } })

  it('begin no more, with a history or without', async () => {
    const user = await app.api.register()
    await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    const ask = [{ role: 'user', content: 'Hello' }]
    for (const messages of [ask, [...ask, ...ask]]) {
      const answer = await user.post('/v1/chat/completions', { model: ADA, messages, stream: true })
      expect(answer.status).to.equal(409)
      expect(answer.body).to.have.nested.property('error.code', 'conversation.too_many')
    }
    expect(await app.container.db.query('SELECT 1 FROM door_threads')).to.deep.equal([])
  })
})
