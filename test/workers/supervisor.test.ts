import { expect } from 'chai'
import { startWorker } from '../../workers/worker.ts'
import { startApp, testSettings } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import type { MockReply } from '../support/mock-llm.ts'
import { usePace } from '../support/pace.ts'
import { startProcess } from '../support/processes.ts'
import { callsOf, isDecision, linesOf, speakerOf, usePartyWorld } from './party-world.ts'

const NAMES = ['Ada', 'Blaise', 'Clara']
const decision = (next: string, more: object = {}) =>
  JSON.stringify({ done: false, handBackToUser: false, next, reason: 'It fits.', ...more })
const asked: MockReply['when'] = { match: isDecision }
const spoken: MockReply = {
  when: { match: (request) => !isDecision(request) },
  text: (request) => `${speakerOf(request)} speaks.`,
}

describe('A supervised party', () => {
  const world = usePartyWorld({ env: { PROVIDER_IDLE_TIMEOUT_MS: '500', TURN_MAX_ATTEMPTS: '2' } })

  const hold = async (maxTurns: number) => {
    const { user, agentIds, nameOf } = await world.guests(NAMES)
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
      agentIds,
      message: 'Is it safe?',
      strategy: 'supervisor',
      maxTurns,
    })
    const run = await user.finished(runId)
    await expectSettledOnce(world.app.container.db, runId)
    return { user, run, speakers: run.turns.map((turn) => nameOf(turn.agentId)), conversationId }
  }

  it('speaks in the order that the supervisor picks, and ends when it says so; its calls are paid', async () => {
    world.llm
      .reply(spoken)
      .reply({ when: asked, times: 1, text: decision('Clara'), usage: { inputTokens: 50, outputTokens: 5 } })
      .reply({ when: asked, times: 1, text: decision('Blaise'), usage: { inputTokens: 60, outputTokens: 5 } })
      .reply({ when: asked, text: decision('Ada', { done: true }), usage: { inputTokens: 70, outputTokens: 5 } })
    const { run, speakers, user, conversationId } = await hold(9)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'supervisor_done', error: null })
    expect(speakers).to.deep.equal(['Clara', 'Blaise', null])
    expect(await linesOf(user, conversationId)).to.deep.equal([
      [null, 'Is it safe?'],
      ['Clara', 'Clara speaks.'],
      ['Blaise', 'Blaise speaks.'],
    ])
    expect(await callsOf(world.app.container.db, run.id)).to.deep.equal([
      { turn: 0, attempt: 1, call: 0, purpose: 'speak', outcome: 'charged' },
      { turn: 0, attempt: 1, call: 1000, purpose: 'supervise', outcome: 'charged' },
      { turn: 1, attempt: 1, call: 0, purpose: 'speak', outcome: 'charged' },
      { turn: 1, attempt: 1, call: 1000, purpose: 'supervise', outcome: 'charged' },
      { turn: 2, attempt: 1, call: 1000, purpose: 'supervise', outcome: 'charged' },
    ])
    const [first] = world.llm.requests.filter(isDecision)
    expect(first?.system).to.contain('- Clara: You are Clara of the test.')
    expect(first?.messages).to.deep.include({
      role: 'user',
      name: undefined,
      text: 'User: Is it safe?\n(Who speaks next?)',
    })
    const last = world.llm.requests.filter(isDecision).at(-1)
    expect(last?.messages[0]?.text).to.equal(
      'User: Is it safe?\nClara: Clara speaks.\nBlaise: Blaise speaks.\n(Who speaks next?)',
    )
  })

  it('hands back to the user', async () => {
    world.llm
      .reply(spoken)
      .reply({ when: asked, times: 1, text: decision('Ada') })
      .reply({ when: asked, text: decision('Ada', { handBackToUser: true }) })
    const { run, speakers } = await hold(9)
    expect(run.stopReason).to.equal('finished')
    expect(speakers).to.deep.equal(['Ada', null])
  })

  const trouble: Array<[string, MockReply]> = [
    ['nonsense', { text: 'Certainly! I would love to.' }],
    ['a name that nobody has', { text: decision('Zoe') }],
    ['the same name every time', { text: decision('Blaise') }],
    ['an end before anybody has answered', { text: decision('Ada', { done: true }), times: 1 }],
    ['a refusal', { status: 400, error: { message: 'content_policy violation', code: 'content_filter' } }],
    ['endless 500s', { status: 500 }],
    ['429', { status: 429, retryAfter: 60 }],
    ['a cut connection', { cutAfter: 0 }],
    ['nothing at all', { text: '' }],
  ]
  for (const [what, reply] of trouble) {
    it(`answers with ${what}: everybody has a turn, nobody two in a row, and the run ends`, async () => {
      world.llm
        .reply(spoken)
        .reply({ when: asked, text: decision('nobody') })
        .reply({ when: asked, ...reply })
      const { run, speakers } = await hold(4)
      expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns', error: null })
      expect([...new Set(speakers)].sort(), String(speakers)).to.deep.equal(NAMES)
      expect(
        speakers.some((name, index) => name === speakers[index - 1]),
        String(speakers),
      ).to.equal(false)
    })
  }

  it('times out: the fallback speaks, and soon', async () => {
    const held = world.llm.hold()
    world.llm.reply(spoken).reply({ when: asked, text: decision('Clara'), hold: held })
    const { run, speakers } = await hold(2)
    expect(run.status).to.equal('completed')
    expect(speakers).to.deep.equal(['Ada', 'Blaise'])
  })

  it('does not end over words that the user said while it decided', async () => {
    const held = world.llm.hold()
    world.llm
      .reply(spoken)
      .reply({ when: asked, times: 1, text: decision('Ada') })
      .reply({ when: asked, times: 1, text: decision('Ada', { done: true }), hold: held })
      .reply({ when: asked, text: decision('Ada', { done: true }) })
    const { user, agentIds, nameOf } = await world.guests(NAMES)
    const party = { agentIds, message: 'Is it safe?', strategy: 'supervisor', maxTurns: 9 }
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', party)
    await held.reached
    const joined = await user.accept('/api/chat/multi-agent', { agentIds, message: 'And cheap?', conversationId })
    expect(joined.runId).to.equal(runId)
    held.release()
    const run = await user.finished(runId)
    expect(run.stopReason).to.equal('supervisor_done')
    expect(run.turns.map((turn) => nameOf(turn.agentId))).to.deep.equal(['Ada', 'Blaise', null])
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('keeps its speaker when the speech is tried again; the decision is paid once', async () => {
    world.llm
      .reply(spoken)
      .replyOnce({ when: { match: (request) => !isDecision(request) }, status: 500 })
      .reply({ when: asked, times: 1, text: decision('Clara') })
      .reply({ when: asked, text: decision('Blaise') })
    const { run, speakers } = await hold(1)
    expect(run.turns[0]).to.deep.include({ attempt: 2, status: 'completed' })
    expect(speakers).to.deep.equal(['Clara'])
    expect(world.llm.requests.filter(isDecision)).to.have.length(1)
    expect(await callsOf(world.app.container.db, run.id)).to.deep.equal([
      { turn: 0, attempt: 1, call: 1000, purpose: 'supervise', outcome: 'charged' },
      { turn: 0, attempt: 2, call: 0, purpose: 'speak', outcome: 'charged' },
    ])
  })

  it('keeps its speaker, and is given back at once, when the room cannot be read after the decision', async () => {
    const { claims, db } = world.app.container
    const { room } = claims
    claims.room = () => {
      claims.room = room
      return Promise.reject(new Error('the database is away'))
    }
    try {
      world.llm.reply(spoken).reply({ when: asked, text: decision('Clara') })
      const { run, speakers } = await hold(1)
      expect(speakers).to.deep.equal(['Clara'])
      expect(world.llm.requests.filter(isDecision)).to.have.length(1)
      // Not left to its lease.
      const [turn] = await db.query('SELECT attempt, failures FROM turns WHERE run_id = $1', [run.id])
      expect(turn).to.deep.equal({ attempt: 2, failures: 1 })
    } finally {
      claims.room = room
    }
  })

  it('stops deciding when cancelled: the provider sees its connection close', async () => {
    const held = world.llm.hold()
    world.llm.reply({ when: asked, text: decision('Clara'), hold: held })
    const { user, agentIds } = await world.guests(NAMES)
    const { runId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Hello', strategy: 'supervisor' })
    const request = await held.reached
    const cancelled = await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    expect(cancelled.body).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
    expect(await request.ended).to.equal('aborted')
    await expectSettledOnce(world.app.container.db, runId)
  })
})

describe('A supervised party whose worker is killed', function () {
  this.timeout(40_000)
  usePace()
  const world = usePartyWorld({ worker: false })

  for (const step of ['decided', 'hold.placed', 'stream.began'] as const) {
    it(`at "${step}": the speaker stays, and the decision is paid once`, async () => {
      const settings = { TURN_LEASE_MS: '1500', REDISPATCH_AFTER_MS: '500', JOB_LOCK_MS: '1500' }
      const database = await createDatabase()
      const app = await startApp({ databaseUrl: database.url, worker: false, env: settings })
      try {
        world.llm
          .reply(spoken)
          .reply({ when: asked, times: 1, text: decision('Clara') })
          .reply({ when: asked, text: decision('Blaise') })
        const user = await app.api.register()
        const agentIds = await user.agentsOn(
          { provider: 'openai-compatible', baseUrl: world.llm.baseUrl('openai-compatible') },
          NAMES,
        )
        const env = { ...testSettings, ...settings, DATABASE_URL: database.url, CRASH_AT: step }
        const victim = startProcess('test/support/crashing-worker.ts', { env })
        await victim.waitForLine(/^ready$/)
        const party = { agentIds, message: 'Is it safe?', strategy: 'supervisor', maxTurns: 1 }
        const { runId } = await user.accept('/api/chat/multi-agent', party)
        expect(await victim.ended).to.deep.include({ signal: 'SIGKILL' })
        // As if the lease's time were over already.
        await app.container.turnRepository.voidLeases()
        await startWorker(app.container)
        const run = await user.finished(runId)
        expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
        expect(run.turns[0]).to.deep.include({ agentId: agentIds[2], attempt: 2 })
        const calls = (await callsOf(app.container.db, runId)).filter(({ purpose }) => purpose === 'supervise')
        expect(calls).to.deep.equal([{ turn: 0, attempt: 1, call: 1000, purpose: 'supervise', outcome: 'charged' }])
        await expectSettledOnce(app.container.db, runId)
      } finally {
        await app.close()
        await database.drop()
      }
    })
  }
})
