import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { withAdvisoryLock } from '../../src/database/advisory-lock.ts'
import { ADA } from '../architecture/route-table.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'
import { SocketTap } from '../support/socket-tap.ts'

const LIMIT = 120_000
/** What is counted for a message besides its words. */
const ROWS = 1_024

describe('What a user may send within a day', () => {
  const app = useApp({ env: { USER_MESSAGE_BYTES_PER_DAY: String(LIMIT) } })
  let user: TestUser
  beforeEach(async () => {
    user = await app.api.register()
  })
  const sql = (text: string, parameters: unknown[] = []) => app.container.db.query(text, parameters)
  const say = (message: string, more: object = {}, headers?: Record<string, string>) =>
    user.post('/api/chat', { agentId: ADA, message, ...more }, headers)
  /** Letters of two bytes each. */
  const bytes = (count: number) => 'ß'.repeat(count / 2)
  /** Leaves room for so many bytes. */
  const leave = async (room: number) => {
    await sql('DELETE FROM message_budgets WHERE user_id = $1', [user.id])
    await sql(`SELECT messages_take($1, $2)`, [user.id, ((LIMIT - room) / LIMIT) * 86_400_000])
  }
  const written = async (): Promise<number> => {
    const [row] = await sql(
      `SELECT count(*)::int AS n FROM messages m JOIN conversations c ON c.id = m.conversation_id
       WHERE c.user_id = $1 AND m.role = 'user'`,
      [user.id],
    )
    return row.n
  }
  const expectRefused = (answer: Awaited<ReturnType<typeof say>>) => {
    expect(answer.status).to.equal(429)
    expect(errorOf(answer)).to.deep.include({ code: 'chat.rate_limited' })
    expect(errorOf(answer).details).to.deep.include({ limit: LIMIT })
    expect(Number(answer.headers.get('retry-after'))).to.be.within(1, 86_400)
  }

  it('is bounded in bytes: no message slips in between others that come at the same moment, in whatever conversation', async () => {
    const conversations: string[] = []
    for (let n = 0; n < 20; n++)
      conversations.push((await user.accept('/api/chat', { agentId: ADA, message: 'Hi' })).conversationId)
    const before = await written()
    await leave(5 * (8_000 + ROWS) + 100)
    const answers = await Promise.all(conversations.map((conversationId) => say(bytes(8_000), { conversationId })))
    const refused = answers.filter(({ status }) => status !== 202)
    expect(answers.length - refused.length).to.equal(5)
    for (const answer of refused) expectRefused(answer)
    expect((await written()) - before).to.equal(5)
    // Nothing is left of the others: neither a run that waits nor a conversation that has moved.
    const [{ n }] = await sql('SELECT count(*)::int AS n FROM runs WHERE user_id = $1', [user.id])
    expect(n).to.equal(25)
  })

  it('comes back with time, evenly, and is told when', async () => {
    await leave(0)
    const refused = await say(bytes(2_000))
    expectRefused(refused)
    const all = ((2_000 + ROWS) / LIMIT) * 86_400
    expect(Number(refused.headers.get('retry-after'))).to.be.within(all - 600, all + 1)
    await sql(`UPDATE message_budgets SET taken_until = taken_until - $2 * interval '1 second' WHERE user_id = $1`, [
      user.id,
      Number(refused.headers.get('retry-after')),
    ])
    expect((await say(bytes(2_000))).status).to.equal(202)
  })

  it('concerns parties and sockets, and nobody else', async () => {
    await leave(100)
    expectRefused(await user.post('/api/chat/multi-agent', { agentIds: [ADA, ADA.replace(/1$/, '2')], message: 'Hi' }))
    const socket = await new SocketTap(app.url, user.token).connected()
    const { ok, error } = await socket.ask('message.send', { agentId: ADA, message: 'Hello' })
    expect(ok).to.equal(false)
    expect(error).to.deep.include({ status: 429, code: 'chat.rate_limited' })
    socket.close()
    expect(await written()).to.equal(0)
    user = await app.api.register()
    expect((await say('Hello')).status).to.equal(202)
  })

  it('counts what another door writes down of what was said before', async () => {
    const model = Object((await user.get('/v1/models')).body).data[0].id
    const said = (words: string) => [
      { role: 'user', content: words },
      { role: 'assistant', content: 'So it is.' },
      { role: 'user', content: 'And?' },
    ]
    await leave(3 * ROWS + 2_000)
    const answer = await user.post('/v1/chat/completions', { model, messages: said(bytes(4_000)) })
    expect(answer.status).to.equal(429)
    expect(Number(answer.headers.get('retry-after'))).to.be.within(1, 86_400)
    expect(await written()).to.equal(0)
    expect((await user.post('/v1/chat/completions', { model, messages: said('It is so.') })).status).to.equal(200)
    expect(await written()).to.equal(2)
    expectRefused(await say(bytes(2_000)))
  })

  it('counts words that are edited, and what a branch copies', async () => {
    const { conversationId, runId, messageId } = await user.accept('/api/chat', { agentId: ADA, message: bytes(4_000) })
    await user.finished(runId)
    const edit = (message: string) => user.post(`/api/chat/messages/${messageId}/edit`, { message })
    const branch = () => user.post(`/api/chat/conversations/${conversationId}/branch`, { messageId })
    await leave(4_000 + ROWS - 1)
    expectRefused(await branch())
    expectRefused(await edit(bytes(4_000)))
    expect(await written()).to.equal(1)
    await leave(4_000 + ROWS + 100)
    expect((await branch()).status).to.equal(201)
    expectRefused(await branch())
    await leave(4_000 + ROWS + 100)
    expect((await edit(bytes(4_000))).status).to.equal(202)
    expectRefused(await say('Now there is none'))
    expect(await written()).to.equal(3)
  })

  it('counts what is kept to be shown again of a response', async () => {
    const model = Object((await user.get('/v1/models')).body).data[0].id
    const respond = (words: number) => {
      const metadata = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`key ${n}`, 'x'.repeat(words)]))
      return user.post('/v1/responses', { model, input: 'Hello', metadata })
    }
    await leave(4 * ROWS)
    expect((await respond(500)).status).to.equal(429)
    expect(await written()).to.equal(0)
    expect((await respond(100)).status).to.equal(200)
  })

  it('is taken by no request that is repeated, refused, or says anew what was said', async () => {
    const key = { 'idempotency-key': randomUUID() }
    const first = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' }, key)
    await user.finished(first.runId)
    const last = (await user.messages(first.conversationId)).at(-1)
    await leave(ROWS + 100)
    expect((await say('Hello', { conversationId: randomUUID() })).status).to.equal(404)
    expect(await user.accept('/api/chat', { agentId: ADA, message: 'Hello' }, key)).to.deep.equal(first)
    const anew = await user.post(`/api/chat/messages/${last?.id}/regenerate`, undefined)
    expect(anew.status, JSON.stringify(anew.body)).to.equal(202)
    await user.finished(Object(anew.body).runId)
    expect((await say('There was room')).status).to.equal(202)
    expectRefused(await say('Now there is none'))
  })

  it('holds up a schedule until there is room again', async () => {
    const { db, ticker } = app.container
    const party = { agentIds: [ADA, ADA.replace(/1$/, '2')], message: 'Good morning' }
    const id = await user.create('/api/schedules', { name: 'Daily', cron: '0 9 * * *', timeZone: 'UTC', party })
    await leave(0)
    // No round of the app's own meanwhile.
    const ticks = await eventually(async () => {
      const done = await withAdvisoryLock(db, 'reconciler', async () => {
        await sql(`UPDATE schedules SET next_at = date_trunc('second', now() - interval '1 second') WHERE id = $1`, [
          id,
        ])
        await ticker.tick()
        return sql(
          `SELECT status, due_at > now() + interval '5 minutes' AS later FROM schedule_ticks WHERE schedule_id = $1`,
          [id],
        )
      })
      return done?.value
    })
    expect(ticks).to.deep.equal([{ status: 'due', later: true }])
  })
})

describe('What a user may send within a day, where that is not limited', () => {
  const app = useApp({ worker: false, env: { USER_MESSAGE_BYTES_PER_DAY: '0' } })

  it('is not counted', async () => {
    const user = await app.api.register()
    for (let n = 0; n < 5; n++) await user.accept('/api/chat', { agentId: ADA, message: 'ß'.repeat(30_000) })
    expect(await app.container.db.query('SELECT FROM message_budgets')).to.deep.equal([])
  })
})
