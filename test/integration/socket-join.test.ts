import { expect } from 'chai'
import { InProcessFeed } from '../../src/realtime/in-process-feed.ts'
import type { LiveFeed } from '../../src/realtime/live-feed.ts'
import { RedisFeed } from '../../src/realtime/redis-feed.ts'
import { newId } from '../../src/shared/ids.ts'
import { NO_REDIS, skip } from '../support/programs.ts'
import { connectionsTo, startRedis } from '../support/redis.ts'
import { type Client, Node, type Session, World } from './socket-world.ts'

interface Bench {
  worker: LiveFeed
  /** One for each web node. */
  webs: [LiveFeed, LiveFeed]
  flush(): Promise<void>
  close(): Promise<void>
}

const feeds: Record<string, () => Promise<Bench | undefined>> = {
  'in-process': async () => {
    const feed = new InProcessFeed({ ttlMs: 60_000 })
    return { worker: feed, webs: [feed, feed], flush: async () => feed.flush(), close: () => feed.close() }
  },
  redis: async () => {
    const server = await startRedis()
    if (!server) return undefined
    const open = () => RedisFeed.open({ redis: connectionsTo(server.url), ttlMs: 60_000 })
    const [worker, first, second] = await Promise.all([open(), open(), open()])
    const close = async () => {
      await Promise.all([worker.close(), first.close(), second.close()])
      await server.stop()
    }
    return { worker, webs: [first, second], flush: () => server.flush(), close }
  },
}

/** Lets a test act right after the feed did something for the server. */
function hooked(
  feed: LiveFeed,
  hooks: { afterSubscribe?: () => Promise<void>; afterRead?: () => Promise<void> },
): LiveFeed {
  return new Proxy(feed, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const method = value.bind(target)
      if (name !== 'subscribe' && name !== 'read') return method
      return async (...args: unknown[]) => {
        const result: unknown = await method(...args)
        await (name === 'read' ? hooks.afterRead : hooks.afterSubscribe)?.()
        return result
      }
    },
  })
}

for (const [name, open] of Object.entries(feeds)) {
  describe(`sockets: joining and following (${name})`, () => {
    let bench: Bench
    let world: World
    let me: Session
    let node: Node
    const hooks: { afterSubscribe?: () => Promise<void>; afterRead?: () => Promise<void> } = {}
    const clients: Client[] = []

    before(async function () {
      const opened = await open()
      if (!opened) return skip(this, NO_REDIS)
      bench = opened
    })

    after(() => bench?.close())

    beforeEach(async () => {
      world = new World(bench.worker)
      me = world.signIn()
      node = await new Node(world, hooked(bench.webs[0], hooks)).start()
    })

    afterEach(async () => {
      for (const client of clients.splice(0)) client.close()
      delete hooks.afterSubscribe
      delete hooks.afterRead
      await node.close()
    })

    const connect = async (on: Node = node, as: Session = me): Promise<Client> => {
      const client = on.connect(as.token)
      clients.push(client)
      return client.connected()
    }

    it('answers with the rows and the live text, and events follow', async () => {
      const id = world.open(me.userId)
      await world.say(id, 'Hello')
      const run = await world.startRun(id)
      const ref = await world.startTurn(run)
      await bench.worker.append(ref, 0, 'I think 🤔')
      const client = await connect()
      const snapshot = await client.join(id)
      expect(snapshot.messages.map((message) => message.content)).to.deep.equal(['Hello'])
      expect(snapshot.activeRun?.id).to.equal(run.id)
      expect(snapshot.live.map((live) => live.text)).to.deep.equal(['I think 🤔'])
      await bench.worker.append(ref, 10, ', so')
      await client.until(() => client.text(ref) === 'I think 🤔, so')
      await world.finishTurn(run, ref, 'I think 🤔, so I am.')
      await world.finishRun(run)
      await client.until(() => client.events.some((event) => event.type === 'run.completed'))
      expect(client.text(ref)).to.equal('I think 🤔, so I am.')
      expect([...client.messages.values()]).to.deep.equal([1, 1])
      expect((await client.join(id, 1)).messages.map((message) => message.seq)).to.deep.equal([2])
    })

    it('shows a retried turn as a higher attempt from 0', async () => {
      const id = world.open(me.userId)
      const run = await world.startRun(id)
      const first = await world.startTurn(run)
      const client = await connect()
      await client.join(id)
      await bench.worker.append(first, 0, 'first try')
      const second = await world.startTurn(run)
      await bench.worker.append(second, 0, 'second try')
      await client.until(() => client.text(second) === 'second try')
      const started = client.events.filter((event) => event.type === 'turn.started').map((event) => event.attempt)
      expect(started).to.deep.equal([2])
    })

    const steps = ['before subscribing', 'after subscribing', 'after live text', 'after rows'] as const
    const happenings = ['words', 'a message', 'the end of the turn', 'a new attempt', 'the end of the run'] as const
    for (const step of steps) {
      for (const happening of happenings) {
        it(`neither loses nor doubles ${happening} ${step}`, async () => {
          const id = world.open(me.userId)
          const run = await world.startRun(id, 2)
          let ref = await world.startTurn(run)
          let spoken = 'One '
          await bench.worker.append(ref, 0, spoken)
          let rounds = 0
          const act = async () => {
            if (rounds++) return
            await bench.worker.append(ref, spoken.length, 'two ')
            spoken += 'two '
            if (happening === 'a message') await world.say(id, 'Wait!')
            else if (happening === 'the end of the turn') await world.finishTurn(run, ref, spoken)
            else if (happening === 'a new attempt') {
              ref = await world.startTurn(run)
              spoken = 'Again '
              await bench.worker.append(ref, 0, spoken)
            } else if (happening === 'the end of the run') {
              await world.finishTurn(run, ref, spoken)
              await world.finishRun(run)
            }
          }
          if (step === 'after subscribing') hooks.afterSubscribe = act
          if (step === 'after live text') hooks.afterRead = act
          if (step === 'after rows') world.afterRows = act
          if (step === 'before subscribing') await act()
          const client = await connect()
          client.socket.onAny(() => expect(client.joined, 'nothing before the acknowledgement').to.equal(true))
          await client.join(id)
          const ended = happening === 'the end of the turn' || happening === 'the end of the run'
          if (!ended) {
            await bench.worker.append(ref, spoken.length, 'three')
            await world.finishTurn(run, ref, `${spoken}three`)
          }
          await world.say(id, 'done')
          const all = world.rows(id).messages
          await client.until(() => all.every((message) => client.messages.has(message.id)))
          expect(all.map((message) => client.messages.get(message.id))).to.deep.equal(all.map(() => 1))
          expect(client.text(ref)).to.equal(ended ? spoken : `${spoken}three`)
        })
      }
    }

    it('gives a stranger 404, and tells nothing afterwards', async () => {
      const id = world.open(me.userId)
      const stranger = await connect(node, world.signIn())
      expect(await stranger.refusal('conversation.join', { conversationId: id })).to.equal('conversation.not_found')
      expect(await stranger.refusal('conversation.join', { conversationId: newId() })).to.equal(
        'conversation.not_found',
      )
      const mine = await connect()
      await mine.join(id)
      await world.say(id, 'secret')
      await mine.until(() => mine.messages.size === 1)
      await stranger.refusal('run.cancel', { runId: newId() })
      expect(stranger.events).to.deep.equal([])
    })

    it('stops events of a conversation that was left, and goes on after a new join', async () => {
      const [left, kept] = [world.open(me.userId), world.open(me.userId)]
      const client = await connect()
      await client.join(left)
      await client.join(kept)
      await client.ask('conversation.leave', { conversationId: left })
      await world.say(left, 'unseen')
      await world.say(kept, 'seen')
      await client.until(() => client.messages.size === 1)
      expect((await client.join(left)).messages.map((message) => message.content)).to.deep.equal(['unseen'])
      await world.say(left, 'seen too')
      await client.until(() => client.messages.size === 3)
    })

    it('heals commits whose events were lost, with one snapshot', async () => {
      const id = world.open(me.userId)
      const client = await connect()
      await client.join(id)
      world.addMessage(id, 'lost')
      world.addMessage(id, 'lost too')
      await client.until(() => client.messages.size === 2)
      await world.say(id, 'told')
      await client.until(() => client.messages.size === 3)
      expect(client.events.filter((event) => event.type === 'conversation.snapshot')).to.have.length(1)
    })

    it('heals live text that a worker could not publish', async () => {
      const id = world.open(me.userId)
      const run = await world.startRun(id)
      const ref = await world.startTurn(run)
      const client = await connect()
      await client.join(id)
      await bench.worker.append(ref, 0, 'before ')
      await bench.flush()
      expect(await bench.worker.append(ref, 7, 'after')).to.equal('gap')
      await bench.worker.rewrite(ref, 'before after')
      await client.until(() => client.text(ref) === 'before after')
    })

    it('shows two devices on two nodes the same, and one that leaves stops nothing', async () => {
      const other = await new Node(world, bench.webs[1]).start()
      const id = world.open(me.userId)
      const [here, there] = [await connect(), await connect(other)]
      await Promise.all([here.join(id), there.join(id)])
      const run = await world.startRun(id)
      const ref = await world.startTurn(run)
      await bench.worker.append(ref, 0, 'To both')
      await Promise.all([here, there].map((client) => client.until(() => client.text(ref) === 'To both')))
      here.close()
      await bench.worker.append(ref, 7, ' and one')
      await world.finishTurn(run, ref, 'To both and one')
      await there.until(() => there.messages.size === 1)
      expect(there.text(ref)).to.equal('To both and one')
      await other.close()
    })

    it('carries credits and files to all sockets of the user', async () => {
      const [first, second] = [await connect(), await connect()]
      // The subscription stands when a later command is answered on every feed.
      await Promise.all([first, second].map((client) => client.join(world.open(me.userId))))
      const event = { type: 'credits.updated', available: '9.000000', held: '1.000000' } as const
      await bench.worker.publishToUser(me.userId, event)
      await Promise.all([first, second].map((client) => client.until(() => client.events.length === 1)))
      expect(first.events).to.deep.equal([event])
    })
  })
}

describe('sockets on a Redis that restarts', () => {
  it('sends what was missed meanwhile', async function () {
    const server = await startRedis()
    if (!server) return skip(this, NO_REDIS)
    const open = () => RedisFeed.open({ redis: connectionsTo(server.url), ttlMs: 60_000, commandTimeoutMs: 300 })
    const [web, worker] = await Promise.all([open(), open()])
    const world = new World(worker)
    const me = world.signIn()
    const id = world.open(me.userId)
    // Polling cannot help within this test: the resubscription must.
    const node = await new Node(world, web, { pollMs: 60_000 }).start()
    const client = await node.connect(me.token).connected()
    await client.join(id)
    await server.stop()
    world.addMessage(id, 'while Redis was away')
    const whileAway = await node.connect(me.token).connected()
    expect((await whileAway.join(id)).messages).to.have.length(1)
    await server.restart()
    await client.until(() => client.messages.size === 1)
    client.close()
    whileAway.close()
    await node.close()
    await Promise.all([web.close(), worker.close()])
    await server.stop()
  })
})
