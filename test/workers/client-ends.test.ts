import { expect } from 'chai'
import { type Change, ChatspartyClient } from '../../src/client/client.ts'
import {
  type AcceptedView,
  conversationView,
  isTerminal,
  type RunStatus,
  type StopReason,
} from '../../src/contract/views.ts'
import { formatCredits, MICRO } from '../../src/shared/money.ts'
import type { TestUser } from '../support/api-client.ts'
import { ADMIN } from '../support/app.ts'
import { balanceOf } from './ledger-world.ts'
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
    return { user, agentIds, conversationId, client, follower, changes, say, until }
  }

  const spoken = async ({ conversationId }: AcceptedView) => allSpoken(world.app.container.feed, conversationId)
  const LONG = 'There is a great deal to be said about tea, and I am going to say all of it. '.repeat(200)
  const rowsOf = async (user: TestUser, id: string) =>
    conversationView.parse((await user.get(`/api/chat/conversations/${id}`)).body)
  interface End {
    /** Begins a run that ends so. */
    begin: (say: Say, agentIds: string[], user: TestUser) => Promise<AcceptedView>
    /** Its status and reason then. */
    as: [RunStatus, StopReason]
  }
  const ends: Record<string, End> = {
    'has finished': {
      begin: (say, [agentId]) => {
        world.llm.reply('Tea.')
        return say({ agentId })
      },
      as: ['completed', 'finished'],
    },
    'had all its turns': {
      begin: (say, agentIds) => {
        world.llm.reply('Tea.')
        return say({ agentIds, maxTurns: 3 })
      },
      as: ['completed', 'max_turns'],
    },
    'was a panel': {
      begin: (say, agentIds) => {
        world.llm.reply('Tea.')
        return say({ agentIds, strategy: 'panel' })
      },
      as: ['completed', 'finished'],
    },
    'heard its phrase': {
      begin: (say, agentIds) => {
        world.llm.reply('We are done.')
        return say({ agentIds, stop: { phrase: 'we are done' } })
      },
      as: ['completed', 'phrase'],
    },
    'heard everybody pass': {
      begin: (say, agentIds) => {
        world.llm.reply('[pass]')
        return say({ agentIds })
      },
      as: ['completed', 'all_passed'],
    },
    'used up the credits of the user': {
      begin: async (say, [agentId], user) => {
        const { available } = await balanceOf(user)
        const admin = await world.app.api.login(ADMIN.email, ADMIN.password)
        const body = { userId: user.id, amount: formatCredits(20n * MICRO - available), reason: 'test' }
        expect((await admin.post('/api/credits/add', body)).status).to.equal(201)
        world.llm.reply({ text: LONG, paceMs: 1 })
        return say({ agentId })
      },
      as: ['completed', 'credits_exhausted'],
    },
    failed: {
      begin: (say, [agentId]) => {
        world.llm.reply({ status: 401 })
        return say({ agentId })
      },
      as: ['failed', 'failed'],
    },
    'was cancelled': {
      begin: async (say, [agentId], user) => {
        world.llm.reply({ text: 'Tea is what I would choose.', hold: world.llm.hold(2) })
        const accepted = await say({ agentId })
        await spoken(accepted)
        await user.post(`/api/chat/runs/${accepted.runId}/cancel`, {})
        return accepted
      },
      as: ['cancelled', 'cancelled'],
    },
    'was cancelled before it began': {
      begin: async (say, [agentId], user) => {
        const hold = world.llm.hold(2)
        world.llm.replyOnce({ text: 'Tea is what I would choose.', hold })
        await spoken(await say({ agentId }))
        const waiting = await say({ agentId, message: 'Coffee?', onBusy: 'enqueue' })
        await user.post(`/api/chat/runs/${waiting.runId}/cancel`, {})
        hold.release()
        return waiting
      },
      as: ['cancelled', 'cancelled'],
    },
    'was interrupted': {
      begin: async (say, [agentId]) => {
        world.llm.replyOnce({ text: 'Tea is what I would choose.', hold: world.llm.hold(2) }).replyOnce('Coffee.')
        const interrupted = await say({ agentId })
        await spoken(interrupted)
        await say({ agentId, message: 'Coffee?', onBusy: 'interrupt' })
        return interrupted
      },
      as: ['cancelled', 'interrupted'],
    },
    'waited for another to end': {
      begin: async (say, [agentId]) => {
        const hold = world.llm.hold(2)
        world.llm.replyOnce({ text: 'Tea is what I would choose.', hold }).replyOnce('Coffee.')
        await spoken(await say({ agentId }))
        const next = await say({ agentId, message: 'Coffee?', onBusy: 'enqueue' })
        expect(next.status).to.equal('pending')
        hold.release()
        return next
      },
      as: ['completed', 'finished'],
    },
  }
  for (const [how, { begin, as }] of Object.entries(ends)) {
    it(`has no active run when one ${how} and none follows, and is as the rows are`, async () => {
      const { user, agentIds, conversationId, client, follower, changes, say } = await followed()
      try {
        const { runId } = await begin(say, agentIds, user)
        const { status, stopReason } = await user.finished(runId)
        expect([status, stopReason]).to.deep.equal(as)
        // Those before and behind it, too: from then on the rows do not change.
        const ids = (await client.conversations.runs(conversationId)).data.map(({ id }) => id)
        await Promise.all(ids.map((id) => user.finished(id)))
        const rows = await rowsOf(user, conversationId)
        const seen = ids.filter((id) => id === runId || follower.state.runs.has(id))
        const isThere = () => seen.every((id) => isTerminal(follower.state.runs.get(id)?.status ?? 'queued'))
        while (!isThere() || (follower.state.conversation?.version ?? 0) < rows.version) await changes.next()
        const { conversation, runs, messages, live } = follower.state
        expect(conversation?.activeRun).to.equal(null)
        expect(conversation).to.deep.equal(rows)
        expect(messages).to.deep.equal(await user.messages(conversationId))
        expect(live).to.deep.equal([])
        for (const id of seen) expect(runs.get(id)).to.deep.equal(await user.run(id))
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
      const again = await client.runs.retry(runId, { idempotencyKey: 'again' })
      expect(await client.runs.retry(runId, { idempotencyKey: 'again' })).to.deep.equal(again)
      await until(again.runId)
      expect(follower.state.conversation?.lastRun).to.deep.equal(await user.run(again.runId))
      const { data, nextCursor } = await client.conversations.runs(conversationId, { limit: 2 })
      expect(data.map(({ id, status }) => [id, status])).to.deep.equal([
        [again.runId, 'completed'],
        [runId, 'failed'],
      ])
      const rest = await client.conversations.runs(conversationId, { limit: 2, cursor: nextCursor ?? '' })
      expect(rest.data).to.have.length(1)
    } finally {
      client.close()
    }
  })
})
