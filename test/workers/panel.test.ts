import { expect } from 'chai'
import { startWorker } from '../../workers/worker.ts'
import { startApp, testSettings } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { allSpoken, by, callsOf, linesOf, speakerOf, turnsCompleted, usePartyWorld } from './party-world.ts'

const NAMES = ['Ada', 'Blaise', 'Clara']
const isSummary = ({ system }: { system: string }) => system.includes('You are also the moderator now')

describe('A panel', () => {
  const world = usePartyWorld({ env: { TURN_MAX_ATTEMPTS: '2' } })
  const panel = { message: 'Is it safe?', strategy: 'panel' }

  it('answers at the same time, none hearing the others, and is summed up', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    const holds = NAMES.map((name) => {
      const held = world.llm.hold()
      world.llm.reply({ when: by(name), times: 1, text: `${name} says so.`, hold: held })
      return held
    })
    world.llm.reply({ when: { match: isSummary }, text: 'They agree.' })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    // All three are under way at once.
    const requests = await Promise.all(holds.map((held) => held.reached))
    for (const request of requests) {
      expect(request.messages.map(({ text }) => text)).to.deep.equal([
        `User: Is it safe?\n\n(It is your turn, ${speakerOf(request)}.)`,
      ])
    }
    // Whoever comes last: the order of the turns is the request's.
    for (const held of [...holds].reverse()) held.release()
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'finished', error: null })
    expect(run.turns.map((turn) => turn.agentId)).to.deep.equal([...agentIds, agentIds[0]])
    expect((await linesOf(user, conversationId)).at(-1)).to.deep.equal(['Ada', 'They agree.'])
    const summary = world.llm.requests.find(isSummary)
    const heard = summary?.messages.flatMap(({ role, text }) => text.split('\n\n').map((line) => `${role} ${line}`))
    expect(heard?.sort()).to.deep.equal(
      [
        'user User: Is it safe?',
        'assistant Ada says so.',
        'user Blaise: Blaise says so.',
        'user Clara: Clara says so.',
        'user (It is your turn, Ada. Sum up the panel.)',
      ].sort(),
    )
    expect((await callsOf(world.app.container.db, runId)).map(({ purpose }) => purpose)).to.deep.equal([
      'speak',
      'speak',
      'speak',
      'moderate',
    ])
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('one who starts after another has answered does not hear that either', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    const held = world.llm.hold()
    world.llm
      .reply({ when: by('Ada'), times: 1, text: 'A secret.' })
      .reply({ when: by('Blaise'), times: 1, status: 500 })
      .reply({ when: by('Clara'), times: 1, text: 'Late.', hold: held })
      .reply({ when: by('Blaise'), times: 1, text: 'At last.' })
    const accepted = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    const { runId } = accepted
    await held.reached
    await turnsCompleted(world.app.container.feed, user, accepted, 2)
    held.release()
    const run = await user.finished(runId)
    expect(run.turns.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 1, 1])
    for (const request of world.llm.requests.filter((one) => !isSummary(one))) {
      expect(request.messages.map(({ text }) => text)).to.deep.equal([
        `User: Is it safe?\n\n(It is your turn, ${speakerOf(request)}.)`,
      ])
    }
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('is summed up once by whoever comes back last, after all others have answered', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    const held = world.llm.hold()
    world.llm
      .reply({ when: { match: isSummary }, text: 'They agree.' })
      .reply({ when: by('Ada'), times: 1, status: 500, hold: held })
      .reply({ when: by('Blaise'), times: 1, text: 'Yes.' })
      .reply({ when: by('Clara'), times: 1, text: 'Yes.' })
      .reply({ when: by('Ada'), times: 1, text: 'Yes, at last.' })
    const accepted = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    const { runId, conversationId } = accepted
    await held.reached
    await turnsCompleted(world.app.container.feed, user, accepted, 2)
    held.release()
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'finished' })
    expect(run.turns.map(({ attempt }) => attempt)).to.deep.equal([2, 1, 1, 1])
    expect((await linesOf(user, conversationId)).slice(-2)).to.deep.equal([
      ['Ada', 'Yes, at last.'],
      ['Ada', 'They agree.'],
    ])
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('goes on without one that fails for good; another moderates when the first has no answer', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    world.llm
      .reply({ when: { match: isSummary }, text: 'Two of us agree.' })
      .replyOnce({ when: by('Ada'), status: 401 })
      .replyOnce({ when: by('Blaise'), text: 'Yes.' })
      .replyOnce({ when: by('Clara'), text: 'Yes.' })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'finished' })
    expect(run.turns.map(({ status }) => status)).to.deep.equal(['failed', 'completed', 'completed', 'completed'])
    expect((await linesOf(user, conversationId)).at(-1)).to.deep.equal(['Blaise', 'Two of us agree.'])
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('fails when all fail, with their error', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    world.llm.reply({ status: 401 })
    const { runId } = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'failed', stopReason: 'failed' })
    expect(run.error?.code).to.equal('provider.unauthorized')
    expect(run.turns).to.have.length(3)
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('is over when all pass', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    world.llm.reply('[pass]')
    const { runId } = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    expect(await user.finished(runId)).to.deep.include({ status: 'completed', stopReason: 'all_passed' })
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('cancelled in the middle: every connection is closed, all words are kept, and the run ends once, after the last', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    const holds = NAMES.map((name) => {
      const held = world.llm.hold(2)
      world.llm.reply({ when: by(name), text: `${name} begins to say something long.`, hold: held })
      return held
    })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    const requests = await Promise.all(holds.map((held) => held.reached))
    await allSpoken(world.app.container.feed, conversationId, 3)
    const cancelled = await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    expect(cancelled.body).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
    expect(await Promise.all(requests.map((request) => request.ended))).to.deep.equal(['aborted', 'aborted', 'aborted'])
    const run = await user.run(runId)
    expect(run.turns.map(({ status }) => status)).to.deep.equal(['cancelled', 'cancelled', 'cancelled'])
    expect(run.receipt).to.deep.include({ turns: 3, estimated: true })
    expect(run).to.deep.equal(cancelled.body)
    expect((await user.messages(conversationId)).slice(1).map(({ status }) => status)).to.deep.equal(
      Array(3).fill('cancelled'),
    )
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('hears what the user says meanwhile: the moderator answers it, and then everybody is asked anew only by a new word', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    const held = world.llm.hold()
    world.llm
      .reply({ when: by('Ada'), times: 1, text: 'Yes.' })
      .reply({ when: by('Blaise'), times: 1, text: 'Yes.', hold: held })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', { ...panel, agentIds })
    await held.reached
    await user.accept('/api/chat/multi-agent', { agentIds, message: 'And cheap?', conversationId })
    held.release()
    const run = await user.finished(runId)
    expect(run.turns).to.have.length(3)
    const heard = world.llm.requests.at(-1)?.messages.flatMap(({ text }) => text.split('\n\n'))
    expect(heard).to.include('User: And cheap?')
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('holds together at most what the run may spend', async () => {
    const { user, agentIds } = await world.guests(NAMES)
    // Everybody says as much as the request allows.
    world.llm.reply({ text: ({ body }) => 'abc '.repeat(Number(body.max_tokens) - 1) })
    const most = 60
    const { runId } = await user.accept('/api/chat/multi-agent', {
      ...panel,
      agentIds,
      stop: { maxCredits: String(most) },
    })
    const run = await user.finished(runId)
    expect(run.status).to.equal('completed')
    // What is held or spent at any time, as the entries follow each other.
    const [{ committed }] = await world.app.container.db.query(
      `SELECT max(total)::float8 / 1e6 AS committed FROM (
         SELECT sum(CASE kind WHEN 'release' THEN -amount WHEN 'post' THEN 0 ELSE amount END) OVER (ORDER BY number) AS total
         FROM ledger_entries WHERE run_id = $1 AND kind IN ('hold', 'extend', 'release', 'post')) e`,
      [runId],
    )
    expect(committed).to.be.greaterThan(0).and.at.most(most)
    expect(Number(run.receipt.credits)).to.be.at.most(most)
    expect(run.receipt.turns).to.equal(4)
    await expectSettledOnce(world.app.container.db, runId)
  })
})

describe('A panel whose worker is killed between its children', function () {
  this.timeout(40_000)
  usePace()
  const world = usePartyWorld({ worker: false })

  for (const step of ['settle.written', 'settled', 'stream.began'] as const) {
    it(`at "${step}" of the first: every answer once, and one summary`, async () => {
      const settings = { TURN_LEASE_MS: '1500', REDISPATCH_AFTER_MS: '500', JOB_LOCK_MS: '1500' }
      const database = await createDatabase()
      const app = await startApp({ databaseUrl: database.url, worker: false, env: settings })
      try {
        world.llm.reply({ text: 'A measured answer to that.', paceMs: 5 })
        const user = await app.api.register()
        const agentIds = await user.agentsOn(
          { provider: 'openai-compatible', baseUrl: world.llm.baseUrl('openai-compatible') },
          NAMES,
        )
        const env = { ...testSettings, ...settings, DATABASE_URL: database.url, CRASH_AT: step }
        const victim = startProcess('test/support/crashing-worker.ts', { env })
        await victim.waitForLine(/^ready$/)
        const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
          agentIds,
          message: 'Is it safe?',
          strategy: 'panel',
        })
        expect(await victim.ended).to.deep.include({ signal: 'SIGKILL' })
        // As if the lease's time were over already.
        await app.container.turnRepository.voidLeases()
        await startWorker(app.container)
        const run = await user.finished(runId)
        expect(run).to.deep.include({ status: 'completed', stopReason: 'finished' })
        expect(run.turns.map(({ agentId, status }) => ({ agentId, status }))).to.deep.equal(
          [...agentIds, agentIds[0]].map((agentId) => ({ agentId, status: 'completed' })),
        )
        expect(await linesOf(user, conversationId)).to.have.length(5)
        await expectSettledOnce(app.container.db, runId)
      } finally {
        await app.close()
        await database.drop()
      }
    })
  }
})
