import { expect } from 'chai'
import type { ServerEvent } from '../../src/contract/events.ts'
import { ToolCallRepository } from '../../src/tools/tool-call.repository.ts'
import type { TestUser } from '../support/api-client.ts'
import { ADMIN, startApp } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { whileUncommitted } from '../support/race.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { answered, asksFor, usePartyWorld } from './party-world.ts'

const USAGE = { inputTokens: 100, outputTokens: 10 }
/** What watchers were told of calls. */
const statusesTold = (events: ServerEvent[]) =>
  events.flatMap((event) => ('call' in event ? `${event.type} ${event.call.status}` : []))

for (const profile of QUEUES) {
  describe(`Calls of tools that people are asked about, queue on ${profile}`, () => {
    const redis = useRedis(profile)
    const world = usePartyWorld(async () => ({ env: redis.env }))
    const hasty = usePartyWorld(async () => ({ env: { ...redis.env, REDIS_PREFIX: 'hasty', APPROVAL_MS: '1000' } }))

    /** A run that waits for somebody's word on a calculation, and how it was asked for. */
    const waiting = async (at = world) => {
      at.llm.reply({ ...answered('So it is.'), usage: USAGE }).reply({ ...asksFor('6 * 7', 'May I?'), usage: USAGE })
      const { user, agentIds } = await at.guests(['Ada'])
      const [agentId = ''] = agentIds
      await user.put(`/api/agents/${agentId}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
      const { container } = at.app
      const { conversationId } = await user.accept('/api/chat', { agentId, message: 'Hello.' }).then(async (first) => {
        await decided(at, user, first.runId, 'deny')
        await user.finished(first.runId)
        return first
      })
      const events: ServerEvent[] = []
      const asked = Promise.withResolvers<void>()
      const unsubscribe = await container.feed.subscribe(conversationId, (event) => {
        events.push(event)
        if (event.type === 'run.updated' && event.run.status === 'waiting') asked.resolve()
      })
      const { runId } = await user.accept('/api/chat', { agentId, conversationId, message: 'How much is it?' })
      await asked.promise
      const { data } = Object((await user.get('/api/chat/approvals')).body)
      const last = async () => (await user.messages(conversationId)).at(-1)
      return { user, agentId, runId, conversationId, approval: data[0], pending: data, events, unsubscribe, last }
    }

    /** Resolves, once it is listened, to a wait until the user is told that nothing waits for them any more. */
    const toldOfNone = async (userId: string) => {
      const told = Promise.withResolvers<void>()
      const leave = await world.app.container.feed.subscribeUser(userId, (event) => {
        if (event.type === 'approvals.updated' && event.waiting === 0) told.resolve()
      })
      return () => told.promise.finally(leave)
    }

    /** Waits until a run waits for people, and decides on the newest of it. */
    const decided = async (at: typeof world, user: TestUser, runId: string, decision: string) => {
      await becomes(at, user, runId, 'waiting')
      const { data } = Object((await user.get('/api/chat/approvals')).body)
      return user.post(`/api/chat/approvals/${data[0].id}`, { decision })
    }

    /** Waits until a run is in this state. */
    const becomes = async (at: typeof world, user: TestUser, runId: string, status: string) => {
      const { container } = at.app
      const { conversationId } = await user.run(runId)
      const is = Promise.withResolvers<void>()
      const look = async () => {
        if ((await user.run(runId)).status === status) is.resolve()
      }
      const unsubscribe = await container.feed.subscribe(conversationId, () => void look())
      await look()
      await is.promise
      await unsubscribe()
    }

    it('wait with nothing held and no worker; approved, the agent goes on from there, and pays each call once', async () => {
      const { user, runId, approval, pending, events, unsubscribe, last } = await waiting()
      expect(pending).to.have.length(1)
      expect(approval).to.deep.include({ runId, turn: 0, agentName: 'Ada', inDoubt: false })
      expect(JSON.parse(approval.call.args)).to.deep.equal({ expression: '6 * 7' })
      expect(Object((await user.get('/api/credits/balance')).body).held).to.equal('0.000000')
      expect(events.find(({ type }) => type === 'tool.approval_requested')).to.deep.include({ runId })
      const calls = world.llm.requests.length
      const answer = await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
      const run = await user.finished(runId)
      await unsubscribe()
      expect(run).to.deep.include({ status: 'completed', error: null })
      expect(run.receipt).to.deep.include({ inputTokens: 200, outputTokens: 20, steps: 1 })
      expect(world.llm.requests.length - calls).to.equal(1)
      expect(await last()).to.deep.include({ content: 'May I?\n\nSo it is.' })
      expect((await last())?.toolCalls?.[0]).to.deep.include({ status: 'done', result: '42' })
      expect(Object((await user.get(`/api/chat/runs/${runId}/tool-calls`)).body).data[0]).to.deep.include({
        turn: 0,
        status: 'done',
        result: '42',
      })
      await expectSettledOnce(world.app.container.db, runId)
    })

    it('denied, the tool does not run, the agent is told, and all that show how much waits', async () => {
      const { user, runId, conversationId, approval, events, unsubscribe, last } = await waiting()
      const listed = async (query: string) => Object((await user.get(`/api/chat/approvals${query}`)).body)
      expect(await listed('/count')).to.deep.equal({ waiting: 1 })
      expect((await listed(`?conversationId=${conversationId}`)).data).to.deep.equal([approval])
      expect((await listed(`?conversationId=${runId}`)).data).to.deep.equal([])
      expect(approval).to.have.property('conversationTitle')
      const noneWaits = await toldOfNone(user.id)
      await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'deny' })
      await noneWaits()
      expect(await listed('/count')).to.deep.equal({ waiting: 0 })
      expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
      await unsubscribe()
      expect(statusesTold(events)).to.deep.equal(['tool.approval_requested awaiting', 'tool.failed denied'])
      expect((await last())?.toolCalls?.[0]).to.deep.include({ status: 'denied', result: null, startedAt: null })
      expect(JSON.stringify(world.llm.requests.at(-1)?.body)).to.include('The user declined this call')
    })

    it('decided by two at once on two nodes, only one of them counts; by others, and again, none', async () => {
      const { user, runId, approval, unsubscribe } = await waiting()
      const node = await startApp({
        databaseUrl: world.app.container.directDatabaseUrl,
        worker: false,
        env: redis.env,
      })
      const there = await node.api.login(user.email, 'correct horse battery')
      const stranger = await world.app.api.register()
      expect((await stranger.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })).status).to.equal(404)
      const answers = await Promise.all(
        ['approve', 'deny', 'approve'].map((decision, at) =>
          (at === 1 ? there : user).post(`/api/chat/approvals/${approval.id}`, { decision }),
        ),
      )
      await node.close()
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 409, 409])
      expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
      await unsubscribe()
      const again = await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })
      expect([again.status, Object(again.body).error.code]).to.deep.equal([409, 'approval.over'])
    })

    it('leave their run time for what others of its turns are still asked', async () => {
      const { user, runId, approval, unsubscribe } = await waiting()
      const { db } = world.app.container
      // As if a speaker beside this one waited for somebody's word too, who has a week for it.
      await db.query(
        `INSERT INTO tool_calls SELECT (jsonb_populate_record(c, jsonb_build_object('turn', 7, 'id', gen_random_uuid(),
           'expires_at', now() + interval '7 days'))).* FROM tool_calls c WHERE c.id = $1`,
        [approval.id],
      )
      await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'deny' })
      const [left] = await db.query(
        `SELECT r.deadline_at > c.expires_at AS enough FROM runs r JOIN tool_calls c ON c.run_id = r.id AND c.turn = 7 WHERE r.id = $1`,
        [runId],
      )
      await db.query('DELETE FROM tool_calls WHERE run_id = $1 AND turn = 7', [runId])
      expect(left).to.deep.equal({ enough: true })
      expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
      await unsubscribe()
    })

    it('may be changed before they are approved, where the tool takes that', async () => {
      const { user, runId, approval, unsubscribe, last } = await waiting()
      const decide = (args: object) =>
        user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve', arguments: args })
      expect((await decide({ expression: 7 })).status).to.equal(400)
      expect((await decide({ expression: '2 + 2' })).status).to.equal(200)
      expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
      await unsubscribe()
      expect((await last())?.toolCalls?.[0]).to.deep.include({ status: 'done', result: '4' })
      expect(JSON.stringify(world.llm.requests.at(-1)?.body)).to.include('The user changed what was asked for')
    })

    it('are settled when the run is cancelled: the words stay, the tool never runs', async () => {
      const { user, runId, approval, unsubscribe, last } = await waiting()
      const noneWaits = await toldOfNone(user.id)
      const { body } = await user.post(`/api/chat/runs/${runId}/cancel`, {})
      await noneWaits()
      expect(body).to.deep.include({ status: 'cancelled' })
      await unsubscribe()
      expect(await last()).to.deep.include({ content: 'May I?', status: 'cancelled' })
      expect((await last())?.toolCalls?.[0]).to.deep.include({ status: 'cancelled', startedAt: null })
      expect((await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })).status).to.equal(409)
      expect(Object((await user.get('/api/chat/approvals')).body).data).to.deep.equal([])
      await expectSettledOnce(world.app.container.db, runId)
    })

    it('are settled with what the agent said before, also when its live text is forgotten by then', async () => {
      const { user, agentId, runId, conversationId, unsubscribe, last } = await waiting()
      await world.app.container.feed.end({ conversationId, runId, turn: 0, attempt: 1, agentId })
      await user.post(`/api/chat/runs/${runId}/cancel`, {})
      await unsubscribe()
      expect(await last()).to.deep.include({ content: 'May I?', status: 'cancelled' })
      expect((await last())?.toolCalls).to.have.length(1)
      await expectSettledOnce(world.app.container.db, runId)
    })

    it('of an agent that is deleted meanwhile do not run, and the run ends well', async () => {
      const { user, agentId, runId, approval, unsubscribe, last } = await waiting()
      expect((await user.delete(`/api/agents/${agentId}`)).status).to.equal(204)
      await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })
      expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
      await unsubscribe()
      expect((await last())?.toolCalls?.[0]).to.deep.include({ status: 'failed', errorCode: 'tool.gone' })
    })

    it('that nobody decides on in time expire, and the agent goes on without', async () => {
      hasty.llm.reply(answered('So be it.')).reply(asksFor('1'))
      const { user, agentIds } = await hasty.guests(['Ada'])
      await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
      const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Well?' })
      expect(await user.finished(runId)).to.deep.include({ status: 'completed' })
      const last = (await user.messages(conversationId)).at(-1)
      expect(last?.content).to.equal('So be it.')
      expect(last?.toolCalls?.[0]).to.deep.include({ status: 'expired', startedAt: null })
    })

    // What happens in rows alone is the same wherever the queue is.
    if (profile === 'Redis') return

    it('keep what was said before them, where nothing can be said any more: it is paid', async () => {
      const { user, agentId, runId, approval, events, unsubscribe, last } = await waiting()
      const { db } = world.app.container
      // As if the keys of this installation had been changed meanwhile.
      await db.query(
        `UPDATE connections SET api_key_sealed = 'gone' WHERE id = (SELECT connection_id FROM agents WHERE id = $1)`,
        [agentId],
      )
      await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })
      expect((await user.finished(runId)).status).to.equal('failed')
      await unsubscribe()
      expect(await last()).to.deep.include({ content: 'May I?', status: 'failed' })
      expect((await last())?.toolCalls?.[0]?.status).to.equal('cancelled')
      const told = events.findLast((event) => event.type === 'message.created' && event.message.role === 'agent')
      const { content, credits, toolCalls } = Object(told).message
      expect([content, credits]).to.deep.equal(['May I?', (await last())?.credits])
      expect(toolCalls[0].status).to.equal('cancelled')
      await expectSettledOnce(db, runId)
    })

    it('are not asked in a run that is to stop, whose worker was not told', async () => {
      const { llm, app } = world
      const { db, feed } = app.container
      const hold = llm.hold()
      llm.reply({ hold, text: 'May I?', toolCalls: [{ name: 'calculator', arguments: { expression: '6 * 7' } }] })
      const { user, agentIds } = await world.guests(['Ada'])
      await user.put(`/api/agents/${agentIds[0]}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
      const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Well?' })
      await hold.reached
      const events: ServerEvent[] = []
      const unsubscribe = await feed.subscribe(conversationId, (event) => void events.push(event))
      await db.query('UPDATE runs SET cancel_requested_at = clock_timestamp() WHERE id = $1', [runId])
      hold.release()
      expect((await user.finished(runId)).status).to.equal('cancelled')
      await unsubscribe()
      expect(statusesTold(events)).to.deep.equal(['tool.approval_requested awaiting'])
      expect((await user.messages(conversationId)).at(-1)).to.deep.include({ content: 'May I?', status: 'cancelled' })
      await expectSettledOnce(db, runId)
    })

    it('of an account that is suspended, and of a conversation that is deleted, are settled; nothing runs and nothing stays held', async () => {
      const admin = await world.app.api.login(ADMIN.email, ADMIN.password)
      const { db } = world.app.container
      const left = () =>
        db.query(`SELECT status FROM tool_calls WHERE user_id = $1 AND status NOT IN ('denied', 'cancelled')`, [
          user.id,
        ])
      const { user, runId, unsubscribe } = await waiting()
      await unsubscribe()
      const calls = world.llm.requests.length
      expect((await admin.post(`/api/users/${user.id}/suspend`, { reason: 'Spam.' })).status).to.equal(200)
      expect(await left()).to.deep.equal([])
      await expectSettledOnce(db, runId)
      const other = await waiting()
      await other.unsubscribe()
      expect((await other.user.delete(`/api/chat/conversations/${other.conversationId}`)).status).to.equal(204)
      const late = await other.user.post(`/api/chat/approvals/${other.approval.id}`, { decision: 'approve' })
      expect(late.status).to.equal(404)
      expect(Object((await other.user.get('/api/chat/approvals')).body).data).to.deep.equal([])
      expect(Object((await other.user.get('/api/credits/balance')).body).held).to.equal('0.000000')
      await expectSettledOnce(db, other.runId)
      // Of either, the model heard no more than what asked.
      expect(world.llm.requests.length - calls).to.equal(2 + 1)
    })

    it('outlive the session and the key that their run was asked for with: their owner decides, who is signed in', async () => {
      const { user, runId, conversationId, agentId, approval, unsubscribe } = await waiting()
      await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'deny' })
      await user.finished(runId)
      await unsubscribe()
      const program = await user.apiKey({ scopes: ['chat', 'read'] })
      const asked = await program.user.accept('/api/chat', { agentId, conversationId, message: 'And now?' })
      await becomes(world, program.user, asked.runId, 'waiting')
      expect((await user.delete(`/api/keys/${program.id}`)).status).to.equal(204)
      const { data } = Object((await user.get('/api/chat/approvals')).body)
      const decide = (by: TestUser) => by.post(`/api/chat/approvals/${data[0].id}`, { decision: 'approve' })
      expect((await decide(program.user)).status).to.equal(401)
      expect((await user.post('/api/auth/logout', {})).status).to.equal(204)
      expect((await decide(user)).status).to.equal(401)
      const back = await world.app.api.login(user.email, 'correct horse battery')
      expect((await decide(back)).status).to.equal(200)
      expect(await back.finished(asked.runId)).to.deep.include({ status: 'completed', error: null })
      await expectSettledOnce(world.app.container.db, asked.runId)
    })

    it('whose time is over while somebody decides have expired: the decision is refused, and watchers are told', async () => {
      const { user, runId, approval, events, unsubscribe, last } = await waiting()
      const { db } = world.app.container
      const noneWaits = await toldOfNone(user.id)
      const answer = await whileUncommitted(
        db,
        `WITH late AS (UPDATE turns SET due_at = clock_timestamp() WHERE run_id = $1 AND status = 'queued')
         UPDATE tool_calls SET expires_at = clock_timestamp() WHERE id = $2`,
        [runId, approval.id],
        () => user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' }),
      )
      expect([answer.status, Object(answer.body).error.code]).to.deep.equal([409, 'approval.over'])
      expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
      await unsubscribe()
      expect((await last())?.toolCalls?.[0]).to.deep.include({ status: 'expired', startedAt: null })
      await noneWaits()
      expect(statusesTold(events)).to.deep.equal(['tool.approval_requested awaiting', 'tool.failed expired'])
      await expectSettledOnce(db, runId)
    })

    it('are not ended by a worker that has lost their turn', async () => {
      const { user, runId, approval, unsubscribe } = await waiting()
      const { db } = world.app.container
      const toolCalls = new ToolCallRepository(db)
      const gone = { status: 'failed' as const, result: 'It is gone.', errorCode: 'tool.gone' }
      const lost = { runId, turn: 0, claimToken: approval.id }
      // As it is between somebody's word and the worker that goes on.
      await db.query(`UPDATE tool_calls SET status = 'approved' WHERE id = $1`, [approval.id])
      expect(await toolCalls.skip(lost, 0, gone)).to.equal('lost')
      expect(await toolCalls.end(lost, 0, 1, gone)).to.equal(false)
      await db.query(`UPDATE tool_calls SET status = 'awaiting' WHERE id = $1 AND status = 'approved'`, [approval.id])
      expect((await user.post(`/api/chat/approvals/${approval.id}`, { decision: 'approve' })).status).to.equal(200)
      expect(await user.finished(runId)).to.deep.include({ status: 'completed', error: null })
      await unsubscribe()
    })
  })
}
