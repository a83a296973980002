import { expect } from 'chai'
import { type Change, ChatspartyClient } from '../../src/client/client.ts'
import { moveInMs } from '../../src/client/live-connection.ts'
import type { RunView } from '../../src/contract/views.ts'
import { InProcessFeed } from '../../src/realtime/in-process-feed.ts'
import type { LiveAttempt } from '../../src/realtime/live-feed.ts'
import { Link } from '../support/link.ts'
import { eventually } from '../support/pace.ts'
import { Node, type Session, World } from './socket-world.ts'

/** Time enough, and a moment of its own that comes soon. */
const WITHIN_MS = 50

/** What was shown of one turn, in pieces as they came, and what else came. */
class Watch {
  text = ''
  pieces = 0
  readonly types: string[] = []

  async follow(changes: AsyncIterable<Change>): Promise<void> {
    for await (const change of changes) {
      this.types.push(change.type)
      if (change.type === 'turn.reset') this.text = ''
      if (change.type !== 'turn.text') continue
      this.text += change.text
      this.pieces++
    }
  }

  count = (type: string): number => this.types.filter((other) => other === type).length
}

describe('The client whose server is about to end', () => {
  const feed = new InProcessFeed({ ttlMs: 60_000 })
  let world: World
  let me: Session
  let nodes: Node[]
  let client: ChatspartyClient
  let run: RunView
  let ref: LiveAttempt
  let said: string
  /** The node to which the next connection goes. */
  let route: () => number
  /** The address that the client knows. */
  let front: Link

  beforeEach(async () => {
    world = new World(feed)
    me = world.signIn()
    nodes = await Promise.all([0, 1].map(() => new Node(world, feed).start()))
    route = () => 0
    front = await Link.open({
      get port() {
        return at(route()).port
      },
    })
    client = new ChatspartyClient({ url: front.url, token: me.token })
    const id = world.open(me.userId)
    run = await world.startRun(id)
    ref = await world.startTurn(run)
    said = ''
  })
  afterEach(async () => {
    client.close()
    front.close()
    await Promise.all(nodes.map((node) => node.close()))
  })

  const at = (index: number): Node => {
    const node = nodes[index]
    if (!node) throw new Error(`there is no node ${index}`)
    return node
  }
  /** Sockets at each node. */
  const sizes = () => nodes.map(({ sockets }) => sockets.size)
  const say = async (words: string) => {
    await feed.append(ref, said.length, words)
    said += words
  }
  const shows = (watch: Watch) => eventually(() => watch.text === said)
  /** Watches from the first word on, over the first node. */
  const watching = async () => {
    const watch = new Watch()
    const following = watch.follow(client.follow(run.conversationId))
    await say('One 🎈 ')
    await shows(watch)
    return { watch, following }
  }
  /** Holds every join between its rows and its acknowledgement until `release`. */
  const holdJoins = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let begun = 0
    world.afterRows = () => {
      begun++
      return promise
    }
    return { release: resolve, begun: () => begun }
  }

  it('joins elsewhere before it leaves: it hears every word meanwhile, none twice, and holds two sockets at most', async () => {
    const { watch } = await watching()
    const joins = holdJoins()
    route = () => 1
    at(0).sockets.moveOn(WITHIN_MS)
    await eventually(() => joins.begun() === 1)

    // The new join is not acknowledged: what is said comes over the old socket, word for word.
    for (const word of ['two ', 'three ', 'four ']) {
      await say(word)
      await shows(watch)
      expect(sizes()).to.deep.equal([1, 1])
    }
    const before = watch.pieces
    joins.release()
    await eventually(() => sizes()[0] === 0)
    await say('five 🎉')
    await shows(watch)
    expect(watch.pieces, 'the acknowledgement brought nothing that was shown before').to.equal(before + 1)
    expect(watch.count('turn.reset')).to.equal(0)
    expect(joins.begun(), 'one join, because there was no gap').to.equal(1)
    expect(sizes()).to.deep.equal([0, 1])
    expect(front.accepted).to.equal(2)
  })

  it('takes what its new server says ahead of the old one, and the other way round, once', async () => {
    const { watch } = await watching()
    const other = client.follow(run.conversationId)
    const second = new Watch()
    void second.follow(other)
    await shows(second)
    const joins = holdJoins()
    route = () => 1
    at(0).sockets.moveOn(WITHIN_MS)
    // Two that follow one conversation join both; the old socket stays for the one that is later.
    await eventually(() => joins.begun() === 1)
    await say('in between ')
    joins.release()
    await eventually(() => sizes()[0] === 0)
    await say('and after.')
    await shows(watch)
    await shows(second)
    expect([watch.count('turn.reset'), second.count('turn.reset')]).to.deep.equal([0, 0])
    expect(front.accepted).to.equal(2)
  })

  it('stays where it is while others that end, too, refuse it, and tries again', async () => {
    const { watch } = await watching()
    at(1).sockets.moveOn(0)
    route = () => 1
    at(0).sockets.moveOn(0)
    await eventually(() => front.accepted >= 3)
    expect(sizes()).to.deep.equal([1, 0])
    await say('still here ')
    await shows(watch)
    nodes.push(await new Node(world, feed).start())
    route = () => 2
    await eventually(() => sizes()[0] === 0)
    await say('and there')
    await shows(watch)
    expect(sizes()).to.deep.equal([0, 0, 1])
    expect(watch.count('turn.reset')).to.equal(0)
  })

  it('moves once more when the server that lets it in ends, too', async () => {
    const { watch } = await watching()
    nodes.push(await new Node(world, feed).start())
    const joins = holdJoins()
    route = () => 1
    at(0).sockets.moveOn(0)
    await eventually(() => joins.begun() === 1)
    route = () => 2
    at(1).sockets.moveOn(0)
    expect(sizes()).to.deep.equal([1, 1, 0])
    await say('two ')
    await shows(watch)
    joins.release()
    await eventually(() => sizes()[2] === 1 && sizes()[1] === 0)
    await say('three')
    await shows(watch)
    expect(sizes()).to.deep.equal([0, 0, 1])
    expect(front.accepted).to.equal(3)
  })

  it('goes on with the new socket when the old one ends before it is let in there', async () => {
    const { watch } = await watching()
    const joins = holdJoins()
    route = () => 1
    at(0).sockets.moveOn(0)
    await eventually(() => joins.begun() === 1)
    await at(0).close()
    await say('unheard for now, ')
    joins.release()
    await say('and heard')
    await shows(watch)
    expect(front.accepted, 'the old one is not opened again').to.equal(2)
    expect(watch.count('turn.reset')).to.equal(0)
  })

  it('waits for a moment of its own within the time that it is given, and leaves a fifth of that for the way', () => {
    expect([0, 0.5, 0.999].map((random) => moveInMs(1_000, random))).to.deep.equal([0, 400, 799.2])
    expect(moveInMs(-5, 0.5)).to.equal(0)
  })

  it('tells who was on the way in when the others were asked to go', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const authenticate = world.authenticate.bind(world)
    let asked = 0
    world.authenticate = async (token) => {
      asked++
      await promise
      return authenticate(token)
    }
    const watch = new Watch()
    void watch.follow(client.follow(run.conversationId))
    await eventually(() => asked === 1)
    route = () => 1
    at(0).sockets.moveOn(WITHIN_MS)
    resolve()
    await eventually(() => sizes()[0] === 0 && sizes()[1] === 1)
    await say('here')
    await shows(watch)
  })

  it('keeps a user who follows nothing told of credits', async () => {
    const heard: string[] = []
    client.onUserEvent((event) => {
      if (event.type === 'credits.updated') heard.push(event.available)
    })
    await eventually(() => sizes()[0] === 1)
    route = () => 1
    at(0).sockets.moveOn(WITHIN_MS)
    await eventually(() => sizes()[0] === 0)
    await eventually(async () => {
      await feed.publishToUser(me.userId, { type: 'credits.updated', available: '1.000000', held: '0.000000' })
      return heard.length > 0
    })
    expect(sizes()).to.deep.equal([0, 1])
  })
})
