import { expect } from 'chai'
import type { ConversationView } from '../../src/contract/views.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { usePartyWorld } from './party-world.ts'

for (const profile of QUEUES) {
  describe(`The list of conversations in another tab, queue on ${profile}`, () => {
    const redis = useRedis(profile)
    const world = usePartyWorld(async () => ({ env: redis.env }))

    it('hears of each that is begun, spoken in, renamed and deleted, in any way, and of nobody else’s', async () => {
      const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
      const other = await world.app.api.register()
      const [tab, stranger] = [new SocketTap(world.app.url, user.token), new SocketTap(world.app.url, other.token)]
      await Promise.all([tab.connected(), stranger.connected()])
      const news = () =>
        tab.received.filter(({ type }) => type.startsWith('conversation.')).map((event) => ({ ...event }))
      const viewOf = (payload: Record<string, unknown> | undefined): ConversationView => Object(payload).conversation
      const path = (id: string) => `/api/chat/conversations/${id}`
      const rows = async (id: string) =>
        Object((await user.get('/api/chat/conversations')).body).data.find((one: ConversationView) => one.id === id)
      world.llm.reply('Tea.')
      const { conversationId, runId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Tea?' })
      await user.finished(runId)
      await tab.until(() => viewOf(news().at(-1)?.payload)?.lastRun?.status === 'completed')
      expect(news()[0]).to.deep.include({ type: 'conversation.created' })
      expect(news()[0]?.payload.conversationId).to.equal(conversationId)
      expect(viewOf(news()[0]?.payload)).to.deep.include({ id: conversationId, title: null, agentIds: [agentIds[0]] })
      expect(viewOf(news()[0]?.payload).activeRun).to.deep.include({ id: runId, status: 'queued' })
      // Nothing is read to tell it, and it is what a list shows.
      expect(viewOf(news().at(-1)?.payload)).to.deep.equal(await rows(conversationId))

      const before = news().length
      const body = { agentIds, message: 'And?', conversationId, maxTurns: 2, strategy: 'panel' }
      const next = await user.accept('/api/chat/multi-agent', body)
      await user.finished(next.runId)
      await tab.until(
        () => viewOf(news().at(-1)?.payload)?.lastRun?.status === 'completed' && news().length > before + 1,
      )
      expect(news()[before]?.type).to.equal('conversation.updated')
      expect(viewOf(news()[before]?.payload).activeRun?.id).to.equal(next.runId)
      expect(viewOf(news().at(-1)?.payload)).to.deep.equal(await rows(conversationId))

      await user.patch(path(conversationId), { title: 'About tea' })
      await tab.until(() => viewOf(news().at(-1)?.payload)?.title === 'About tea')

      world.llm.reset()
      world.llm.reply({ status: 401 })
      const bad = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Milk?', conversationId })
      await user.finished(bad.runId)
      await tab.until(() => viewOf(news().at(-1)?.payload)?.lastRun?.status === 'failed')

      const hold = world.llm.hold()
      world.llm.reset()
      world.llm.reply({ text: 'Hm.', hold })
      await user.post(`/api/chat/runs/${bad.runId}/retry`, undefined)
      await tab.until(() => viewOf(news().at(-1)?.payload)?.activeRun !== null)
      const { activeRun } = viewOf(news().at(-1)?.payload)
      await user.post(`/api/chat/runs/${activeRun?.id}/cancel`, {})
      await tab.until(() => viewOf(news().at(-1)?.payload)?.lastRun?.status === 'cancelled')

      await user.delete(path(conversationId))
      await tab.until(() => news().at(-1)?.type === 'conversation.deleted')
      expect(news().at(-1)?.payload).to.deep.equal({ conversationId })
      expect(stranger.received.filter(({ type }) => type.startsWith('conversation.'))).to.deep.equal([])
      tab.close()
      stranger.close()
    })
  })
}
