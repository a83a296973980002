import { expect } from 'chai'
import { io } from 'socket.io-client'
import { z } from 'zod'
import { ChatspartyClient } from '../../src/client/client.ts'
import { type MessageView, messageView, snapshotView } from '../../src/contract/views.ts'
import { PAGE_BYTES } from '../../src/conversations/message.repository.ts'
import { newId } from '../../src/shared/ids.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { EventReader } from '../support/event-reader.ts'

const MESSAGES = 30
/** Four of them are more than a page, and two bytes each of their letters. */
const LONG = 'é'.repeat(170_000)
const page = z.object({ messages: z.object({ data: z.array(messageView), nextCursor: z.string().nullable() }) })
const numbers = (messages: Pick<MessageView, 'seq'>[]) => messages.map(({ seq }) => seq)
const bytesOf = (messages: Pick<MessageView, 'content'>[]) =>
  messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, i) => from + i)

describe('Pages, snapshots and streams by their bytes', function () {
  this.timeout(60_000)
  const app = useApp({ env: { SSE_HEARTBEAT_MS: '50' }, worker: false })
  let user: TestUser
  let conversationId: string

  const say = async (from: number, to: number) => {
    for (const seq of upTo(to, from)) {
      await app.container.db.query(
        `INSERT INTO messages (id, conversation_id, seq, role, content, status) VALUES ($1, $2, $3, 'user', $4, 'complete')`,
        [newId(), conversationId, seq, `${seq} ${LONG}`],
      )
    }
    await app.container.db.query('UPDATE conversations SET last_seq = $2, version = version + 1 WHERE id = $1', [
      conversationId,
      to,
    ])
  }

  before(async () => {
    user = await app.api.register()
    conversationId = newId()
    await app.container.db.query(
      `INSERT INTO conversations (id, user_id, agent_ids, strategy) VALUES ($1, $2, '{}', 'round_robin')`,
      [conversationId, user.id],
    )
    await say(1, MESSAGES)
  })

  const read = async (query: string) =>
    page.parse((await user.get(`/api/chat/conversations/${conversationId}?limit=100${query}`)).body).messages

  it('pages end early, forwards and backwards, and their cursors miss and repeat nothing', async () => {
    for (const way of ['afterSeq', 'beforeSeq'] as const) {
      const seen: number[] = []
      let cursor: string | null = way === 'afterSeq' ? '0' : ''
      while (cursor !== null) {
        const { data, nextCursor }: z.infer<typeof page>['messages'] = await read(cursor && `&${way}=${cursor}`)
        expect(bytesOf(data)).to.be.within(1, PAGE_BYTES)
        seen[way === 'afterSeq' ? 'push' : 'unshift'](...numbers(data))
        cursor = nextCursor
      }
      expect(seen, way).to.deep.equal(upTo(MESSAGES))
    }
  })

  it('a message larger than any page comes alone', async () => {
    await app.container.db.query(
      `UPDATE messages SET content = repeat('x', $2) WHERE conversation_id = $1 AND seq = 5`,
      [conversationId, PAGE_BYTES * 2],
    )
    const { data, nextCursor } = await read('&afterSeq=4')
    expect([numbers(data), nextCursor]).to.deep.equal([[5], '5'])
    await app.container.db.query(`UPDATE messages SET content = $2 WHERE conversation_id = $1 AND seq = 5`, [
      conversationId,
      `5 ${LONG}`,
    ])
  })

  it('a join says what did not fit, and joins behind it bring the rest', async () => {
    const socket = io(app.url, { transports: ['websocket'], auth: { token: user.token }, forceNew: true })
    const seen: number[] = []
    for (let more = true; more; ) {
      const body = { conversationId, afterSeq: seen.at(-1) ?? 0 }
      const snapshot = snapshotView.parse(await socket.emitWithAck('conversation.join', body))
      expect(bytesOf(snapshot.messages)).to.be.within(1, PAGE_BYTES)
      seen.push(...numbers(snapshot.messages))
      more = snapshot.more === true
    }
    const latest = snapshotView.parse(await socket.emitWithAck('conversation.join', { conversationId }))
    socket.disconnect()
    expect(seen).to.deep.equal(upTo(MESSAGES))
    expect(latest.more).to.equal(false)
    expect(numbers(latest.messages)).to.deep.equal(upTo(MESSAGES, MESSAGES - 2))
  })

  it('a stream that resumes is given all that it missed, page by page', async () => {
    const path = `${app.url}/api/chat/conversations/${conversationId}/events`
    const first = await EventReader.open(path, user.token)
    await first.until(({ type }) => type === 'conversation.snapshot')
    first.close()
    await say(MESSAGES + 1, MESSAGES + 12)
    const second = await EventReader.open(path, user.token, first.lastEventId)
    const last = MESSAGES + 12
    await second.until((event) => event.type === 'message.created' && event.message.seq === last)
    second.close()
    const seen = second.events.flatMap((event) => (event.type === 'message.created' ? [event.message.seq] : []))
    expect(seen).to.deep.equal(upTo(last, MESSAGES + 1))
  })

  it('the client follows through a gap of many pages, and misses nothing', async () => {
    const start = MESSAGES + 12
    const end = start + 25
    const client = new ChatspartyClient({ url: app.url, token: user.token })
    const seen: number[] = []
    for await (const change of client.follow(conversationId)) {
      if (change.type !== 'message') continue
      if (seen.length === 0 && change.message.seq < start) continue
      seen.push(change.message.seq)
      // Nobody publishes these: they are found by the version, as after an outage.
      if (seen.length === 1) await say(start + 1, end)
      if (seen.at(-1) === end) break
    }
    client.close()
    expect(seen).to.deep.equal(upTo(end, start))
  })
})
