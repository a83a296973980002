import { expect } from 'chai'
import { messageView } from '../../src/contract/views.ts'
import { errorOf } from '../support/api-client.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { usePartyWorld } from './party-world.ts'

describe('Feedback on a message', () => {
  const world = usePartyWorld()
  const spoken = async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply('Tea.')
    const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Tea?' })
    await user.finished(runId)
    const [asked, said] = await user.messages(conversationId)
    return { user, conversationId, asked, said, path: `/api/chat/messages/${said?.id}/feedback` }
  }

  it('stands beside it, is told to who watches, may be another, and is taken back', async () => {
    const { user, conversationId, said, path } = await spoken()
    const socket = await new SocketTap(world.app.url, user.token).connected()
    const joined = await socket.ask('conversation.join', { conversationId })
    const answer = await user.put(path, { value: 'down', comment: '  It was coffee. ' })
    expect(answer.status).to.equal(200)
    const judged = messageView.parse(answer.body)
    expect(judged).to.deep.equal({ ...said, feedback: { value: 'down', comment: 'It was coffee.' } })
    const told = () => socket.received.find(({ type }) => type === 'message.created')
    await socket.until(() => told() !== undefined)
    expect(told()?.payload.message).to.deep.equal(answer.body)
    expect(told()?.payload.version).to.equal(Object(joined.conversation).version + 1)
    socket.close()
    expect((await user.messages(conversationId))[1]).to.deep.equal(judged)
    expect(messageView.parse((await user.put(path, { value: 'up' })).body).feedback).to.deep.equal({
      value: 'up',
      comment: null,
    })
    expect((await user.delete(path)).status).to.equal(204)
    expect((await user.delete(path)).status).to.equal(204)
    expect((await user.messages(conversationId))[1]).to.deep.equal(said)
  })

  it('is given on what agents said, by whom it was said to', async () => {
    const { user, asked, path } = await spoken()
    const refused = await user.put(`/api/chat/messages/${asked?.id}/feedback`, { value: 'up' })
    expect([refused.status, errorOf(refused).code]).to.deep.equal([409, 'message.not_of_agent'])
    const other = await world.app.api.register()
    expect((await other.put(path, { value: 'up' })).status).to.equal(404)
    expect((await other.delete(path)).status).to.equal(404)
    for (const body of [
      {},
      { value: 'so-so' },
      { value: 'up', comment: 'x'.repeat(2_001) },
      { value: 'up', comment: 'a\0' },
      { value: 'up', by: 1 },
    ])
      expect((await user.put(path, body)).status, JSON.stringify(body).slice(0, 50)).to.equal(400)
  })
})
