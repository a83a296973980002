import { expect } from 'chai'
import { expectSettledOnce } from '../support/invariants.ts'
import { allSpoken, by, linesOf, usePartyWorld } from './party-world.ts'

describe('Stop rules', () => {
  const world = usePartyWorld()

  const party = async (body: object, names = ['Ada', 'Blaise']) => {
    const { user, agentIds } = await world.guests(names)
    const accepted = await user.accept('/api/chat/multi-agent', {
      agentIds,
      message: 'Tea or coffee?',
      maxTurns: 20,
      ...body,
    })
    return { user, agentIds, ...accepted }
  }
  const finish = async (body: object, names?: string[]) => {
    const { user, runId, conversationId } = await party(body, names)
    const run = await user.finished(runId)
    await expectSettledOnce(world.app.container.db, runId)
    return { run, lines: await linesOf(user, conversationId) }
  }

  it('maxTurns', async () => {
    const { run } = await finish({ maxTurns: 3 })
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
    expect(run.turns).to.have.length(3)
  })

  it("maxTurns: the server's cap is a 400", async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    const refused = await user.post('/api/chat/multi-agent', { agentIds, message: 'Hello', maxTurns: 51 })
    expect(refused.status).to.equal(400)
  })

  it('maxRounds', async () => {
    const { run } = await finish({ stop: { maxRounds: 2 } })
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_rounds' })
    expect(run.turns).to.have.length(4)
  })

  it('phrase: in whatever case, and only in the words of an agent', async () => {
    world.llm
      .replyOnce({ when: by('Ada'), text: 'Not yet.' })
      .replyOnce({ when: by('Blaise'), text: 'We have a DEAL, then.' })
    const { run, lines } = await finish({ message: 'Find a deal!', stop: { phrase: 'a deal' } })
    expect(run).to.deep.include({ status: 'completed', stopReason: 'phrase' })
    expect(lines.at(-1)).to.deep.equal(['Blaise', 'We have a DEAL, then.'])
    expect(run.turns).to.have.length(2)
  })

  it('everybody passes, one after another', async () => {
    world.llm.replyOnce({ when: by('Ada'), text: 'Tea.' }).reply('[pass]')
    const { run, lines } = await finish({})
    expect(run).to.deep.include({ status: 'completed', stopReason: 'all_passed' })
    expect(lines).to.deep.equal([
      [null, 'Tea or coffee?'],
      ['Ada', 'Tea.'],
    ])
    expect(run.turns).to.have.length(3)
  })

  it('maxSeconds: cuts the speaker short, keeps the words, and ends', async () => {
    const held = world.llm.hold(3)
    world.llm.reply({ text: 'A very long story about tea.', hold: held })
    const { user, runId, conversationId } = await party({ stop: { maxSeconds: 1 } })
    const request = await held.reached
    await allSpoken(world.app.container.feed, conversationId)
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_seconds' })
    expect(await request.ended).to.equal('aborted')
    const [, message] = await user.messages(conversationId)
    expect(message).to.deep.include({ status: 'cancelled', content: 'A very long story about ' })
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('maxCredits: near its end one last, affordable word is taken, and it knows that', async () => {
    // A turn reads about 300 tokens at 0.01 credits and says 200 at 0.03: about 10 credits.
    const usage = { inputTokens: 400, outputTokens: 200 }
    world.llm.reply({ text: 'One more reason for tea.', usage })
    const { run } = await finish({ stop: { maxCredits: '35' } })
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_credits' })
    expect(Number(run.receipt.credits)).to.be.at.most(35)
    const last = world.llm.requests.at(-1)
    expect(last?.messages.at(-1)?.text).to.match(/These are the last words: wrap up\.\)$/)
    expect(last?.system).to.contain('Yours are the last words')
    const wrapUps = world.llm.requests.filter(({ system }) => system.includes('Yours are the last words'))
    expect(wrapUps).to.have.length(1)
    expect(run.turns).to.have.length(world.llm.requests.length)
  })

  it('maxCredits: a turn is not asked for more than the run can pay', async () => {
    world.llm.reply({ text: ({ body }) => 'abc '.repeat(Number(body.max_tokens) - 1) })
    const { run } = await finish({ stop: { maxCredits: '20' } })
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_credits' })
    // The provider counts the prompt a little differently than we estimate it.
    expect(Number(run.receipt.credits)).to.be.within(1, 20.1)
    const asked = world.llm.requests.map(({ body }) => Number(body.max_tokens))
    expect(asked[0]).to.be.lessThan(1_024)
  })

  it('maxCredits: so few that not one word is affordable end the run without a call', async () => {
    const { run } = await finish({ stop: { maxCredits: '0.5' } })
    expect(run).to.deep.include({ status: 'completed', stopReason: 'max_credits' })
    expect(world.llm.requests).to.have.length(0)
    expect(run.receipt.credits).to.equal('0.000000')
  })

  it('credits of the user used up: what was said is kept, and the run ends', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    await world.app.container.transactions.run((tx) =>
      world.app.container.ledgerService.give(
        {
          userId: user.id,
          kind: 'adjustment',
          amount: -9_970_000_000n,
          key: `poor:${user.id}`,
          description: 'Poor now',
        },
        tx,
      ),
    )
    world.llm.reply({ text: 'Tea, I say.', usage: { inputTokens: 400, outputTokens: 300 } })
    const { runId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea?', maxTurns: 20 })
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'credits_exhausted' })
    await expectSettledOnce(world.app.container.db, runId)
  })

  it('two at once: the phrase in the last turn that maxTurns allows', async () => {
    world.llm.reply({ text: 'It is a deal.' })
    const { run } = await finish({ maxTurns: 1, stop: { phrase: 'deal', maxRounds: 1 } })
    expect(run).to.deep.include({ stopReason: 'phrase' })
    expect(run.turns).to.have.length(1)
  })

  it('two at once: rounds and turns, whichever comes first', async () => {
    expect((await finish({ maxTurns: 3, stop: { maxRounds: 1 } })).run.stopReason).to.equal('max_rounds')
    expect((await finish({ maxTurns: 1, stop: { maxRounds: 1 } })).run.stopReason).to.equal('max_turns')
  })

  it('the reason is in the event that ends the run', async () => {
    const { feed } = world.app.container
    const held = world.llm.hold()
    world.llm.reply({ text: 'Tea.', hold: held })
    const { runId, conversationId } = await party({ maxTurns: 1 })
    const ended = Promise.withResolvers<unknown>()
    const stop = await feed.subscribe(conversationId, (event) => event.type === 'run.completed' && ended.resolve(event))
    held.release()
    expect(Object(await ended.promise).run).to.deep.include({ id: runId, stopReason: 'max_turns' })
    await stop()
  })
})
