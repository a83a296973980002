import { expect } from 'chai'
import { acceptedView, type RunView } from '../../src/contract/views.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { by, usePartyWorld } from './party-world.ts'

describe('A run that failed', () => {
  const world = usePartyWorld({ env: { TURN_MAX_ATTEMPTS: '1' } })
  const retry = (user: TestUser, runId: string, headers?: Record<string, string>) =>
    user.post(`/api/chat/runs/${runId}/retry`, undefined, headers)
  const conversationOf = async (user: TestUser, id: string) =>
    Object((await user.get(`/api/chat/conversations/${id}`)).body)
  const failed = async (names = ['Ada'], more: object = {}) => {
    const { user, agentIds } = await world.guests(names)
    world.llm.reply({ status: 401 })
    const path = names.length > 1 ? '/api/chat/multi-agent' : '/api/chat'
    const whom = names.length > 1 ? { agentIds } : { agentId: agentIds[0] }
    const accepted = await user.accept(path, { ...whom, message: 'Tea or coffee?', ...more })
    expect((await user.finished(accepted.runId)).status).to.equal('failed')
    world.llm.reset()
    return { user, agentIds, ...accepted }
  }

  it('is found after a reload, in the view of its conversation and in its list of runs', async () => {
    const { user, conversationId, runId } = await failed()
    const view = await conversationOf(user, conversationId)
    expect(view.activeRun).to.equal(null)
    expect(view.lastRun).to.deep.equal(await user.run(runId))
    expect(view.lastRun.error.code).to.equal('provider.unauthorized')
    const listed = Object((await user.get('/api/chat/conversations')).body).data
    expect(listed[0].lastRun).to.deep.equal(view.lastRun)
    const { body } = await user.get(`/api/chat/conversations/${conversationId}/runs`)
    expect(body).to.deep.equal({ data: [view.lastRun], nextCursor: null })
  })

  it('is retried from the message of the user: in a new run, without what was said before, paid once', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.replyOnce({ when: by('Ada'), text: 'Tea.' }).reply({ when: by('Blaise'), status: 401 })
    const asked = { agentIds, message: 'Tea or coffee?', maxTurns: 2, stop: { phrase: 'done' } }
    const first = await user.accept('/api/chat/multi-agent', asked)
    expect((await user.finished(first.runId)).status).to.equal('failed')
    world.llm.reset()
    world.llm.replyOnce({ when: by('Ada'), text: 'Cocoa.' }).replyOnce({ when: by('Blaise'), text: 'Coffee.' })
    const answer = await retry(user, first.runId)
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202)
    const accepted = acceptedView.parse(answer.body)
    expect(accepted).to.deep.include({ conversationId: first.conversationId, messageId: first.messageId })
    expect(accepted.runId).to.not.equal(first.runId)
    const run = await user.finished(accepted.runId)
    expect(run).to.deep.include({ status: 'completed', strategy: 'round_robin', maxTurns: 2 })
    const said = await user.messages(first.conversationId)
    expect(said.map(({ agentName, content, status, runId }) => [agentName, content, status, runId])).to.deep.equal([
      [null, 'Tea or coffee?', 'complete', accepted.runId],
      ['Ada', 'Tea.', 'superseded', first.runId],
      ['Ada', 'Cocoa.', 'complete', accepted.runId],
      ['Blaise', 'Coffee.', 'complete', accepted.runId],
    ])
    expect(world.llm.requests[0]?.messages.map(({ text }) => text).join()).to.not.contain('Tea.')
    await expectSettledOnce(world.app.container.db, accepted.runId)
    const runs: RunView[] = Object(
      (await user.get(`/api/chat/conversations/${first.conversationId}/runs?limit=1`)).body,
    ).data
    expect(runs.map(({ id }) => id)).to.deep.equal([accepted.runId])
    const older = await user.get(
      `/api/chat/conversations/${first.conversationId}/runs?limit=1&cursor=${accepted.runId}`,
    )
    expect(Object(older.body).data.map(({ id }: RunView) => id)).to.deep.equal([first.runId])
    expect(Object(older.body).nextCursor).to.equal(null)
  })

  it('is retried once, however often it is asked for at once; with one key all are the same', async () => {
    const { user, runId } = await failed()
    world.llm.reply('Tea.')
    const keyed = { 'idempotency-key': 'retry-1' }
    const answers = await Promise.all([retry(user, runId, keyed), retry(user, runId, keyed)])
    expect(answers.map(({ status }) => status)).to.deep.equal([202, 202])
    expect(answers[0]?.body).to.deep.equal(answers[1]?.body)
    const accepted = acceptedView.parse(answers[0]?.body)
    await user.finished(accepted.runId)
    const late = await retry(user, runId)
    expect([late.status, errorOf(late).code]).to.deep.equal([409, 'run.not_last'])
    const done = await retry(user, accepted.runId)
    expect([done.status, errorOf(done).code]).to.deep.equal([409, 'run.not_failed'])
    const again = await failed()
    world.llm.reply('Tea.')
    const two = await Promise.all([retry(again.user, again.runId), retry(again.user, again.runId)])
    expect(two.map(({ status }) => status).sort()).to.deep.equal([202, 409])
    await again.user.finished(acceptedView.parse(two.find(({ status }) => status === 202)?.body).runId)
  })

  it('is not retried while another is active, by others, or without credits', async () => {
    const { user, agentIds, conversationId, runId } = await failed()
    const other = await world.app.api.register()
    expect((await retry(other, runId)).status).to.equal(404)
    expect((await other.get(`/api/chat/conversations/${conversationId}/runs`)).status).to.equal(404)
    const held = world.llm.hold()
    world.llm.reply({ text: 'Hm.', hold: held })
    const next = await user.accept('/api/chat', { agentId: agentIds[0], message: 'So?', conversationId })
    await held.reached
    const busy = await retry(user, runId)
    expect([busy.status, errorOf(busy).code]).to.deep.equal([409, 'chat.busy'])
    held.release()
    await user.finished(next.runId)
    const poor = await failed()
    const { ledgerService, transactions } = world.app.container
    const { available } = await ledgerService.balance(poor.user.id)
    const poverty = { kind: 'adjustment' as const, amount: 10n - available, key: poor.runId, description: 'Test' }
    await transactions.run((tx) => ledgerService.give({ userId: poor.user.id, ...poverty }, tx))
    const refused = await retry(poor.user, poor.runId)
    expect([refused.status, errorOf(refused).code]).to.deep.equal([402, 'credits.insufficient'])
    expect(errorOf(refused).details).to.have.all.keys('available', 'required')
    expect((await poor.user.messages(poor.conversationId))[0]?.runId).to.equal(poor.runId)
  })

  it('to say something anew is retried by whoever it was to be said by', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    world.llm.replyOnce({ when: by('Ada'), text: 'Tea.' }).replyOnce({ when: by('Blaise'), text: 'Coffee.' })
    const first = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns: 2 })
    await user.finished(first.runId)
    const last = (await user.messages(first.conversationId)).at(-1)
    world.llm.reset()
    world.llm.reply({ status: 401 })
    const spoiled = acceptedView.parse((await user.post(`/api/chat/messages/${last?.id}/regenerate`, undefined)).body)
    expect((await user.finished(spoiled.runId)).status).to.equal('failed')
    world.llm.reset()
    world.llm.reply('Cocoa.')
    const accepted = acceptedView.parse((await retry(user, spoiled.runId)).body)
    expect(accepted.messageId).to.equal(last?.id)
    const run = await user.finished(accepted.runId)
    expect(run.turns.map(({ agentId }) => agentId)).to.deep.equal([agentIds[1]])
    expect((await user.messages(first.conversationId)).at(-1)).to.deep.include({
      agentName: 'Blaise',
      content: 'Cocoa.',
    })
  })
})
