import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { InProcessFeed } from '../../src/realtime/in-process-feed.ts'
import { EventStreams } from '../../src/realtime/sse.ts'
import { WatchRegistry } from '../../src/realtime/watch-registry.ts'
import { AppError, notFound } from '../../src/shared/errors.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { portOf } from '../support/link.ts'
import { World } from './socket-world.ts'

/** Of one message, in bytes. */
const SIZE = 200_000
/** What waits for one client at most: what lets it be behind, an event or a page, and the packing around them. */
const MOST_BYTES = 1_500_000

describe('An event stream that nobody reads', () => {
  const feed = new InProcessFeed({ ttlMs: 60_000 })
  const world = new World(feed)
  const common = { feed, logger: silentLogger }
  const registry = new WatchRegistry({ ...common, versions: (ids) => world.versions(ids), intervalMs: 50 })
  const ports = {
    snapshot: world.snapshot.bind(world),
    sessionAlive: world.sessionAlive.bind(world),
    run: async () => {
      throw notFound('run')
    },
    firstSeq: async () => 1,
  }
  const streams = new EventStreams({
    ...common,
    ports,
    registry,
    pollMs: 10_000,
    heartbeatMs: 20,
    limits: { perUser: 5, perNetwork: 5, pendingBytes: SIZE - 1 },
  })
  const me = world.signIn()
  let server: Server

  before(async () => {
    await streams.start()
    server = createServer((request, res) => {
      const conversationId = request.url?.slice(1) ?? ''
      const lastEventId = String(request.headers['last-event-id'] ?? '') || undefined
      void streams.open({ ...me, network: '127.0.0.1', of: { conversationId }, lastEventId, res })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
  })
  after(async () => {
    await streams.close()
    server.close()
  })

  it('keeps little for its client, and nobody else begins while too much waits; it is let go, and with the id of its last event it resumes', async () => {
    world.page = 4
    const id = world.open(me.userId)
    const socket = connect(portOf(server), '127.0.0.1')
    const gone = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.write(`GET /${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    const head = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
    socket.pause()
    const ended = new Promise<void>((resolve) => {
      const look = () => (streams.size === 0 ? resolve() : setImmediate(look))
      look()
    })
    let most = 0
    let refused: unknown
    for (let n = 0; n < 100; n++) {
      const { message, version } = world.addMessage(id, 'x'.repeat(SIZE))
      await world.publish({ type: 'message.created', conversationId: id, message, version })
      most = Math.max(most, streams.pendingBytes)
      if (streams.pendingBytes >= SIZE) {
        refused ??= await streams
          .placed({ ...me, network: '127.0.0.1' }, async (leave) => leave())
          .catch((error) => error)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    expect(most).to.be.within(SIZE, MOST_BYTES)
    expect(refused).to.be.instanceOf(AppError).with.property('code', 'server.busy')
    expect(streams.pendingBytes).to.equal(0)
    socket.resume()
    await gone

    const lastEventId = /^id: (.+)$/m.exec(head)?.[1] ?? ''
    const resumed = await fetch(`http://127.0.0.1:${portOf(server)}/${id}`, {
      headers: { 'last-event-id': lastEventId },
    })
    const seen: number[] = []
    let text = ''
    for await (const chunk of resumed.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (text + chunk).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) seen.push(JSON.parse(line.slice(6)).message?.seq)
      if (seen.includes(100)) break
    }
    expect(seen.filter((seq) => seq !== undefined)).to.deep.equal(Array.from({ length: 100 }, (_, i) => i + 1))
  })
})
