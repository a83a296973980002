import { expect } from 'chai'
import { z } from 'zod'
import { withAdvisoryLock } from '../../src/database/advisory-lock.ts'
import { CronTimes, monthStart } from '../../src/schedules/cron.ts'
import { ScheduleRepository } from '../../src/schedules/schedule.repository.ts'
import { createScheduleDomain } from '../../src/schedules/schedule-domain.ts'
import { AppError } from '../../src/shared/errors.ts'
import { parseCredits } from '../../src/shared/money.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'

const ADA = '01990000-0000-7000-8000-0000000000a1'
const schedule = z.looseObject({ id: z.uuid(), nextAt: z.string().nullable(), pausedReason: z.string().nullable() })
const tick = z.looseObject({
  at: z.string(),
  status: z.string(),
  error: z.object({ code: z.string() }).nullable(),
  runId: z.string().nullable(),
})

describe('Times of schedules', () => {
  it('follow the clocks of a time zone, also over the nights on which they are changed', () => {
    const berlin = new CronTimes('30 9 * * 1-5', 'Europe/Berlin')
    expect(berlin.after(new Date('2026-03-27T09:00:00Z'))?.toISOString()).to.equal('2026-03-30T07:30:00.000Z')
    const night = new CronTimes('30 2 * * *', 'Europe/Berlin')
    const back = [new Date('2026-10-24T12:00:00Z')]
    for (let i = 0; i < 3; i++) back.push(night.after(back.at(-1) ?? new Date()) ?? new Date(0))
    // 2:30 is twice that night, and ticks once.
    expect(back.slice(1).map((time) => time.toISOString().slice(0, 10))).to.deep.equal([
      '2026-10-25',
      '2026-10-26',
      '2026-10-27',
    ])
    expect(() => new CronTimes('* * * * * *', 'UTC')).to.throw('five fields')
  })

  it('are looked through for the last one in few steps, however many were missed', () => {
    class Counted extends CronTimes {
      steps = 0
      override after(moment: Date): Date | null {
        this.steps += 1
        return super.after(moment)
      }
    }
    const now = new Date('2026-11-26T12:00:30Z')
    const cases: [cron: string, last: string][] = [
      ['* * * * *', '2026-11-26T12:00:00.000Z'],
      ['*/5 * * * *', '2026-11-26T12:00:00.000Z'],
      ['30 * * * *', '2026-11-26T11:30:00.000Z'],
      ['* 3 * * *', '2026-11-26T03:59:00.000Z'],
      ['0 9 1 * *', '2026-11-01T09:00:00.000Z'],
      ['0 0 29 2 *', '2024-02-29T00:00:00.000Z'],
    ]
    for (const [cron, last] of cases) {
      const times = new Counted(cron, 'UTC')
      times.steps = 0
      const first = times.after(new Date('2023-01-01T00:00:00Z')) ?? now
      expect(times.last(first, now).toISOString(), cron).to.equal(last)
      expect(times.steps, cron).to.be.lessThan(100)
      // One that has just come is itself.
      expect(times.last(new Date(last), now).toISOString(), cron).to.equal(last)
    }
  })

  it('have months of their own', () => {
    const start = (moment: string, zone: string) => monthStart(new Date(moment), zone).toISOString()
    expect(start('2026-11-26T10:00:00Z', 'UTC')).to.equal('2026-11-01T00:00:00.000Z')
    expect(start('2026-11-01T00:00:00Z', 'UTC')).to.equal('2026-11-01T00:00:00.000Z')
    expect(start('2026-10-31T23:30:00Z', 'Europe/Berlin')).to.equal('2026-10-31T23:00:00.000Z')
    expect(start('2026-03-01T03:00:00Z', 'America/New_York')).to.equal('2026-02-01T05:00:00.000Z')
  })
})

describe('Schedules', () => {
  const app = useApp({ env: { USER_SCHEDULES: '4' } })
  let user: TestUser
  let agentIds: string[]
  before(async () => {
    const { body } = await (await app.api.register()).get('/api/agents')
    const { data } = z.object({ data: z.array(z.object({ id: z.string() })) }).parse(body)
    agentIds = [ADA, data.find(({ id }) => id !== ADA)?.id ?? '']
  })
  beforeEach(async () => {
    user = await app.api.register()
  })

  const body = (more: object = {}) => ({
    name: 'Morning round',
    cron: '0 9 * * *',
    timeZone: 'Europe/Berlin',
    party: { agentIds, message: 'What is new?', maxTurns: 2 },
    ...more,
  })
  const add = async (more: object = {}) => schedule.parse((await user.post('/api/schedules', body(more))).body)
  const ticksOf = async (id: string) =>
    z.object({ data: z.array(tick) }).parse((await user.get(`/api/schedules/${id}/ticks`)).body).data
  /** Its time has come, so long ago. */
  const come = (id: string, ago = '1 second') =>
    app.container.db.query(`UPDATE schedules SET next_at = date_trunc('second', now() - $2::interval) WHERE id = $1`, [
      id,
      ago,
    ])
  const settled = (id: string, count = 1) =>
    eventually(async () => {
      const ticks = await ticksOf(id)
      return ticks.length >= count && ticks.every(({ status }) => status !== 'due') && ticks
    })

  it('begin a party when their time has come, and move on', async () => {
    const { id, nextAt } = await add()
    expect(nextAt).to.match(/T0[78]:00:00\.000Z$/)
    await come(id)
    const [one] = await settled(id)
    expect(one).to.include({ status: 'started', error: null })
    const run = await user.finished(one?.runId ?? '')
    expect(run).to.include({ status: 'completed' })
    expect(run.turns).to.have.length(2)
    expect((await user.get(`/api/schedules/${id}`)).body).to.include({ nextAt, paused: false })
  })

  it('tick once, however many processes look at the same time, and whoever died after the request', async () => {
    const { id } = await add()
    const { ticker } = app.container
    await come(id)
    await Promise.all(Array.from({ length: 8 }, () => ticker.tick()))
    const [one] = await settled(id)
    // The process died before it wrote down that the run was accepted.
    await app.container.db.query(
      `UPDATE schedule_ticks SET status = 'due', run_id = NULL, conversation_id = NULL WHERE schedule_id = $1`,
      [id],
    )
    await Promise.all(Array.from({ length: 8 }, () => ticker.tick()))
    const [again, ...others] = await settled(id)
    expect(others).to.deep.equal([])
    expect(again?.runId).to.equal(one?.runId)
    const runs: { count: number }[] = await app.container.db.query(
      'SELECT count(*)::int FROM runs WHERE user_id = $1',
      [user.id],
    )
    expect(runs[0]?.count).to.equal(1)
  })

  it('that nobody was there for are left out, or made up for by one run, as they say', async () => {
    const skipping = await add()
    const catching = await add({ missed: 'once' })
    for (const { id } of [skipping, catching]) await come(id, '3 days')
    const [left] = await settled(skipping.id)
    expect(left).to.deep.include({ status: 'skipped', runId: null })
    expect(left?.error?.code).to.equal('schedule.missed')
    const made = await settled(catching.id)
    expect(made.map(({ status }) => status)).to.deep.equal(['started'])
  })

  it('rest and go on by their owner; a pause misses nothing', async () => {
    const { id, nextAt } = await add()
    expect((await user.put(`/api/schedules/${id}`, { paused: true })).body).to.include({
      paused: true,
      pausedReason: 'owner',
      nextAt: null,
    })
    expect((await user.put(`/api/schedules/${id}`, { paused: false })).body).to.include({ paused: false, nextAt })
    expect(await ticksOf(id)).to.deep.equal([])
  })

  it('cost no more in a month than they may', async () => {
    const { id } = await add({ monthlyCredits: '5' })
    await come(id)
    const [first] = await settled(id)
    const run = await user.finished(first?.runId ?? '')
    expect(Number(run.receipt.credits)).to.be.greaterThan(0)
    // Its runs had no more than what was left.
    const [limits]: { max_credits: string }[] = await app.container.db.query(
      'SELECT max_credits FROM runs WHERE id = $1',
      [run.id],
    )
    expect(limits?.max_credits).to.equal('5000000')
    await app.container.db.query(`UPDATE schedules SET monthly_credits = 1 WHERE id = $1`, [id])
    // Another time than the first one.
    await come(id, '90 seconds')
    const [second] = await settled(id, 2)
    expect(second).to.deep.include({ status: 'skipped' })
    expect(second?.error?.code).to.equal('schedule.month_spent')
  })

  it('know what a month has cost after the first look without looking at its runs again, each counted once', async () => {
    const { id } = await add({ monthlyCredits: '5' })
    const { db } = app.container
    const schedules = new ScheduleRepository(db)
    const month = monthStart(new Date(), 'Europe/Berlin')
    expect(await schedules.spentSince(id, month)).to.equal(0n)
    await come(id)
    const [first] = await settled(id)
    const { receipt } = await user.finished(first?.runId ?? '')
    const cost = parseCredits(receipt.credits)
    expect(await schedules.spentSince(id, month)).to.equal(cost)
    expect(await schedules.spentSince(id, month)).to.equal(cost)
    // Another tick, whose words joined the same run.
    await db.query(
      `INSERT INTO schedule_ticks (id, schedule_id, at, status, run_id)
       SELECT uuid_now(), schedule_id, at - interval '1 minute', 'started', run_id FROM schedule_ticks WHERE schedule_id = $1`,
      [id],
    )
    expect(await schedules.spentSince(id, month)).to.equal(cost)
    // And one whose run goes on: it may cost what it is allowed.
    await db.query(`UPDATE schedule_ticks SET spent = NULL WHERE schedule_id = $1`, [id])
    await db.query('UPDATE runs SET finished_at = NULL WHERE id = $1', [first?.runId])
    expect(await schedules.spentSince(id, month)).to.equal(parseCredits('5'))
    await db.query('UPDATE runs SET finished_at = now() WHERE id = $1', [first?.runId])
    expect(await schedules.spentSince(id, month)).to.equal(cost)
    // What is noted is what counts.
    await db.query('UPDATE schedule_ticks SET spent = spent + 1 WHERE schedule_id = $1', [id])
    expect(await schedules.spentSince(id, month)).to.equal(cost + 1n)
  })

  it('whose party cannot be held say why, and rest after ten times', async () => {
    const gone = await user.create('/api/agents', { name: 'Otto', instructions: 'You speak.' })
    const { id } = await add({ party: { agentIds: [ADA, gone], message: 'Hello?' } })
    await user.delete(`/api/agents/${gone}`)
    for (let i = 1; i <= 10; i++) {
      await come(id, `${60 - i} seconds`)
      await settled(id, i)
    }
    const [last] = await ticksOf(id)
    expect(last).to.include({ status: 'failed' })
    expect(last?.error?.code).to.equal('agent.not_found')
    await eventually(
      async () => schedule.parse((await user.get(`/api/schedules/${id}`)).body).pausedReason === 'failing',
    )
  })

  it('that cannot be asked for now are looked at later, and keep nobody waiting', async () => {
    const { container } = app
    const { id } = await add()
    // No round of the app's own meanwhile.
    await eventually(async () => {
      const done = await withAdvisoryLock(container.db, 'reconciler', async () => {
        await come(id)
        const away = () => Promise.reject(new AppError('database.unavailable'))
        const { ticker, scheduleTicks } = createScheduleDomain({
          ...container,
          chat: { party: away },
          party: container.chatSchemas.party,
          most: 1,
        })
        await ticker.tick()
        expect((await ticksOf(id)).map(({ status }) => status)).to.deep.equal(['due'])
        expect(await scheduleTicks.due(100)).to.deep.equal([])
        await container.db.query('UPDATE schedule_ticks SET due_at = now() WHERE schedule_id = $1', [id])
      })
      return done !== undefined
    })
    const [one] = await settled(id)
    expect(one).to.include({ status: 'started' })
  })

  it('whose party is not what is taken any more say so; whose time zone is none any more rest', async () => {
    const { id } = await add()
    await app.container.db.query(
      `UPDATE schedules SET party = jsonb_set(party, '{maxTurns}', '100000') WHERE id = $1`,
      [id],
    )
    await come(id)
    const [one] = await settled(id)
    expect(one).to.include({ status: 'failed' })
    expect(one?.error?.code).to.equal('request.invalid')
    await app.container.db.query(`UPDATE schedules SET time_zone = 'Europe/Atlantis' WHERE id = $1`, [id])
    await come(id, '70 seconds')
    await settled(id, 2)
    expect((await user.get(`/api/schedules/${id}`)).body).to.include({ pausedReason: 'over', nextAt: null })
  })

  it('are refused with the path of what is wrong', async () => {
    const cases: [object, string][] = [
      [{ cron: '0 9 * *' }, 'cron'],
      [{ cron: '99 9 * * *' }, 'cron'],
      [{ cron: '0 0 30 2 *' }, 'cron'],
      [{ timeZone: 'Europe/Nowhere' }, 'timeZone'],
      [{ party: { agentIds: [ADA], message: 'x' } }, 'party.agentIds'],
      [{ party: { agentIds, message: 'x', stop: { maxCredits: '-1' } } }, 'party.stop.maxCredits'],
      [{ monthlyCredits: '0' }, 'monthlyCredits'],
      [{ extra: 1 }, 'extra'],
    ]
    for (const [more, path] of cases) {
      const answer = await user.post('/api/schedules', body(more))
      expect(answer.status, path).to.equal(400)
      expect(errorOf(answer).details.issues, path).to.have.nested.property('[0].path', path)
    }
  })

  it('are bounded, and nobody else sees them', async () => {
    const made = [await add(), await add(), await add(), await add()]
    expect(errorOf(await user.post('/api/schedules', body()))).to.include({ code: 'schedule.too_many' })
    const stranger = await app.api.register()
    const path = `/api/schedules/${made[0]?.id}`
    const answers = await Promise.all([
      stranger.get(path),
      stranger.put(path, { paused: true }),
      stranger.delete(path),
      stranger.get(`${path}/ticks`),
    ])
    expect(answers.map(({ status }) => status)).to.deep.equal([404, 404, 404, 404])
    expect((await user.delete(path)).status).to.equal(204)
    expect((await user.get(path)).status).to.equal(404)
  })
})
