import { expect } from 'chai'
import { acceptedView } from '../../src/contract/views.ts'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { formatCredits, parseCredits } from '../../src/shared/money.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { eventually, usePace } from '../support/pace.ts'
import { QUEUES, useRedis } from '../support/redis.ts'
import { isDecision, usePartyWorld } from './party-world.ts'

const RUNS = 50

for (const profile of QUEUES) {
  describe(`The monthly budget of an API key, queue on ${profile}`, () => {
    usePace()
    const redis = useRedis(profile)
    const world = usePartyWorld(async () => ({
      env: {
        ...redis.env,
        USER_CONCURRENCY: '50',

        TITLE_ATTEMPTS: '1',
        CREDITS_OWN_KEY_RATE: '1',
      },
    }))
    const query = (sql: string, parameters: unknown[]) => world.app.container.db.query(sql, parameters)

    const monthOf = async (owner: TestUser): Promise<{ held: string; spent: string }> =>
      Object((await owner.get('/api/keys')).body).data[0].month
    /** What calls for this key's conversations were charged: turns, decisions and titles. */
    const chargedTo = async (keyId: string) => {
      const [{ charged }] = await query(
        `SELECT coalesce(sum(c.charged), 0)::text AS charged FROM metered_calls c WHERE c.conversation_id IN (
           SELECT r.conversation_id FROM runs r WHERE r.origin->>'keyId' = $1)`,
        [keyId],
      )
      return BigInt(charged)
    }
    /** Titles come after the runs. */
    const nothingHeld = (owner: TestUser) =>
      eventually(async () => {
        const [{ jobs }] = await query(
          `SELECT count(*)::int AS jobs FROM holds WHERE user_id = $1 AND status = 'pending'`,
          [owner.id],
        )
        return jobs === 0 && (await monthOf(owner)).held === '0.000000'
      })

    it(`is never exceeded, not by ${RUNS} runs at once; what it covers is done, and the rest is told`, async () => {
      world.llm.reply({ text: 'A measured answer of some words.', usage: { inputTokens: 900, outputTokens: 90 } })
      const { user: owner, agentIds } = await world.guests(['Ada'])
      const [agentId] = agentIds
      const first = await owner.accept('/api/chat', { agentId, message: 'What does one cost?' })
      const one = parseCredits((await owner.finished(first.runId)).receipt.credits)
      const budget = one * 12n
      const { id, user } = await owner.apiKey({ monthlyCredits: formatCredits(budget) })
      const answers = await Promise.all(
        Array.from({ length: RUNS }, () => user.post('/api/chat', { agentId, message: 'What does one cost?' })),
      )
      const accepted = answers.filter(({ status }) => status === 202)
      for (const answer of answers.filter(({ status }) => status !== 202)) {
        expect([answer.status, errorOf(answer).code]).to.deep.equal([402, 'credits.insufficient'])
      }
      const runs = await Promise.all(accepted.map(({ body }) => user.finished(acceptedView.parse(body).runId)))
      await nothingHeld(owner)
      const done = runs.filter(({ status }) => status === 'completed')
      expect(done.length, 'some were done, and not all').to.be.within(1, RUNS - 1)
      for (const { status, error } of runs.filter((run) => run.status !== 'completed')) {
        expect([status, error?.code]).to.deep.equal(['failed', 'credits.insufficient'])
      }
      const charged = await chargedTo(id)
      expect(charged <= budget, `${charged} of ${budget}`).to.equal(true)
      expect(parseCredits((await monthOf(owner)).spent)).to.equal(charged)
      expect((await verifyLedger(world.app.container.db)).differences).to.deep.equal([])

      // A title that comes later is none: what it would hold is spent.
      await eventually(async () => {
        const spent = `UPDATE api_key_months SET spent = budget WHERE key_id = $1 AND held = 0 RETURNING spent`
        return (await query(`WITH all_of_it AS (${spent}) SELECT * FROM all_of_it`, [id])).length > 0
      })
      const refused = await user.post('/api/chat', { agentId, message: 'One more?' })
      expect([refused.status, errorOf(refused).code]).to.deep.equal([402, 'credits.insufficient'])
      const { available, required } = Object(errorOf(refused).details)
      expect(available).to.equal('0.000000')
      expect(parseCredits(required) > 0n).to.equal(true)
      expect(
        (await user.post(`/api/chat/messages/${(await owner.messages(first.conversationId))[1]?.id}/regenerate`, {}))
          .status,
      ).to.equal(402)
      await owner.finished((await owner.accept('/api/chat', { agentId, message: 'I am no program' })).runId)
    })

    it('counts all that its runs lead to: decisions of a supervisor, and titles', async () => {
      world.llm.reply({ text: 'Tea.', usage: { inputTokens: 300, outputTokens: 30 } })
      world.llm.reply({
        when: { match: isDecision },
        text: '{"next":"Ada"}',
        usage: { inputTokens: 200, outputTokens: 9 },
      })
      const { user: owner, agentIds } = await world.guests(['Ada', 'Blaise'])
      const { id, user } = await owner.apiKey({ monthlyCredits: '1000' })
      const body = { agentIds, message: 'Tea?', strategy: 'supervisor', maxTurns: 2 }
      const { runId, conversationId } = await user.accept('/api/chat/multi-agent', body)
      await user.finished(runId)
      await eventually(
        async () => Object((await owner.get(`/api/chat/conversations/${conversationId}`)).body).title !== null,
      )
      await nothingHeld(owner)
      const purposes = await query('SELECT DISTINCT purpose FROM metered_calls WHERE conversation_id = $1 ORDER BY 1', [
        conversationId,
      ])
      expect(purposes.map(({ purpose }: { purpose: string }) => purpose)).to.deep.equal(['speak', 'supervise', 'title'])
      expect(parseCredits((await monthOf(owner)).spent)).to.equal(await chargedTo(id))
      expect((await verifyLedger(world.app.container.db)).differences).to.deep.equal([])
    })
  })
}
