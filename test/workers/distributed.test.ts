import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import jwt from 'jsonwebtoken'
import { ChatspartyClient } from '../../src/client/client.ts'
import { acceptedView } from '../../src/contract/views.ts'
import type { LiveAttempt } from '../../src/realtime/live-feed.ts'
import { RedisFeed } from '../../src/realtime/redis-feed.ts'
import { newId } from '../../src/shared/ids.ts'
import type { TestUser } from '../support/api-client.ts'
import { testSettings } from '../support/app.ts'
import { useCluster } from '../support/cluster.ts'
import { EventReader } from '../support/event-reader.ts'
import { Screen } from '../support/screen.ts'
import { SocketTap } from '../support/socket-tap.ts'

const LONG = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '.repeat(8)
const MEGABYTE = 1_048_576

/** Reads an event stream until the text of its deltas is as wanted; answers that text. @throws Error at a gap */
async function readUntil(stream: IncomingMessage, isEnough: (text: string) => boolean): Promise<string> {
  let [buffer, text] = ['', '']
  for await (const chunk of stream.setEncoding('utf8')) {
    const blocks = (buffer + chunk).split('\n\n')
    buffer = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^event: turn.delta\ndata: (.*)$/m.exec(block)?.[1]
      const delta = data && JSON.parse(data)
      if (delta?.attempt !== 90) continue
      if (delta.offset !== text.length) throw new Error(`at ${text.length} came offset ${delta.offset}`)
      text += delta.text
    }
    if (isEnough(text)) break
  }
  return text
}

describe('Two web nodes and two workers', function () {
  this.timeout(60_000)
  const at = useCluster({ webs: 2, workers: 2 })
  let user: TestUser
  let agentIds: string[]
  const open: { close(): void }[] = []

  beforeEach(async () => {
    at.llm.reset()
    user = await at.cluster.api().register()
    agentIds = await Promise.all(
      ['Ada', 'Blaise'].map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })),
    )
  })
  afterEach(() => {
    for (const one of open.splice(0)) one.close()
  })

  const keep = <T extends { close(): void }>(one: T): T => {
    open.push(one)
    return one
  }
  const party = (maxTurns: number) =>
    user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns })
  const device = (web: number) => keep(new ChatspartyClient({ url: at.cluster.web(web).url, token: user.token }))
  const tap = (web: number, token: string | null = user.token) => keep(new SocketTap(at.cluster.web(web).url, token))
  const spoken = async (conversationId: string) =>
    (await user.messages(conversationId)).filter(({ role }) => role === 'agent').map(({ content }) => content)

  it('show every character once on every device, to the late one too, and one that leaves stops nothing', async () => {
    at.llm.reply({ text: LONG, paceMs: 5, chunkSize: 16 })
    const { runId, conversationId } = await party(4)
    const devices = [device(0), device(1), device(1)]
    const screens = devices.map(() => new Screen())
    const follow = async (i: number) => {
      const changes = devices[i]?.follow(conversationId, { untilRun: runId })
      if (changes) await screens[i]?.follow(changes)
    }
    const following = [0, 1].map((i) => follow(i))
    const leaver = device(0)
    for await (const change of leaver.follow(conversationId)) if (change.type === 'turn.text') break
    leaver.close()
    // The late one comes in the middle of the second turn.
    while ((screens[0]?.completed.length ?? 0) < 1) await screens[0]?.changed(1_000)
    await screens[0]?.changed(1_000)
    following.push(follow(2))
    await Promise.all(following)
    const texts = await spoken(conversationId)
    expect(texts).to.have.length(4)
    for (const screen of screens) {
      expect(screen.completed.map(({ text }) => text)).to.deep.equal(texts)
      expect(screen.resets).to.equal(0)
    }
  })

  it('carry an event stream on at the very character on the other node, by its last id alone', async () => {
    at.llm.reply({ text: LONG, paceMs: 5, chunkSize: 16 })
    const { runId, conversationId } = await party(3)
    const events: EventReader['events'] = []
    let lastEventId: string | undefined
    for (let cut = 0; events.at(-1)?.type !== 'run.completed'; cut++) {
      const url = `${at.cluster.web(cut % 2).url}/api/chat/runs/${runId}/events`
      const reader = keep(await EventReader.open(url, user.token, lastEventId))
      let count = 0
      await reader.until(({ type }) => type === 'run.completed' || ++count > 4)
      reader.close()
      events.push(...reader.events)
      lastEventId = reader.lastEventId
    }
    expect(EventReader.textsOf(events)).to.deep.equal(await spoken(conversationId))
    expect(EventReader.messagesOf(events)).to.deep.equal((await user.messages(conversationId)).map(({ id }) => id))
  })

  it('end what a client waits for when a node is stopped, so that it goes on at the other', async () => {
    const hold = at.llm.hold(2)
    at.llm.replyOnce({ text: LONG, hold }).reply('Short.')
    const waiting = user.post('/api/chat/multi-agent', { agentIds, message: 'x', maxTurns: 2 }, { prefer: 'wait=60' })
    await hold.reached
    const { data } = Object((await user.get('/api/chat/conversations')).body)
    const conversationId: string = data[0].id
    const path = `/api/chat/conversations/${conversationId}/events`
    const reader = keep(await EventReader.open(at.cluster.web(0).url + path, user.token))
    const screen = new Screen()
    const stoppedAt = performance.now()
    expect(await at.cluster.web(0).kill('SIGTERM')).to.deep.equal({ code: 0, signal: null })
    const stoppedIn = performance.now() - stoppedAt
    await reader.ended
    const answer = await waiting
    expect(answer.status).to.equal(202)
    const { runId } = acceptedView.parse(answer.body)
    const onward = keep(await EventReader.open(at.cluster.web(1).url + path, user.token, reader.lastEventId))
    const following = screen.follow(device(1).follow(conversationId, { untilRun: runId }))
    hold.release()
    await Promise.all([following, onward.until(({ type }) => type === 'run.completed')])
    const texts = EventReader.textsOf([...reader.events, ...onward.events])
    expect(texts).to.deep.equal(screen.completed.map(({ text }) => text))
    await at.cluster.web(0).start()
    expect(stoppedIn).to.be.lessThan(3_000)
  })

  it('keep their memory flat while clients sleep through 6 MB each, who then get it whole', async () => {
    at.llm.reply('Hello.')
    const { conversationId, runId } = await party(2)
    await user.finished(runId)
    const hold = at.llm.hold(0)
    at.llm.replyOnce({ text: 'Bye.', hold })
    const { runId: openRun } = await user.accept('/api/chat', { agentId: agentIds[0], message: 'x', conversationId })
    await hold.reached
    // The words come as from a worker, in an attempt of their own: no provider speaks that fast.
    const feed = await RedisFeed.open({ redis: await at.redisConnections(), ttlMs: 60_000 })
    keep({ close: () => void feed.close() })
    const ref: LiveAttempt = { conversationId, runId: openRun, turn: 0, attempt: 90, agentId: agentIds[0] ?? '' }
    const sleepers = await Promise.all(Array.from({ length: 8 }, () => tap(0).connected()))
    for (const sleeper of sleepers) {
      expect(await sleeper.ask('conversation.join', { conversationId })).to.include({ ok: true })
      sleeper.pause()
    }
    // An event stream whose client does not read: nothing is taken from the connection until somebody listens.
    const path = `/api/chat/conversations/${conversationId}/events`
    const [streamed] = await once(
      get(at.cluster.web(0).url + path, { headers: { authorization: `Bearer ${user.token}` } }),
      'response',
    )
    const word = `${'lorem ipsum '.repeat(680)}🎉 `
    const total = Math.ceil((6 * MEGABYTE) / word.length)
    const before = await at.cluster.web(0).rss()
    let most = before
    for (let i = 0; i < total; i++) {
      expect(await feed.append(ref, i * word.length, word)).to.equal('appended')
      if (i % 50 === 0) most = Math.max(most, await at.cluster.web(0).rss())
    }
    await delay(500)
    most = Math.max(most, await at.cluster.web(0).rss())
    const deltas = (sleeper: SocketTap) =>
      sleeper.received.filter(({ type, payload }) => type === 'turn.delta' && payload.attempt === 90)
    const wake = async (sleeper: SocketTap) => {
      sleeper.resume()
      await sleeper.until(() => {
        const last = deltas(sleeper).at(-1)?.payload
        return last !== undefined && Number(last.offset) + String(last.text).length === total * word.length
      })
      // A commit that it slept through (a title) brings a snapshot with the first piece of the text: what it has it drops by offset.
      let [text, rewinds] = ['', 0]
      for (const { payload } of deltas(sleeper)) {
        const known = text.length - Number(payload.offset)
        expect(known).to.be.at.least(0)
        if (known > 0) rewinds++
        text += String(payload.text).slice(known)
      }
      expect(text === word.repeat(total)).to.equal(true)
      const snapshots = sleeper.received.filter(({ type }) => type === 'conversation.snapshot')
      if (rewinds > 0) expect(snapshots, 'nothing else repeats text').to.have.length.at.least(1)
      sleeper.close()
    }
    await Promise.all(sleepers.map(wake))
    const events = await readUntil(streamed, (text) => text.length >= total * word.length)
    expect(events === word.repeat(total), 'the event stream has the text whole').to.equal(true)
    hold.release()
    const mb = (bytes: number) => Math.round(bytes / MEGABYTE)
    console.log(
      `      ${sleepers.length} sockets and an event stream slept through 6 MB: resident memory ${mb(before)} MB, at most ${mb(most)} MB`,
    )
    // Kept for each of them it would be at least 96 MB more, as strings and again as bytes.
    expect(most - before).to.be.lessThan(60 * MEGABYTE)
  })

  it('refuse strangers, the expired, the revoked, the forged, the huge and the many; nobody else notices', async () => {
    at.llm.reply({ text: LONG, paceMs: 20, chunkSize: 16 })
    const { runId, conversationId } = await party(2)
    const screen = new Screen()
    const following = screen.follow(device(0).follow(conversationId, { untilRun: runId }))

    const stranger = await at.cluster.api(1).register()
    const strange = await tap(0, stranger.token).connected()
    for (const [name, body] of [
      ['conversation.join', { conversationId }],
      ['run.cancel', { runId }],
      ['conversation.join', { conversationId: newId() }],
      ['message.send', { agentId: agentIds[0], conversationId, message: 'mine now' }],
    ] as const) {
      expect(await strange.ask(name, body), name)
        .to.have.nested.property('error.code')
        .that.matches(/not_found|invalid/)
    }
    expect(await strange.ask('conversation.join', { conversationId: '../../etc' })).to.have.nested.property(
      'error.code',
      'request.invalid',
    )

    const claims = Object(jwt.decode(user.token))
    const sign = (change: object, secret = testSettings.JWT_SECRET) => jwt.sign({ ...claims, ...change }, secret)
    const tokens = {
      expired: sign({ exp: Math.floor(Date.now() / 1_000) - 1 }),
      'of a forged session': sign({ sid: newId() }),
      'of another user': sign({ sub: stranger.id }),
      'signed by somebody else': sign({}, 'x'.repeat(40)),
      unsigned: jwt.sign(claims, '', { algorithm: 'none' }),
      none: null,
    }
    for (const [what, token] of Object.entries(tokens)) {
      expect(await tap(1, token).refused(), what).to.equal('auth.unauthorized')
      const events = await fetch(`${at.cluster.web(1).url}/api/chat/runs/${runId}/events`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(events.status, what).to.equal(401)
    }

    // A session that ends at one node ends at the other.
    const password = 'correct horse battery'
    const elsewhere = await at.cluster.api(0).login(user.email, password)
    const revoked = await tap(1, elsewhere.token).connected()
    const stream = keep(
      await EventReader.open(
        `${at.cluster.web(1).url}/api/chat/conversations/${conversationId}/events`,
        elsewhere.token,
      ),
    )
    const ended = revoked.ended()
    const revokedAt = performance.now()
    await elsewhere.post('/api/auth/logout', undefined)
    expect(await ended).to.equal('io server disconnect')
    await stream.ended
    const revokedIn = performance.now() - revokedAt
    expect(await tap(1, elsewhere.token).refused()).to.equal('auth.unauthorized')

    const before = await at.cluster.web(0).rss()
    const [flood, huge] = await Promise.all([tap(0, stranger.token).connected(), tap(0, stranger.token).connected()])
    const ends = [flood.ended(), huge.ended()]
    huge.socket.emit('message.send', { agentId: newId(), message: 'x'.repeat(10 * MEGABYTE) })
    let sent = 0
    // A thousand a second, until the server has had enough.
    while (flood.socket.connected && sent < 20_000) {
      for (let i = 0; i < 100; i++) flood.socket.emit('run.cancel', { runId })
      sent += 100
      await delay(100)
    }
    await Promise.all(ends)
    const grown = (await at.cluster.web(0).rss()) - before
    await following
    const texts = await spoken(conversationId)
    expect(screen.completed.map(({ text }) => text)).to.deep.equal(texts)
    expect(texts).to.have.length(2)
    expect((await user.run(runId)).status).to.equal('completed')
    console.log(
      `      a revoked session ended at the other node in ${revokedIn.toFixed(0)} ms; a flood of ${sent} events was cut off; memory grew by ${Math.round(grown / MEGABYTE)} MB`,
    )
    expect(grown).to.be.lessThan(60 * MEGABYTE)
  })
})
