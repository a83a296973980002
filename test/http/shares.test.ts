import { expect } from 'chai'
import { ApiError, ChatspartyClient } from '../../src/client/client.ts'
import { type ShareView, sharedPageView, shareView } from '../../src/contract/share-views.ts'
import { loggedPath } from '../../src/http/logged-path.ts'
import { StreamPosition } from '../../src/realtime/stream-position.ts'
import { newId } from '../../src/shared/ids.ts'
import { shareKeyOf, signShare } from '../../src/shares/share-token.ts'
import { type Answer, errorOf, type TestUser } from '../support/api-client.ts'
import { ADMIN, testSettings, useApp } from '../support/app.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { SharedReader } from '../support/shared-reader.ts'
import { useStatementCounter } from '../support/statement-counter.ts'

const WORDS = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich, immer wieder. '

describe('Links to conversations', function () {
  this.timeout(60_000)
  let llm: MockLlm
  let owner: TestUser
  let agentIds: string[]
  const count = useStatementCounter()
  const app = useApp({ env: { SHARE_REQUESTS_PER_MINUTE: '1000000', USER_SHARES: '4' } })
  const readers: SharedReader[] = []

  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())
  beforeEach(async () => {
    llm.reset()
    owner = await app.api.register()
    agentIds = await owner.agentsOn({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }, [
      'Ada',
      'Blaise',
    ])
  })
  afterEach(() => {
    for (const reader of readers.splice(0)) reader.close()
  })

  const party = (maxTurns: number) =>
    owner.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns })
  const said = async (words = 'Tea.') => {
    llm.reply(words)
    const accepted = await party(2)
    await owner.finished(accepted.runId)
    return accepted
  }
  const share = async (conversationId: string, body = {}): Promise<ShareView> => {
    const answer = await owner.post(`/api/chat/conversations/${conversationId}/shares`, body)
    expect(answer.status).to.equal(201)
    return shareView.parse(answer.body)
  }
  const look = (token: string, query = '') => app.api.get(`/api/shared/${token}${query}`)
  const watch = async (token: string, lastEventId?: string) => {
    const reader = await SharedReader.open(app.url, token, lastEventId)
    readers.push(reader)
    return reader
  }
  const refusal = ({ status, body, headers }: Answer) => ({
    status,
    body,
    robots: headers.get('x-robots-tag'),
    kept: headers.get('cache-control'),
    referrer: headers.get('referrer-policy'),
  })

  it('show it to whoever has one, without an account: who speaks and what was said, and nothing of its owner', async () => {
    await owner.put('/api/auth/profile', { name: 'Secretname' })
    const secret = { name: 'Uma', instructions: 'INSTRUCTION-MARK', characteristics: 'CHARACTER-MARK', avatar: '🦊' }
    agentIds = [await owner.create('/api/agents', secret), agentIds[0] ?? '']
    const fileId = await owner.upload('filename-mark.txt', 'text/plain', 'FILE-MARK')
    await owner.fileSettled(fileId)
    const body = { agentIds, message: 'Tea?', maxTurns: 2, fileIds: [fileId] }
    const { conversationId, runId } = await owner.accept('/api/chat/multi-agent', body)
    await owner.finished(runId)
    const messages = await owner.messages(conversationId)
    const feedback = { value: 'down', comment: 'COMMENT-MARK' }
    await owner.put(`/api/chat/messages/${messages[1]?.id}/feedback`, feedback)
    await owner.request('PATCH', `/api/chat/conversations/${conversationId}`, { title: '<script>alert(1)</script>' })
    const { token, path } = await share(conversationId)
    expect(path).to.equal(`/s/${token}`)
    const answer = await look(token)
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-type')).to.match(/^application\/json/)
    expect(refusal(answer)).to.include({ robots: 'noindex, nofollow', kept: 'no-store', referrer: 'no-referrer' })
    const page = sharedPageView.parse(answer.body)
    expect(page.title).to.equal('<script>alert(1)</script>')
    expect(page.messages.data.map(({ content }) => content)).to.deep.equal(messages.map(({ content }) => content))
    expect(page.messages.data[0]?.fileCount).to.equal(1)
    expect(page.speakers[0]).to.deep.include({ name: 'Uma', avatar: '🦊' })
    expect(page.lastRun).to.deep.include({ id: runId, end: 'limit' })
    const reader = await watch(token)
    expect(reader.headers.get('cache-control')).to.include('no-store')
    expect(reader.headers.get('x-robots-tag')).to.equal('noindex, nofollow')
    await reader.until(({ events }) => events.length > 0)
    const all = JSON.stringify(answer.body) + reader.raw
    for (const mark of ['MARK', 'mark', 'Secretname', owner.email, owner.id, 'credits', 'usage', 'receipt', fileId])
      expect(all, mark).not.to.include(mark)
    // What is opened is this, and nothing beside it.
    const bearer = { authorization: `Bearer ${token}` }
    for (const other of [`/api/chat/conversations/${conversationId}`, `/api/storage/files/${fileId}`, '/api/auth/me'])
      expect((await app.api.request('GET', other, undefined, bearer)).status).to.equal(401)
  })

  it('page what was said, and no more at once than anybody may have', async () => {
    const { conversationId } = await said()
    const { token } = await share(conversationId)
    const last = sharedPageView.parse((await look(token, '?limit=1')).body).messages
    expect([last.data.map(({ seq }) => seq), last.nextCursor]).to.deep.equal([[3], '3'])
    const first = sharedPageView.parse((await look(token, `?limit=2&beforeSeq=${last.nextCursor}`)).body).messages
    expect([first.data.map(({ seq }) => seq), first.nextCursor]).to.deep.equal([[1, 2], null])
    const queries = ['limit=101', 'limit=1e9', 'afterSeq=-1', 'beforeSeq=0', 'beforeSeq=99999999999', 'cursor=x']
    for (const query of [...queries, 'userId=1', 'limit=1&limit=2'])
      expect((await look(token, `?${query}`)).status, query).to.equal(400)
  })

  it('are listed with their tokens, for their owner alone, and are so many at most', async () => {
    const { conversationId } = await said()
    const { conversationId: other } = await said()
    const links = [await share(conversationId), await share(other), await share(conversationId)]
    const listed = async (path: string) => Object((await owner.get(path)).body).data.map(({ id }: ShareView) => id)
    const [a, b, c] = links.map(({ id }) => id)
    expect(await listed('/api/shares')).to.deep.equal([c, b, a])
    expect(await listed(`/api/chat/conversations/${conversationId}/shares`)).to.deep.equal([c, a])
    expect((await owner.get('/api/shares?limit=1')).body).to.deep.include({ data: [links[2]], nextCursor: c })
    expect(await listed(`/api/shares?limit=1&cursor=${c}`)).to.deep.equal([b])
    const late = await share(conversationId, { expiresAt: new Date(Date.now() + 3_600_000).toISOString() })
    const refused = await owner.post(`/api/chat/conversations/${conversationId}/shares`, {})
    expect([refused.status, errorOf(refused).code]).to.deep.equal([409, 'share.too_many'])
    await app.container.db.query('UPDATE shares SET expires_at = now() WHERE id = $1', [late.id])
    expect(await listed('/api/shares')).to.deep.equal([c, b, a])
    // One that is over takes no room.
    await share(conversationId)
    const stranger = await app.api.register()
    expect(Object((await stranger.get('/api/shares')).body).data).to.deep.equal([])
    expect((await stranger.delete(`/api/shares/${a}`)).status).to.equal(404)
    for (const body of [{ expiresAt: '2020-01-01T00:00:00Z' }, { until: 1 }, { expiresAt: 'x' }])
      expect((await owner.post(`/api/chat/conversations/${conversationId}/shares`, body)).status).to.equal(400)
  })

  it('that are none, or not any more, are all answered the same, and cost no look into the database', async () => {
    const { conversationId } = await said()
    const { token, id } = await share(conversationId)
    const key = shareKeyOf(testSettings.JWT_SECRET)
    const none = refusal(await look(signShare(key, newId())))
    expect(none).to.deep.include({ status: 404, robots: 'noindex, nofollow', kept: 'no-store' })
    expect(Object(none.body).error.code).to.equal('share.not_found')
    const guesses = ['x', id, `${token}A`, `${token.slice(0, -2)}AA`, `${token}=`, token.slice(0, 63), 'A'.repeat(64)]
    guesses.push(`%20${token}`, `${token.slice(0, 30)}.${token.slice(30)}`, 'A'.repeat(4_000), '%F0%9F%A6%8A')
    guesses.push(signShare(shareKeyOf('another secret of another server'), id), '..%2f..%2fapi%2fauth%2fme')
    const { statements } = await count.during(async () => {
      for (const guess of guesses) {
        expect(refusal(await look(guess)), guess).to.deep.equal(none)
        expect(await SharedReader.open(app.url, guess).catch(String), guess).to.include('answered 404')
      }
    })
    expect(statements.filter((sql) => sql.includes('shares'))).to.deep.equal([])
  })

  const ends: Array<[string, (link: ShareView, conversationId: string) => Promise<unknown>]> = [
    ['it is revoked', ({ id }) => owner.delete(`/api/shares/${id}`)],
    [
      'its time is over',
      ({ id }) => app.container.db.query('UPDATE shares SET expires_at = now() WHERE id = $1', [id]),
    ],
    [
      'its conversation is archived',
      (_, id) => owner.request('PATCH', `/api/chat/conversations/${id}`, { archived: true }),
    ],
    ['its conversation is deleted', (_, id) => owner.delete(`/api/chat/conversations/${id}`)],
    ['its owner deletes the account', () => owner.delete(`/api/users/${owner.id}`)],
    [
      'its owner is suspended',
      async () => {
        const admin = await app.api.login(ADMIN.email, ADMIN.password)
        await admin.post(`/api/users/${owner.id}/suspend`, { reason: 'spam' })
      },
    ],
  ]
  for (const [why, end] of ends) {
    it(`ends when ${why}, in the middle of a word too`, async () => {
      const { conversationId } = await said()
      const hold = llm.hold(3)
      llm.reply({ text: WORDS, hold })
      const link = await share(conversationId)
      await owner.accept('/api/chat', { agentId: agentIds[0], message: 'And now?', conversationId })
      const reader = await watch(link.token)
      await hold.reached
      await reader.until(({ words }) => words.includes('Zwölf'))
      await end(link, conversationId)
      await reader.ended
      const had = reader.raw
      hold.release()
      expect(had).not.to.include('Deich')
      const none = refusal(await look(signShare(shareKeyOf(testSettings.JWT_SECRET), newId())))
      expect(refusal(await look(link.token))).to.deep.equal(none)
      expect(await SharedReader.open(app.url, link.token, reader.lastEventId).catch(String)).to.include('answered 404')
    })
  }

  it('rest while the conversation is archived, and are seen again with it', async () => {
    const { conversationId } = await said()
    const { token } = await share(conversationId)
    await owner.request('PATCH', `/api/chat/conversations/${conversationId}`, { archived: true })
    expect((await look(token)).status).to.equal(404)
    await owner.request('PATCH', `/api/chat/conversations/${conversationId}`, { archived: false })
    expect((await look(token)).status).to.equal(200)
  })

  it('show words as they come, and go on at the very character after a drop', async () => {
    const hold = llm.hold(3)
    llm.replyOnce({ text: WORDS, hold }).reply('Coffee.')
    const { runId, conversationId } = await party(2)
    const { token } = await share(conversationId)
    await hold.reached
    const first = await watch(token)
    await first.until(({ words }) => words.length > 0)
    first.close()
    hold.release()
    await owner.finished(runId)
    const second = await watch(token, first.lastEventId)
    await second.until(({ events }) => events.some(({ type }) => type === 'run.completed'))
    expect(second.events.some(({ type }) => type === 'conversation.snapshot')).to.equal(false)
    const rest = second.events.flatMap((event) => (event.type === 'turn.delta' ? [event.text] : []))
    expect(first.words + rest.join('|')).to.equal(`${WORDS}|Coffee.`)
  })

  it('show a conversation as it stands: words that were taken back are sent to nobody', async () => {
    const { conversationId } = await said('REGRETTED words.')
    const { token } = await share(conversationId)
    const before = await watch(token)
    await before.until(({ events }) => events.length > 0)
    const messages = await owner.messages(conversationId)
    llm.reply('Better words.')
    const edited = await owner.post(`/api/chat/messages/${messages[0]?.id}/edit`, { message: 'Otherwise?' })
    expect(edited.status).to.equal(202)
    await owner.finished(Object(edited.body).runId)
    await before.until(({ words }) => words.includes('Better'))
    expect(before.events.filter((event) => event.type === 'message.created').length).to.be.greaterThan(2)
    const fresh = await watch(token)
    await fresh.until(({ events }) => events.length > 0)
    const behind = new StreamPosition(conversationId)
    const late = await watch(token, behind.toString())
    await late.until(({ words }) => words.includes('Better'))
    const page = JSON.stringify((await look(token)).body)
    for (const seen of [fresh.raw, late.raw, page]) {
      expect(seen).to.include('Better words.')
      expect(seen).not.to.match(/REGRETTED|Tea or coffee/)
    }
  })

  it('are followed by the typed client without an account, over drops, until they lead nowhere', async () => {
    const hold = llm.hold(3)
    llm.replyOnce({ text: WORDS, hold }).reply('Coffee.')
    const { runId, conversationId } = await party(2)
    const link = await share(conversationId)
    await hold.reached
    // A connection that drops after each piece.
    let cuts = 0
    const dropping: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      const isStream = response.status === 200 && cuts++ < 3
      return isStream ? new Response(firstPiece(response), response) : response
    }
    const client = new ChatspartyClient({ url: app.url, fetch: dropping })
    const states: boolean[] = []
    const followed = client.shares.follow(link.token, { onConnection: (is) => states.push(is) })
    const texts = new Map<string, string>()
    const ended = await (async () => {
      for await (const change of followed) {
        if (change.type === 'turn.text') {
          const key = `${change.runId}:${change.turn}`
          texts.set(key, (texts.get(key) ?? '') + change.text)
          hold.release()
        }
        if (change.type === 'turn.reset') throw new Error('nothing was taken back')
        if (change.type === 'run.ended') {
          expect(change.run).to.deep.include({ id: runId, stopReason: 'max_turns' })
          expect((await owner.delete(`/api/shares/${link.id}`)).status).to.equal(204)
        }
      }
    })().catch((error: unknown) => error)
    expect(ended).to.be.instanceOf(ApiError).with.property('code', 'share.not_found')
    expect([...texts.values()]).to.deep.equal([WORDS, 'Coffee.'])
    expect(followed.state.messages.map(({ content }) => content)).to.deep.equal(['Tea or coffee?', WORDS, 'Coffee.'])
    expect(states.slice(0, 4)).to.deep.equal([true, false, true, false])
    expect(cuts).to.be.at.least(2)
  })

  it('open nothing by a position that names runs of other conversations', async () => {
    const { conversationId } = await said()
    const other = await said()
    const { token } = await share(conversationId)
    const position = new StreamPosition(conversationId)
    position.open(other.runId)
    const reader = await watch(token, position.toString())
    await reader.until(({ words }) => words.includes('Tea.'))
    expect(reader.raw).not.to.include(`"id":"${other.runId}"`)
    // One of another conversation, or of none, begins anew.
    for (const bad of [new StreamPosition(other.conversationId).toString(), 'x', 'A'.repeat(8_000)]) {
      const anew = await watch(token, bad)
      await anew.until(({ events }) => events[0]?.type === 'conversation.snapshot')
    }
  })

  it('are in the audit log, without their tokens', async () => {
    const { conversationId } = await said()
    const link = await share(conversationId)
    expect((await owner.delete(`/api/shares/${link.id}`)).status).to.equal(204)
    const admin = await app.api.login(ADMIN.email, ADMIN.password)
    const { body } = await admin.get(`/api/admin/audit?targetId=${link.id}`)
    expect(
      Object(body).data.map(({ action, actorId, details }: Record<string, unknown>) => [action, actorId, details]),
    ).to.deep.equal([
      ['share.revoked', owner.id, { conversationId }],
      ['share.created', owner.id, { conversationId, expiresAt: null }],
    ])
    expect(JSON.stringify(body)).not.to.include(link.token)
    const secret = `/${link.token.slice(0, 20)}`
    for (const path of [
      link.path,
      `/api/shared/${link.token}/events`,
      `/API/Shared/${link.token}`,
      `//s/${link.token}`,
    ])
      expect(loggedPath(path), path).not.to.include(secret)
    expect(loggedPath(`/elsewhere/${link.token}`)).to.equal('/elsewhere/...')
    expect(loggedPath(`/api/shared/${link.token.slice(0, 25)}`)).to.equal('/api/shared/...')
    expect(loggedPath(`/api/chat/runs/${link.id}/events`)).to.equal(`/api/chat/runs/${link.id}/events`)
  })
})

describe('Links to conversations, and many who watch', function () {
  this.timeout(60_000)
  const limits = { SHARE_WATCHERS: '3', NETWORK_SHARE_WATCHERS: '5', ALL_SHARE_WATCHERS: '7', TRUST_PROXY: '1' }
  const app = useApp({ env: { ...limits, SHARE_REQUESTS_PER_MINUTE: '30' } })

  it('are bounded by link, by network and in all; who has signed in has room as before', async () => {
    const owner = await app.api.register()
    const { conversationId, runId } = await owner.accept('/api/chat', {
      agentId: '01990000-0000-7000-8000-0000000000a1',
      message: 'Hello',
    })
    await owner.finished(runId)
    const tokens = await Promise.all(
      Array.from({ length: 4 }, async () =>
        shareView.parse((await owner.post(`/api/chat/conversations/${conversationId}/shares`, {})).body),
      ),
    )
    const open = async (link: number, address: string) => {
      const gone = new AbortController()
      const path = `/api/shared/${tokens[link]?.token}/events`
      const headers = { 'x-forwarded-for': address }
      const answer = await fetch(app.url + path, { headers, signal: gone.signal })
      if (answer.status === 200) return { status: 200, close: () => gone.abort() }
      return { status: answer.status, code: Object(await answer.json()).error.code, close: () => {} }
    }
    const opened: Array<{ close(): void }> = []
    const expectOpen = async (link: number, address: string, status = 200, code?: string) => {
      const one = await open(link, address)
      expect(one, `${link} ${address}`).to.deep.include({ status, ...(code && { code }) })
      opened.push(one)
    }
    for (let i = 0; i < 3; i++) await expectOpen(0, '192.0.2.1')
    await expectOpen(0, '192.0.2.2', 429, 'stream.too_many')
    for (let i = 0; i < 2; i++) await expectOpen(1, '192.0.2.1')
    await expectOpen(1, '192.0.2.1', 429, 'stream.too_many')
    await expectOpen(2, '192.0.2.2')
    await expectOpen(2, '192.0.2.3')
    await expectOpen(3, '192.0.2.4', 503, 'server.busy')
    const reader = await fetch(`${app.url}/api/chat/conversations/${conversationId}/events`, {
      headers: { authorization: `Bearer ${owner.token}` },
    })
    expect(reader.status).to.equal(200)
    await reader.body?.cancel()
    for (const one of opened) one.close()
    // Each request of a network counts, whatever it names; another network is not concerned.
    const statuses: number[] = []
    const look = (address: string) =>
      app.api.request('GET', `/api/shared/${tokens[0]?.token}x`, undefined, { 'x-forwarded-for': address })
    for (let i = 0; i < 31; i++) statuses.push((await look('198.51.100.7')).status)
    expect(statuses.slice(0, 30).every((status) => status === 404)).to.equal(true)
    expect(statuses[30]).to.equal(429)
    expect((await look('198.51.100.8')).status).to.equal(404)
  })
})

/** The beginning of a stream, which ends then as a connection that is cut. */
function firstPiece(response: Response): ReadableStream<Uint8Array> {
  const reader = response.body?.getReader()
  let pieces = 0
  return new ReadableStream({
    async pull(controller) {
      const piece = await reader?.read()
      if (piece?.value && pieces++ < 2) controller.enqueue(piece.value)
      else {
        await reader?.cancel()
        controller.close()
      }
    },
  })
}
