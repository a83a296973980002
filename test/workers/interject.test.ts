import { expect } from 'chai'
import { errorOf } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { usePace } from '../support/pace.ts'
import { allSpoken, by, linesOf, usePartyWorld } from './party-world.ts'

const RACES = 100
/** Races that are run at once. It shares no factor with the steps, so each lane has races at every step. */
const LANES = 4
const STEPS = 25

/** Runs every race once, several at a time. */
const inLanes = (count: number, race: (index: number) => Promise<void>) =>
  Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      for (let index = lane; index < count; index += LANES) await race(index)
    }),
  )

/**
 * Races between something and the end of a run, at steps from before the speech to after the end: over the time in which a run is
 * seen to end in such company on this machine now.
 */
async function runRaces(run: () => Promise<unknown>, race: (delayMs: number, index: number) => Promise<void>) {
  const durations: number[] = []
  await inLanes(3 * LANES, async () => {
    const startedAt = performance.now()
    await run()
    durations.push(performance.now() - startedAt)
  })
  const typical = durations.toSorted((x, y) => x - y)[durations.length >> 1] ?? 0
  await inLanes(RACES, (index) => race(((index % STEPS) / (STEPS - 1)) * typical, index))
}

describe('The user during a run', () => {
  usePace()
  const world = usePartyWorld()

  const started = async (more: object = {}) => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    const held = world.llm.hold(1)
    world.llm
      .replyOnce({ when: by('Ada'), text: 'Tea is the better drink.', hold: held })
      .reply({ when: by('Blaise'), text: 'No.' })
    const party = { agentIds, message: 'Tea or coffee?', maxTurns: 2, ...more }
    const accepted = await user.accept('/api/chat/multi-agent', party)
    const request = await held.reached
    await allSpoken(world.app.container.feed, accepted.conversationId)
    const say = (message: string, more: object = {}) =>
      user.accept('/api/chat/multi-agent', {
        agentIds,
        message,
        conversationId: accepted.conversationId,
        maxTurns: 1,
        ...more,
      })
    return { user, agentIds, held, request, say, ...accepted }
  }

  it('interject, the default in parties: the next speaker hears it, in the same run', async () => {
    const { user, held, say, runId, conversationId } = await started()
    expect(await say('What of cocoa?')).to.deep.include({ runId, status: 'running' })
    held.release()
    const run = await user.finished(runId)
    expect(run.stopReason).to.equal('max_turns')
    expect(world.llm.requests[1]?.messages.map(({ text }) => text)).to.deep.equal([
      [
        'User: Tea or coffee?',
        'User: What of cocoa?',
        'Ada: Tea is the better drink.',
        '(It is your turn, Blaise.)',
      ].join('\n\n'),
    ])
    expect(await linesOf(user, conversationId)).to.have.length(4)
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('interject into the last turn: one more is taken to answer it', async () => {
    const { user, held, say, runId } = await started({ maxTurns: 1 })
    await say('What of cocoa?')
    held.release()
    const run = await user.finished(runId)
    expect(run.turns).to.have.length(2)
    expect(run.stopReason).to.equal('max_turns')
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('enqueue: another run, which waits', async () => {
    const { user, held, say, runId } = await started()
    const second = await say('And then?', { onBusy: 'enqueue' })
    expect(second).to.deep.include({ status: 'pending' })
    expect(second.runId).not.to.equal(runId)
    held.release()
    await user.finished(second.runId)
    const [first, next] = [await user.run(runId), await user.run(second.runId)]
    expect(String(next.startedAt) >= String(first.finishedAt)).to.equal(true)
    // What waited is read after what was said before its turn came.
    expect(world.llm.requests[1]?.messages.map(({ text }) => text).join('\n')).not.to.contain('User: And then?')
    expect(world.llm.requests[2]?.messages.map(({ text }) => text)).to.deep.equal([
      'User: Tea or coffee?',
      'Tea is the better drink.',
      'Blaise: No.\n\nUser: And then?\n\n(It is your turn, Ada.)',
    ])
    await expectSettledOnce(world.app.container.db, second.runId)
  })

  it('enqueue is the default with one agent', async () => {
    const { user, agentIds, held, conversationId } = await started()
    const second = await user.accept('/api/chat', { agentId: agentIds[1], message: 'You?', conversationId })
    expect(second.status).to.equal('pending')
    held.release()
    await user.finished(second.runId)
  })

  it('interrupt: the speaker stops at once, its words are kept, and the talk goes on from the user', async () => {
    const { user, request, say, runId, conversationId } = await started()
    const second = await say('Stop. Cocoa!', { onBusy: 'interrupt' })
    expect(await request.ended).to.equal('aborted')
    const run = await user.finished(second.runId)
    expect(run.status).to.equal('completed')
    expect(await user.run(runId)).to.deep.include({ status: 'cancelled', stopReason: 'interrupted' })
    const messages = await user.messages(conversationId)
    expect(messages.map(({ content, status }) => [content, status])).to.deep.equal([
      ['Tea or coffee?', 'complete'],
      ['Stop. Cocoa!', 'complete'],
      ['Tea is t', 'cancelled'],
      [messages[3]?.content, 'complete'],
    ])
    expect(world.llm.requests[1]?.messages.map(({ text }) => text)).to.deep.equal([
      'User: Tea or coffee?',
      'Tea is t',
      'User: Stop. Cocoa!\n\n(It is your turn, Ada.)',
    ])
    await expectSettledOnce(world.app.container.db, runId)
    await expectSettledOnce(world.app.container.db, second.runId)
  })

  it('reject: 409, and nothing is written', async () => {
    const { user, agentIds, held, runId, conversationId } = await started()
    const body = { agentIds, message: 'Hey', conversationId, onBusy: 'reject' }
    const refused = await user.post('/api/chat/multi-agent', body)
    expect(refused.status).to.equal(409)
    expect(errorOf(refused)).to.deep.include({ code: 'chat.busy', details: { runId } })
    expect(await linesOf(user, conversationId)).to.have.length(1)
    held.release()
    await user.finished(runId)
  })

  it(`interjections that race the end of the run, ${RACES} times: none stays unanswered, and the order is the rows'`, async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply('Yes.')
    const party = { agentIds, message: 'One?', maxTurns: 1 }
    const undisturbed = async () => user.finished((await user.accept('/api/chat/multi-agent', party)).runId)
    const outcomes = { joined: 0, began: 0 }
    await runRaces(undisturbed, async (delayMs, race) => {
      const first = await user.accept('/api/chat/multi-agent', party)
      const { conversationId } = first
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      const second = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Two?',
        maxTurns: 1,
        conversationId,
      })
      await Promise.all([user.finished(first.runId), user.finished(second.runId)])
      outcomes[second.runId === first.runId ? 'joined' : 'began']++
      const [answered] = await world.app.container.db.query(
        `SELECT bool_and(EXISTS (SELECT FROM turns t WHERE t.run_id = m.run_id AND t.status = 'completed' AND t.seen_seq >= m.seq)) AS all
         FROM messages m WHERE conversation_id = $1 AND role = 'user'`,
        [conversationId],
      )
      expect(answered, `race ${race}`).to.deep.equal({ all: true })
      expect((await user.messages(conversationId)).map(({ seq }) => seq)).to.deep.equal(
        Array.from({ length: (await user.messages(conversationId)).length }, (_, index) => index + 1),
      )
    })
    process.stdout.write(`      joined the run ${outcomes.joined} times, began another ${outcomes.began} times\n`)
    expect(outcomes.joined + outcomes.began).to.equal(RACES)
  })

  it(`interruptions that race the end of the run, ${RACES} times: every run ends, and every word of the user is answered`, async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply({ text: 'Well, let me see about that.', paceMs: 4 })
    const party = { agentIds, message: 'One?', maxTurns: 1 }
    const undisturbed = async () => user.finished((await user.accept('/api/chat/multi-agent', party)).runId)
    const reasons = new Map<string | null, number>()
    await runRaces(undisturbed, async (delayMs) => {
      const first = await user.accept('/api/chat/multi-agent', party)
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      const body = { agentIds, message: 'Two?', maxTurns: 1, conversationId: first.conversationId, onBusy: 'interrupt' }
      const second = await user.accept('/api/chat/multi-agent', body)
      const [one, two] = await Promise.all([user.finished(first.runId), user.finished(second.runId)])
      reasons.set(one.stopReason, (reasons.get(one.stopReason) ?? 0) + 1)
      expect(two).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
      await expectSettledOnce(world.app.container.db, first.runId)
    })
    process.stdout.write(`      ${[...reasons].map(([reason, count]) => `${reason} ${count}`).join(', ')}\n`)
    expect([...reasons.keys()].every((reason) => reason === 'interrupted' || reason === 'max_turns')).to.equal(true)
  })
})
