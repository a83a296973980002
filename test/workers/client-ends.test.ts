import { expect } from 'chai'
import { type Change, ChatspartyClient } from '../../src/client/client.ts'
import type { AcceptedView } from '../../src/contract/views.ts'
import type { TestUser } from '../support/api-client.ts'
import { allSpoken, usePartyWorld } from './party-world.ts'

/** Says something to one agent, or, with `agentIds`, to several. */
type Say = (body: object) => Promise<AcceptedView>

describe("The typed client's view of a conversation", () => {
  const world = usePartyWorld({ env: { TURN_MAX_ATTEMPTS: '2' } })

  /** A follower of a conversation that was begun, and how to say more in it. */
  const followed = async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply('Hello.')
    const { conversationId, runId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Hello' })
    await user.finished(runId)
    world.llm.reset()
    const client = new ChatspartyClient({ url: world.app.url, token: user.token })
    const follower = client.follow(conversationId)
    const changes = follower[Symbol.asyncIterator]()
    await changes.next()
    const say: Say = (body) => {
      const path = 'agentIds' in body ? '/api/chat/multi-agent' : '/api/chat'
      return user.accept(path, { message: 'Tea?', conversationId, ...body })
    }
    /** The changes up to that run's end. */
    const until = async (ended: string): Promise<Change[]> => {
      const seen: Change[] = []
      for (;;) {
        const { value: change, done } = await changes.next()
        if (done || !change) throw new Error('the changes ended before the run')
        seen.push(change)
        if (change.type === 'run.ended' && change.run.id === ended) return seen
      }
    }
    return { user, agentIds, conversationId, client, follower, say, until }
  }

  const spoken = async ({ conversationId }: AcceptedView) => allSpoken(world.app.container.feed, conversationId)
  /** How runs end: begins one that does. */
  const ends: Record<string, (say: Say, agentIds: string[], user: TestUser) => Promise<AcceptedView>> = {
    'has finished': (say, [agentId]) => {
      world.llm.reply('Tea.')
      return say({ agentId })
    },
    'had all its turns': (say, agentIds) => {
      world.llm.reply('Tea.')
      return say({ agentIds, maxTurns: 3 })
    },
    'heard its phrase': (say, agentIds) => {
      world.llm.reply('We are done.')
      return say({ agentIds, stop: { phrase: 'we are done' } })
    },
    failed: (say, [agentId]) => {
      world.llm.reply({ status: 401 })
      return say({ agentId })
    },
    'was cancelled': async (say, [agentId], user) => {
      world.llm.reply({ text: 'Tea is what I would choose.', hold: world.llm.hold(2) })
      const accepted = await say({ agentId })
      await spoken(accepted)
      await user.post(`/api/chat/runs/${accepted.runId}/cancel`, {})
      return accepted
    },
    'interrupted another': async (say, [agentId]) => {
      world.llm.replyOnce({ text: 'Tea is what I would choose.', hold: world.llm.hold(2) }).replyOnce('Coffee.')
      await spoken(await say({ agentId }))
      return say({ agentId, message: 'Coffee?', onBusy: 'interrupt' })
    },
  }
  for (const [how, begin] of Object.entries(ends)) {
    it(`has no active run when one ${how}, and its last one is as the rows have it`, async () => {
      const { user, agentIds, conversationId, client, follower, say, until } = await followed()
      try {
        const { runId } = await begin(say, agentIds, user)
        await user.finished(runId)
        await until(runId)
        const { conversation, runs } = follower.state
        const rows = Object((await user.get(`/api/chat/conversations/${conversationId}`)).body)
        expect(rows.activeRun).to.equal(null)
        expect(conversation?.activeRun).to.equal(null)
        expect(conversation?.lastRun).to.deep.equal(rows.lastRun)
        expect(runs.get(runId)).to.deep.equal(await user.run(runId))
      } finally {
        client.close()
      }
    })
  }

  it('knows when a try that failed is followed by the next', async () => {
    const { user, agentIds, client, say, until } = await followed()
    try {
      world.llm.replyOnce({ status: 500 }).replyOnce('Tea.')
      const before = Date.now()
      const { runId } = await say({ agentId: agentIds[0] })
      await user.finished(runId)
      const failed = (await until(runId)).filter((change) => change.type === 'turn.failed')
      expect(failed.map(({ willRetry }) => willRetry)).to.deep.equal([true])
      expect(Date.parse(failed[0]?.retryAt ?? '')).to.be.greaterThan(before)
    } finally {
      client.close()
    }
  })

  it('has what came of a run that was retried, and lists both', async () => {
    const { user, agentIds, conversationId, client, follower, say, until } = await followed()
    try {
      world.llm.reply({ status: 401 })
      const { runId } = await say({ agentId: agentIds[0] })
      await until(runId)
      world.llm.reset()
      world.llm.reply('Tea.')
      const again = await client.retry(runId, 'again')
      expect(await client.retry(runId, 'again')).to.deep.equal(again)
      await until(again.runId)
      expect(follower.state.conversation?.lastRun).to.deep.equal(await user.run(again.runId))
      const { data, nextCursor } = await client.runs(conversationId, { limit: 2 })
      expect(data.map(({ id, status }) => [id, status])).to.deep.equal([
        [again.runId, 'completed'],
        [runId, 'failed'],
      ])
      const rest = await client.runs(conversationId, { limit: 2, cursor: nextCursor ?? '' })
      expect(rest.data).to.have.length(1)
    } finally {
      client.close()
    }
  })
})
