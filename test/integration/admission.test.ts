import { expect } from 'chai'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'

describe('Letting turns into the queue', () => {
  const app = useApp({ worker: false, env: { USER_CONCURRENCY: '2' } })

  /** The turns of a user that were let in, and those that wait, in the order in which they were asked for. */
  const turnsOf = async (user: TestUser) => {
    const rows: Array<{ runId: string; admitted: boolean }> = await app.container.db.query(
      `SELECT run_id AS "runId", dispatched_at IS NOT NULL AS admitted FROM turns WHERE user_id = $1 ORDER BY created_at, run_id`,
      [user.id],
    )
    const ids = (admitted: boolean) => rows.filter((row) => row.admitted === admitted).map(({ runId }) => runId)
    return { admitted: ids(true), waiting: ids(false) }
  }
  const ask = async (user: TestUser, count: number) => {
    const runs: string[] = []
    for (let i = 0; i < count; i++)
      runs.push((await user.accept('/api/chat', { agentId: ADA, message: `Question ${i}` })).runId)
    return runs
  }

  it('gives each user a share: all are accepted, the oldest go in, the rest wait in the database', async () => {
    const [heavy, light] = await Promise.all([app.api.register(), app.api.register()])
    const before = await app.container.queue.depth('turns')
    const asked = await ask(heavy, 5)
    const [quick = ''] = await ask(light, 1)
    expect(await turnsOf(heavy)).to.deep.equal({ admitted: asked.slice(0, 2), waiting: asked.slice(2) })
    expect((await turnsOf(light)).admitted, 'nobody waits behind another user').to.deep.equal([quick])
    expect((await app.container.queue.depth('turns')) - before).to.equal(3)
  })

  it('keeps the share however many ask at once, on however many nodes', async () => {
    const user = await app.api.register()
    await Promise.all(Array.from({ length: 12 }, () => ask(user, 1)))
    expect((await turnsOf(user)).admitted).to.have.length(2)
    await Promise.all(Array.from({ length: 12 }, () => app.container.dispatcher.admit(user.id)))
    expect((await turnsOf(user)).admitted).to.have.length(2)
  })

  it('lets the oldest in for each that ends, be it by a cancel', async () => {
    const user = await app.api.register()
    const asked = await ask(user, 5)
    await user.post(`/api/chat/runs/${asked[0]}/cancel`, undefined)
    expect((await turnsOf(user)).waiting).to.deep.equal(asked.slice(3))
    // One that waits gives no place free when it is cancelled.
    await user.post(`/api/chat/runs/${asked[4]}/cancel`, undefined)
    expect((await turnsOf(user)).waiting).to.include(asked[3])
  })

  it('is open to somebody whose conversation was deleted', async () => {
    const user = await app.api.register()
    const first = await user.accept('/api/chat', { agentId: ADA, message: 'One' })
    const asked = await ask(user, 2)
    expect((await turnsOf(user)).waiting).to.deep.equal(asked.slice(1))
    await user.delete(`/api/chat/conversations/${first.conversationId}`)
    await app.container.dispatcher.admit(user.id)
    expect((await turnsOf(user)).waiting).to.deep.equal([])
  })
})

describe('The places of the fleet', () => {
  const app = useApp({ worker: false, env: { USER_CONCURRENCY: '8' } })
  const report = (taken: number) =>
    app.container.workerPlaces.report('019e5a1c-0000-7000-8000-000000000000', [{ queue: 'turns', places: 16, taken }])

  it('are shared: who has some gets at most half of the room, and a quarter is left to those who have none', async () => {
    await report(0)
    const shares: number[] = []
    for (let n = 0; n < 8; n++) {
      const user = await app.api.register()
      for (let i = 0; i < 9; i++) await user.accept('/api/chat', { agentId: ADA, message: `Question ${i}` })
      const [{ count }] = await app.container.db.query(
        'SELECT count(*)::int AS count FROM turns WHERE user_id = $1 AND dispatched_at IS NOT NULL',
        [user.id],
      )
      shares.push(count)
    }
    expect(shares).to.deep.equal([4, 3, 2, 1, 1, 1, 1, 1])
  })

  it('say when there are none, which readiness tells as a degradation', async () => {
    const readiness = async () => {
      const answer = await app.api.get('/readyz')
      const { status } = answer
      const body = Object(answer.body)
      return { httpStatus: status, status: body.status, places: body.checks.places, words: body.degraded?.places }
    }
    const well = { httpStatus: 200, status: 'ready', places: 'ok', words: undefined }
    await report(15)
    expect(await readiness()).to.deep.equal(well)
    await report(16)
    expect(await app.container.workerPlaces.trouble()).to.deep.equal(['no place is left for turns'])
    expect(await readiness()).to.deep.equal({
      httpStatus: 200,
      status: 'degraded',
      places: 'failing',
      words: 'All places for turns are taken. Messages are accepted, and wait.',
    })
    await app.container.workerPlaces.forget('019e5a1c-0000-7000-8000-000000000000')
    expect(await readiness(), 'a worker that is gone is missed by another check').to.deep.equal(well)
  })
})

describe('A user with more questions than a share', () => {
  let llm: MockLlm
  const app = useApp({ env: { USER_CONCURRENCY: '2' } })
  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())

  it('gets all answered, never more than the share at once, while others are not kept waiting', async () => {
    let talking = 0
    let most = 0
    const both = Promise.withResolvers<void>()
    llm.reply({
      when: { text: 'Heavy' },
      text: async () => {
        most = Math.max(most, ++talking)
        if (talking === 2) both.resolve()
        await both.promise
        talking--
        return 'An answer.'
      },
    })
    const [heavy, light] = await Promise.all([app.api.register(), app.api.register()])
    const on = { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }
    const [[busy = ''], [idle = '']] = await Promise.all([heavy.agentsOn(on, ['Ada']), light.agentsOn(on, ['Ada'])])
    const asked = await Promise.all(
      Array.from({ length: 7 }, (_, i) => heavy.accept('/api/chat', { agentId: busy, message: `Heavy ${i}` })),
    )
    const quick = await light.accept('/api/chat', { agentId: idle, message: 'Light' })
    expect((await light.finished(quick.runId)).status).to.equal('completed')
    for (const { runId } of asked) {
      expect((await heavy.finished(runId)).status).to.equal('completed')
      await expectSettledOnce(app.container.db, runId)
    }
    expect(most).to.equal(2)
  })
})
