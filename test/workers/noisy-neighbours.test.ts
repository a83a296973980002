import { expect } from 'chai'
import type { BreakerState } from '../../src/connections/breaker.repository.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { startWorker } from '../../workers/worker.ts'
import type { TestUser } from '../support/api-client.ts'
import { ADMIN } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import type { MockReply } from '../support/mock-llm.ts'
import { eventually, usePace } from '../support/pace.ts'
import { usePartyWorld } from './party-world.ts'

/** To requests with this key, which tells whose connection they are of. */
const key = (name: string): MockReply['when'] => ({ match: (request) => request.key === name })

type World = ReturnType<typeof usePartyWorld>

/** A user with an agent on a connection of this key. */
async function guest(world: World, apiKey: string) {
  const user = await world.app.api.register()
  return { user, agentId: await agentOn(world, user, apiKey) }
}
async function agentOn(world: World, user: TestUser, apiKey: string): Promise<string> {
  const [agentId = ''] = await user.agentsOn(
    { provider: 'openai-compatible', baseUrl: world.llm.baseUrl('openai-compatible'), apiKey },
    ['Ada'],
  )
  return agentId
}
const ask = (user: TestUser, agentId: string, count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => user.accept('/api/chat', { agentId, message: `Question ${n}` })))

const requestsOf = (world: World, apiKey: string) => world.llm.requests.filter((request) => request.key === apiKey)

interface TurnRow {
  status: string
  attempt: number
  placed: boolean
}
/** The turns of a user, and which of them have a place. */
const turnsOf = (world: World, { id }: TestUser): Promise<TurnRow[]> =>
  world.app.container.db.query(
    `SELECT status, attempt, dispatched_at IS NOT NULL AND status IN ('queued', 'running') AS placed FROM turns WHERE user_id = $1`,
    [id],
  )
const placedOf = async (world: World, user: TestUser) => (await turnsOf(world, user)).filter(({ placed }) => placed)

describe('Neighbours whose servers never answer', () => {
  usePace()
  const HOSTILE = 20
  const PLACES = 60
  const world = usePartyWorld({ env: { OWN_CONCURRENCY: String(PLACES), WORKER_CONCURRENCY: '2' } })

  it('twenty of them keep nobody waiting: places are left for whoever comes', async () => {
    const silence = world.llm.hold(0)
    world.llm.reply('A measured answer.').reply({ when: key('never'), text: 'Late.', hold: silence })
    const hostile: Awaited<ReturnType<typeof guest>>[] = []
    while (hostile.length < HOSTILE) hostile.push(await guest(world, 'never'))
    const asked = await Promise.all(hostile.map(({ user, agentId }) => ask(user, agentId, 10)))
    const placed = async () => (await Promise.all(hostile.map(({ user }) => placedOf(world, user)))).flat().length
    await eventually(async () => requestsOf(world, 'never').length === (await placed()))
    const begun = requestsOf(world, 'never').length
    expect(begun, 'each has at least one').to.be.within(HOSTILE, PLACES - 1)

    for (const apiKey of ['mine', 'yours']) {
      const { user, agentId } = await guest(world, apiKey)
      const [own] = await ask(user, agentId, 1)
      expect((await user.finished(own?.runId ?? '')).turns).to.deep.include.members([
        { ...(await user.run(own?.runId ?? '')).turns[0], status: 'completed', attempt: 1 },
      ])
    }
    const platform = await world.app.api.register()
    const demo = await platform.accept('/api/chat', {
      agentId: '01990000-0000-7000-8000-0000000000a1',
      message: 'Tea?',
    })
    expect((await platform.finished(demo.runId)).status).to.equal('completed')
    expect(requestsOf(world, 'never').length, 'no hostile turn ended, or began, for it').to.equal(begun)

    silence.release()
    for (const [n, { user }] of hostile.entries())
      for (const { runId } of asked[n] ?? []) expect((await user.finished(runId)).status).to.equal('completed')
  })

  it('a user with very many questions has a few answered before another’s one', async () => {
    world.llm.reply('A measured answer.')
    const heavy = await guest(world, 'heavy')
    const light = await guest(world, 'light')
    const asked = await ask(heavy.user, heavy.agentId, 150)
    const before = requestsOf(world, 'heavy').length
    const [quick] = await ask(light.user, light.agentId, 1)
    await light.user.finished(quick?.runId ?? '')
    const [first] = requestsOf(world, 'light')
    const earlier = world.llm.requests.slice(0, first && world.llm.requests.indexOf(first))
    // What was under way, and what a share may begin while the other is accepted and read; not the hundred that wait.
    expect(earlier.length - before).to.be.below(100)
    expect((await placedOf(world, heavy.user)).length).to.be.at.most(8)
    for (const { runId } of asked) await heavy.user.finished(runId)
  })
})

describe('A turn that changes to a user’s server after it was let in', () => {
  const world = usePartyWorld({ worker: false })

  it('loses its place among the platform’s and gets one of the others', async () => {
    world.llm.reply('A measured answer.')
    const { user, agentId } = await guest(world, 'mine')
    const demo = await user.create('/api/agents', {
      name: 'Demo',
      instructions: 'You are the demo.',
      connectionId: '01990000-0000-7000-8000-0000000000c0',
    })
    const [asked] = await ask(user, demo, 1)
    const lanes = () => world.app.container.db.query('SELECT lane FROM turns WHERE run_id = $1', [asked?.runId])
    expect(await lanes()).to.deep.equal([{ lane: 'platform' }])
    const { connectionId } = Object((await user.get(`/api/agents/${agentId}`)).body)
    await user.put(`/api/agents/${demo}`, { connectionId })
    const shutdown = new Shutdown(silentLogger)
    await startWorker({ ...world.app.container, shutdown })
    const run = await user.finished(asked?.runId ?? '')
    await shutdown.close()
    expect(run.turns.map(({ status, attempt }) => ({ status, attempt }))).to.deep.equal([
      { status: 'completed', attempt: 1 },
    ])
    expect(await lanes()).to.deep.equal([{ lane: 'own' }])
  })
})

describe('A provider that asks to slow down', () => {
  const world = usePartyWorld({ env: { USER_CONCURRENCY: '2' } })

  it('slows its connection, and no other of the same user: what is not due has no place, and spends no try', async () => {
    world.llm
      .reply('A measured answer.')
      .reply({ when: key('slow'), status: 429, retryAfter: 100, error: { message: 'Slow down.' } })
    const { user, agentId } = await guest(world, 'slow')
    const other = await agentOn(world, user, 'quick')
    const limited = await ask(user, agentId, 6)
    await eventually(async () => requestsOf(world, 'slow').length > 0 && (await placedOf(world, user)).length === 0)
    const refused = requestsOf(world, 'slow').length
    expect(refused, 'those that were under way, no further ones').to.be.within(1, 2)
    for (const { runId } of await ask(user, other, 3)) {
      expect((await user.finished(runId)).status).to.equal('completed')
    }
    expect(requestsOf(world, 'slow').length).to.equal(refused)
    const tries = (await turnsOf(world, user)).filter(({ status }) => status === 'queued').map(({ attempt }) => attempt)
    expect(tries.sort()).to.deep.equal([...Array(6 - refused).fill(0), ...Array(refused).fill(1)])

    // The time that the provider asked for has passed.
    world.llm.reset()
    world.llm.reply('A measured answer.')
    await world.app.container.db.query('UPDATE breakers SET open_until = now()')
    await world.app.container.db.query(`UPDATE turns SET due_at = now() WHERE status = 'queued'`)
    for (const { runId } of limited) {
      expect((await user.finished(runId)).status).to.equal('completed')
      await expectSettledOnce(world.app.container.db, runId)
    }
    expect(await world.app.container.breakers.list(10), 'an answer closes it').to.deep.equal([])
  })
})

describe('A provider that limits one of its models', () => {
  const world = usePartyWorld({ env: { USER_CONCURRENCY: '2' } })
  const model = (name: string): MockReply['when'] => ({ match: (request) => request.model === name })

  it('keeps no other model of the connection waiting; a second one of the same connection answers instead', async () => {
    world.llm
      .reply('A measured answer.')
      .reply({ when: model('busy-model'), status: 429, retryAfter: 100, error: { message: 'Slow down.' } })
    const { user, agentId } = await guest(world, 'limited')
    const { connectionId } = Object((await user.get(`/api/agents/${agentId}`)).body)
    const on = (name: string, more: object = {}) =>
      user.create('/api/agents', { name, instructions: 'You speak.', connectionId, model: name, ...more })
    const [busy, idle] = [await on('busy-model'), await on('idle-model')]
    const either = await on('busy-model', { fallbackConnectionId: connectionId, fallbackModel: 'spare-model' })
    const limited = await ask(user, busy, 6)
    const asked = () => world.llm.requests.filter((request) => request.model === 'busy-model').length
    await eventually(async () => asked() > 0 && (await placedOf(world, user)).length === 0)
    const refused = asked()
    expect(refused, 'those that were under way, no further ones').to.be.within(1, 2)
    const subjects = async () => (await world.app.container.breakers.list(10)).map(({ subject }) => subject)
    expect(await subjects()).to.deep.equal([`${connectionId} busy-model`])
    for (const { runId } of [...(await ask(user, idle, 3)), ...(await ask(user, either, 1))]) {
      expect((await user.finished(runId)).status).to.equal('completed')
    }
    expect(await subjects(), 'the others say nothing about it').to.deep.equal([`${connectionId} busy-model`])
    expect(asked()).to.equal(refused)
    expect(world.llm.requests.filter((request) => request.model === 'spare-model')).to.have.length(1)
    // Its connection is shown as well: calls of its own model go through.
    const shown = Object((await user.get(`/api/connections/${connectionId}`)).body)
    expect(shown.breaker).to.deep.equal({ state: 'closed', until: null, code: null })

    // The time that the provider asked for has passed. An agent's model that was limited does not hold the agent back once it has another.
    world.llm.reset()
    world.llm.reply('A measured answer.')
    await world.app.container.db.query('UPDATE breakers SET open_until = now()')
    await world.app.container.db.query(`UPDATE turns SET due_at = now() WHERE status = 'queued'`)
    for (const { runId } of limited) {
      expect((await user.finished(runId)).status).to.equal('completed')
      await expectSettledOnce(world.app.container.db, runId)
    }
    expect(await subjects(), 'an answer closes it').to.deep.equal([])
  })

  it('is understood by workers of the version before: what they note is about all models, and one that may be tried is well', async () => {
    const { db, breakers } = world.app.container
    const { user, agentId } = await guest(world, 'before')
    const { connectionId } = Object((await user.get(`/api/agents/${agentId}`)).body)
    const [one, other] = [
      { connectionId, model: 'one' },
      { connectionId, model: 'other' },
    ]
    await db.query(`SELECT breaker_failed($1, 'provider.rate_limited', true, 60000, 5, 1000, 1000, true)`, [
      connectionId,
    ])
    expect(await Promise.all([breakers.isOpen(one), breakers.isOpen(other)])).to.deep.equal([true, true])
    await db.query('SELECT breaker_closed($1)', [connectionId])
    await breakers.failed(one, { code: 'provider.rate_limited' }, 60_000)
    expect(await Promise.all([breakers.isOpen(one), breakers.isOpen(other)])).to.deep.equal([true, false])
    await db.query('SELECT breaker_closed($1)', [connectionId])
    expect(await breakers.isOpen(one)).to.equal(true)
    await db.query('UPDATE breakers SET open_until = now()')
    await db.query('SELECT breaker_closed($1)', [connectionId])
    expect(await breakers.list(10)).to.deep.equal([])
  })
})

describe('A provider that is away', () => {
  const world = usePartyWorld({
    worker: false,
    env: { BREAKER_FAILURES: '2', BREAKER_OPEN_MS: '86000000', BREAKER_OPEN_MAX_MS: '86400000' },
  })
  const withWorkers = async (count: number, work: () => Promise<void>) => {
    const shutdown = new Shutdown(silentLogger)
    for (let n = 0; n < count; n++) await startWorker({ ...world.app.container, shutdown })
    await work().finally(() => shutdown.close())
  }
  const stateOf = async (user: TestUser) => {
    const { data } = Object((await user.get('/api/connections')).body)
    return data[0].breaker
  }
  const open = () => eventually(async () => (await world.app.container.breakers.list(10)).some(isOpen))
  const isOpen = ({ openUntil }: BreakerState) => openUntil !== null

  it('is left alone by all workers after a few failures, and then tried by one call: turns wait without a place or a try', async () => {
    world.llm.reply({ status: 500 })
    const { user, agentId } = await guest(world, 'away')
    expect(await stateOf(user)).to.deep.equal({ state: 'closed', until: null, code: null })
    const asked = await ask(user, agentId, 1)
    await withWorkers(2, async () => {
      await open()
      const failed = world.llm.requests.length
      expect(failed).to.equal(2)
      asked.push(...(await ask(user, agentId, 5)))
      const { until, ...state } = await stateOf(user)
      expect(state).to.deep.equal({ state: 'open', code: 'provider.unavailable' })
      expect(Date.parse(until)).to.be.greaterThan(Date.now())
      await eventually(async () => (await placedOf(world, user)).length === 0)
      expect(world.llm.requests.length).to.equal(failed)

      // Its time is over; it answers again.
      const probe = world.llm.hold(0)
      world.llm.reset()
      world.llm.reply('A measured answer.').replyOnce({ text: 'The first.', hold: probe })
      await world.app.container.db.query('UPDATE breakers SET open_until = now()')
      await probe.reached
      expect((await stateOf(user)).state).to.equal('half_open')
      await eventually(async () => (await placedOf(world, user)).length === 1)
      expect(world.llm.requests.length, 'one call tries it').to.equal(1)
      const [{ most }] = await world.app.container.db.query(
        `SELECT extract(epoch FROM max(probe_until) - clock_timestamp()) * 1000 AS most FROM breakers`,
      )
      expect(Number(most), 'of a worker that is killed it is over with its lease').to.be.at.most(
        world.app.container.env.TURN_LEASE_MS,
      )
      probe.release()
      for (const { runId } of asked) {
        const run = await user.finished(runId)
        expect(run.status).to.equal('completed')
        await expectSettledOnce(world.app.container.db, runId)
      }
      expect((await stateOf(user)).state).to.equal('closed')
    })
    const attempts = await Promise.all(asked.map(async ({ runId }) => (await user.run(runId)).turns[0]?.attempt))
    expect(attempts).to.deep.equal([3, 1, 1, 1, 1, 1])
  })

  it('that was limited, and fails of something else when one call tries it, is tried by the next call', async () => {
    world.llm.reply('A measured answer.').replyOnce({ status: 429, retryAfter: 0 }).replyOnce({ status: 500 })
    const { user, agentId } = await guest(world, 'away')
    const [asked] = await ask(user, agentId, 1)
    await withWorkers(1, async () => {
      const run = await user.finished(asked?.runId ?? '')
      expect([run.status, run.turns[0]?.attempt]).to.deep.equal(['completed', 3])
      expect((await stateOf(user)).state).to.equal('closed')
    })
  })

  it('whose host fails for several connections is left alone by further ones; the platform’s are not told by users’ calls', async () => {
    world.llm.reply({ status: 500 })
    const guests = await Promise.all([1, 2].map(() => guest(world, 'away')))
    await Promise.all(guests.map(({ user, agentId }) => ask(user, agentId, 1)))
    await withWorkers(1, async () => {
      const host = new URL(world.llm.url).host
      await eventually(async () =>
        (await world.app.container.breakers.list(10)).some((one) => one.subject === `own ${host}` && isOpen(one)),
      )
      const asked = world.llm.requests.length
      const third = await guest(world, 'another')
      await ask(third.user, third.agentId, 1)
      expect((await stateOf(third.user)).state).to.equal('open')
      expect((await placedOf(world, third.user)).length).to.equal(0)
      expect(world.llm.requests.length).to.equal(asked)
      const { body } = await world.app.api
        .login(ADMIN.email, ADMIN.password)
        .then((admin) => admin.get('/api/admin/breakers'))
      const subjects = Object(body).data.map(({ subject }: BreakerState) => subject)
      expect(subjects).to.include(`own ${host}`)
      expect(subjects).to.not.include(`platform ${host}`)
    })
  })

  it('for one user alone, with however many connections, is not away for others', async () => {
    const { db, breakers } = world.app.container
    await db.query('DELETE FROM breakers')
    const [hostile, other] = [await world.app.api.register(), await world.app.api.register()]
    const connection = { name: 'C', provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1', model: 'm' }
    const failing = async (user: TestUser) => {
      const id = await user.create('/api/connections', { ...connection, apiKey: 'k-1234567' })
      for (let n = 0; n < 2; n++)
        await breakers.failed({ connectionId: id, model: 'm' }, { code: 'provider.timeout' }, 0)
      expect(await breakers.isOpen({ connectionId: id, model: 'm' })).to.equal(true)
    }
    for (let n = 0; n < 4; n++) await failing(hostile)
    const well = await other.create('/api/connections', { ...connection, apiKey: 'k-1234567' })
    expect(
      await breakers.isOpen({ connectionId: well, model: 'm' }),
      'one user has closed nothing but what is theirs',
    ).to.equal(false)
    await failing(other)
    expect(await breakers.isOpen({ connectionId: well, model: 'm' }), 'two of them say that it is the host').to.equal(
      true,
    )
    await db.query('DELETE FROM breakers')
  })

  it('an agent’s second connection answers meanwhile, and is what is paid', async () => {
    world.llm.reply('A measured answer.').reply({ when: key('broken'), status: 500 })
    const { user, agentId } = await guest(world, 'broken')
    const second = await agentOn(world, user, 'spare')
    const { connectionId } = Object((await user.get(`/api/agents/${second}`)).body)
    const answer = await user.put(`/api/agents/${agentId}`, {
      fallbackConnectionId: connectionId,
      fallbackModel: 'spare-model',
    })
    expect(answer.body).to.deep.include({ fallbackConnectionId: connectionId, fallbackModel: 'spare-model' })
    const host = new URL(world.llm.url).host
    await world.app.container.db.query('DELETE FROM breakers WHERE subject = $1', [`own ${host}`])
    const asked = await ask(user, agentId, 1)
    await withWorkers(1, async () => {
      asked.push(
        ...(await eventually(
          async () => (await user.run(asked[0]?.runId ?? '')).status === 'completed' && ask(user, agentId, 1),
        )),
      )
      for (const { runId } of asked) {
        const run = await user.finished(runId)
        expect(run.status).to.equal('completed')
        expect(run.turns[0]).to.deep.include({ onFallback: true })
        const calls = await world.app.container.db.query(
          `SELECT connection_id AS "connectionId", model FROM metered_calls WHERE run_id = $1 AND outcome = 'charged'`,
          [runId],
        )
        expect(calls).to.deep.equal([{ connectionId, model: 'spare-model' }])
        await expectSettledOnce(world.app.container.db, runId)
      }
    })
    // Two tries opened its breaker; the second turn did not even ask.
    expect(requestsOf(world, 'broken')).to.have.length(2)
    expect((await user.delete(`/api/connections/${connectionId}`)).status, 'it is in use').to.equal(409)
  })
})

describe('A provider that is away, where turns are not to wait', () => {
  const world = usePartyWorld({
    env: { BREAKER_FAILURES: '1', BREAKER_OPEN_MS: '86000000', PROVIDER_OUTAGE: 'fail', TURN_MAX_ATTEMPTS: '1' },
  })

  it('fails them at once, without a call', async () => {
    world.llm.reply({ status: 500 })
    const { user, agentId } = await guest(world, 'away')
    const [first] = await ask(user, agentId, 1)
    expect((await user.finished(first?.runId ?? '')).error?.code).to.equal('provider.unavailable')
    const [second] = await ask(user, agentId, 1)
    expect((await user.finished(second?.runId ?? '')).error?.code).to.equal('provider.circuit_open')
    expect(world.llm.requests).to.have.length(1)
    await expectSettledOnce(world.app.container.db, second?.runId ?? '')
  })
})

describe('A provider that sends no headers', () => {
  const world = usePartyWorld({ env: { PROVIDER_FIRST_BYTE_MS: '200', TURN_MAX_ATTEMPTS: '1' } })

  it('is given up long before one that is silent in the middle of its answer', async () => {
    const [never, middle] = [world.llm.hold(0), world.llm.hold(1)]
    world.llm
      .reply({ when: key('never'), text: 'Late.', hold: never })
      .reply({ when: key('middle'), text: 'This comes in two pieces.', hold: middle })
    const silent = await guest(world, 'never')
    const slow = await guest(world, 'middle')
    const [there] = await ask(slow.user, slow.agentId, 1)
    await middle.reached
    const [asked] = await ask(silent.user, silent.agentId, 1)
    expect((await silent.user.finished(asked?.runId ?? '')).error?.code).to.equal('provider.timeout')
    expect((await slow.user.run(there?.runId ?? '')).status).to.equal('running')
    middle.release()
    expect((await slow.user.finished(there?.runId ?? '')).status).to.equal('completed')
  })
})
