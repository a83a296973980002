import { expect } from 'chai'
import { Activity, StuckDetector } from '../../src/queue/activity.ts'
import type { QueueBackend } from '../../src/queue/bullmq-backend.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Liveness } from '../../workers/liveness.ts'

describe('Liveness of a worker', () => {
  it('is lost when it is stuck for too long, told once, and comes back', async () => {
    let stuckForMs = 0
    let told = 0
    const liveness = new Liveness({
      consumer: { stuckForMs: async () => stuckForMs },
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

  it('is not in doubt because the queue is away, nor by the time that it was', async () => {
    let isAway = false
    const backend: Pick<QueueBackend, 'waiting'> = {
      waiting: async () => {
        if (isAway) throw new Error('queue.unavailable')
        return 3
      },
    }
    const detector = new StuckDetector(backend, new Activity(), { turns: 1, files: 1, chores: 1 })
    expect(await detector.forMs()).to.equal(0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await detector.forMs()).to.be.at.least(15)
    isAway = true
    expect(await detector.forMs().catch(() => 'away')).to.equal('away')
    isAway = false
    expect(await detector.forMs(), 'counted anew').to.be.below(15)
    const liveness = new Liveness({
      consumer: { stuckForMs: () => Promise.reject(new Error('queue.unavailable')) },
      stuckAfterMs: 1,
      logger: silentLogger,
    })
    await liveness.look()
    await liveness.check()
  })
})
