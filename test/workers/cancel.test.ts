import { expect } from 'chai'
import { type RunView, runView } from '../../src/contract/views.ts'
import type { TestUser } from '../support/api-client.ts'
import { startApp, type TestApp, testSettings } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { type Took, timed, usePace } from '../support/pace.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { allSpoken } from './party-world.ts'

const cancel = async (user: TestUser, runId: string): Promise<{ run: RunView } & Took> => {
  const { result, ...took } = await timed(() => user.post(`/api/chat/runs/${runId}/cancel`, undefined))
  expect(result.status).to.equal(200)
  return { run: runView.parse(result.body), ...took }
}
const say = (line: string) => process.stdout.write(`      ${line}\n`)

for (const profile of QUEUES) {
  describe(`Cancel, worker in another process, queue on ${profile}`, function () {
    this.timeout(60_000)
    usePace()
    const redis = useRedis(profile)
    let llm: MockLlm
    let app: TestApp
    let worker: TestProcess | undefined
    let drop: () => Promise<void>

    before(async () => {
      llm = await startMockLlm()
      const database = await createDatabase()
      drop = database.drop
      // Without a worker here to reconcile, a lease that is long, so that only the cancel ends a dead worker's run.
      const settings = { TURN_LEASE_MS: '3000', ...redis.env }
      app = await startApp({ databaseUrl: database.url, worker: false, env: settings })
    })
    after(async () => {
      await noOther()
      await app?.close()
      await drop?.()
      await llm?.stop()
    })
    beforeEach(() => llm.reset())
    afterEach(async function () {
      if (this.currentTest?.isFailed()) await noOther()
    })

    const noOther = async () => {
      await worker?.kill('SIGKILL')
      worker = undefined
    }
    /** The worker, for as many tests as leave it alive. */
    const startOther = async (): Promise<TestProcess> => {
      if (worker) return worker
      const env = { ...testSettings, ...redis.env, DATABASE_URL: app.env.DATABASE_URL }
      worker = startProcess('test/support/crashing-worker.ts', { env })
      await worker.waitForLine(/^ready$/)
      return worker
    }
    const guest = async () => {
      const user = await app.api.register()
      const connection = { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }
      const [agentId] = await user.agentsOn(connection, ['Ada'])
      return { user, agentId }
    }
    const streaming = async () => {
      const other = await startOther()
      const { user, agentId } = await guest()
      const hold = llm.hold(4)
      llm.reply({ text: 'A very long story about tea that never ends.', paceMs: 5, hold })
      const accepted = await user.accept('/api/chat', { agentId, message: 'Go on!' })
      const request = await hold.reached
      // Words reach the feed of this process only through Redis.
      if (redis.server) await allSpoken(app.container.feed, accepted.conversationId)
      return { other, user, agentId, request, ...accepted }
    }

    it('while it streams: the socket is closed, the words are kept and paid, and the receipt is there', async () => {
      const { user, request, runId, conversationId } = await streaming()
      const { run, ms, ownMs } = await cancel(user, runId)
      expect(await request.ended).to.equal('aborted')
      say(`${profile}: cancelled and settled in ${Math.round(ms)} ms`)
      expect(run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled', error: null })
      expect(run.receipt).to.deep.include({ turns: 1, estimated: true })
      expect(Number(run.receipt.credits)).to.be.greaterThan(0)
      expect(Number(run.receipt.released)).to.be.greaterThan(0)
      expect(ownMs).to.be.lessThan(2_000)
      const [, message] = await user.messages(conversationId)
      expect(message?.status).to.equal('cancelled')
      expect('A very long story about tea that never ends.'.startsWith(message?.content ?? '-')).to.equal(true)
      await expectSettledOnce(app.container.db, runId)
      // Twice, and once more at once: the same answer.
      for (const again of await Promise.all([cancel(user, runId), cancel(user, runId)])) {
        expect(again.run).to.deep.equal(run)
        expect(again.ownMs).to.be.lessThan(1_000)
      }
    })

    it('twice at the same time: one end, one charge', async () => {
      const { user, request, runId } = await streaming()
      const [one, two] = await Promise.all([cancel(user, runId), cancel(user, runId)])
      expect(await request.ended).to.equal('aborted')
      expect(one.run).to.deep.equal(two.run)
      expect(one.run.status).to.equal('cancelled')
      await expectSettledOnce(app.container.db, runId)
    })

    it('of a dead worker: settled here after the grace period, from the live text', async () => {
      const { user, runId, conversationId } = await streaming()
      await noOther()
      const { run, ms, ownMs } = await cancel(user, runId)
      say(`${profile}: a dead worker's run settled in ${Math.round(ms)} ms`)
      expect(run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
      expect(run.receipt.estimated).to.equal(true)
      expect(ms).to.be.at.least(1_900)
      expect(ownMs).to.be.at.most(4_000)
      const messages = await user.messages(conversationId)
      // Live text in the dead process's memory died with it.
      expect(messages.slice(1).map(({ status }) => status)).to.deep.equal(redis.server ? ['cancelled'] : [])
      await expectSettledOnce(app.container.db, runId)
    })

    it('of a dead worker in the middle of a panel: every child is settled, and the run ends once', async () => {
      await startOther()
      const user = await app.api.register()
      const connection = { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }
      const agentIds = await user.agentsOn(connection, ['Ada', 'Blaise', 'Clara'])
      const hold = llm.hold(4)
      llm.reply({ text: 'A very long story about tea that never ends.', hold })
      const { runId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Go!', strategy: 'panel' })
      await llm.request(2)
      await noOther()
      const { run } = await cancel(user, runId)
      expect(run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
      expect(run.turns.map(({ status }) => status)).to.deep.equal(['cancelled', 'cancelled', 'cancelled'])
      await expectSettledOnce(app.container.db, runId)
    })

    it('of a worker that hangs: its late attempt writes nothing', async () => {
      const { other, user, runId } = await streaming()
      process.kill(other.pid, 'SIGSTOP')
      const { run, ms, ownMs } = await cancel(user, runId)
      expect(run.status).to.equal('cancelled')
      expect(ms).to.be.at.least(1_900)
      expect(ownMs).to.be.at.most(4_000)
      process.kill(other.pid, 'SIGCONT')
      await llm.requests[0]?.ended
      expect(await user.run(runId)).to.deep.equal(run)
      await expectSettledOnce(app.container.db, runId)
    })

    it('before anybody took it: at once, free of charge, and what waits behind it begins', async () => {
      await noOther()
      const { user, agentId } = await guest()
      const first = await user.accept('/api/chat', { agentId, message: 'One?' })
      const second = await user.accept('/api/chat', { agentId, message: 'Two?', conversationId: first.conversationId })
      expect(second.status).to.equal('pending')
      const { run, ownMs } = await cancel(user, first.runId)
      expect(run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
      expect(run.turns.map(({ status }) => status)).to.deep.equal(['cancelled'])
      expect(run.receipt).to.deep.include({ credits: '0.000000', released: '0.000000', estimated: false })
      expect(ownMs).to.be.lessThan(1_500)
      expect((await user.run(second.runId)).status).to.equal('queued')
      await expectSettledOnce(app.container.db, first.runId)
      await startOther()
      llm.reply('Two.')
      expect((await user.finished(second.runId)).status).to.equal('completed')
    })

    it('while it waits behind another, which goes on', async () => {
      const { user, agentId, runId, conversationId } = await streaming()
      const second = await user.accept('/api/chat', { agentId, message: 'Two?', conversationId })
      const { run } = await cancel(user, second.runId)
      expect(run).to.deep.include({ status: 'cancelled', turns: [] })
      expect((await user.run(runId)).status).to.equal('running')
      await cancel(user, runId)
      await expectSettledOnce(app.container.db, runId)
    })

    it('between tries: while a turn waits for its provider to recover', async () => {
      await startOther()
      const { user, agentId } = await guest()
      llm.reply({ status: 429, retryAfter: 60 })
      const { runId } = await user.accept('/api/chat', { agentId, message: 'One?' })
      await llm.request(0)
      while ((await user.run(runId)).turns[0]?.status !== 'queued')
        await new Promise((resolve) => setTimeout(resolve, 20))
      const { run, ownMs } = await cancel(user, runId)
      expect(run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
      expect(ownMs).to.be.lessThan(1_500)
      await expectSettledOnce(app.container.db, runId)
    })

    it('when it waits for the user: at once', async () => {
      await noOther()
      const { user, agentId } = await guest()
      const { runId } = await user.accept('/api/chat', { agentId, message: 'One?' })
      await app.container.db.query(`UPDATE turns SET status = 'completed', passed = true WHERE run_id = $1`, [runId])
      await app.container.db.query(`UPDATE runs SET status = 'waiting' WHERE id = $1`, [runId])
      expect((await cancel(user, runId)).run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
    })

    it('after the end: the run as it was', async () => {
      await startOther()
      const { user, agentId } = await guest()
      llm.reply('Done.')
      const { runId } = await user.accept('/api/chat', { agentId, message: 'One?' })
      const finished = await user.finished(runId)
      expect((await cancel(user, runId)).run).to.deep.equal(finished)
    })

    it("of somebody else's run: 404, and it goes on", async () => {
      const { user, runId } = await streaming()
      const other = await app.api.register()
      expect((await other.post(`/api/chat/runs/${runId}/cancel`, undefined)).status).to.equal(404)
      expect((await user.run(runId)).status).to.equal('running')
      await cancel(user, runId)
    })
  })
}
