import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { expect } from 'chai'
import { InProcessFeed } from '../../src/realtime/in-process-feed.ts'
import { newId } from '../../src/shared/ids.ts'
import { type Client, Node, type Session, World } from './socket-world.ts'

describe('sockets: who may, and how much', () => {
  const feed = new InProcessFeed({ ttlMs: 60_000 })
  let world: World
  let me: Session
  let node: Node
  const clients: Client[] = []

  const start = async (options: ConstructorParameters<typeof Node>[2] = {}) => {
    await node?.close()
    node = await new Node(world, feed, options).start()
  }

  const connect = async (as: Session = me): Promise<Client> => {
    const client = node.connect(as.token)
    clients.push(client)
    return client.connected()
  }

  beforeEach(async () => {
    world = new World(feed)
    me = world.signIn()
    await start()
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await node.close()
  })

  describe('sessions', () => {
    it('refuses to connect without a token, or with a forged one', async () => {
      expect(await node.connect(undefined).refused()).to.equal('auth.unauthorized')
      expect(await node.connect('forged').refused()).to.equal('auth.unauthorized')
      expect(await node.connect('x'.repeat(10_000)).refused()).to.equal('auth.unauthorized')
    })

    it('ends a revoked session at once by the signal, and no other', async () => {
      await start({ pollMs: 60_000 })
      const other = world.signIn(me.userId)
      const [revoked, kept] = [await connect(), await connect(other)]
      const ended = revoked.ended()
      world.sessions.delete(me.token)
      await feed.signal({ type: 'session.revoked', sessionId: me.sessionId })
      expect(await ended).to.equal('io server disconnect')
      expect(await kept.refusal('run.cancel', { runId: newId() })).to.equal('run.not_found')
      const gone = kept.ended()
      world.sessions.delete(other.token)
      await feed.signal({ type: 'session.revoked', userId: me.userId })
      await gone
    })

    it('ends a revoked session when the signal is lost', async () => {
      const client = await connect()
      world.sessions.delete(me.token)
      await client.ended()
    })

    it('ends an expired session, unless it was refreshed', async () => {
      const short = world.signIn(me.userId, 150)
      const [expires, refreshed] = [await connect(short), await connect(short)]
      const id = world.open(me.userId)
      await refreshed.join(id)
      expect(await refreshed.ask('auth.refresh', { token: me.token })).to.include({ ok: true })
      await expires.ended()
      await world.say(id, 'still here')
      await refreshed.until(() => refreshed.messages.size === 1)
    })

    it("does not take another user's token for a refresh", async () => {
      const client = await connect()
      expect(await client.refusal('auth.refresh', { token: world.signIn().token })).to.equal('auth.forbidden')
      expect(await client.refusal('auth.refresh', { token: 'forged' })).to.equal('auth.unauthorized')
    })
  })

  describe('commands', () => {
    it('refuses what is malformed, with the path of each mistake', async () => {
      const client = await connect()
      const bad: [string, unknown, string][] = [
        ['conversation.join', { conversationId: 'x' }, 'conversationId'],
        ['conversation.join', { conversationId: newId(), admin: true }, 'admin'],
        ['conversation.join', undefined, ''],
        ['conversation.join', null, ''],
        ['conversation.leave', [], ''],
        ['message.send', { agentId: newId(), message: '' }, 'message'],
        ['message.send', { agentIds: [newId()], message: 'x' }, 'agentIds'],
        ['message.send', { agentIds: [newId(), newId()], message: 'x', stop: { soon: 1 } }, 'stop.soon'],
        ['run.cancel', { runId: 7 }, 'runId'],
        ['conversation.join', { conversationId: newId(), afterSeq: 2 ** 31 }, 'afterSeq'],
        ['message.send', { agentId: newId(), message: 'x', idempotencyKey: 'a\0b' }, 'idempotencyKey'],
        ['message.send', { agentId: newId(), message: 'half \ud83d' }, 'message'],
        ['message.send', { agentId: newId(), message: 'x', fileIds: Array(5_000).fill('x') }, 'fileIds'],
      ]
      for (const [name, body, path] of bad) {
        const answer = await client.ask(name, body)
        expect(answer, `${name} ${JSON.stringify(body)}`).to.have.nested.property('error.code', 'request.invalid')
        expect(answer).to.have.nested.property('error.details.issues[0].path', path)
      }
      expect(await client.refusal('no.such.command', {})).to.equal('command.not_found')
      expect(await client.refusal('run.cancel', { runId: newId() }, 'more')).to.equal('request.invalid')
      client.socket.emit('conversation.join', { conversationId: newId() })
      client.socket.emit('run.cancel')
      expect(await client.refusal('run.cancel', { runId: newId() })).to.equal('run.not_found')
    })

    it('answers what has much wrong with it in little', async () => {
      const client = await connect()
      const unknown = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key${i}`, i]))
      for (const body of [unknown, { runId: newId(), ...Object.fromEntries(Object.entries(unknown).slice(0, 90)) }])
        expect(JSON.stringify(await client.ask('run.cancel', body)).length).to.be.below(5_000)
      expect(JSON.stringify(await client.ask('x'.repeat(100_000), {})).length).to.be.below(500)
    })

    it('lets go who sends what takes long to parse', async () => {
      const client = await connect()
      const ended = client.ended()
      client.socket.emit('run.cancel', { runId: Array.from({ length: 6_001 }, () => 0) })
      expect(await ended).to.be.oneOf(['transport close', 'transport error', 'parse error'])
    })

    it('takes an id in any case for the same one', async () => {
      const client = await connect()
      const id = world.open(me.userId)
      expect((await client.join(id.toUpperCase())).conversation.id).to.equal(id)
      await world.say(id, 'heard')
      await client.until(() => client.messages.size === 1)
    })

    it('sends and cancels through the ports', async () => {
      const client = await connect()
      const body = { agentIds: [newId(), newId()], message: 'Discuss', maxTurns: 4, idempotencyKey: 'k' }
      expect(await client.ask('message.send', body)).to.include({ ok: true, status: 'queued' })
      expect(world.sent).to.deep.equal([body])
      const run = await world.startRun(world.open(me.userId))
      expect(await client.ask('run.cancel', { runId: run.id })).to.have.nested.property('run.id', run.id)
    })

    it('tells nothing of what failed inside', async () => {
      const client = await connect()
      world.send = async () => {
        throw new Error('password=hunter2')
      }
      const answer = JSON.stringify(await client.ask('message.send', { agentId: newId(), message: 'x' }))
      expect(answer).to.include('server.error').and.not.include('hunter2')
    })

    it('bounds commands per second, conversations per socket and sockets per user', async () => {
      await start({ limits: { commandsPerSecond: 10, joins: 2, socketsPerUser: 2 } })
      const [client, second] = [await connect(), await connect()]
      expect(await node.connect(me.token).refused()).to.equal('socket.too_many_sockets')
      const ids = [1, 2, 3].map(() => world.open(me.userId))
      const joins = await Promise.all(ids.map((conversationId) => client.ask('conversation.join', { conversationId })))
      expect(joins[2]).to.have.nested.property('error.code', 'socket.too_many_joins')
      const many = Array.from({ length: 100 }, () => client.ask('run.cancel', { runId: newId() }))
      const answers = (await Promise.all(many)).map((answer) => JSON.stringify(answer))
      expect(answers.filter((answer) => answer.includes('socket.rate_limited')).length).to.be.within(70, 99)
      expect(await second.refusal('run.cancel', { runId: newId() })).to.equal('run.not_found')
    })

    it('ends a socket that floods, and one that sends 10 MB; nobody else notices', async () => {
      const [flood, huge, calm] = [await connect(), await connect(), await connect(world.signIn())]
      const ended = [flood.ended(), huge.ended()]
      for (let i = 0; i < 3_000; i++) flood.socket.emit('run.cancel', { runId: newId() })
      huge.socket.emit('message.send', { agentId: newId(), message: 'x'.repeat(10_000_000) })
      await Promise.all(ended)
      expect(await calm.refusal('run.cancel', { runId: newId() })).to.equal('run.not_found')
      expect(world.sent).to.deep.equal([])
    })
  })

  describe('a client that does not keep up', () => {
    it('costs bounded memory and still ends with the whole text', async () => {
      const client = await connect()
      const id = world.open(me.userId)
      await client.join(id)
      const run = await world.startRun(id, 3)
      const reader = tcpOf(client)

      const first = await world.startTurn(run)
      reader.pause()
      let spoken = ''
      const word = `${'lorem ipsum '.repeat(80)}🎉 `
      let most = 0
      // About 20 MB: far more than the kernel and the limits hold.
      for (let i = 0; i < 20_000; i++) {
        await feed.append(first, spoken.length, word)
        spoken += word
        if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
        most = Math.max(most, node.sockets.pendingChars)
      }
      expect(most).to.be.within(200_000, 600_000)
      await world.say(id, 'said while it slept')
      reader.resume()
      await client.until(() => client.text(first) === spoken && client.messages.size === 1)

      // It goes on as usual, and a turn that ends while it sleeps again arrives as its message.
      await world.finishTurn(run, first, 'the first, in short')
      await client.until(() => client.text(first) === 'the first, in short')
      const second = await world.startTurn(run, 1)
      reader.pause()
      for (let i = 0; i < 8_000; i++) {
        await feed.append(second, i * word.length, word)
        if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await world.finishTurn(run, second, 'the second, in short')
      await world.finishRun(run)
      reader.resume()
      await client.until(() => client.text(second) === 'the second, in short')
      await client.until(() => node.sockets.pendingChars === 0)
    })
  })

  it('answers what is under way when it closes, and drops connections so that clients reconnect', async () => {
    const client = await connect()
    let answer = (_: unknown) => {}
    const asked = new Promise<void>((resolve) => {
      world.cancel = () => {
        resolve()
        return new Promise((_resolve, reject) => {
          answer = reject
        })
      }
    })
    const refusal = client.refusal('run.cancel', { runId: newId() })
    await asked
    const ended = client.ended()
    const closed = node.close()
    answer(new Error('late'))
    expect(await refusal).to.equal('server.error')
    expect(await ended).to.equal('transport close')
    await closed
    expect(node.sockets.size).to.equal(0)
  })

  it('survives a connection that never speaks Socket.IO', async () => {
    const address = node.server.address()
    if (!address || typeof address === 'string') return
    const raw = connectTcp(address.port, '127.0.0.1')
    raw.resume()
    await once(raw, 'connect')
    raw.write(
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await once(raw, 'close')
    await connect()
  })
})

/** The client's end of the TCP connection. */
function tcpOf(client: Client): { pause(): void; resume(): void } {
  const transport: unknown = Reflect.get(client.socket.io.engine, 'transport')
  const ws: unknown = typeof transport === 'object' && transport ? Reflect.get(transport, 'ws') : undefined
  if (!isPausable(ws)) throw new Error('not a WebSocket of the ws package')
  return ws
}

const isPausable = (value: unknown): value is { pause(): void; resume(): void } =>
  typeof value === 'object' && value !== null && 'pause' in value && 'resume' in value
