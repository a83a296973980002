import { expect } from 'chai'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN } from '../support/app.ts'
import { usePartyWorld } from './party-world.ts'

/** Nothing mends by itself what these tests have an operator mend. */
const QUIET = { RECONCILE_INTERVAL_MS: '86000000', STUCK_AFTER_MS: '86000000' }

describe('An operator and runs that do not move', () => {
  const world = usePartyWorld({
    env: { ...QUIET, TURN_MAX_ATTEMPTS: '5', TURN_BACKOFF_MS: '80000', BREAKER_FAILURES: '100' },
  })
  let admin: TestUser
  before(async () => {
    admin = await world.app.api.login(ADMIN.email, ADMIN.password)
  })
  const listed = async (query: string) => {
    const answer = await admin.get(`/api/admin/runs?${query}`)
    expect(answer.status).to.equal(200)
    const data: Record<string, unknown>[] = Object(answer.body).data
    return (runId: string) => data.find(({ id }) => id === runId)
  }
  const actions = async (targetId: string) => {
    const { data } = Object((await admin.get(`/api/admin/audit?targetId=${targetId}`)).body)
    return data.map(({ action, actorId }: Record<string, unknown>) => [action, actorId])
  }
  const say = async (name: string) => {
    const { user, agentIds } = await world.guests([name])
    const { runId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Secret words?' })
    return { user, runId }
  }
  /** Resolves when the run's turn waits for its next try. */
  const backedOff = async (runId: string) => {
    for (;;) {
      const run = (await listed('state=waiting'))(runId)
      if (run?.reason === 'backoff') return run
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  it('sees who waits and why, without a word of theirs, and has it tried at once', async () => {
    world.llm.replyOnce({ status: 503, times: 1 }).reply('At last.')
    const { user, runId } = await say('Ada')
    const run = await backedOff(runId)
    expect(run).to.deep.include({ id: runId, userId: user.id, status: 'running', errorCode: null })
    expect(run.turn).to.deep.include({ index: 0, status: 'queued', lane: 'own', attempt: 1, failures: 1 })
    expect(JSON.stringify(run)).not.to.contain('Secret')
    expect((await admin.post(`/api/admin/runs/${runId}/retry`, {})).status).to.equal(200)
    expect((await user.finished(runId)).status).to.equal('completed')
    expect(await actions(runId)).to.deep.equal([['run.retried', admin.id]])
    expect(errorOf(await admin.post(`/api/admin/runs/${runId}/retry`, {})).code).to.equal('run.over')
  })

  it('ends a run that a worker has: what was said is paid for, the rest is given back, and its user may go on', async () => {
    const hold = world.llm.hold(1)
    world.llm.replyOnce({ text: 'This is said and then nothing comes any more.', hold })
    const { user, runId } = await say('Blaise')
    await hold.reached
    expect((await listed('state=running'))(runId)?.reason).to.equal('working')
    const ended = await admin.post(`/api/admin/runs/${runId}/end`, {})
    expect(ended.body).to.deep.include({ id: runId, status: 'failed' })
    hold.release()
    const run = await user.run(runId)
    expect(run.error?.code).to.equal('run.ended_by_operator')
    expect(Object((await user.get('/api/credits/balance')).body).held).to.equal('0.000000')
    expect((await listed('state=failed'))(runId)).to.deep.include({
      reason: 'over',
      errorCode: 'run.ended_by_operator',
    })
    expect(await actions(runId)).to.deep.equal([['run.ended', admin.id]])
    // Ending it again changes nothing, and is no second entry.
    expect((await admin.post(`/api/admin/runs/${runId}/end`, {})).status).to.equal(200)
    expect((await actions(runId)).length).to.equal(1)
  })

  it('finds what is stuck: past its deadline, a lapsed lease, a job that nobody takes', async () => {
    world.llm.reply({ status: 503 })
    const runs = await Promise.all(['One', 'Two', 'Three'].map(say))
    for (const { runId } of runs) await backedOff(runId)
    const [overdue, lapsed, forgotten] = runs.map(({ runId }) => runId)
    const { db } = world.app.container
    await db.query(`UPDATE runs SET deadline_at = now() - interval '2 minutes' WHERE id = $1`, [overdue])
    await db.query(
      `UPDATE turns SET status = 'running', claim_token = gen_random_uuid(), due_at = now() - interval '5 minutes',
         lease_until = now() - interval '2 minutes' WHERE run_id = $1`,
      [lapsed],
    )
    await db.query(
      `UPDATE turns SET due_at = now() - interval '2 minutes', dispatched_at = now() - interval '2 minutes' WHERE run_id = $1`,
      [forgotten],
    )
    const stuck = await listed('state=stuck&limit=100')
    expect([overdue, lapsed, forgotten].map((id = '') => stuck(id)?.reason)).to.deep.equal([
      'overdue',
      'lease_lapsed',
      'in_queue',
    ])
    // What waits for its time is not stuck.
    const { runId } = await say('Four')
    await backedOff(runId)
    expect((await listed('state=stuck'))(runId)).to.equal(undefined)
    for (const one of [...runs.map((run) => run.runId), runId]) await admin.post(`/api/admin/runs/${one}/end`, {})
    expect(Object((await admin.get('/api/admin/runs')).body).data).to.deep.equal([])
  })

  it('sees queues with their places, processes, and who is shut out', async () => {
    const { data: queues } = Object((await admin.get('/api/admin/queues')).body)
    expect(queues.map(({ queue }: { queue: string }) => queue)).to.include.members([
      'turns',
      'turns-own',
      'files',
      'chores',
    ])
    expect(queues[0]).to.deep.include({ queue: 'turns', workers: 1, places: 50 })
    expect(queues[0].jobs).to.equal(0)
    expect(Object((await admin.get('/api/admin/processes')).body).data).to.deep.equal([])
    const user = await world.app.api.register()
    const suspended = async () =>
      Object((await admin.get('/api/users?suspended=true')).body).data.map(({ id }: { id: string }) => id)
    expect(await suspended()).to.deep.equal([])
    await admin.post(`/api/users/${user.id}/suspend`, { reason: 'spam' })
    expect(await suspended()).to.deep.equal([user.id])
  })
})
