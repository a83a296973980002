import { expect } from 'chai'
import { silentLogger } from '../../src/shared/logger.ts'
import { keepLease } from '../../workers/agent-runtime/lease-keeper.ts'
import { TurnStop } from '../../workers/agent-runtime/turn-stop.ts'

const claim = {
  runId: 'run',
  turn: 0,
  conversationId: 'conversation',
  userId: 'user',
  agentId: 'agent',
  kind: 'speak' as const,
  step: 0,
  attempt: 1,
  failures: 0,
  claimToken: 'token',
}

describe('The keeping of a lease', () => {
  it('stops the turn when a renewal is not answered at all for as long as the lease lasts', async () => {
    const stop = new TurnStop()
    const stopped = new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
    const claims = { renew: () => new Promise<never>(() => {}) }
    const lease = keepLease({ claims, claim, stop, leaseMs: 30, onRenewed: () => {}, logger: silentLogger })
    await stopped
    lease.release()
    expect(stop.kind).to.equal('lost')
  })
})
