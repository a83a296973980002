import { expect } from 'chai'
import type { EventOf } from '../../src/contract/events.ts'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { titleFromWords, titleOf } from '../../workers/processors/title.processor.ts'
import type { MockReply } from '../support/mock-llm.ts'
import { eventually } from '../support/pace.ts'
import { usePartyWorld } from './party-world.ts'

const naming: MockReply['when'] = { match: ({ system }) => system.startsWith('Name this conversation') }

describe('Titles', () => {
  const world = usePartyWorld({ env: { TITLE_ATTEMPTS: '2' } })

  /** Says something and waits for the title, as a watcher sees it. */
  const titled = async (message: string, before?: (conversationId: string) => Promise<void>) => {
    const { user, agentIds } = await world.guests(['Ada'])
    const held = world.llm.hold()
    world.llm.reply({ when: { match: ({ system }) => system.startsWith('You are Ada') }, text: 'Tea.', hold: held })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message })
    const updated = Promise.withResolvers<EventOf<'conversation.updated'>>()
    const stop = await world.app.container.feed.subscribe(conversationId, (event) => {
      if (event.type === 'conversation.updated') updated.resolve(event)
    })
    await before?.(conversationId)
    held.release()
    await user.finished(runId)
    return { user, agentIds, conversationId, updated: updated.promise, stop }
  }
  const charges = (conversationId: string) =>
    world.app.container.db.query(
      'SELECT purpose, outcome, run_id FROM metered_calls WHERE conversation_id = $1 AND purpose = $2',
      [conversationId, 'title'],
    )

  it('a conversation is named after its first turn, paid, and watchers see it', async () => {
    world.llm.reply({ when: naming, text: '"Tea or coffee"\n', usage: { inputTokens: 40, outputTokens: 4 } })
    const { user, conversationId, updated, stop } = await titled('Tea or coffee?')
    const event = await updated
    await stop()
    expect(event.conversation.title).to.equal('Tea or coffee')
    expect(event.version).to.equal(event.conversation.version)
    expect((await user.get(`/api/chat/conversations/${conversationId}`)).body).to.deep.include({
      title: 'Tea or coffee',
    })
    expect(await charges(conversationId)).to.deep.equal([{ purpose: 'title', outcome: 'charged', run_id: null }])
    const request = world.llm.requests.find(({ system }) => system.startsWith('Name this'))
    expect(request?.messages[0]?.text).to.equal('User: Tea or coffee?\nAda: Tea.')
    expect((await verifyLedger(world.app.container.db)).differences).to.deep.equal([])
  })

  it('no later turn asks again', async () => {
    world.llm.reply({ when: naming, text: 'Tea' })
    const { user, agentIds, conversationId, updated } = await titled('Tea?')
    await updated
    await user.finished(
      (await user.accept('/api/chat', { agentId: agentIds[0], message: 'And?', conversationId })).runId,
    )
    expect(await charges(conversationId)).to.have.length(1)
  })

  it("the user's own title stays, also when it comes while the model thinks", async () => {
    const { user, conversationId, stop } = await titled('Tea?', async (id) => {
      await world.app.container.db.query(`UPDATE conversations SET title = 'Mine' WHERE id = $1`, [id])
    })
    await stop()
    expect(world.llm.requests).to.have.length(1)
    const held = world.llm.hold()
    world.llm.reset()
    world.llm.reply({ when: naming, text: 'Model title', hold: held })
    const second = await titled('Coffee?')
    await held.reached
    await second.user.patch(`/api/chat/conversations/${second.conversationId}`, { title: 'My own' })
    held.release()
    await llmIdle()
    while ((await charges(second.conversationId)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    const titleOfConversation = async (of: typeof user, id: string) =>
      Object(await of.get(`/api/chat/conversations/${id}`)).body.title
    expect(await titleOfConversation(second.user, second.conversationId)).to.equal('My own')
    expect(await titleOfConversation(user, conversationId)).to.equal('Mine')
  })
  const llmIdle = () => Promise.all(world.llm.requests.map(({ ended }) => ended))

  it('an answer that is no title: the words of the user are the title', async () => {
    world.llm.reply({ when: naming, text: 'Sure! Here are some ideas:\n1. Tea\n2. Coffee' })
    const { updated } = await titled('Is tea healthier than coffee? I drink a lot of both.')
    expect((await updated).conversation.title).to.equal('Is tea healthier than coffee?')
  })

  it('a lost job is put back by the reconciler; a provider in trouble is asked again, later, and its failure is harmless', async () => {
    world.llm.reply({ when: naming, status: 500 })
    const { conversationId, updated } = await titled('Tea?')
    while (world.llm.requests.length < 2) await world.llm.request(1)
    // The first try failed; the next is due in half a minute, which has passed now.
    const { db } = world.app.container
    await eventually(async () => {
      const [row] = await db.query('SELECT title_attempts AS attempts FROM conversations WHERE id = $1', [
        conversationId,
      ])
      return row.attempts === 1
    })
    await db.query(`UPDATE conversations SET title_due_at = now() - interval '1 minute' WHERE id = $1`, [
      conversationId,
    ])
    expect((await updated).conversation.title).to.equal('Tea?')
    expect(await charges(conversationId)).to.deep.equal([])
  })

  it('a provider that asks to be left alone for weeks is left alone for minutes', async () => {
    const { db } = world.app.container
    for (const retryAfter of [2_000_000, 3_000_000]) {
      // The last try of the round before leaves one, which must not be taken for this round's.
      await db.query('DELETE FROM breakers')
      world.llm.reset()
      world.llm.reply({ when: naming, status: 429, retryAfter })
      const { updated } = await titled('Tea?')
      const held = await eventually(async () => {
        const [breaker] = await db.query(
          'SELECT extract(epoch FROM open_until - changed_at)::float8 AS seconds FROM breakers WHERE open_until IS NOT NULL',
        )
        return breaker
      })
      expect(held.seconds).to.be.within(100, 140)
      await db.query('DELETE FROM breakers')
      await db.query(
        `UPDATE conversations SET title_due_at = now() - interval '1 minute' WHERE title_due_at IS NOT NULL`,
      )
      await updated
    }
  })

  it('the demo model names too', async () => {
    const user = await world.app.api.register()
    const { body } = await user.get('/api/agents')
    const demo = Object(body).data.find(({ name }: { name: string }) => name === 'Ada')
    const { conversationId, runId } = await user.accept('/api/chat', {
      agentId: demo.id,
      message: 'Should a startup use microservices?',
    })
    await user.finished(runId)
    const title = await eventually(async () => {
      const answer = await user.get(`/api/chat/conversations/${conversationId}`)
      return Object(answer.body).title ?? undefined
    })
    expect(title).to.equal('Should a startup use microservices?')
  })

  it('shortens and cleans', () => {
    expect(titleOf('**Tea and Coffee.**')).to.equal('Tea and Coffee')
    expect(titleOf('Title: Tea')).to.equal('Tea')
    expect(titleOf('a\nb')).to.equal(undefined)
    expect(titleOf('  ')).to.equal(undefined)
    expect(titleOf('x'.repeat(101))).to.equal(undefined)
    expect(titleFromWords(`${'word '.repeat(40)}`)).to.have.length.at.most(60)
    expect(titleFromWords('🦊'.repeat(80)).isWellFormed()).to.equal(true)
    expect(titleFromWords('Hello. Who are you?')).to.equal('Hello.')
  })
})
