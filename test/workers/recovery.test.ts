import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { rows } from '../../src/database/query.ts'
import { catalog } from '../../src/queue/catalog.ts'
import type { JobQueue } from '../../src/queue/job-queue.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { startWorker } from '../../workers/worker.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { QUEUES, useRedis } from '../support/redis.ts'

for (const profile of QUEUES) {
  describe(`Runs whose queue or worker fails, queue on ${profile}`, function () {
    this.timeout(40_000)
    const redis = useRedis(profile)
    let llm: MockLlm
    let app: TestApp
    let drop: () => Promise<void>

    before(async () => {
      llm = await startMockLlm()
      const database = await createDatabase()
      drop = database.drop
      app = await startApp({ databaseUrl: database.url, worker: false, env: redis.env })
    })
    after(async () => {
      await app?.close()
      await drop?.()
      await llm?.stop()
    })
    beforeEach(() => llm.reset())

    const empty = (queue: JobQueue) => (redis.server ? redis.server.flush() : queue.obliterate())
    const withWorkers = async (count: number, work: () => Promise<void>) => {
      const shutdown = new Shutdown(silentLogger)
      for (let i = 0; i < count; i++) await startWorker({ ...app.container, shutdown })
      await work().finally(() => shutdown.close())
    }
    const parties = async (count: number) => {
      const user = await app.api.register()
      const connection = { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }
      const agentIds = await user.agentsOn(connection, ['Ada', 'Blaise'])
      const accept = () => user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns: 3 })
      const accepted = await Promise.all(Array.from({ length: count }, accept))
      return { user, runIds: accepted.map(({ runId }) => runId) }
    }

    it('the queue is emptied while twelve runs wait in it: every one completes', async () => {
      llm.reply('A measured answer.')
      const { user, runIds } = await parties(12)
      await empty(app.container.queue)
      await withWorkers(1, async () => {
        for (const runId of runIds) {
          expect(await user.finished(runId)).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
          await expectSettledOnce(app.container.db, runId)
        }
      })
    })

    it('the queue is emptied in the middle of their turns: every one completes, each turn once', async () => {
      const hold = llm.hold(1)
      llm.replyOnce({ text: 'Held in the middle of it.', hold }).reply('A measured answer.')
      const { user, runIds } = await parties(3)
      await withWorkers(1, async () => {
        await hold.reached
        await empty(app.container.queue)
        hold.release()
        for (const runId of runIds) {
          const run = await user.finished(runId)
          expect(run.turns.map(({ status, attempt }) => ({ status, attempt }))).to.deep.equal(
            Array(3).fill({ status: 'completed', attempt: 1 }),
          )
          await expectSettledOnce(app.container.db, runId)
        }
      })
    })

    it('two workers are handed the same turn at once: one result', async () => {
      llm.reply({ text: 'A measured answer.', paceMs: 10 })
      const { user, runIds } = await parties(1)
      const [runId = ''] = runIds
      // The same turn under other job ids: deliveries that the queue cannot tell to be one.
      const enqueue = () => app.container.queue.enqueue(catalog.turnRun, { runId, turn: 0 }, { jobId: randomUUID() })
      await Promise.all([enqueue(), enqueue(), enqueue(), enqueue()])
      await withWorkers(2, async () => {
        const run = await user.finished(runId)
        expect(run.turns.map(({ attempt }) => attempt)).to.deep.equal([1, 1, 1])
        expect(llm.requests).to.have.length(3)
        await expectSettledOnce(app.container.db, runId)
      })
    })

    it('a user with many runs does not keep another waiting: each has a share of the queue', async () => {
      llm.reply('A measured answer.')
      const heavy = await parties(20)
      const light = await parties(1)
      const [dispatched] = await rows<{ heavy: number; light: number }>(
        app.container.db.manager,
        `SELECT count(*) FILTER (WHERE user_id = $1)::int AS heavy, count(*) FILTER (WHERE user_id = $2)::int AS light
         FROM turns WHERE dispatched_at IS NOT NULL AND status = 'queued'`,
        [heavy.user.id, light.user.id],
      )
      expect(dispatched).to.deep.equal({ heavy: app.env.USER_CONCURRENCY, light: 1 })
      await withWorkers(1, async () => {
        for (const runId of [...heavy.runIds, ...light.runIds])
          await heavy.user.finished(runId).catch(() => light.user.finished(runId))
      })
    })
  })
}
