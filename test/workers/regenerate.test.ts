import { expect } from 'chai'
import { acceptedView } from '../../src/contract/views.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { by, linesOf, usePartyWorld } from './party-world.ts'

describe('Regenerate', () => {
  const world = usePartyWorld()

  const regenerate = (user: TestUser, id: string | undefined, headers?: Record<string, string>) =>
    user.post(`/api/chat/messages/${id}/regenerate`, undefined, headers)
  const party = async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.replyOnce({ when: by('Ada'), text: 'Tea.' }).replyOnce({ when: by('Blaise'), text: 'Coffee.' })
    const accepted = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns: 2 })
    await user.finished(accepted.runId)
    const messages = await user.messages(accepted.conversationId)
    return { user, agentIds, messages, ...accepted }
  }

  it('the same agent speaks again, in the same room, without having heard what it said; that stays as superseded', async () => {
    const { user, agentIds, messages, conversationId } = await party()
    const before = world.llm.requests.at(-1)
    world.llm.reply('Cocoa.')
    const events: string[] = []
    const unsubscribe = await world.app.container.feed.subscribe(conversationId, (event) => {
      events.push(event.type === 'message.created' ? `${event.type} ${event.message.status}` : event.type)
    })
    const answer = await regenerate(user, messages[2]?.id)
    expect(answer.status).to.equal(202)
    const accepted = acceptedView.parse(answer.body)
    expect(accepted).to.deep.include({ conversationId, messageId: messages[2]?.id, status: 'queued' })
    const run = await user.finished(accepted.runId)
    await unsubscribe()
    expect(run).to.deep.include({ status: 'completed', stopReason: 'finished' })
    expect(run.turns.map(({ agentId }) => agentId)).to.deep.equal([agentIds[1]])
    expect(
      (await user.messages(conversationId)).map(({ agentName, content, status }) => [agentName, content, status]),
    ).to.deep.equal([
      [null, 'Tea or coffee?', 'complete'],
      ['Ada', 'Tea.', 'complete'],
      ['Blaise', 'Coffee.', 'superseded'],
      ['Blaise', 'Cocoa.', 'complete'],
    ])
    const again = world.llm.requests.at(-1)
    expect(again?.messages).to.deep.equal(before?.messages)
    expect(again?.system).to.equal(before?.system)
    expect(events.slice(0, 2)).to.deep.equal(['message.created superseded', 'run.updated'])
    expect(events.at(-1)).to.equal('run.completed')
    await expectSettledOnce(world.app.container.db, accepted.runId)
  })

  it('what was said anew can be said anew, and later turns hear only the last', async () => {
    const { user, agentIds, messages, conversationId } = await party()
    world.llm.replyOnce('Cocoa.').replyOnce('Milk.')
    await user.finished(acceptedView.parse((await regenerate(user, messages[2]?.id)).body).runId)
    const third = (await user.messages(conversationId)).at(-1)
    await user.finished(acceptedView.parse((await regenerate(user, third?.id)).body).runId)
    const next = await user.accept('/api/chat/multi-agent', { agentIds, message: 'So?', conversationId, maxTurns: 1 })
    await user.finished(next.runId)
    expect(world.llm.requests.at(-1)?.messages.map(({ text }) => text)).to.deep.equal([
      'User: Tea or coffee?',
      'Tea.',
      'Blaise: Milk.\n\nUser: So?\n\n(It is your turn, Ada.)',
    ])
    expect(await linesOf(user, conversationId)).to.have.length(7)
  })

  it("409 for anything but the last thing an agent said, and while agents talk; 404 for others' messages", async () => {
    const { user, agentIds, messages, conversationId } = await party()
    for (const id of [messages[0]?.id, messages[1]?.id]) {
      const refused = await regenerate(user, id)
      expect(refused.status).to.equal(409)
      expect(errorOf(refused).code).to.equal('chat.not_last')
    }
    const other = await world.app.api.register()
    expect((await regenerate(other, messages[2]?.id)).status).to.equal(404)
    expect((await regenerate(user, agentIds[0])).status).to.equal(404)
    const held = world.llm.hold()
    world.llm.reply({ text: 'Hm.', hold: held })
    const next = await user.accept('/api/chat/multi-agent', { agentIds, message: 'So?', conversationId, maxTurns: 1 })
    await held.reached
    const busy = await regenerate(user, messages[2]?.id)
    expect(busy.status).to.equal(409)
    expect(errorOf(busy).code).to.equal('chat.busy')
    held.release()
    await user.finished(next.runId)
  })

  it('asked twice at once, one is accepted; asked twice with a key, both are the same', async () => {
    const { user, messages, conversationId } = await party()
    world.llm.reply('Cocoa.')
    const keyed = { 'idempotency-key': 'again-1' }
    const answers = await Promise.all([
      regenerate(user, messages[2]?.id, keyed),
      regenerate(user, messages[2]?.id, keyed),
    ])
    expect(answers.map(({ status }) => status)).to.deep.equal([202, 202])
    expect(answers[0]?.body).to.deep.equal(answers[1]?.body)
    await user.finished(acceptedView.parse(answers[0]?.body).runId)
    const last = (await user.messages(conversationId)).at(-1)
    const two = await Promise.all([regenerate(user, last?.id), regenerate(user, last?.id)])
    expect(two.map(({ status }) => status).sort()).to.deep.equal([202, 409])
    const accepted = two.find(({ status }) => status === 202)
    await user.finished(acceptedView.parse(accepted?.body).runId)
    expect((await user.messages(conversationId)).map(({ status }) => status)).to.deep.equal([
      'complete',
      'complete',
      'superseded',
      'superseded',
      'complete',
    ])
  })

  it('a cancelled answer can be said anew', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.replyOnce({ text: 'Tea is what I would choose.', cutAfter: 1 }).replyOnce({ text: 'Whole.' })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Tea?' })
    await user.finished(runId)
    await world.app.container.db.query(
      `UPDATE messages SET status = 'cancelled' WHERE run_id = $1 AND role = 'agent'`,
      [runId],
    )
    const [, message] = await user.messages(conversationId)
    const accepted = acceptedView.parse((await regenerate(user, message?.id)).body)
    expect((await user.finished(accepted.runId)).status).to.equal('completed')
    expect((await user.messages(conversationId)).map(({ status }) => status)).to.deep.equal([
      'complete',
      'superseded',
      'complete',
    ])
  })
})
