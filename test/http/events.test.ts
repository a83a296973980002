import { expect } from 'chai'
import type { ServerEvent } from '../../src/contract/events.ts'
import { acceptedView, conversationView, messageView, runView } from '../../src/contract/views.ts'
import { newId } from '../../src/shared/ids.ts'
import type { TestUser } from '../support/api-client.ts'
import { errorOf } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { EventReader } from '../support/event-reader.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { eventually } from '../support/pace.ts'

const LONG = 'The quick brown fox 🦊 jumps over the lazy dog, again and again. '.repeat(6)

describe('Event streams (SSE)', function () {
  this.timeout(30_000)
  let llm: MockLlm
  let user: TestUser
  let agentIds: string[]
  const app = useApp({ env: { SSE_HEARTBEAT_MS: '50' } })
  const readers: EventReader[] = []

  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())
  beforeEach(async () => {
    llm.reset()
    user = await app.api.register()
    agentIds = await user.agentsOn({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }, [
      'Ada',
      'Blaise',
    ])
  })
  afterEach(() => {
    for (const reader of readers.splice(0)) reader.close()
  })

  const open = async (path: string, lastEventId?: string, as: TestUser = user) => {
    const reader = await EventReader.open(app.url + path, as.token, lastEventId)
    readers.push(reader)
    return reader
  }
  const party = (maxTurns: number) =>
    user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns })
  const text = (message: { content: string }) => message.content

  it('tells a party from its snapshot to its end, and ends with the run', async () => {
    const hold = llm.hold(3)
    llm.replyOnce({ text: LONG, hold }).reply(LONG)
    const { runId, conversationId } = await party(2)
    await hold.reached
    const reader = await open(`/api/chat/runs/${runId}/events`)
    expect(reader.headers.get('content-type')).to.match(/^text\/event-stream/)
    expect(reader.headers.get('x-accel-buffering')).to.equal('no')
    expect(reader.headers.get('content-encoding')).to.equal(null)
    await reader.until((event) => event.type === 'conversation.snapshot')
    hold.release()
    await reader.ended
    expect(reader.events.at(-1)).to.nested.include({ type: 'run.completed', 'run.id': runId })
    const messages = await user.messages(conversationId)
    expect(messages).to.have.length(3)
    expect(reader.texts()).to.deep.equal(messages.slice(1).map(text))
    expect(reader.comments).to.be.greaterThan(0)
    // An EventSource comes back by itself: there is nothing more to come.
    const again = await fetch(`${app.url}/api/chat/runs/${runId}/events`, {
      headers: { authorization: `Bearer ${user.token}`, 'last-event-id': reader.lastEventId },
    })
    expect(again.status).to.equal(204)
  })

  it('ends when its conversation is deleted: whoever comes again is told that there is none', async () => {
    const hold = llm.hold(3)
    llm.reply({ text: LONG, hold })
    const { conversationId } = await party(2)
    const reader = await open(`/api/chat/conversations/${conversationId}/events`)
    await hold.reached
    await user.delete(`/api/chat/conversations/${conversationId}`)
    await reader.ended
    const again = open(`/api/chat/conversations/${conversationId}/events`, reader.lastEventId)
    expect(await again.catch(String)).to.include('answered 404')
  })

  it('answers a finished run with its messages and its end, and ends', async () => {
    llm.reply('Short.')
    const { runId } = await party(2)
    await user.finished(runId)
    const reader = await open(`/api/chat/runs/${runId}/events`)
    await reader.ended
    expect(reader.events.map(({ type }) => type)).to.deep.equal(['conversation.snapshot', 'run.completed'])
    expect(reader.texts()).to.deep.equal(['Short.', 'Short.'])
  })

  it('follows a run that waits for another to end', async () => {
    const hold = llm.hold(1)
    llm.replyOnce({ text: 'First.', hold, chunkSize: 2 }).reply('Second.')
    const first = await user.accept('/api/chat', { agentId: agentIds[0], message: 'one' })
    await hold.reached
    const { conversationId } = first
    const second = await user.accept('/api/chat', { agentId: agentIds[0], message: 'two', conversationId })
    expect(second.status).to.equal('pending')
    const reader = await open(`/api/chat/runs/${second.runId}/events`)
    await reader.until((event) => event.type === 'run.updated')
    hold.release()
    await reader.ended
    expect(reader.texts()).to.deep.equal(['Second.'])
    expect(JSON.stringify(reader.events)).not.to.contain('First.')
  })

  it('resumes at the very character, wherever it was cut', async () => {
    llm.reply({ text: LONG, paceMs: 2 })
    const { runId, conversationId } = await party(4)
    const events: ServerEvent[] = []
    let lastEventId: string | undefined
    for (let cut = 0; ; cut++) {
      const reader = await open(`/api/chat/conversations/${conversationId}/events`, lastEventId)
      const first = events.length === 0
      let count = 0
      await reader.until((event) => event.type === 'run.completed' || ++count >= 3 + (cut % 5))
      reader.close()
      // What came behind the cut was never read.
      events.push(...reader.events)
      lastEventId = reader.lastEventId
      expect(reader.events[0]?.type === 'conversation.snapshot').to.equal(first)
      if (reader.events.some(({ type }) => type === 'run.completed')) break
      // Now and then long enough away to miss whole turns.
      if (cut % 7 === 6) await new Promise((resolve) => setTimeout(resolve, 400))
    }
    await user.finished(runId)
    const messages = await user.messages(conversationId)
    expect(messages).to.have.length(5)
    expect(EventReader.textsOf(events)).to.deep.equal(messages.slice(1).map(text))
    expect(EventReader.messagesOf(events)).to.deep.equal(messages.map(({ id }) => id))
    // By the query, for those who cannot set a header; and what is not ours begins anew.
    const path = `/api/chat/conversations/${conversationId}/events`
    const quiet = await open(`${path}?lastEventId=${lastEventId}`)
    await quiet.commented()
    expect(quiet.events).to.deep.equal([])
    const anew = await open(path, 'forged')
    await anew.until(({ type }) => type === 'conversation.snapshot')
  })

  it('is for the owner only', async () => {
    llm.reply('Hi.')
    const { runId, conversationId } = await party(1)
    await user.finished(runId)
    const stranger = await app.api.register()
    for (const [path, code] of [
      [`/api/chat/runs/${runId}/events`, 'run.not_found'],
      [`/api/chat/conversations/${conversationId}/events`, 'conversation.not_found'],
    ] as const) {
      const refused = await stranger.get(path)
      expect(refused.status).to.equal(404)
      expect(errorOf(refused).code).to.equal(code)
      expect((await app.api.get(path)).status).to.equal(401)
    }
    expect((await user.get(`/api/chat/runs/${newId()}/events`)).status).to.equal(404)
    expect((await user.get(`/api/chat/runs/${runId}/events?more=1`)).status).to.equal(400)
  })

  it('ends with its session, and lets one user open so many', async () => {
    llm.reply('Hi.')
    const { runId, conversationId } = await party(1)
    await user.finished(runId)
    const path = `/api/chat/conversations/${conversationId}/events`
    const many = await Promise.all(Array.from({ length: 20 }, () => open(path)))
    expect(errorOf(await user.get(path)).code).to.equal('stream.too_many')
    await user.post('/api/auth/logout', undefined)
    await Promise.all(many.map((reader) => reader.ended))
    expect((await user.get(path)).status).to.equal(401)
  })
})

describe('Prefer: wait', function () {
  this.timeout(30_000)
  let llm: MockLlm
  let user: TestUser
  let agentIds: string[]
  const app = useApp()
  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())
  beforeEach(async () => {
    llm.reset()
    user = await app.api.register()
    agentIds = await user.agentsOn({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }, [
      'Ada',
      'Blaise',
    ])
  })
  const body = { message: 'Tea or coffee?', maxTurns: 2 }
  const send = (prefer: string, headers = {}) =>
    user.post('/api/chat/multi-agent', { ...body, agentIds }, { prefer, ...headers })

  it('answers 200 with the run and its messages when it ends in time, and at once when it is repeated', async () => {
    llm.reply('Tea.')
    const answer = await send('respond-async, wait=30', { 'idempotency-key': 'once' })
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('preference-applied')).to.equal('wait=30')
    const { run: finished, messages, ...accepted } = Object(answer.body)
    expect(acceptedView.strict().parse(accepted).status).to.equal('completed')
    expect(runView.parse(finished)).to.deep.equal(await user.run(accepted.runId))
    expect(messageView.array().parse(messages)).to.deep.equal(await user.messages(accepted.conversationId))
    const again = await send('wait=1', { 'idempotency-key': 'once' })
    expect(again.status).to.equal(200)
    expect(again.body).to.deep.equal(answer.body)
    const single = await user.post('/api/chat', { agentId: agentIds[0], message: 'Hi' }, { prefer: 'wait=30' })
    expect(single.status).to.equal(200)
  })

  it('answers the 202 when the run takes longer, without a database connection meanwhile', async () => {
    const hold = llm.hold(0)
    llm.reply({ text: 'Tea.', hold })
    let isOver = false
    const waiting = send('wait=3').finally(() => {
      isOver = true
    })
    await hold.reached
    // The reconciler's transaction comes and goes; one of the request would be there all the time.
    await eventually(async () => {
      const [row] = await app.container.db.query(
        `SELECT count(*)::int AS held FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`,
      )
      return row.held === 0
    })
    expect(isOver).to.equal(false)
    const answer = await waiting
    expect(answer.status).to.equal(202)
    expect(answer.headers.get('preference-applied')).to.equal('wait=3')
    const accepted = acceptedView.strict().parse(answer.body)
    hold.release()
    await user.finished(accepted.runId)
  })

  it('does not wait without a preference, for none that it knows, or for zero', async () => {
    const hold = llm.hold(0)
    llm.reply({ text: 'Tea.', hold })
    for (const prefer of ['wait=0', 'wait=soon', 'handling=lenient', '']) {
      const answer = await send(prefer)
      expect(answer.status).to.equal(202)
      expect(answer.headers.get('preference-applied')).to.equal(null)
    }
    hold.release()
  })

  it('stops waiting when the client goes away; the run goes on', async () => {
    const { feed } = app.container
    const subscribe = feed.subscribe.bind(feed)
    const subscribed = Promise.withResolvers<void>()
    const unsubscribed = Promise.withResolvers<void>()
    feed.subscribe = async (id, listener) => {
      const unsubscribe = await subscribe(id, listener)
      subscribed.resolve()
      return () => unsubscribe().then(unsubscribed.resolve)
    }
    const hold = llm.hold(0)
    llm.reply({ text: 'Tea.', hold })
    const abort = new AbortController()
    try {
      const leaving = fetch(`${app.url}/api/chat`, {
        method: 'POST',
        headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/json', prefer: 'wait=60' },
        body: JSON.stringify({ agentId: agentIds[0], message: 'Hi' }),
        signal: abort.signal,
      }).catch((error: unknown) => error)
      await Promise.all([subscribed.promise, hold.reached])
      abort.abort()
      await Promise.all([unsubscribed.promise, leaving])
    } finally {
      feed.subscribe = subscribe
    }
    hold.release()
    const { data } = Object((await user.get('/api/chat/conversations')).body)
    const [conversation] = conversationView.array().parse(data)
    const runId = conversation?.activeRun?.id
    if (runId) await user.finished(runId)
    expect((await user.messages(conversation?.id ?? '')).map(({ content }) => content)).to.deep.equal(['Hi', 'Tea.'])
  })

  it('sees the end of a run whose event was lost', async () => {
    const { feed } = app.container
    const publish = feed.publish.bind(feed)
    llm.reply('Tea.')
    feed.publish = async (id, event) => {
      if (!('run' in event)) await publish(id, event)
    }
    try {
      expect((await send('wait=30')).status).to.equal(200)
    } finally {
      feed.publish = publish
    }
  })
})
