import { expect } from 'chai'
import { MessageRepository, type TranscriptRequest } from '../../src/conversations/message.repository.ts'
import { newId } from '../../src/shared/ids.ts'
import { useApp } from '../support/app.ts'
import { useDatabase } from '../support/database.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'

/** What a message of so many bytes counts for. */
const tokensOf = (content: string) => Math.floor(Buffer.byteLength(content) / 4) + 8

describe('What a turn reads of its conversation', () => {
  const database = useDatabase()
  let [earlier, own, waiting] = ['', '', '']
  let conversationId: string
  let seq: number

  beforeEach(async () => {
    const { manager } = database.dataSource
    const userId = newId()
    conversationId = newId()
    seq = 0
    ;[earlier, own, waiting] = [newId(), newId(), newId()]
    await manager.query(
      `INSERT INTO users (id, email, email_key, password_hash, name, role) VALUES ($1, $2, $2, 'x', 'N', 'user')`,
      [userId, `${userId}@example.com`],
    )
    await manager.query(
      `INSERT INTO conversations (id, user_id, agent_ids, strategy) VALUES ($1, $2, '{}', 'round_robin')`,
      [conversationId, userId],
    )
  })
  const say = async (
    runId: string | null,
    content: string,
    change: { role?: string; status?: string; turn?: number } = {},
  ) => {
    const { role = 'user', status = 'complete', turn = null } = change
    await database.dataSource.manager.query(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status, run_id, turn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [newId(), conversationId, ++seq, role, content, status, runId, turn],
    )
  }
  const read = async (tokenBudget = 10_000, change: Partial<TranscriptRequest> = {}) => {
    const request = { conversationId, runId: own, waitingRunIds: [], ...change }
    const lines = await new MessageRepository(database.dataSource).transcript(request, tokenBudget)
    return lines.map(({ content }) => content)
  }

  it('is what was said, in order', async () => {
    await say(earlier, 'Question')
    await say(earlier, 'Answer', { role: 'agent', turn: 0 })
    await say(own, 'Next question')
    expect(await read()).to.deep.equal(['Question', 'Answer', 'Next question'])
  })

  it('is not what was replaced, or empty, or said elsewhere', async () => {
    await say(earlier, 'Old answer', { role: 'agent', turn: 0, status: 'superseded' })
    await say(earlier, '', { role: 'agent', turn: 1 })
    await say(earlier, 'Cut off', { role: 'agent', turn: 2, status: 'cancelled' })
    await say(own, 'Question')
    const elsewhere = await new MessageRepository(database.dataSource).transcript(
      { conversationId: newId(), runId: own, waitingRunIds: [] },
      1_000,
    )
    expect(elsewhere).to.deep.equal([])
    expect(await read()).to.deep.equal(['Cut off', 'Question'])
  })

  it("puts the run's own words last, even when they were said while others still talked", async () => {
    await say(earlier, 'First')
    await say(own, 'Second, while the first is being answered')
    await say(earlier, 'Answer to the first', { role: 'agent', turn: 0 })
    expect(await read()).to.deep.equal(['First', 'Answer to the first', 'Second, while the first is being answered'])
  })

  it('leaves out what waits for a run of its own', async () => {
    await say(own, 'Now')
    await say(waiting, 'Later')
    expect(await read(10_000, { waitingRunIds: [waiting] })).to.deep.equal(['Now'])
    expect(await read()).to.deep.equal(['Later', 'Now'])
  })

  it('leaves out siblings that answer at the same time, and what a summary covers', async () => {
    await say(earlier, 'Long ago')
    await say(own, 'Question')
    await say(own, 'Of a sibling', { role: 'agent', turn: 0 })
    await say(own, 'Before', { role: 'agent', turn: 1 })
    expect(await read(10_000, { unheardTurns: [0] })).to.deep.equal(['Long ago', 'Question', 'Before'])
    expect(await read(10_000, { afterSeq: 1 })).to.deep.equal(['Question', 'Of a sibling', 'Before'])
  })

  it('is cut at its oldest end, to the token', async () => {
    const words = ['x'.repeat(40), 'y'.repeat(44), 'z'.repeat(48)]
    for (const content of words) await say(own, content)
    const budget = words.slice(1).reduce((sum, content) => sum + tokensOf(content), 0)
    expect(await read(budget)).to.deep.equal(words.slice(1))
    expect(await read(budget - 1)).to.deep.equal(words.slice(2))
    expect(await read(0), 'the last words are read whatever they take').to.deep.equal(words.slice(2))
  })

  it('counts bytes, so that a script with longer letters is not under-counted', async () => {
    await say(own, '語'.repeat(40))
    await say(own, 'Now')
    const needed = tokensOf('語'.repeat(40)) + tokensOf('Now')
    expect(await read(needed)).to.have.length(2)
    expect(await read(needed - 1)).to.have.length(1)
  })

  it('never has a hole: what is older than the first that does not fit is left out too', async () => {
    await say(own, 'Short')
    await say(own, 'x'.repeat(4_000))
    await say(own, 'Now')
    expect(await read(100)).to.deep.equal(['Now'])
  })

  it('reads a bounded part of a long conversation from the database', async () => {
    await database.dataSource.manager.query(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status, run_id)
       SELECT gen_random_uuid(), $1, n, 'user', 'Message ' || n, 'complete', NULL FROM generate_series(1, 1000) AS n`,
      [conversationId],
    )
    const lines = await read(1_000_000)
    expect(lines).to.have.length(200)
    expect(lines.at(-1)).to.equal('Message 1000')
    expect(lines.at(0)).to.equal('Message 801')
  })
})

describe('What a model is sent of a long conversation', () => {
  let llm: MockLlm
  const app = useApp({ env: { CONTEXT_TOKEN_BUDGET: '200' } })
  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())

  it('is its end, within the budget, with the question always there', async () => {
    const user = await app.api.register()
    const [agentId = ''] = await user.agentsOn(
      { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') },
      ['Ada'],
    )
    llm.reply({ text: `${'word '.repeat(40)}end` })
    let conversationId: string | undefined
    for (let i = 0; i < 5; i++) {
      const accepted = await user.accept('/api/chat', { agentId, message: `Question ${i}`, conversationId })
      await user.finished(accepted.runId)
      conversationId = accepted.conversationId
    }
    const asked = llm.requests.filter(({ system }) => system.startsWith('You are Ada.'))
    const texts = asked.at(-1)?.messages.map(({ text }) => text) ?? []
    expect(texts.at(-1)).to.equal('Question 4')
    expect(texts).not.to.include('Question 0')
    const spoken = texts.filter((text) => !text.startsWith('('))
    expect(spoken.reduce((sum, text) => sum + tokensOf(text), 0)).to.be.at.most(200)
    expect(spoken.length).to.be.greaterThan(2)
  })
})
