import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { wordsAreLive } from '../support/live-words.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'

const idsOf = (body: unknown): string[] => Object(body).data.map(({ id }: { id: string }) => id)

describe('Conversations', () => {
  let llm: MockLlm
  let user: TestUser
  let agentIds: string[]
  const app = useApp()
  before(async () => {
    llm = await startMockLlm()
    user = await app.api.register()
    agentIds = await user.agentsOn({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }, [
      'Ada',
      'Blaise',
    ])
  })
  after(() => llm.stop())
  beforeEach(() => llm.reset())

  const talk = async (message: string, conversationId?: string) => {
    const accepted = await user.accept('/api/chat', { agentId: agentIds[0], message, conversationId })
    await user.finished(accepted.runId)
    return accepted
  }

  it('are listed last spoken in first, in pages, and only to their user', async () => {
    const made: string[] = []
    for (let i = 0; i < 5; i++) made.unshift((await talk(`Topic ${i}`)).conversationId)
    const first = (await user.get('/api/chat/conversations?limit=3')).body
    expect(idsOf(first)).to.deep.equal(made.slice(0, 3))
    const rest = (await user.get(`/api/chat/conversations?limit=3&cursor=${Object(first).nextCursor}`)).body
    expect(idsOf(rest)).to.deep.equal(made.slice(3))
    expect(Object(rest).nextCursor).to.equal(null)
    expect(Object(first).data[0]).to.deep.include({
      agentIds: [agentIds[0]],
      strategy: 'round_robin',
      archived: false,
      activeRun: null,
    })
    const other = await app.api.register()
    expect((await other.get('/api/chat/conversations')).body).to.deep.equal({ data: [], nextCursor: null })
    for (const query of ['cursor=nonsense', 'archived=maybe', 'order=asc'])
      expect((await user.get(`/api/chat/conversations?${query}`)).status, query).to.equal(400)
  })

  it('come first again when something is said in them, not when they are named; pages hold while they move', async () => {
    const other = await app.api.register()
    const [agentId] = await other.agentsOn(
      { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') },
      ['Ada'],
    )
    const say = async (conversationId?: string) => {
      const accepted = await other.accept('/api/chat', { agentId, message: 'Hello', conversationId })
      await other.finished(accepted.runId)
      return accepted.conversationId
    }
    const list = async (query = '') => {
      const body = Object((await other.get(`/api/chat/conversations${query}`)).body)
      return { ids: idsOf(body), next: body.nextCursor, data: body.data }
    }
    const [a, b, c, d] = [await say(), await say(), await say(), await say()]
    expect((await list()).ids).to.deep.equal([d, c, b, a])
    await say(a)
    await other.patch(`/api/chat/conversations/${b}`, { title: 'Named' })
    expect((await list()).ids).to.deep.equal([a, d, c, b])
    const first = await list('?limit=2')
    expect(first.ids).to.deep.equal([a, d])
    // The last one of the page comes first before the next page is read.
    await say(d)
    expect((await list(`?limit=2&cursor=${first.next}`)).ids).to.deep.equal([c, b])
    expect((await list()).data[0].activeAt > first.data[0].activeAt).to.equal(true)
    // A client in the middle of its pages, as the version before gave them.
    expect((await list(`?limit=2&cursor=${c}`)).ids).to.deep.equal([b])
    expect((await list(`?cursor=${randomUUID()}`)).ids).to.deep.equal([])
    for (const cursor of ['1_2_3', 'x_1', `-1_${a}`, `1.5_${a}`, `9e99_${a}`, '_', 'x'.repeat(100)])
      expect((await other.get(`/api/chat/conversations?cursor=${cursor}`)).status, cursor).to.equal(400)
  })

  it('show their latest messages, and page backwards and forwards without gaps', async () => {
    let conversationId: string | undefined
    for (let i = 0; i < 4; i++) conversationId = (await talk(`Question ${i}`, conversationId)).conversationId
    const path = `/api/chat/conversations/${conversationId}`
    const read = async (query: string) => {
      const { messages } = Object((await user.get(`${path}?${query}`)).body)
      return { seqs: messages.data.map(({ seq }: { seq: number }) => seq), next: messages.nextCursor }
    }
    expect(await read('')).to.deep.equal({ seqs: [1, 2, 3, 4, 5, 6, 7, 8], next: null })
    expect(await read('limit=3')).to.deep.equal({ seqs: [6, 7, 8], next: '6' })
    expect(await read('limit=3&beforeSeq=6')).to.deep.equal({ seqs: [3, 4, 5], next: '3' })
    expect(await read('limit=3&beforeSeq=3')).to.deep.equal({ seqs: [1, 2], next: null })
    expect(await read('limit=3&afterSeq=0')).to.deep.equal({ seqs: [1, 2, 3], next: '3' })
    expect(await read('limit=3&afterSeq=6')).to.deep.equal({ seqs: [7, 8], next: null })
    expect(await read('afterSeq=8')).to.deep.equal({ seqs: [], next: null })
    // As everywhere: the same query, with the cursor of the page before.
    expect(await read('limit=3&cursor=6')).to.deep.equal({ seqs: [3, 4, 5], next: '3' })
    expect(await read('limit=3&beforeSeq=8&cursor=5')).to.deep.equal({ seqs: [2, 3, 4], next: '2' })
    expect(await read('limit=3&afterSeq=0&cursor=3')).to.deep.equal({ seqs: [4, 5, 6], next: '6' })
    for (const query of [
      'cursor=x',
      'cursor=0',
      'cursor=-1',
      'cursor=1.5',
      'beforeSeq=3&afterSeq=1',
      'beforeSeq=0',
      'afterSeq=-1',
      'limit=101',
      'page=2',
    ])
      expect((await user.get(`${path}?${query}`)).status, query).to.equal(400)
  })

  it('can be named and put away; each change raises the version that watchers compare', async () => {
    const { conversationId } = await talk('Name me')
    const path = `/api/chat/conversations/${conversationId}`
    const { version } = Object((await user.get(path)).body)
    const renamed = Object((await user.patch(path, { title: '  A title ' })).body)
    expect(renamed).to.deep.include({ title: 'A title', archived: false })
    expect(renamed.version).to.be.greaterThan(version)
    const archived = Object((await user.patch(path, { archived: true })).body)
    expect(archived).to.deep.include({ title: 'A title', archived: true })
    expect(idsOf((await user.get('/api/chat/conversations?archived=true')).body)).to.deep.equal([conversationId])
    expect(idsOf((await user.get('/api/chat/conversations?archived=false')).body)).not.to.include(conversationId)
    for (const body of [
      {},
      { title: '' },
      { title: 'x'.repeat(201) },
      { archived: 'yes' },
      { agentIds: [] },
      { title: 'a\0b' },
    ])
      expect((await user.patch(path, body)).status, JSON.stringify(body)).to.equal(400)
  })

  it('of others do not exist, on every verb', async () => {
    const { conversationId } = await talk('Private')
    const other = await app.api.register()
    for (const id of [conversationId, randomUUID()]) {
      const path = `/api/chat/conversations/${id}`
      const answers = await Promise.all([other.get(path), other.patch(path, { title: 'Mine' }), other.delete(path)])
      expect(answers.map(({ status }) => status)).to.deep.equal([404, 404, 404])
      for (const answer of answers) expect(errorOf(answer).code).to.equal('conversation.not_found')
    }
    expect(Object((await user.get(`/api/chat/conversations/${conversationId}`)).body).title).not.to.equal('Mine')
  })

  it('that are deleted are gone with their runs; what they cost stays in the books', async () => {
    const { conversationId, runId } = await talk('Forget this')
    const { spent } = await app.container.ledgerService.balance(user.id)
    expect((await user.delete(`/api/chat/conversations/${conversationId}`)).status).to.equal(204)
    expect((await user.get(`/api/chat/conversations/${conversationId}`)).status).to.equal(404)
    expect((await user.get(`/api/chat/runs/${runId}`)).status).to.equal(404)
    expect((await user.delete(`/api/chat/conversations/${conversationId}`)).status).to.equal(404)
    expect((await app.container.ledgerService.balance(user.id)).spent).to.equal(spent)
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
  })

  it('that are deleted while agents talk hang up on the provider and leave nothing held or waiting', async () => {
    const hold = llm.hold(2)
    llm.reply({ text: 'Words that are cut off in the middle of it all.', hold })
    const { conversationId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Talk' })
    const request = await hold.reached
    await wordsAreLive(app.container.feed, conversationId)
    const waiting = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Later', conversationId })
    expect(waiting.status).to.equal('pending')
    expect((await app.container.ledgerService.balance(user.id)).held > 0n).to.equal(true)
    expect((await user.delete(`/api/chat/conversations/${conversationId}`)).status).to.equal(204)
    expect(await app.container.ledgerService.balance(user.id)).to.deep.include({ held: 0n })
    expect(await request.ended).to.equal('aborted')
    const [left] = await app.container.db.query(
      `SELECT (SELECT count(*)::int FROM runs WHERE conversation_id = $1) AS runs,
         (SELECT count(*)::int FROM messages WHERE conversation_id = $1) AS messages,
         (SELECT count(*)::int FROM holds WHERE user_id = $2 AND status = 'pending') AS holds`,
      [conversationId, user.id],
    )
    expect(left).to.deep.equal({ runs: 0, messages: 0, holds: 0 })
    expect((await verifyLedger(app.container.db)).differences).to.deep.equal([])
    // The worker is free, and the user may go on elsewhere.
    llm.reset()
    await talk('Something else')
  })

  it('that are deleted while agents talk take their live text along', async () => {
    const hold = llm.hold(2)
    llm.reply({ text: 'Words that nobody is to see any more.', hold })
    const { conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Talk' })
    const request = await hold.reached
    await wordsAreLive(app.container.feed, conversationId)
    expect((await user.delete(`/api/chat/conversations/${conversationId}`)).status).to.equal(204)
    await request.ended
    expect(await app.container.feed.read(conversationId)).to.deep.equal([])
  })

  it('that are deleted while their first turn waits for a worker call no provider', async () => {
    const { container } = app
    llm.reply('Never said.')
    const accepted = await container.transactions.run(async (tx) => {
      // The worker's claim waits for this lock, so that the deletion comes first.
      const { conversationId } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'Hello' })
      await container.conversationRepository.lock(conversationId, tx)
      await container.cancelService.abandon({ conversationId }, tx)
      await container.conversationRepository.delete(conversationId, tx)
      return conversationId
    })
    expect((await user.get(`/api/chat/conversations/${accepted}`)).status).to.equal(404)
    await talk('The worker is alive')
    expect((await verifyLedger(container.db)).differences).to.deep.equal([])
    expect(await container.ledgerService.balance(user.id)).to.deep.include({ held: 0n })
  })
})
