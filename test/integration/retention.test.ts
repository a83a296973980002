import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { type Kept, RetentionRepository } from '../../src/retention/retention.repository.ts'
import { firstIdOf } from '../../src/shared/ids.ts'
import { ADA } from '../architecture/route-table.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'

describe('What is kept for some time only', () => {
  const app = useApp()
  let retention: RetentionRepository
  let user: TestUser
  before(() => {
    retention = new RetentionRepository(app.container.db)
  })
  beforeEach(async () => {
    user = await app.api.register()
  })
  const sql = (text: string, parameters: unknown[] = []) => app.container.db.query(text, parameters)
  const count = async (text: string, parameters: unknown[] = []): Promise<number> =>
    (await sql(`SELECT count(*)::int AS n FROM ${text}`, parameters))[0].n
  /** What came before this is too old, what comes after is not. */
  const now = () => retention.daysAgo(0)
  /** As a round does, until nothing is left. */
  const removeAll = async (what: Kept, before: Date, most = 2) => {
    const batches: number[] = []
    do batches.push(await retention.remove(what, before, most))
    while (batches.at(-1) === most)
    return batches
  }
  const say = async (conversationId?: string) => {
    const said = await user.accept('/api/chat', { agentId: ADA, message: 'Hello', conversationId })
    await user.finished(said.runId)
    return said
  }
  const conversations = async () =>
    (await sql('SELECT id FROM conversations WHERE user_id = $1 ORDER BY id', [user.id])).map(
      ({ id }: { id: string }) => id,
    )

  it('are conversations where nobody wrote since, archived or not, a few at a time; none where a run is under way', async () => {
    const [idle, archived, revived, busy] = [await say(), await say(), await say(), await say()]
    await user.patch(`/api/chat/conversations/${archived.conversationId}`, { archived: true })
    await sql(`UPDATE runs SET status = 'waiting', finished_at = NULL WHERE id = $1`, [busy.runId])
    const before = await now()
    await say(revived.conversationId)
    const young = await say()
    expect(await removeAll('conversations', before, 1)).to.deep.equal([1, 1, 0])
    expect(await conversations()).to.have.members([revived, busy, young].map(({ conversationId }) => conversationId))
    expect(await count('messages WHERE conversation_id = $1', [idle.conversationId])).to.equal(0)
    expect(errorOf(await user.get(`/api/chat/conversations/${idle.conversationId}`)).code).to.equal(
      'conversation.not_found',
    )
    await sql(`UPDATE runs SET status = 'completed', finished_at = now() WHERE id = $1`, [busy.runId])
  })

  it('are not conversations that somebody is writing in at that moment', async () => {
    const { conversationId } = await say()
    const before = await now()
    const session = app.container.db.createQueryRunner()
    await session.startTransaction()
    await session.query('UPDATE conversations SET updated_at = clock_timestamp() WHERE id = $1', [conversationId])
    // It is passed over: nobody waits here for the other one.
    await removeAll('conversations', before)
    await session.commitTransaction()
    await session.release()
    await removeAll('conversations', before)
    expect(await conversations()).to.deep.equal([conversationId])
  })

  it('are told to whoever watches as a deletion is: the stream of the conversation goes on to nothing', async () => {
    const [old, deleted] = [await say(), await say()]
    const before = await now()
    await user.delete(`/api/chat/conversations/${deleted.conversationId}`)
    await removeAll('conversations', before)
    const answers = [old, deleted].map(({ conversationId }) =>
      user.get(`/api/chat/conversations/${conversationId}/events`),
    )
    const [one, other] = (await Promise.all(answers)).map((answer) => [answer.status, errorOf(answer).code])
    expect(one).to.deep.equal(other)
    const versions = await app.container.conversationRepository.versions([old.conversationId, deleted.conversationId])
    expect(versions.size, 'by which watchers see it').to.equal(0)
  })

  it('are runs but the latest of a conversation: what was said stays, may be said anew, and is paid', async () => {
    const first = await say()
    const second = await say(first.conversationId)
    const last = await say(first.conversationId)
    const before = await now()
    await removeAll('runs', before)
    expect(await sql('SELECT id FROM runs WHERE conversation_id = $1', [first.conversationId])).to.deep.equal([
      { id: last.runId },
    ])
    expect(await count('turns WHERE run_id = ANY($1::uuid[])', [[first.runId, second.runId]])).to.equal(0)
    const messages = await user.messages(first.conversationId)
    expect(messages).to.have.length(6)
    const again = await user.post(`/api/chat/messages/${messages.at(-1)?.id}/regenerate`, undefined)
    expect(again.status).to.equal(202)
    await user.finished(Object(again.body).runId)
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
  })

  it('is by whom and where calls were made; their figures stay, and the books add up', async () => {
    await say()
    await say()
    const before = await now()
    await say()
    const figures = () =>
      sql(
        'SELECT id, amount, charged, input_tokens, output_tokens, model FROM metered_calls WHERE user_id = $1 ORDER BY id',
        [user.id],
      )
    const [kept, balance] = [await figures(), await user.get('/api/credits/balance')]
    let last: string | undefined
    let batches = 0
    do {
      last = await retention.forgetUsage(before, last, 1)
      batches += 1
    } while (last !== undefined && batches < 1_000)
    expect(batches).to.be.at.least(3)
    expect(await figures()).to.deep.equal(kept)
    expect((await user.get('/api/credits/balance')).body).to.deep.equal(balance.body)
    const named = 'user_id = $1 AND num_nonnulls(conversation_id, agent_id, agent_name, connection_id) > 0'
    expect(await count(`metered_calls WHERE ${named}`, [user.id])).to.equal(1)
    expect(
      await count(`ledger_entries WHERE user_id = $1 AND kind = 'post' AND description IS NOT NULL`, [user.id]),
    ).to.equal(1)
    expect((await user.get('/api/credits/transactions')).status).to.equal(200)
    expect((await user.get('/api/credits/usage?by=conversation')).status).to.equal(200)
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
    const refused = await sql('UPDATE metered_calls SET amount = 0').catch((error: Error) => error.message)
    expect(refused, 'nothing else may change them').to.match(/append-only/)
  })

  it('are audit entries, of a day at a time, and never the last 30', async () => {
    await sql(
      `INSERT INTO audit_entries (id, created_at, action, details)
       SELECT gen_random_uuid(), now() - n * interval '1 day', 'user.read', '{}' FROM generate_series(390, 410) AS n`,
    )
    const before = await retention.daysAgo(400)
    const days: number[] = []
    do days.push(await retention.removeAuditDay(before))
    while (days.at(-1) !== 0)
    expect(days.reduce((sum, n) => sum + n, 0)).to.be.within(10, 11)
    expect(Math.max(...days)).to.be.at.most(2)
    expect(await count(`audit_entries WHERE created_at < now() - interval '300 days'`)).to.be.within(10, 11)
    await app.container.retention.round()
  })

  it('is found by the primary key and by indexes that are there, not by reading whole tables', async () => {
    const { db } = app.container
    await db.query(
      `INSERT INTO conversations (id, user_id, agent_ids, strategy, updated_at)
      SELECT overlay(gen_random_uuid()::text PLACING '0190' FROM 1 FOR 4)::uuid, $1, '{}', 'round_robin', now() FROM generate_series(1, 3000)`,
      [user.id],
    )
    await db.query('ANALYZE conversations')
    const plan: Array<Record<string, string>> = await db.query(
      `EXPLAIN SELECT c.id FROM conversations c WHERE c.id < '${firstIdOf(new Date(1_000))}' AND c.updated_at < now()
       AND NOT EXISTS (SELECT FROM runs r WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting', 'pending')) ORDER BY c.id LIMIT 50`,
    )
    expect(JSON.stringify(plan)).to.contain('conversations_pk').and.not.to.contain('Seq Scan on conversations')
  })
})
