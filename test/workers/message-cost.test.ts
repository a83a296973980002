import { expect } from 'chai'
import type { ConversationEvent, EventOf } from '../../src/contract/events.ts'
import type { TestUser } from '../support/api-client.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { QUIET, useStatementCounter } from '../support/statement-counter.ts'
import { allSpoken, isDecision, usePartyWorld } from './party-world.ts'

describe('What a message cost', () => {
  const counter = useStatementCounter()
  const world = usePartyWorld({ env: QUIET })

  /** What is said in a conversation of these, with the events of its turns' ends. */
  const party = async (user: TestUser, agentIds: string[], more: object, during = async (_: string) => {}) => {
    const first = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Hello' })
    await user.finished(first.runId)
    const { conversationId } = first
    const completed: Array<EventOf<'turn.completed'>> = []
    const unsubscribe = await world.app.container.feed.subscribe(conversationId, (event: ConversationEvent) => {
      if (event.type === 'turn.completed') completed.push(event)
    })
    const body = { agentIds, message: 'Tea?', conversationId, ...more }
    const { runId } = await user.accept('/api/chat/multi-agent', body)
    await during(runId)
    const run = await user.finished(runId)
    await unsubscribe()
    return { conversationId, completed, run }
  }

  it('stands beside it after a reload and after a join, as its turn.completed had it; of what users say there is none', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply('A measured answer.').reply({ when: { match: isDecision }, text: '{"next":"Ada"}' })
    const { conversationId, completed, run } = await party(user, agentIds, { maxTurns: 2, strategy: 'supervisor' })
    const messages = await user.messages(conversationId)
    const said = messages.filter(({ runId, role }) => runId === run.id && role === 'agent')
    expect(said).to.have.length(2)
    expect(said).to.deep.equal(completed.map(({ message }) => message))
    expect(said.map(({ usage, credits }) => ({ usage, credits }))).to.deep.equal(
      completed.map(({ usage, credits }) => ({ usage, credits })),
    )
    expect(Number(said[0]?.credits)).to.be.greaterThan(0)
    // What the supervisor decided is in the receipt besides.
    const sum = said.reduce((all, { credits }) => all + Number(credits), 0)
    expect(Number(run.receipt.credits)).to.be.greaterThan(sum)
    for (const message of messages.filter(({ role }) => role === 'user')) {
      expect(message).to.not.have.any.keys('usage', 'credits')
    }
    const socket = await new SocketTap(world.app.url, user.token).connected()
    expect((await socket.ask('conversation.join', { conversationId })).messages).to.deep.equal(messages)
    socket.close()
  })

  it('of a turn that was stopped is what it was charged', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.replyOnce('Hello.').reply({ text: 'Tea is what I would choose.', hold: world.llm.hold(2) })
    const { conversationId, completed, run } = await party(user, agentIds, { maxTurns: 2 }, async (runId) => {
      await allSpoken(world.app.container.feed, (await user.run(runId)).conversationId)
      await user.post(`/api/chat/runs/${runId}/cancel`, {})
    })
    const last = (await user.messages(conversationId)).at(-1)
    expect(last).to.deep.equal(completed.at(-1)?.message)
    expect(last).to.deep.include({ status: 'cancelled', credits: run.receipt.credits })
    expect(last?.usage?.estimated).to.equal(run.receipt.estimated)
  })

  it('is read with it: a page of many takes as many statements as one of few', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.reply('A measured answer.')
    const { conversationId } = await party(user, agentIds, { maxTurns: 8 })
    const read = (limit: number) =>
      counter.during(async () => void (await user.get(`/api/chat/conversations/${conversationId}?limit=${limit}`)))
    await read(1)
    const [few, many] = [await read(1), await read(100)]
    expect(many.statements.length, many.statements.join('\n')).to.be.at.most(few.statements.length)
  })
})
