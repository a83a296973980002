import { expect } from 'chai'
import { rows } from '../../src/database/query.ts'
import { Announcer } from '../../src/runs/announcer.ts'
import { Reconciler } from '../../src/runs/reconciler.ts'
import { ClaimLost, type TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnResult } from '../../src/runs/turn-result.ts'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'

const SETTLED: TurnResult = {
  status: 'completed',
  agentId: null,
  text: '',
  passed: true,
  calls: [],
  lostCalls: [],
  holdId: null,
  seenSeq: 1,
  promptVersion: null,
  error: null,
  endedBy: null,
}

describe('Runs at the moment when two things happen at once', () => {
  const app = useApp({ worker: false })

  const party = async (body: object = {}) => {
    const user = await app.api.register()
    const connection = { provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' }
    const agentIds = await user.agentsOn(connection, ['Ada', 'Blaise'])
    const say = (more: object = {}) =>
      user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea?', ...body, ...more })
    return { user, agentIds, say, ...(await say()) }
  }
  const claimed = async (runId: string, turn = 0): Promise<TurnClaim> => {
    const outcome = await app.container.claims.claim({ runId, turn })
    if ('claim' in outcome) return outcome.claim
    throw new Error(`not claimed: ${JSON.stringify(outcome)}`)
  }
  const statusOf = async (user: TestUser, runId: string) => (await user.run(runId)).status

  it('words that come between a supervisor’s end and its commit are answered', async () => {
    const { user, say, runId, conversationId } = await party({ strategy: 'supervisor' })
    const claim = await claimed(runId)
    expect(await say({ conversationId })).to.deep.include({ runId })
    await app.container.settlement.settle(claim, { ...SETTLED, endedBy: 'supervisor_done' })
    const run = await user.run(runId)
    expect(run).to.deep.include({ status: 'running', stopReason: null })
    expect(run.turns.map(({ status }) => status)).to.deep.equal(['completed', 'queued'])
    // Heard by now: the second end holds.
    await app.container.settlement.settle(await claimed(runId, 1), {
      ...SETTLED,
      seenSeq: 2,
      endedBy: 'supervisor_done',
    })
    expect(await user.run(runId)).to.deep.include({ status: 'completed', stopReason: 'supervisor_done' })
  })

  it('a message that is accepted while its user is deleted leaves no run behind', async () => {
    const { user, runId, conversationId } = await party()
    await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    const { db, transactions, cancelService } = app.container
    const accepting = db.createQueryRunner()
    await accepting.startTransaction()
    await accepting.query('SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE', [conversationId])
    const late = newId()
    await accepting.query(
      `INSERT INTO runs (id, conversation_id, user_id, status, strategy, agent_ids, max_turns, deadline_at)
       SELECT $2, conversation_id, user_id, 'queued', strategy, agent_ids, 1, deadline_at FROM runs WHERE id = $1`,
      [runId, late],
    )
    const abandoning = transactions.run((tx) => cancelService.abandon({ userId: user.id }, tx))
    const waits = async () => {
      const sql = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      while ((await rows(db.manager, sql)).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await Promise.race([abandoning, waits()])
    await accepting.commitTransaction()
    await accepting.release()
    await abandoning
    expect(await statusOf(user, late)).to.equal('cancelled')
  })

  it('a turn whose run is to stop is not taken over: its words are kept by whoever ends the run', async () => {
    const { user, runId, conversationId } = await party()
    const claim = await claimed(runId)
    await app.container.feed.append({ ...claim, agentId: claim.agentId ?? '' }, 0, 'Half a word')
    await app.container.db.query(`UPDATE turns SET lease_until = now() - interval '1 second' WHERE run_id = $1`, [
      runId,
    ])
    await app.container.db.query('UPDATE runs SET cancel_requested_at = now() WHERE id = $1', [runId])
    expect(await app.container.claims.claim({ runId, turn: 0 })).to.deep.equal({ over: true })
    await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    expect((await user.messages(conversationId)).map(({ content }) => content)).to.deep.equal(['Tea?', 'Half a word'])
    await expectSettledOnce(app.container.db, runId)
  })

  it('a turn that is taken over is kept for as long as its new worker asked for', async () => {
    const { runId } = await party()
    await claimed(runId)
    const { db, claims } = app.container
    await db.query(`UPDATE turns SET lease_until = now() - interval '1 second' WHERE run_id = $1`, [runId])
    expect(await claims.claim({ runId, turn: 0 }, 3_600_000)).to.have.nested.property('claim.attempt', 2)
    const sql = `SELECT lease_until > now() + interval '50 minutes' AS long FROM turns WHERE run_id = $1`
    expect(await rows(db.manager, sql, [runId])).to.deep.equal([{ long: true }])
  })

  it('a failed turn leaves no hold, even one that its attempt does not know of', async () => {
    const { user, runId } = await party()
    const claim = await claimed(runId)
    const { ledgerService, transactions, settlement } = app.container
    await transactions.run((tx) => ledgerService.placeHold({ ...claim, amount: 1_000n }, tx))
    await settlement.settle(claim, { ...SETTLED, status: 'failed', passed: false, error: { code: 'x', message: 'x' } })
    expect(await statusOf(user, runId)).to.equal('failed')
    expect((await ledgerService.balance(user.id)).held).to.equal(0n)
    await expectSettledOnce(app.container.db, runId)
  })

  it('one run that cannot be ended keeps the reconciler from nothing else', async () => {
    const first = await party()
    const second = await party()
    const { db, cancelService } = app.container
    await db.query('UPDATE runs SET deadline_at = now() WHERE id = ANY($1)', [[first.runId, second.runId]])
    const reconciler = new Reconciler({
      ...app.container,
      redispatchAfterMs: 60_000,
      cancelGraceMs: 60_000,
      cancelService: Object.assign(Object.create(cancelService), {
        force: (runId: string, end: Parameters<typeof cancelService.force>[1]) =>
          runId === first.runId ? Promise.reject(new Error('poison')) : cancelService.force(runId, end),
      }),
    })
    await reconciler.runOnce()
    expect(await statusOf(first.user, first.runId)).to.equal('queued')
    expect(await statusOf(second.user, second.runId)).to.equal('failed')
    await db.query(`UPDATE runs SET deadline_at = now() + interval '1 hour' WHERE id = $1`, [first.runId])
  })

  it('what was accepted is answered so, though its event cannot be read', async () => {
    const announcer = new Announcer({
      ...app.container,
      logger: silentLogger,
      engine: {
        views: () => Promise.reject(new Error('away')),
        shown: () => Promise.reject(new Error('away')),
      },
    })
    expect(await announcer.runEvent(newId())).to.equal(null)
    await announcer.runTold(newId(), { runId: newId(), conversationId: newId() }, 1, [])
  })

  it('what a POST tells is heard before a worker can have its turn, and so before what that one tells', async () => {
    const { user, say, runId, conversationId } = await party()
    const { feed, queue } = app.container
    const heard: string[] = []
    const unsubscribe = await feed.subscribe(conversationId, ({ type }) => heard.push(type))
    const atQueue: string[][] = []
    const enqueue = queue.enqueue.bind(queue)
    queue.enqueue = (...job) => {
      atQueue.push(heard.splice(0))
      return enqueue(...job)
    }
    try {
      await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
      heard.length = 0
      await say({ conversationId })
      expect(atQueue).to.deep.equal([['message.created', 'run.updated']])
    } finally {
      queue.enqueue = enqueue
      await unsubscribe()
    }
  })

  it('a decision that nobody can be charged for is not written', async () => {
    const { user, agentIds, runId } = await party({ strategy: 'supervisor' })
    const claim = await claimed(runId)
    const { db, decisions, priceBook } = app.container
    await db.query('DELETE FROM accounts WHERE user_id = $1', [user.id])
    const usage = { inputTokens: 9, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 }
    const call = {
      call: 1_000,
      purpose: 'supervise' as const,
      agentId: null,
      connectionId: newId(),
      provider: 'openai-compatible',
      model: 'm',
      usage: { ...usage, estimated: false },
      price: await priceBook.priceOf('openai-compatible', 'm'),
      ratePpm: 1_000_000n,
    }
    const [agentId = ''] = agentIds
    const decision = { agentId, fallback: agentId, notice: null, seenSeq: 1, calls: [call] }
    const decided = decisions.decide(claim, decision)
    expect(await decided.catch(() => 'refused')).to.equal('refused')
    expect((await user.run(runId)).turns[0]).to.deep.include({ agentId: null })
    expect(await rows(db.manager, 'SELECT 1 FROM metered_calls WHERE run_id = $1', [runId])).to.deep.equal([])
  })

  it('a late attempt writes nothing', async () => {
    const { runId } = await party()
    const claim = await claimed(runId)
    await app.container.db.query(`UPDATE turns SET lease_until = now() - interval '1 second' WHERE run_id = $1`, [
      runId,
    ])
    const next = await claimed(runId)
    expect(next.attempt).to.equal(2)
    const late = await app.container.settlement.settle(claim, SETTLED).catch((error: unknown) => error)
    expect(late).to.be.instanceOf(ClaimLost)
  })
})

describe('A run whose own words are further back than a transcript reaches', () => {
  const app = useApp()

  it('ends like any other', async () => {
    const user = await app.api.register()
    const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Answer.' })
    const { runId: firstId, conversationId } = await user.accept('/api/chat', { agentId, message: 'One?' })
    const { db } = app.container
    await user.finished(firstId)
    const runId = newId()
    await db.transaction(async (tx) => {
      await tx.query('SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE', [conversationId])
      await tx.query(
        `INSERT INTO messages (id, conversation_id, seq, role, content, status, run_id)
         SELECT gen_random_uuid(), $1, last_seq + n, CASE n WHEN 1 THEN 'user' ELSE 'system' END, 'Word ' || n, 'complete',
           CASE n WHEN 1 THEN $2::uuid END FROM conversations, generate_series(1, 250) n WHERE id = $1`,
        [conversationId, runId],
      )
      await tx.query('UPDATE conversations SET last_seq = last_seq + 250 WHERE id = $1', [conversationId])
      await tx.query(
        `INSERT INTO runs (id, conversation_id, user_id, status, strategy, agent_ids, max_turns, deadline_at)
         VALUES ($2, $1, $3, 'queued', 'round_robin', $4, 1, now() + interval '1 hour')`,
        [conversationId, runId, user.id, [agentId]],
      )
      await tx.query(`INSERT INTO turns (run_id, index, user_id, agent_id, status) VALUES ($1, 0, $2, $3, 'queued')`, [
        runId,
        user.id,
        agentId,
      ])
    })
    const run = await user.finished(runId)
    expect(run.turns).to.have.length(1)
  })
})
