import { expect } from 'chai'
import type { TurnSettlement } from '../../src/runs/turn-settlement.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { startWorker } from '../../workers/worker.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { usePartyWorld } from './party-world.ts'

describe('A turn in trouble that is nobody’s word', function () {
  this.timeout(20_000)
  const world = usePartyWorld({ worker: false, env: { TURN_MAX_ATTEMPTS: '2' } })

  /** A worker in which something is different. */
  const withWorker = async (different: object, work: () => Promise<void>) => {
    const shutdown = new Shutdown(silentLogger)
    await startWorker({ ...world.app.container, ...different, shutdown })
    await work().finally(() => shutdown.close())
  }
  const asked = async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    return { user, ...(await user.accept('/api/chat', { agentId: agentIds[0], message: 'Tea?' })) }
  }

  it('a settlement that the database does not take at first, or whose answer is lost: said once, paid once', async () => {
    world.llm.reply('Tea.')
    const { user, runId, conversationId } = await asked()
    const { settlement } = world.app.container
    let tries = 0
    const settle: TurnSettlement['settle'] = async (...request) => {
      tries += 1
      if (tries === 1) throw new Error('Connection terminated unexpectedly')
      const settled = await settlement.settle(...request)
      if (tries === 2) throw new Error('Connection terminated unexpectedly')
      return settled
    }
    await withWorker({ settlement: Object.assign(Object.create(settlement), { settle }) }, async () => {
      const run = await user.finished(runId)
      expect(run).to.deep.include({ status: 'completed', error: null })
      expect(run.turns[0]?.attempt).to.equal(1)
    })
    expect(tries).to.be.within(2, 3)
    expect(world.llm.requests).to.have.length(1)
    expect(await user.messages(conversationId)).to.have.length(2)
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('a call that cannot even be made fails the turn after its tries, and nothing stays held', async () => {
    const { user, runId } = await asked()
    const { network: real } = world.app.container
    const fetchFor = () => {
      throw new Error('no network')
    }
    const network = Object.create(real, { fetchFor: { value: fetchFor }, hop: { value: real.hop } })
    await withWorker({ network }, async () => {
      const run = await user.finished(runId, 5_000)
      expect(run).to.deep.include({ status: 'failed', stopReason: 'failed' })
      expect(run.turns[0]?.attempt).to.equal(2)
    })
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('a turn that has brought down worker after worker is given up', async () => {
    const { user, runId } = await asked()
    await world.app.container.db.query('UPDATE turns SET attempt = 20 WHERE run_id = $1', [runId])
    await withWorker({}, async () => {
      const run = await user.finished(runId)
      expect(run).to.deep.include({ status: 'failed' })
      expect(run.error?.code).to.equal('turn.gave_up')
    })
    expect(world.llm.requests).to.have.length(0)
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('a provider that floods: it is stopped, and what it said up to there is the answer', async () => {
    const line = 'All work and no play. '
    world.llm.reply({ text: line.repeat(20_000), chunkSize: 8_000 })
    const { user, runId, conversationId } = await asked()
    await withWorker({}, async () => {
      expect(await user.finished(runId)).to.deep.include({ status: 'completed', stopReason: 'finished' })
    })
    const [, message] = await user.messages(conversationId)
    expect(message?.status).to.equal('complete')
    expect(message?.content.length).to.equal(65_536)
    await expectSettledOnce(world.app.container.db, runId)
  })
})
