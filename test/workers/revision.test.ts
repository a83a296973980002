import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { acceptedView, conversationView } from '../../src/contract/views.ts'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { by, linesOf, usePartyWorld } from './party-world.ts'

describe('Second thoughts', () => {
  const world = usePartyWorld()

  const edit = (user: TestUser, id: string | undefined, message: string, headers?: Record<string, string>) =>
    user.post(`/api/chat/messages/${id}/edit`, { message }, headers)
  const branch = (user: TestUser, conversationId: string, messageId: string | undefined) =>
    user.post(`/api/chat/conversations/${conversationId}/branch`, { messageId })
  const standing = async (user: TestUser, conversationId: string) =>
    (await user.messages(conversationId)).map(({ agentName, content, status }) => [agentName, content, status])
  const party = async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.replyOnce({ when: by('Ada'), text: 'Tea.' }).replyOnce({ when: by('Blaise'), text: 'Coffee.' })
    const accepted = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns: 2 })
    await user.finished(accepted.runId)
    const messages = await user.messages(accepted.conversationId)
    return { user, agentIds, messages, ...accepted }
  }

  describe('The last words of a user, said otherwise', () => {
    it('are answered by the same agents, who hear nothing of the old ones; all that was said stays, as superseded', async () => {
      const { user, agentIds, messages, conversationId } = await party()
      world.llm.reply('Water.')
      const events: string[] = []
      const unsubscribe = await world.app.container.feed.subscribe(conversationId, (event) => {
        if (event.type === 'message.created') events.push(`${event.message.content} ${event.message.status}`)
      })
      const answer = await edit(user, messages[0]?.id, 'Water or milk?')
      expect(answer.status).to.equal(202)
      const accepted = acceptedView.parse(answer.body)
      expect(accepted).to.deep.include({ conversationId, status: 'queued' })
      const run = await user.finished(accepted.runId)
      await unsubscribe()
      expect(run).to.deep.include({ status: 'completed', stopReason: 'max_turns', maxTurns: 2 })
      expect(run.turns.map(({ agentId }) => agentId)).to.deep.equal(agentIds)
      expect(await standing(user, conversationId)).to.deep.equal([
        [null, 'Tea or coffee?', 'superseded'],
        ['Ada', 'Tea.', 'superseded'],
        ['Blaise', 'Coffee.', 'superseded'],
        [null, 'Water or milk?', 'complete'],
        ['Ada', 'Water.', 'complete'],
        ['Blaise', 'Water.', 'complete'],
      ])
      expect((await user.messages(conversationId))[3]?.id).to.equal(accepted.messageId)
      expect(JSON.stringify(world.llm.requests.slice(-2))).to.not.match(/Tea|Coffee/)
      expect(events.slice(0, 4)).to.deep.equal([
        'Tea or coffee? superseded',
        'Tea. superseded',
        'Coffee. superseded',
        'Water or milk? complete',
      ])
      await expectSettledOnce(world.app.container.db, accepted.runId)
      expect((await verifyLedger(world.app.container.db)).differences).to.deep.equal([])
    })

    it('of an interjection: what was said before it stands', async () => {
      const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
      const held = world.llm.hold()
      world.llm.replyOnce({ text: 'Tea.', hold: held }).reply('As you say.')
      const body = { agentIds, message: 'Tea or coffee?', maxTurns: 2 }
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', body)
      await held.reached
      await user.accept('/api/chat/multi-agent', { agentIds, message: 'No tea!', conversationId })
      held.release()
      await user.finished(runId)
      const before = await user.messages(conversationId)
      const said = before.find(({ content }) => content === 'No tea!')
      const accepted = acceptedView.parse((await edit(user, said?.id, 'No coffee!')).body)
      await user.finished(accepted.runId)
      const now = await user.messages(conversationId)
      expect(now.filter(({ seq }) => seq < (said?.seq ?? 0)).every(({ status }) => status === 'complete')).to.equal(
        true,
      )
      expect(now.filter(({ seq, status }) => seq >= (said?.seq ?? 0) && status === 'superseded')).to.have.length(
        before.filter(({ seq }) => seq >= (said?.seq ?? 0)).length,
      )
      expect(now.filter(({ status }) => status === 'complete').map(({ content }) => content)).to.include.members([
        'Tea or coffee?',
        'No coffee!',
      ])
    })

    it('409 for anything else and while agents talk; 404 for those of others; what is not valid is a 400', async () => {
      const { user, agentIds, messages, conversationId } = await party()
      const refused = await edit(user, messages[1]?.id, 'Hm')
      expect([refused.status, errorOf(refused).code]).to.deep.equal([409, 'chat.not_last_of_user'])
      const other = await world.app.api.register()
      expect((await edit(other, messages[0]?.id, 'Mine')).status).to.equal(404)
      expect((await edit(user, randomUUID(), 'Hm')).status).to.equal(404)
      for (const body of [
        {},
        { message: '' },
        { message: 'a\0b' },
        { message: 'x', agentIds },
        { message: 'x'.repeat(200_000) },
      ])
        expect((await user.post(`/api/chat/messages/${messages[0]?.id}/edit`, body)).status).to.equal(400)
      const held = world.llm.hold()
      world.llm.reply({ text: 'Hm.', hold: held })
      const next = await user.accept('/api/chat/multi-agent', { agentIds, message: 'So?', conversationId, maxTurns: 1 })
      await held.reached
      const busy = await edit(user, next.messageId, 'So what?')
      expect([busy.status, errorOf(busy).code]).to.deep.equal([409, 'chat.busy'])
      held.release()
      await user.finished(next.runId)
      const old = await edit(user, messages[0]?.id, 'Too late')
      expect([old.status, errorOf(old).code]).to.deep.equal([409, 'chat.not_last_of_user'])
    })

    it('twice at once: one is accepted, or, with a key, both are the same', async () => {
      const { user, messages, conversationId } = await party()
      world.llm.reply('Water.')
      const keyed = { 'idempotency-key': 'edit-1' }
      const answers = await Promise.all([0, 1].map(() => edit(user, messages[0]?.id, 'Water?', keyed)))
      expect(answers.map(({ status }) => status)).to.deep.equal([202, 202])
      expect(answers[0]?.body).to.deep.equal(answers[1]?.body)
      expect((await edit(user, messages[0]?.id, 'Milk?', keyed)).status).to.equal(409)
      const { runId, messageId } = acceptedView.parse(answers[0]?.body)
      await user.finished(runId)
      const two = await Promise.all([edit(user, messageId, 'Juice?'), edit(user, messageId, 'Wine?')])
      expect(two.map(({ status }) => status).sort()).to.deep.equal([202, 409])
      await user.finished(acceptedView.parse(two.find(({ status }) => status === 202)?.body).runId)
      const asked = (await user.messages(conversationId)).filter(
        ({ role, status }) => role === 'user' && status === 'complete',
      )
      expect(asked).to.have.length(1)
    })

    it('keep their files, or bring others; and wait for those that are still read', async () => {
      const { user, agentIds } = await world.guests(['Ada'])
      const [one, two] = [
        await user.upload('one.txt', 'text/plain', 'The first file.'),
        await user.upload('two.txt', 'text/plain', 'The second file.'),
      ]
      world.llm.reply('I see.')
      const first = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Look', fileIds: [one] })
      await user.finished(first.runId)
      const again = acceptedView.parse((await edit(user, first.messageId, 'Look here')).body)
      await user.finished(again.runId)
      const filesOf = async (id: string) =>
        (await user.messages(first.conversationId)).find((m) => m.id === id)?.fileIds
      expect(await filesOf(again.messageId)).to.deep.equal([one])
      const path = `/api/chat/messages/${again.messageId}/edit`
      expect((await user.post(path, { message: 'Look there', fileIds: [randomUUID()] })).status).to.equal(404)
      const other = acceptedView.parse((await user.post(path, { message: 'Look there', fileIds: [two] })).body)
      expect((await user.finished(other.runId)).status).to.equal('completed')
      expect(await filesOf(other.messageId)).to.deep.equal([two])
      expect((await user.delete(`/api/storage/files/${two}`)).status).to.equal(204)
      const without = acceptedView.parse((await edit(user, other.messageId, 'Look away')).body)
      await user.finished(without.runId)
      expect(await filesOf(without.messageId)).to.deep.equal([])
    })

    it('402 without credits, and then nothing has changed', async () => {
      const { user, messages, conversationId } = await party()
      await world.app.container.db.query(
        `UPDATE accounts SET spent = spent + available, available = 0 WHERE user_id = $1`,
        [user.id],
      )
      const before = await standing(user, conversationId)
      expect((await edit(user, messages[0]?.id, 'Water?')).status).to.equal(402)
      expect(await standing(user, conversationId)).to.deep.equal(before)
    })
  })

  describe('A branch', () => {
    it('goes on from any message with what stood until then; the origin stays, and knows nothing of it', async () => {
      const { user, agentIds, messages, conversationId } = await party()
      const socket = await new SocketTap(world.app.url, user.token).connected()
      const answer = await branch(user, conversationId, messages[1]?.id)
      expect(answer.status).to.equal(201)
      const made = conversationView.parse(answer.body)
      const told = () => socket.received.find(({ type }) => type === 'conversation.created')
      await socket.until(() => told() !== undefined)
      expect(told()?.payload.conversation).to.deep.equal(answer.body)
      socket.close()
      expect(made).to.deep.include({
        agentIds,
        activeRun: null,
        lastRun: null,
        branchedFrom: { conversationId, messageId: messages[1]?.id },
      })
      expect(await linesOf(user, made.id)).to.deep.equal([
        [null, 'Tea or coffee?'],
        ['Ada', 'Tea.'],
      ])
      const copied = await user.messages(made.id)
      expect(copied.map(({ seq, runId, turn }) => [seq, runId, turn])).to.deep.equal([
        [1, null, null],
        [2, null, null],
      ])
      expect(copied.map(({ createdAt }) => createdAt)).to.deep.equal(messages.slice(0, 2).map((m) => m.createdAt))
      world.llm.reply('Cocoa.')
      const next = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'So?',
        conversationId: made.id,
        maxTurns: 1,
      })
      await user.finished(next.runId)
      expect(JSON.stringify(world.llm.requests.at(-1)))
        .to.include('Tea or coffee?')
        .and.not.include('Coffee.')
      expect(await linesOf(user, conversationId)).to.have.length(3)
    })

    it('can have its last words said otherwise, and anew', async () => {
      const { user, agentIds, messages, conversationId } = await party()
      const { id } = conversationView.parse((await branch(user, conversationId, messages[1]?.id)).body)
      world.llm.reply('Cocoa.')
      const [asked, said] = await user.messages(id)
      const again = acceptedView.parse((await user.post(`/api/chat/messages/${said?.id}/regenerate`, undefined)).body)
      expect((await user.finished(again.runId)).turns.map(({ agentId }) => agentId)).to.deep.equal([agentIds[0]])
      const accepted = acceptedView.parse((await edit(user, asked?.id, 'Water?')).body)
      const run = await user.finished(accepted.runId)
      expect(new Set(run.turns.map(({ agentId }) => agentId))).to.deep.equal(new Set(agentIds))
    })

    it('from what was superseded goes on with the old words', async () => {
      const { user, messages, conversationId } = await party()
      world.llm.reply('Water.')
      const accepted = acceptedView.parse((await edit(user, messages[0]?.id, 'Water or milk?')).body)
      await user.finished(accepted.runId)
      const made = conversationView.parse((await branch(user, conversationId, messages[1]?.id)).body)
      expect(await standing(user, made.id)).to.deep.equal([
        [null, 'Tea or coffee?', 'complete'],
        ['Ada', 'Tea.', 'complete'],
      ])
      const last = (await user.messages(conversationId)).at(-1)
      const other = conversationView.parse((await branch(user, conversationId, last?.id)).body)
      expect((await standing(user, other.id)).map(([, content]) => content)).to.deep.equal([
        'Water or milk?',
        'Water.',
        'Water.',
      ])
    })

    it('of what is not there, or of others, is a 404; too long a one is refused before anything is written', async () => {
      const { user, messages, conversationId } = await party()
      const other = await world.app.api.register()
      expect((await branch(other, conversationId, messages[1]?.id)).status).to.equal(404)
      expect((await branch(user, conversationId, randomUUID())).status).to.equal(404)
      const theirs = await party()
      expect((await branch(user, conversationId, theirs.messages[0]?.id)).status).to.equal(404)
      await world.app.container.db.query(
        `INSERT INTO messages (id, conversation_id, seq, role, content, status)
         SELECT gen_random_uuid(), $1, 100 + n, 'user', repeat('x', 1000000), 'complete' FROM generate_series(1, 17) AS n`,
        [conversationId],
      )
      const [{ id: last }] = await world.app.container.db.query(
        'SELECT id FROM messages WHERE seq = 117 AND conversation_id = $1',
        [conversationId],
      )
      const refused = await branch(user, conversationId, last)
      expect([refused.status, errorOf(refused).code]).to.deep.equal([413, 'conversation.too_long_to_branch'])
      expect(Object((await user.get('/api/chat/conversations')).body).data).to.have.length(1)
    })

    it('counts as a conversation: no more than one may have', async () => {
      const { user, messages, conversationId } = await party()
      await world.app.container.db.query(
        `INSERT INTO conversations (id, user_id, agent_ids, strategy)
         SELECT gen_random_uuid(), $1, '{}', 'round_robin' FROM generate_series(1, $2::int)`,
        [user.id, world.app.container.env.USER_CONVERSATIONS - 2],
      )
      const answers = await Promise.all([0, 1, 2].map(() => branch(user, conversationId, messages[0]?.id)))
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([201, 409, 409])
    })
  })
})
