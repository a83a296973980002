import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { startWorker } from '../../workers/worker.ts'
import { startApp, type TestApp, testSettings } from '../support/app.ts'
import { useCluster } from '../support/cluster.ts'
import { createDatabase } from '../support/database.ts'
import { EventReader } from '../support/event-reader.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, type MockReply, startMockLlm } from '../support/mock-llm.ts'
import { usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { type TrapPlace, Traps } from '../support/traps.ts'
import { balanceOf, chargesOf, lossesOf, paid, pricedModel } from './ledger-world.ts'

const USAGE = { inputTokens: 100, outputTokens: 40 }
const WORDS = 'A measured answer, and it is long enough that its hold has to grow on the way to its end. '
  .repeat(3)
  .trim()

const entry = (kind: string): TrapPlace => ({
  table: 'ledger_entries',
  event: 'INSERT',
  timing: 'AFTER',
  when: `NEW.kind = '${kind}'`,
})
const lostCall: TrapPlace = { table: 'metered_calls', event: 'INSERT', timing: 'AFTER', when: `NEW.outcome = 'lost'` }
const voided: TrapPlace = { table: 'holds', event: 'UPDATE', timing: 'BEFORE', when: `NEW.status = 'voided'` }
const turnTo = (when: string): TrapPlace => ({ table: 'turns', event: 'UPDATE', timing: 'AFTER', when })

/** Every place of a turn where money has moved and nothing is committed. `lost`: attempts that had called the provider. */
const PLACES: Record<string, { place: TrapPlace; on?: 'takeover' | 'giveBack'; lost: number[] }> = {
  'the takeover, before the hold is given back': { place: voided, on: 'takeover', lost: [1] },
  'the takeover, when the hold is given back': { place: entry('release'), on: 'takeover', lost: [1] },
  'the takeover, when the loss is recorded': { place: lostCall, on: 'takeover', lost: [1] },
  'the hold, between the quote and the hold': {
    place: { table: 'holds', event: 'INSERT', timing: 'BEFORE', when: 'true' },
    lost: [],
  },
  'the hold, when it is entered': { place: entry('hold'), lost: [] },
  'an extension': { place: entry('extend'), lost: [1] },
  'giving back, before the hold is void': { place: voided, on: 'giveBack', lost: [1] },
  'giving back, when the loss is recorded': { place: lostCall, on: 'giveBack', lost: [1] },
  'giving back, when the turn is queued again': {
    place: turnTo(`OLD.status = 'running' AND NEW.status = 'queued'`),
    on: 'giveBack',
    lost: [1],
  },
  'the settlement, when its call is posted': { place: entry('post'), lost: [1] },
  'the settlement, when the rest of the hold is released': { place: entry('release'), lost: [1] },
  'the settlement, when the message is written': {
    place: { table: 'messages', event: 'INSERT', timing: 'AFTER', when: `NEW.role = 'agent'` },
    lost: [1],
  },
  'the settlement, when the turn is over': { place: turnTo(`NEW.status = 'completed'`), lost: [1] },
}

describe('A worker that dies in the middle of a transaction of the ledger', function () {
  this.timeout(60_000)
  usePace()
  let llm: MockLlm
  let app: TestApp
  let drop: () => Promise<void>
  let traps: Traps
  // A lease that no busy machine breaks; those of killed workers are let lapse.
  const settings = { TURN_LEASE_MS: '4000', REDISPATCH_AFTER_MS: '500', JOB_LOCK_MS: '1500', HOLD_SLICE_TOKENS: '16' }

  before(async () => {
    llm = await startMockLlm()
    const database = await createDatabase()
    drop = database.drop
    app = await startApp({ databaseUrl: database.url, worker: false, env: settings })
    const places = Object.entries(PLACES).map(([name, { place }]) => [name, place] as const)
    traps = await Traps.set(app.container.db, Object.fromEntries(places))
  })
  after(async () => {
    await traps?.close()
    await app?.close()
    await drop?.()
    await llm?.stop()
  })
  beforeEach(() => llm.reset())

  const startOther = async (crash: { CRASH_AT?: string; AS_IT_IS?: string } = {}) => {
    const env = { ...testSettings, ...settings, DATABASE_URL: app.env.DATABASE_URL, ...crash }
    const worker = startProcess('test/support/crashing-worker.ts', { env })
    await worker.waitForLine(/^ready$/)
    return worker
  }
  /** As if the time of the dead worker's lease were over already. */
  const lapse = () => app.container.turnRepository.voidLeases()
  const differences = async () => (await verifyLedger(app.container.db)).differences

  /** A party of two turns whose first one comes to the place, in a process of its own that is answered here. */
  const inTheTrap = async (name: string, asItIs: { AS_IT_IS?: string } = {}) => {
    const on = PLACES[name]?.on
    const reply: MockReply = { text: WORDS, paceMs: 2, usage: USAGE }
    if (on === 'giveBack') llm.replyOnce({ ...reply, cutAfter: 4 })
    llm.reply(reply)
    const { model } = await pricedModel(app.api, { input: '1000', output: '10000' })
    const user = await app.api.register()
    const baseUrl = llm.baseUrl('openai-compatible')
    const agentIds = await user.agentsOn({ provider: 'openai-compatible', baseUrl, model }, ['Ada', 'Blaise'])
    // Fewer tokens than the words have bytes for: the provider keeps no limit, and the hold has to follow.
    for (const id of agentIds) await user.put(`/api/agents/${id}`, { maxOutputTokens: 40 })
    const first = await startOther(on === 'takeover' ? { CRASH_AT: 'stream.began' } : asItIs)
    if (on !== 'takeover') await traps.arm(name)
    const accepted = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns: 2 })
    let worker = first
    if (on === 'takeover') {
      await first.ended
      await lapse()
      await traps.arm(name)
      worker = await startOther()
    }
    return { user, worker, backend: await traps.caught(), ...accepted }
  }

  const expectWhole = async (at: Awaited<ReturnType<typeof inTheTrap>>, lost: number[]) => {
    const { user, runId, conversationId } = at
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns', error: null })
    expect((await user.messages(conversationId)).slice(1).map(({ content }) => content)).to.deep.equal([WORDS, WORDS])
    const lines = await chargesOf(user, runId)
    // Twice 100 x 0.001 + 40 x 0.01, whatever was tried before.
    expect(lines.map(({ turn, amount }) => [turn, amount])).to.deep.equal([
      [0, -500_000n],
      [1, -500_000n],
    ])
    expect(run.receipt.credits).to.equal(paid(lines))
    expect(await balanceOf(user)).to.deep.include({ held: 0n, spent: 1_000_000n })
    const losses = await lossesOf(app.api, runId)
    expect(losses.map(({ turn, attempt }) => [turn, attempt])).to.deep.equal(lost.map((attempt) => [0, attempt]))
    await expectSettledOnce(app.container.db, runId)
  }

  // In production a hold and a settlement are one statement each: once it is with the database, it is done, with or without us.
  const ALONE = {
    'the hold, when it is entered': { lost: [1], attempts: 2 },
    'the settlement, when its call is posted': { lost: [], attempts: 1 },
  }
  for (const [name, { lost, attempts }] of Object.entries(ALONE)) {
    it(`killed at ${name}, as a statement by itself: all of it is there, once, and another goes on`, async () => {
      const at = await inTheTrap(name, { AS_IT_IS: '1' })
      await at.worker.kill('SIGKILL')
      await traps.spring(at.backend)
      expect(await differences()).to.deep.equal([])
      await lapse()
      const shutdown = new Shutdown(silentLogger)
      await startWorker({ ...app.container, shutdown })
      await expectWhole(at, lost).finally(() => shutdown.close())
      expect((await at.user.run(at.runId)).turns[0]?.attempt).to.equal(attempts)
    })
  }

  for (const [name, { lost }] of Object.entries(PLACES)) {
    it(`killed at ${name}: nothing of it is there, and another finishes`, async () => {
      const at = await inTheTrap(name)
      await at.worker.kill('SIGKILL')
      await traps.spring(at.backend)
      expect(await differences()).to.deep.equal([])
      await lapse()
      const shutdown = new Shutdown(silentLogger)
      await startWorker({ ...app.container, shutdown })
      await expectWhole(at, lost).finally(() => shutdown.close())
    })
  }

  const CUT_PLACES = [
    'the takeover, when the loss is recorded',
    'the hold, when it is entered',
    'giving back, when the turn is queued again',
  ]
  it('losing its connection at the settlement: the same attempt settles again, and nothing is lost', async () => {
    const at = await inTheTrap('the settlement, when the turn is over')
    await traps.cut(at.backend)
    await expectWhole(at, []).finally(() => at.worker.kill('SIGKILL'))
    expect((await at.user.run(at.runId)).turns.map(({ attempt }) => attempt)).to.deep.equal([1, 1])
  })

  for (const name of CUT_PLACES) {
    it(`losing its connection at ${name}: the same process finishes`, async () => {
      const at = await inTheTrap(name)
      await traps.cut(at.backend)
      expect(await differences()).to.deep.equal([])
      // What is given back and done by another attempt costs the platform one more attempt.
      await expectWhole(at, PLACES[name]?.lost ?? []).finally(() => at.worker.kill('SIGKILL'))
    })
  }

  it('losing its connection at an extension: the turn goes on, and is settled by its first attempt', async () => {
    const at = await inTheTrap('an extension')
    await traps.cut(at.backend)
    await expectWhole(at, []).finally(() => at.worker.kill('SIGKILL'))
    expect((await at.user.run(at.runId)).turns.map(({ attempt }) => attempt)).to.deep.equal([1, 1])
  })
})

const SEIZURE: Record<string, TrapPlace> = {
  'the seizure of its turn': turnTo(
    `OLD.status = 'running' AND NEW.status = 'running' AND OLD.claim_token <> NEW.claim_token AND OLD.attempt = NEW.attempt`,
  ),
  'the posting of its estimated call': entry('post'),
  'the end of its run': { table: 'runs', event: 'UPDATE', timing: 'AFTER', when: `NEW.status = 'cancelled'` },
}

describe('A web process that dies while it settles a cancelled run in the place of a dead worker', function () {
  this.timeout(60_000)
  // So long a lease that no worker takes the turn over before the web process does.
  const at = useCluster({ webs: 2, workers: 1, env: { TURN_LEASE_MS: '20000', CANCEL_GRACE_MS: '500' } })

  it('leaves nothing half done: the next cancel settles it, once', async () => {
    const db = await createDataSource({ url: at.databaseUrl, entities: allEntities, poolSize: 4 }).initialize()
    const traps = await Traps.set(db, SEIZURE)
    try {
      for (const name of Object.keys(SEIZURE)) {
        const user = await at.cluster.api(0).register()
        const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
        at.llm.reset()
        const hold = at.llm.hold(12)
        at.llm.reply({ text: WORDS, hold, paceMs: 5 })
        const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Go on!' })
        await hold.reached
        // The provider has said them, and the worker has passed them on.
        const events = `${at.cluster.web(1).url}/api/chat/conversations/${conversationId}/events`
        const watcher = await EventReader.open(events, user.token)
        await watcher.until(
          (event) =>
            event.type === 'turn.delta' ||
            (event.type === 'conversation.snapshot' && event.live.some(({ text }) => text !== '')),
        )
        watcher.close()
        const sql = `SELECT count(*)::int AS n FROM holds WHERE run_id = $1 AND status = 'pending'`
        expect(await db.query(sql, [runId]), name).to.deep.equal([{ n: 1 }])
        await at.cluster.worker(0).kill('SIGKILL')
        await traps.arm(name)
        const cut = user.post(`/api/chat/runs/${runId}/cancel`, undefined).catch(() => 'cut')
        const backend = await traps.caught()
        await at.cluster.web(0).kill('SIGKILL')
        await traps.spring(backend)
        expect(await cut, name).to.equal('cut')
        expect(await db.query(sql, [runId]), `${name}: as before`).to.deep.equal([{ n: 1 }])
        expect((await verifyLedger(db)).differences, name).to.deep.equal([])

        const other = await at.cluster.api(1).login(user.email, 'correct horse battery')
        expect((await other.post(`/api/chat/runs/${runId}/cancel`, undefined)).status, name).to.equal(200)
        const run = await other.run(runId)
        expect(run, name).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
        expect(run.receipt, name).to.deep.include({ turns: 1, estimated: true, credits: paid(await chargesOf(other)) })
        expect((await other.messages(conversationId)).map(({ status }) => status)).to.deep.equal([
          'complete',
          'cancelled',
        ])
        expect(await balanceOf(other), name).to.deep.include({ held: 0n })
        await expectSettledOnce(db, runId)
        await Promise.all([at.cluster.web(0).start(), at.cluster.worker(0).start()])
      }
    } finally {
      await traps.close()
      await db.destroy()
    }
  })
})
