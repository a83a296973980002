import { expect } from 'chai'
import { pino } from 'pino'
import { Activity, StuckDetector } from '../../src/queue/activity.ts'
import type { QueueBackend } from '../../src/queue/bullmq-backend.ts'
import { byQueue } from '../../src/queue/job.ts'
import { ReconcilerHealth } from '../../src/runs/reconciler-health.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Liveness } from '../../workers/liveness.ts'

const WELL = { failingForMs: () => 0, reason: undefined }

describe('Liveness of a worker', () => {
  it('is lost when it is stuck for too long, told once, and comes back', async () => {
    let stuckForMs = 0
    let told = 0
    const liveness = new Liveness({
      consumer: { stuckForMs: async () => stuckForMs },
      reconciler: WELL,
      stuckAfterMs: 60_000,
      onStuck: () => told++,
      logger: silentLogger,
    })
    const isAlive = async (ms: number) => {
      stuckForMs = ms
      await liveness.look()
      return liveness.check().then(
        () => true,
        () => false,
      )
    }
    expect(await isAlive(0)).to.equal(true)
    expect(await isAlive(59_999)).to.equal(true)
    expect(await isAlive(60_000)).to.equal(false)
    expect(await isAlive(65_000)).to.equal(false)
    expect(told).to.equal(1)
    expect(await isAlive(0)).to.equal(true)
  })

  it('is lost while its reconciler keeps failing, said once with the reason, and comes back with a round that succeeds', async () => {
    const log: string[] = []
    const reconciler: { reason: string | undefined; failingForMs: () => number } = {
      reason: 'admit, titles',
      failingForMs: () => failingForMs,
    }
    let failingForMs = 59_999
    const liveness = new Liveness({
      consumer: { stuckForMs: async () => 0 },
      reconciler,
      stuckAfterMs: 60_000,
      logger: pino({ level: 'info' }, { write: (line) => void log.push(line) }),
    })
    const look = async () => {
      await liveness.look()
      return liveness.check().then(
        () => 'alive',
        (error: Error) => error.message,
      )
    }
    expect(await look()).to.equal('alive')
    failingForMs = 60_000
    expect(await look()).to.equal('the reconciler keeps failing: admit, titles')
    expect(await look()).to.match(/keeps failing/)
    expect(log).to.have.length(1)
    expect(log[0]).to.include('cannot reconcile').and.include('"reason":"admit, titles"')
    reconciler.reason = undefined
    failingForMs = 0
    expect(await look()).to.equal('alive')
  })

  it('counts the rounds of the reconciler that failed, and since when no other was between them', () => {
    const health = new ReconcilerHealth()
    expect([health.failures, health.reason, health.failingForMs()]).to.deep.equal([0, undefined, 0])
    health.ended('admit')
    health.ended('titles')
    expect([health.failures, health.reason]).to.deep.equal([2, 'titles'])
    expect(health.failingForMs()).to.be.greaterThan(0)
    health.ended(undefined)
    expect([health.failures, health.reason, health.failingForMs()]).to.deep.equal([2, undefined, 0])
  })

  it('is not in doubt because the queue is away, nor by the time that it was', async () => {
    let isAway = false
    const backend: Pick<QueueBackend, 'waiting'> = {
      waiting: async () => {
        if (isAway) throw new Error('queue.unavailable')
        return 3
      },
    }
    const detector = new StuckDetector(
      backend,
      new Activity(),
      byQueue(() => 1),
    )
    expect(await detector.forMs()).to.equal(0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await detector.forMs()).to.be.at.least(15)
    isAway = true
    expect(await detector.forMs().catch(() => 'away')).to.equal('away')
    isAway = false
    expect(await detector.forMs(), 'counted anew').to.be.below(15)
    const liveness = new Liveness({
      consumer: { stuckForMs: () => Promise.reject(new Error('queue.unavailable')) },
      reconciler: WELL,
      stuckAfterMs: 1,
      logger: silentLogger,
    })
    await liveness.look()
    await liveness.check()
  })
})
