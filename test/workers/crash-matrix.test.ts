import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import type { TurnStep } from '../../workers/processors/turn.processor.ts'
import { startWorker } from '../../workers/worker.ts'
import { startApp, type TestApp, testSettings } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, type MockRequest, startMockLlm } from '../support/mock-llm.ts'
import { usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { isDecision } from './party-world.ts'

const STEPS: TurnStep[] = [
  'claimed',
  'decided',
  'context.loaded',
  'started.published',
  'hold.written',
  'hold.placed',
  'stream.began',
  'stream.ended',
  'settle.began',
  'settle.written',
  'settled',
  'completed.published',
  'next.enqueued',
]

/** Between these a turn meets nothing but the database, wherever its queue is: they are tried on one. */
const IN_ROWS: readonly TurnStep[] = [
  'decided',
  'context.loaded',
  'hold.written',
  'hold.placed',
  'stream.ended',
  'settle.began',
  'settle.written',
]

for (const profile of QUEUES) {
  describe(`A worker killed in the middle of a turn, queue on ${profile}`, function () {
    this.timeout(40_000)
    usePace()
    const redis = useRedis(profile)
    let llm: MockLlm
    let app: TestApp
    let drop: () => Promise<void>
    let settings: Record<string, string>

    before(async () => {
      llm = await startMockLlm()
      const database = await createDatabase()
      drop = database.drop
      settings = {
        TURN_LEASE_MS: '1500',
        REDISPATCH_AFTER_MS: '500',
        JOB_LOCK_MS: '1500',
        ...redis.env,
      }
      app = await startApp({ databaseUrl: database.url, worker: false, env: settings })
    })
    after(async () => {
      await app?.close()
      await drop?.()
      await llm?.stop()
    })
    beforeEach(() => llm.reset())

    /** The worker that takes over, for the time of one run. */
    const withStandby = async (work: () => Promise<void>) => {
      const shutdown = new Shutdown(silentLogger)
      await startWorker({ ...app.container, shutdown })
      await work().finally(() => shutdown.close())
    }

    const crashingWorker = async (crash: { CRASH_AT: string; HANG_UNTIL?: string }) => {
      const env = { ...testSettings, ...settings, DATABASE_URL: app.env.DATABASE_URL, ...crash }
      const worker = startProcess('test/support/crashing-worker.ts', { env })
      await worker.waitForLine(/^ready$/)
      return worker
    }

    const spoken = { match: (request: MockRequest) => !isDecision(request) }

    const party = async (more: object = {}) => {
      const user = await app.api.register()
      const agentIds = await user.agentsOn(
        { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') },
        ['Ada', 'Blaise'],
      )
      const accept = () =>
        user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns: 2, ...more })
      return { user, accept }
    }

    for (const step of STEPS.filter((one) => profile === 'PostgreSQL' || !IN_ROWS.includes(one))) {
      it(`at "${step}": another finishes; one message and one charge a turn, nothing held`, async () => {
        // Only a supervised party has this step. A supervisor asked twice would give other speakers than the test expects.
        const isSupervised = step === 'decided'
        const usage = { inputTokens: 100, outputTokens: 10 }
        for (const next of ['Ada', 'Blaise', 'Blaise']) {
          llm.reply({ when: { match: isDecision }, times: 1, text: JSON.stringify({ next }), usage })
        }
        llm.reply({ when: spoken, text: 'A measured answer to that.', paceMs: 5, usage })
        const { user, accept } = await party(isSupervised ? { strategy: 'supervisor' } : {})
        const victim = await crashingWorker({ CRASH_AT: step })
        const { runId, conversationId } = await accept()
        expect(await victim.ended).to.deep.include({ signal: 'SIGKILL' })
        // As if the lease's time were over already; the case below waits for it.
        await app.container.turnRepository.voidLeases()
        await withStandby(async () => {
          const run = await user.finished(runId)
          expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns', error: null })
          const messages = await user.messages(conversationId)
          expect(messages.map(({ agentName }) => agentName)).to.deep.equal([null, 'Ada', 'Blaise'])
          expect(messages.slice(1).map(({ content }) => content)).to.deep.equal(
            Array(2).fill('A measured answer to that.'),
          )
          const calls = isSupervised ? 4 : 2
          expect(run.receipt).to.deep.include({ turns: 2, inputTokens: calls * 100, outputTokens: calls * 10 })
          await expectSettledOnce(app.container.db, runId)
        })
      })
    }

    it('hanging until its lease lapses: another finishes, and the late one writes nothing', async () => {
      llm.reply({ text: 'A measured answer to that.', paceMs: 5, usage: { inputTokens: 100, outputTokens: 10 } })
      const { user, accept } = await party()
      const released = join(tmpdir(), `hanging-${randomUUID()}`)
      const hanging = await crashingWorker({ CRASH_AT: 'stream.began', HANG_UNTIL: released })
      const { runId } = await accept()
      await hanging.waitForLine(/^hanging$/)
      await withStandby(async () => {
        const run = await user.finished(runId)
        expect(run.turns.map(({ attempt, status }) => ({ attempt, status }))).to.deep.equal([
          { attempt: 2, status: 'completed' },
          { attempt: 1, status: 'completed' },
        ])
        await expectSettledOnce(app.container.db, runId)
        const before = await user.messages(run.conversationId)
        await writeFile(released, '')
        await hanging.waitForLine(/^back$/)
        await rm(released)
        // The late attempt ends when its stream has ended and its settlement was refused.
        await llm.requests[0]?.ended
        await hanging.kill('SIGTERM')
        expect(await user.messages(run.conversationId)).to.deep.equal(before)
        await expectSettledOnce(app.container.db, runId)
      })
    })
  })
}
