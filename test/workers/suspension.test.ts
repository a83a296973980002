import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { type Answer, errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN } from '../support/app.ts'
import { EventReader } from '../support/event-reader.ts'
import { wordsAreLive } from '../support/live-words.ts'
import { whileUncommitted } from '../support/race.ts'
import { SocketTap } from '../support/socket-tap.ts'
import { usePartyWorld } from './party-world.ts'

const PASSWORD = 'correct horse battery'
const REASON = 'Sends the same words to everybody.'

describe('Suspending a user', () => {
  const world = usePartyWorld()
  let admin: TestUser
  before(async () => {
    admin = await world.app.api.login(ADMIN.email, ADMIN.password)
  })
  const suspend = (id: string, reason = REASON) => admin.post(`/api/users/${id}/suspend`, { reason })
  const login = ({ email }: TestUser, password = PASSWORD): Promise<Answer> =>
    world.app.api.post('/api/auth/login', { email, password })

  it('ends sessions, sockets and streams; nobody signs in but with the right password is told why', async () => {
    const user = await world.app.api.register()
    const conversationId = await (async () => {
      world.llm.reply('Hello.')
      const [agentId] = await user.agentsOn(
        { provider: 'openai-compatible', baseUrl: world.llm.baseUrl('openai-compatible') },
        ['Ada'],
      )
      const accepted = await user.accept('/api/chat', { agentId, message: 'Hello?' })
      await user.finished(accepted.runId)
      return accepted.conversationId
    })()
    const tap = await new SocketTap(world.app.url, user.token).connected()
    const stream = await EventReader.open(
      `${world.app.url}/api/chat/conversations/${conversationId}/events`,
      user.token,
    )
    const over = Promise.all([tap.ended(), stream.ended])
    const answer = await suspend(user.id)
    expect(answer.status).to.equal(200)
    expect(answer.body).to.deep.include({ id: user.id, suspendedReason: REASON })
    expect(Object(answer.body).suspendedAt).to.match(/^\d{4}-/)
    await over
    expect((await user.get('/api/auth/me')).status).to.equal(401)
    const refused = await login(user)
    expect([refused.status, errorOf(refused).code]).to.deep.equal([403, 'auth.suspended'])
    expect((await login(user, 'wrong wrong wrong')).status, 'a stranger learns nothing').to.equal(401)
    expect((await admin.get(`/api/users/${user.id}`)).body).to.deep.include({ suspendedReason: REASON })
    const [again, undone] = [
      await suspend(user.id, 'Another reason.'),
      await admin.post(`/api/users/${user.id}/unsuspend`, {}),
    ]
    expect(again.body, 'the first reason stays').to.deep.include({ suspendedReason: REASON })
    expect(undone.body).to.deep.include({ suspendedAt: null, suspendedReason: null })
    expect((await login(user)).status).to.equal(200)
    expect((await user.get('/api/auth/me')).status, 'ended sessions stay ended').to.equal(401)
  })

  it('stops all that talks and all that waits, as a cancel does: what was said stays and is paid, nothing is held', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    const hold = world.llm.hold(2)
    world.llm.reply({ text: 'Some words that are said before the account is closed.', hold })
    const party = { agentIds, message: 'Tea or coffee?', maxTurns: 4 }
    const { conversationId, runId } = await user.accept('/api/chat/multi-agent', party)
    const request = await hold.reached
    await wordsAreLive(world.app.container.feed, conversationId)
    const waiting = await user.accept('/api/chat/multi-agent', { ...party, conversationId, onBusy: 'enqueue' })
    expect(waiting.status).to.equal('pending')
    expect((await suspend(user.id)).status).to.equal(200)
    expect(await request.ended).to.equal('aborted')

    const { db, ledgerService } = world.app.container
    const runs = await db.query('SELECT id, status, stop_reason FROM runs WHERE user_id = $1 ORDER BY id', [user.id])
    expect(runs).to.deep.equal([
      { id: runId, status: 'cancelled', stop_reason: 'cancelled' },
      { id: waiting.runId, status: 'cancelled', stop_reason: 'cancelled' },
    ])
    const said = await db.query(`SELECT status FROM messages WHERE conversation_id = $1 AND role = 'agent'`, [
      conversationId,
    ])
    expect(said).to.deep.equal([{ status: 'cancelled' }])
    const { held, available, spent } = await ledgerService.balance(user.id)
    expect({ held, total: available + spent }).to.deep.equal({ held: 0n, total: 10_000_000_000n })
    expect(spent > 0n).to.equal(true)
    expect((await verifyLedger(db)).differences).to.deep.equal([])
    expect(world.llm.requests).to.have.length(1)

    // What was stopped is not begun again when the account is open again, and new words are answered.
    await admin.post(`/api/users/${user.id}/unsuspend`, {})
    const back = await world.app.api.login(user.email, PASSWORD)
    world.llm.reply('Welcome back.')
    const { runId: next } = await back.accept('/api/chat', { agentId: agentIds[0], conversationId, message: 'Hello?' })
    expect((await back.finished(next)).status).to.equal('completed')
    expect(world.llm.requests).to.have.length(2)
  })

  it('refuses the request that was let in a moment before', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const [agentId] = agentIds
    world.llm.reply('Hello.')
    const { conversationId, runId } = await user.accept('/api/chat', { agentId, message: 'Hello?' })
    await user.finished(runId)
    const [, answer] = await user.messages(conversationId)
    const requests: Record<string, (user: TestUser) => Promise<Answer>> = {
      'a new conversation': (by) => by.post('/api/chat', { agentId, message: 'Hello' }),
      'a message': (by) => by.post('/api/chat', { agentId, conversationId, message: 'Hello' }),
      'saying it anew': (by) => by.post(`/api/chat/messages/${answer?.id}/regenerate`, {}),
    }
    for (const [what, request] of Object.entries(requests)) {
      const late = await whileUncommitted(
        world.app.container.db,
        `WITH locked AS (SELECT id FROM users WHERE id = $1 FOR UPDATE)
         UPDATE users SET suspended_at = now(), suspended_reason = 'test' FROM locked WHERE users.id = locked.id`,
        [user.id],
        () => request(user),
      )
      expect([late.status, errorOf(late).code], what).to.deep.equal([403, 'auth.suspended'])
      await admin.post(`/api/users/${user.id}/unsuspend`, {})
    }
    const [{ runs }] = await world.app.container.db.query('SELECT count(*)::int AS runs FROM runs WHERE user_id = $1', [
      user.id,
    ])
    expect(runs).to.equal(1)
  })

  it('is for administrators, who can neither shut out themselves nor each other to the last', async () => {
    const [user, second] = await Promise.all([world.app.api.register(), world.app.api.register()])
    expect((await user.post(`/api/users/${second.id}/suspend`, { reason: REASON })).status).to.equal(403)
    const self = await suspend(admin.id)
    expect([self.status, errorOf(self).code]).to.deep.equal([409, 'users.suspend_self'])
    expect((await suspend(second.id, ' ')).status).to.equal(400)
    expect((await suspend('01990000-0000-7000-8000-00000000dead')).status).to.equal(404)

    await admin.put(`/api/users/${second.id}`, { role: 'admin' })
    const both = await Promise.all([
      suspend(second.id),
      second.post(`/api/users/${admin.id}/suspend`, { reason: REASON }),
    ])
    // The slower one finds its session ended, or itself to be the last.
    expect(both.map(({ status }) => status).filter((status) => status === 200)).to.have.length(1)
    const [{ admins }] = await world.app.container.db.query(
      `SELECT count(*)::int AS admins FROM users WHERE role = 'admin' AND suspended_at IS NULL`,
    )
    expect(admins).to.equal(1)
    // One who is shut out is no administrator to fall back upon.
    const [left] = both.flatMap(({ status }, n) => (status === 200 ? [n === 0 ? admin : second] : []))
    expect(errorOf((await left?.delete(`/api/users/${left.id}`)) ?? both[0]).code).to.equal('users.last_admin')
  })
})
