import { expect } from 'chai'
import { errorOf } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { by, linesOf, usePartyWorld } from './party-world.ts'

describe('Strategies over the wire', () => {
  const world = usePartyWorld()

  it('mention: whoever was addressed answers, else who was silent for longest', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise', 'Clara'])
    world.llm
      .reply({ when: by('Clara'), text: 'It is safe. What does it cost, Ada?' })
      .reply({ when: by('Ada'), text: 'Little.' })
      .reply({ when: by('Blaise'), text: 'I doubt it.' })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
      agentIds,
      message: '@Clara, is it safe?',
      strategy: 'mention',
      maxTurns: 3,
    })
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns', strategy: 'mention' })
    expect((await linesOf(user, conversationId)).map(([name]) => name)).to.deep.equal([null, 'Clara', 'Ada', 'Blaise'])
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('handoff: the speaker names who goes on', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise', 'Clara'])
    world.llm
      .reply({ when: by('Ada'), text: 'Clara, you know more.' })
      .reply({ when: by('Clara'), text: 'Ada is right about that.' })
      .reply({ when: by('Blaise'), text: 'Never.' })
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', {
      agentIds,
      message: 'Shall we?',
      strategy: 'handoff',
      maxTurns: 4,
    })
    await user.finished(runId)
    expect((await linesOf(user, conversationId)).map(([name]) => name)).to.deep.equal([
      null,
      'Ada',
      'Clara',
      'Ada',
      'Clara',
    ])
    expect(world.llm.requests[0]?.system).to.contain('End by handing over')
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('a conversation remembers its strategy, and a word with one agent does not change it', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    const party = { agentIds, message: 'Shall we?', maxTurns: 1 }
    const first = await user.accept('/api/chat/multi-agent', { ...party, strategy: 'handoff' })
    await user.finished(first.runId)
    const { conversationId } = first
    await user.finished(
      (await user.accept('/api/chat', { agentId: agentIds[0], message: 'You alone?', conversationId })).runId,
    )
    const second = await user.accept('/api/chat/multi-agent', { ...party, conversationId })
    expect((await user.finished(second.runId)).strategy).to.equal('handoff')
    const third = await user.accept('/api/chat/multi-agent', { ...party, conversationId, strategy: 'mention' })
    expect((await user.finished(third.runId)).strategy).to.equal('mention')
    expect((await user.get(`/api/chat/conversations/${conversationId}`)).body).to.deep.include({ strategy: 'mention' })
  })

  it('two participants of one name are refused with the path of the second', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise', 'ada'])
    const refused = await user.post('/api/chat/multi-agent', { agentIds, message: 'Hello' })
    expect(refused.status).to.equal(400)
    expect(errorOf(refused).details.issues).to.deep.equal([
      { path: 'agentIds.2', message: 'has the same name as agentIds.0: "ada"' },
    ])
  })
})
