import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import { ApiError, type Change, ChatspartyClient } from '../../src/client/client.ts'
import type { Follower } from '../../src/client/follower.ts'
import { InProcessFeed } from '../../src/realtime/in-process-feed.ts'
import type { LiveFeed } from '../../src/realtime/live-feed.ts'
import { RedisFeed } from '../../src/realtime/redis-feed.ts'
import { newId } from '../../src/shared/ids.ts'
import { DeltaCoalescer } from '../../workers/agent-runtime/delta-coalescer.ts'
import { LivePace } from '../../workers/agent-runtime/live-pace.ts'
import { seeded } from '../support/chaos.ts'
import { portOf } from '../support/link.ts'
import { NO_REDIS, skip } from '../support/programs.ts'
import { connectionsTo, startRedis } from '../support/redis.ts'
import { Node, type Session, World } from './socket-world.ts'

/** Shows changes as a terminal would, and checks that no character comes twice. */
class Screen {
  readonly shown = new Map<string, string>()
  readonly completed: string[] = []
  ended = 0

  async follow(changes: AsyncIterable<Change>): Promise<void> {
    for await (const change of changes) this.#show(change)
  }

  #show(change: Change): void {
    const turn = 'turn' in change ? `${change.runId}:${change.turn}` : ''
    if (change.type === 'turn.reset') this.shown.set(turn, '')
    if (change.type === 'turn.text') this.shown.set(turn, (this.shown.get(turn) ?? '') + change.text)
    if (change.type === 'turn.completed') {
      expect(this.shown.get(turn) ?? '').to.equal(change.message?.content)
      this.completed.push(change.message?.content ?? '')
    }
    if (change.type === 'run.ended') this.ended++
  }
}

/** A balancer: one address before the nodes that are up, in turn; `cut` drops every connection. */
class Balancer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  ports: number[] = []
  #next = 0

  constructor() {
    this.#server = createTcpServer((from) => {
      const port = this.ports[this.#next++ % this.ports.length]
      if (port === undefined) return from.destroy()
      const to = connect(port, '127.0.0.1')
      for (const [one, other] of [[from, to] as const, [to, from] as const]) {
        this.#sockets.add(one)
        one.on('error', () => {})
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${portOf(this.#server)}`
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}

/** What `GET /api/chat/runs/:id` answers: all runs that ever were. */
function serveRuns(node: Node, runs: Map<string, unknown>): void {
  node.server.on('request', (request, response) => {
    const run = runs.get(request.url?.split('/').at(-1) ?? '')
    if (!request.url?.startsWith('/api/')) return
    response.writeHead(run ? 200 : 404, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(run ?? { error: { code: 'run.not_found', message: 'There is no such run.', details: {} } }),
    )
  })
}

const feeds: Record<
  string,
  () => Promise<{ open: () => Promise<LiveFeed>; flush: () => Promise<void>; close: () => Promise<void> } | undefined>
> = {
  'in-process': async () => {
    const feed = new InProcessFeed({ ttlMs: 60_000 })
    return { open: async () => feed, flush: async () => feed.flush(), close: async () => {} }
  },
  redis: async () => {
    const server = await startRedis()
    if (!server) return undefined
    const opened: RedisFeed[] = []
    const open = async () => {
      const feed = await RedisFeed.open({ redis: connectionsTo(server.url), ttlMs: 60_000 })
      opened.push(feed)
      return feed
    }
    const close = async () => {
      await Promise.all(opened.map((feed) => feed.close()))
      await server.stop()
    }
    // In turn: everything forgotten, and the server gone for a moment with all subscriptions.
    let times = 0
    return { open, flush: () => (times++ % 2 ? server.restart() : server.flush()), close }
  },
}

for (const [name, start] of Object.entries(feeds)) {
  describe(`the client over a bad network (${name})`, () => {
    it('shows exactly the text of the rows through drops, moves, dying nodes and lost live text', async function () {
      this.timeout(60_000)
      const bench = await start()
      if (!bench) return skip(this, NO_REDIS)
      const random = seeded(20_261_101)
      const worker = await bench.open()
      const world = new World(worker)
      const me = world.signIn()
      const runs = new Map<string, unknown>()
      const balancer = new Balancer()
      const url = await balancer.start()
      const boot = async () => {
        const node = await new Node(world, await bench.open(), { limits: { commandsPerSecond: 1_000 } }).start()
        serveRuns(node, runs)
        return node
      }
      const nodes = [await boot(), await boot()]
      const ports = () => nodes.map((node) => portOf(node.server))
      balancer.ports = ports()

      const id = world.open(me.userId)
      const cuts = { drops: 0, nodes: 0, drains: 0, lost: 0 }
      const leaving: Node[] = []
      const closeLeaving = () => Promise.all(leaving.splice(0).map((node) => node.close()))
      const disturb = async () => {
        await closeLeaving()
        const dice = random()
        if (dice < 0.2) {
          // As a deploy does it: asked to go first, ended at the next trouble.
          cuts.drains++
          const [draining] = nodes.splice(Math.floor(random() * nodes.length), 1)
          nodes.push(await boot())
          balancer.ports = ports()
          draining?.sockets.moveOn(20)
          if (draining) leaving.push(draining)
        } else if (dice < 0.8) {
          cuts.drops++
          balancer.cut()
        } else if (dice < 0.9) {
          cuts.nodes++
          const [dying] = nodes.splice(Math.floor(random() * nodes.length), 1)
          balancer.ports = ports()
          await dying?.close()
          nodes.push(await boot())
          balancer.ports = ports()
        } else {
          cuts.lost++
          await bench.flush()
        }
      }

      const run = await world.startRun(id, 6)
      runs.set(run.id, run)
      const clients = [0, 1].map(() => new ChatspartyClient({ url, token: me.token }))
      const screens = clients.map(() => new Screen())
      const following = clients.map((client, i) => screens[i]?.follow(client.follow(id, { untilRun: run.id })))

      const texts: string[] = []
      for (let turn = 0; turn < 6; turn++) {
        const attempts = turn % 3 === 1 ? 2 : 1
        for (let attempt = 1; attempt <= attempts; attempt++) {
          const ref = await world.startTurn(run, turn)
          const live = new DeltaCoalescer({
            feed: worker,
            ref,
            pace: new LivePace(2),
            onStale: () => expect.fail('stale'),
          })
          for (let word = 0; word < 60; word++) {
            live.push(`w${turn}.${attempt}.${word} 🎈 `)
            await new Promise((resolve) => setTimeout(resolve, 2))
            if (random() < 0.1) await disturb()
          }
          await live.close()
          if (attempt < attempts) continue
          texts.push(live.text)
          await world.finishTurn(run, ref, live.text)
        }
      }
      await world.finishRun(run)
      await Promise.all(following)
      for (const screen of screens) {
        expect(screen.completed).to.deep.equal(texts)
        expect([...screen.shown.values()]).to.deep.equal(texts)
        expect(screen.ended).to.equal(1)
      }
      console.log(`      cut: ${JSON.stringify(cuts)}, ${texts.join('').length} characters whole on both clients`)

      for (const client of clients) client.close()
      balancer.close()
      await closeLeaving()
      await Promise.all(nodes.map((node) => node.close()))
      await bench.close()
    })
  })
}

describe('the client', () => {
  const feed = new InProcessFeed({ ttlMs: 60_000 })
  let world: World
  let node: Node
  let me: Session
  let client: ChatspartyClient
  const runs = new Map<string, unknown>()

  beforeEach(async () => {
    world = new World(feed)
    me = world.signIn()
    node = await new Node(world, feed).start()
    serveRuns(node, runs)
    client = new ChatspartyClient({ url: `http://127.0.0.1:${portOf(node.server)}/`, token: me.token })
  })

  afterEach(async () => {
    client.close()
    await node.close()
  })

  const failure = async (work: Promise<unknown>): Promise<ApiError> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof ApiError)) throw new Error(`not an ApiError: ${error}`)
    return error
  }
  const all = async (changes: Follower): Promise<Change[]> => {
    const found: Change[] = []
    for await (const change of changes) found.push(change)
    return found
  }

  it("ends with an error for a conversation that is not one's own, and for a session that ends", async () => {
    expect(await failure(all(client.follow(newId())))).to.include({ code: 'conversation.not_found' })
    const id = world.open(me.userId)
    const following = all(client.follow(id))
    const other = new ChatspartyClient({ url: `http://127.0.0.1:${portOf(node.server)}`, token: 'forged' })
    expect(await failure(all(other.follow(id)))).to.include({ status: 401, code: 'auth.unauthorized' })
    world.sessions.delete(me.token)
    expect(await failure(following)).to.include({ status: 401, code: 'auth.unauthorized' })
  })

  it('ends with the run, also when that was over before', async () => {
    const id = world.open(me.userId)
    const run = await world.startRun(id)
    runs.set(run.id, run)
    const ref = await world.startTurn(run)
    await world.finishTurn(run, ref, 'Short.')
    await world.finishRun(run)
    const types = (await all(client.follow(id, { untilRun: run.id }))).map((change) => change.type)
    expect(types).to.deep.equal(['conversation', 'turn.started', 'turn.text', 'turn.completed', 'run.ended'])
    expect(await failure(all(client.follow(id, { untilRun: newId() })))).to.include({ code: 'run.not_found' })
  })

  it('leaves when the loop is broken or aborted, and two followers share one connection', async () => {
    const id = world.open(me.userId)
    await world.say(id, 'one')
    const stop = new AbortController()
    const stays = all(client.follow(id, { signal: stop.signal }))
    for await (const change of client.follow(id)) if (change.type === 'message') break
    await world.say(id, 'two')
    const watcher = client.follow(id)
    for await (const change of watcher) if (change.type === 'message' && change.message.content === 'two') break
    expect(watcher.state.messages).to.have.length(2)
    expect(node.sockets.size).to.equal(1)
    stop.abort()
    expect((await stays).filter((change) => change.type === 'message')).to.have.length(2)
  })

  it('takes a new token without reconnecting, and tells of credits', async () => {
    const id = world.open(me.userId)
    const events: unknown[] = []
    client.onUserEvent((event) => events.push(event))
    const loop = client.follow(id)[Symbol.asyncIterator]()
    await loop.next()
    const renewed = world.signIn(me.userId)
    await client.refresh(renewed.token)
    world.sessions.delete(me.token)
    await feed.signal({ type: 'session.revoked', sessionId: me.sessionId })
    await feed.publishToUser(me.userId, { type: 'credits.updated', available: '1.000000', held: '0.000000' })
    await world.say(id, 'still here')
    expect((await loop.next()).value).to.nested.include({ type: 'message', 'message.content': 'still here' })
    expect(events).to.have.length(1)
    await loop.return?.()
  })

  it('says whether it is told of what happens: connected, lost and coming back, or over', async () => {
    const seen: string[] = []
    const until = (wanted: string) =>
      new Promise<void>((resolve) => {
        const off = client.onLiveStatus(() => {
          if (client.liveStatus !== wanted) return
          off()
          resolve()
        })
      })
    expect(client.liveStatus).to.equal('idle')
    client.onLiveStatus(() => seen.push(client.liveStatus))
    const isConnected = until('connected')
    client.onUserEvent(() => {})
    await isConnected
    const isBack = until('connected')
    client.dropConnection()
    await isBack
    const isOver = until('ended')
    world.sessions.delete(me.token)
    await feed.signal({ type: 'session.revoked', sessionId: me.sessionId })
    await isOver
    client.close()
    expect(seen).to.deep.equal(['connected', 'reconnecting', 'connected', 'ended', 'idle'])
  })

  it('follows nothing of somebody else: that is a 404, as everywhere', async () => {
    const foreign = world.open(world.signIn().userId)
    for (const id of [foreign, newId()]) {
      const loop = client.follow(id)[Symbol.asyncIterator]()
      expect(await failure(loop.next())).to.include({ status: 404, code: 'conversation.not_found' })
    }
  })

  it('follows nothing that is no conversation: what is wrong with it is said, once', async () => {
    const error = await failure(client.follow('nonsense')[Symbol.asyncIterator]().next())
    expect(error).to.include({ status: 400, code: 'request.invalid' })
    expect(error.details.issues).to.deep.equal([{ path: 'conversationId', message: 'must be a UUID' }])
  })

  it('says in one line what is wrong with the server', async () => {
    expect(await failure(client.runs.get(newId()))).to.include({ status: 404, code: 'run.not_found' })
    const nowhere = new ChatspartyClient({ url: 'http://127.0.0.1:1' })
    expect((await failure(nowhere.credits.balance())).message).to.equal('No server answers at http://127.0.0.1:1.')
    const other = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const stranger = new ChatspartyClient({ url: `http://127.0.0.1:${portOf(other)}` })
    expect(await failure(stranger.credits.balance())).to.include({ code: 'client.unexpected' })
    other.close()
  })
})
