import { expect } from 'chai'
import { MessageRepository } from '../../src/conversations/message.repository.ts'
import { SummaryRepository } from '../../src/conversations/summary.repository.ts'
import { newId } from '../../src/shared/ids.ts'
import type { TestUser } from '../support/api-client.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import type { MockReply, MockRequest } from '../support/mock-llm.ts'
import { eventually } from '../support/pace.ts'
import { usePartyWorld } from './party-world.ts'

const isMinutes = ({ system }: MockRequest) => system.startsWith('Keep the minutes')
const minuting: MockReply['when'] = { match: isMinutes }
const BUDGET = 500

describe('Long conversations', () => {
  const world = usePartyWorld({ env: { CONTEXT_TOKEN_BUDGET: String(BUDGET) } })
  const rowsOf = (sql: string, parameters: unknown[] = []) => world.app.container.db.query(sql, parameters)
  const summaryRepository = (conversationId: string) =>
    rowsOf(
      'SELECT version, up_to_seq AS "upToSeq", text FROM conversation_summaries WHERE conversation_id = $1 ORDER BY version',
      [conversationId],
    )
  /** About 80 tokens, and a word to know it by. */
  const words = (n: number) => `Point-${n}. ${'More about it, and more. '.repeat(10)}`

  const talk = async (user: TestUser, agentId: string | undefined, conversationId: string | undefined, n: number) => {
    const accepted = await user.accept('/api/chat', { agentId, message: words(n), conversationId })
    await user.finished(accepted.runId)
    return accepted
  }

  it('what falls out of the budget is summed up before it is gone: every turn hears all, as words or as minutes', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    // The minutes keep every point by name, as good minutes do.
    world.llm.reply({ when: { match: (request) => !isMinutes(request) }, text: 'Noted, and understood.' }).reply({
      when: minuting,
      text: ({ messages }) => [...new Set(messages[0]?.text.match(/Point-\d+/g))].join(' '),
      usage: { inputTokens: 300, outputTokens: 30 },
    })
    let conversationId: string | undefined
    let versions: Array<{ version: number; upToSeq: number; text: string }> = []
    for (let n = 1; n <= 12; n++) {
      const accepted = await talk(user, agentIds[0], conversationId, n)
      const id = accepted.conversationId
      conversationId = id
      const speech = world.llm.requests.findLast((request) => !isMinutes(request))
      const heard = `${speech?.system}\n${speech?.messages.map(({ text }) => text).join('\n')}`
      for (let point = 1; point <= n; point++) expect(heard, `turn ${n}`).to.match(new RegExp(`Point-${point}\\b`))
      // A turn that read much has the oldest summed up behind it.
      const read = speech?.messages.reduce((sum, { text }) => sum + Buffer.byteLength(text) / 4 + 8, 0) ?? 0
      const before = versions.length
      if (read > BUDGET * 0.8) await eventually(async () => (await summaryRepository(id)).length > before)
      versions = await summaryRepository(id)
    }
    expect(versions.length).to.be.at.least(2)
    expect(versions.map(({ version }) => version)).to.deep.equal(versions.map((_, index) => index + 1))
    const last = world.llm.requests.findLast((request) => !isMinutes(request))
    expect(last?.system).to.contain('What was said before the transcript begins, in short:\nPoint-1 Point-2')
    expect(last?.messages.length).to.be.lessThan(12)
    const [charged] = await rowsOf(
      `SELECT count(*)::int AS count FROM metered_calls WHERE conversation_id = $1 AND purpose = 'summary' AND outcome = 'charged' AND run_id IS NULL`,
      [conversationId],
    )
    expect(charged.count).to.equal(versions.length)
  })

  it('a summary of words that are said otherwise while it is made is not kept', async () => {
    const { user, agentIds } = await world.guests(['Ada', 'Blaise'])
    const hold = world.llm.hold()
    world.llm
      .reply({ when: { match: (request) => !isMinutes(request) }, text: words(0) })
      .reply({ when: minuting, text: 'Point-7 was asked about.', hold, usage: { inputTokens: 300, outputTokens: 30 } })
    const body = { agentIds, message: words(7), maxTurns: 8 }
    const { runId, messageId, conversationId } = await user.accept('/api/chat/multi-agent', body)
    await user.finished(runId)
    await hold.reached
    const edit = await user.post(`/api/chat/messages/${messageId}/edit`, { message: words(8) })
    expect(edit.status).to.equal(202)
    hold.release()
    await eventually(async () => {
      const [{ count }] = await rowsOf(
        `SELECT count(*)::int AS count FROM metered_calls WHERE conversation_id = $1 AND purpose = 'summary'`,
        [conversationId],
      )
      return count > 0
    })
    await user.finished(Object(edit.body).runId)
    for (const { upToSeq, text } of await summaryRepository(conversationId)) {
      // What is summed up later is the new words; the mock says the same of all.
      expect(upToSeq, text).to.be.greaterThan(9)
    }
  })

  it('a summary that fails is harmless, and is asked for again by the next turn', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm
      .reply('Noted.')
      .reply({ when: minuting, status: 500, times: 1 })
      .reply({ when: minuting, text: 'The minutes.' })
    let conversationId: string | undefined
    for (let n = 1; n <= 5; n++) conversationId = (await talk(user, agentIds[0], conversationId, n)).conversationId
    await eventually(() => world.llm.requests.some(isMinutes))
    for (let n = 6; (await summaryRepository(conversationId ?? '')).length === 0; n++) {
      expect(n).to.be.lessThan(12)
      const { runId } = await talk(user, agentIds[0], conversationId, n)
      await expectSettledOnce(world.app.container.db, runId)
      await eventually(async () => (await world.app.container.queue.depth('chores')) === 0)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect((await summaryRepository(conversationId ?? ''))[0]?.text).to.equal('The minutes.')
  })

  it('the words of a run that is not over are never summed up, and two jobs at once make one version', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply({ when: minuting, text: 'The minutes.' })
    const held = world.llm.hold()
    world.llm.reply({ when: { match: (request) => !isMinutes(request) }, text: 'Hm.', hold: held })
    const first = await user.accept('/api/chat', { agentId: agentIds[0], message: words(1) })
    await held.reached
    for (let n = 2; n <= 9; n++)
      await user.accept('/api/chat', { agentId: agentIds[0], message: words(n), conversationId: first.conversationId })
    await world.app.container.summaryJobs.enqueue(first.conversationId)
    await eventually(async () => (await world.app.container.queue.depth('chores')) === 0)
    expect(await summaryRepository(first.conversationId)).to.deep.equal([])
    held.release()
    const summary = { conversationId: first.conversationId, version: 1, upToSeq: 1, text: 'x', promptVersion: '1' }
    const { transactions, summaryRepository: rows } = world.app.container
    const added = await Promise.all([1, 2].map(() => transactions.run((tx) => rows.add(summary, [], tx))))
    expect(added.sort()).to.deep.equal([false, true])
  })

  it('a turn reads as many rows of a conversation of 10,000 messages as of one of 200', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    world.llm.reply('Noted.')
    const read = async (count: number) => {
      const { conversationId } = await talk(user, agentIds[0], undefined, 1)
      await rowsOf(
        `INSERT INTO messages (id, conversation_id, seq, role, content, status)
         SELECT gen_random_uuid(), $1, 2 + n, 'user', 'Short words.', 'complete' FROM generate_series(1, $2::int) n`,
        [conversationId, count],
      )
      const { db } = world.app.container
      await db.query('ANALYZE messages')
      const request = { conversationId, runId: newId(), waitingRunIds: [newId()], unheardTurns: [1], afterSeq: 0 }
      const captured: Array<[string, unknown[]]> = []
      const capturing = Object.assign(Object.create(db), {
        manager: Object.assign(Object.create(db.manager), {
          query: (sql: string, parameters: unknown[]) => {
            captured.push([sql, parameters])
            return db.query(sql, parameters)
          },
        }),
      })
      await new MessageRepository(capturing).transcript(request, 8_000)
      await new SummaryRepository(capturing).outgrown(conversationId, 0, {
        keepTokens: 3_000,
        chunkTokens: 8_000,
        beforeSeq: null,
      })
      return Promise.all(
        captured.map(async ([sql, parameters]) => {
          const [plan] = await db.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, parameters)
          return scansOf(plan['QUERY PLAN'][0].Plan)
        }),
      )
    }
    const [short, long] = [await read(200), await read(10_000)]
    for (const [index, scans] of long.entries()) {
      for (const scan of scans) expect(scan.rows, JSON.stringify({ scans, short: short[index] })).to.be.at.most(202)
      expect(
        scans.every(({ node }) => node.startsWith('Index')),
        JSON.stringify(scans),
      ).to.equal(true)
    }
  })
})

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Rows Removed by Filter'?: number
  Plans?: PlanNode[]
}

/** What a plan reads of the table of messages. */
const scansOf = (plan: PlanNode): Array<{ node: string; rows: number }> => [
  ...(plan['Relation Name'] === 'messages'
    ? [{ node: plan['Node Type'], rows: plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0) }]
    : []),
  ...(plan.Plans ?? []).flatMap(scansOf),
]
