import { expect } from 'chai'
import fc from 'fast-check'
import type { ConversationEvent, EventOf } from '../../src/contract/events.ts'
import { InProcessFeed } from '../../src/realtime/in-process-feed.ts'
import type { ControlSignal, LiveAttempt, LiveFeed } from '../../src/realtime/live-feed.ts'
import { RedisFeed } from '../../src/realtime/redis-feed.ts'
import { newId } from '../../src/shared/ids.ts'
import { DeltaCoalescer } from '../../workers/agent-runtime/delta-coalescer.ts'
import { LivePace } from '../../workers/agent-runtime/live-pace.ts'
import { NO_REDIS, skip } from '../support/programs.ts'
import { connectionsTo, type RedisServer, startRedis } from '../support/redis.ts'

interface Bench {
  /** Two ends of one feed, as a worker and a web node have them. */
  worker: LiveFeed
  web: LiveFeed
  flush(): Promise<void>
  close(): Promise<void>
}

const TTL_MS = 60_000

const adapters: Record<string, () => Promise<Bench | undefined>> = {
  'in-process': async () => {
    const feed = new InProcessFeed({ ttlMs: TTL_MS })
    return { worker: feed, web: feed, flush: async () => feed.flush(), close: () => feed.close() }
  },
  redis: async () => {
    const server = await startRedis()
    if (!server) return undefined
    const [worker, web] = await Promise.all([
      RedisFeed.open({ redis: connectionsTo(server.url), ttlMs: TTL_MS }),
      RedisFeed.open({ redis: connectionsTo(server.url), ttlMs: TTL_MS }),
    ])
    const close = async () => {
      await Promise.all([worker.close(), web.close()])
      await server.stop()
    }
    return { worker, web, flush: () => server.flush(), close }
  },
}

const turnRef = (over: Partial<LiveAttempt> = {}): LiveAttempt => ({
  conversationId: newId(),
  runId: newId(),
  turn: 0,
  attempt: 1,
  agentId: newId(),
  ...over,
})

/** Collects events and lets a test wait for the n-th. */
class Inbox<E> {
  readonly events: E[] = []
  #wake: (() => void)[] = []

  readonly listener = (event: E): void => {
    this.events.push(event)
    for (const wake of this.#wake.splice(0)) wake()
  }

  async until(done: (events: E[]) => boolean): Promise<E[]> {
    while (!done(this.events)) await new Promise<void>((resolve) => this.#wake.push(resolve))
    return this.events
  }

  take(count: number): Promise<E[]> {
    return this.until((events) => events.length >= count)
  }
}

const deltas = (events: ConversationEvent[]): EventOf<'turn.delta'>[] =>
  events.filter((event) => event.type === 'turn.delta')

for (const [name, open] of Object.entries(adapters)) {
  describe(`live feed (${name})`, () => {
    let bench: Bench
    let worker: LiveFeed
    let web: LiveFeed

    before(async function () {
      const opened = await open()
      if (!opened) return skip(this, NO_REDIS)
      bench = opened
      worker = bench.worker
      web = bench.web
    })

    after(() => bench?.close())

    describe('text', () => {
      it('grows by appends at its end and is read on another node', async () => {
        const ref = turnRef()
        expect(await worker.append(ref, 0, 'Good ')).to.equal('appended')
        expect(await worker.append(ref, 5, 'morning\n"\u2028')).to.equal('appended')
        expect(await web.read(ref.conversationId)).to.deep.equal([{ ...ref, text: 'Good morning\n"\u2028' }])
        expect(await web.readTurn(ref)).to.deep.equal({ ...ref, text: 'Good morning\n"\u2028' })
        expect(await web.read(newId())).to.deep.equal([])
      })

      it('keeps nothing of the caller but what names the attempt', async () => {
        const ref = turnRef()
        const claim = { ...ref, claimToken: 'secret', userId: newId() }
        await worker.append(claim, 0, 'x')
        expect(await web.read(ref.conversationId)).to.deep.equal([{ ...ref, text: 'x' }])
        await worker.rewrite(claim, 'y')
        expect(await web.readTurn(ref)).to.deep.equal({ ...ref, text: 'y' })
      })

      it('refuses an append that is not at the end, and changes nothing', async () => {
        const ref = turnRef()
        await worker.append(ref, 0, 'abc')
        expect(await worker.append(ref, 0, 'abc')).to.equal('gap')
        expect(await worker.append(ref, 2, 'x')).to.equal('gap')
        expect(await worker.append(ref, 4, 'x')).to.equal('gap')
        expect(await worker.append(turnRef(), 3, 'x')).to.equal('gap')
        expect((await web.readTurn(ref))?.text).to.equal('abc')
      })

      it('counts UTF-16 units, and joins the halves of a surrogate pair', async () => {
        const ref = turnRef()
        await worker.append(ref, 0, 'é😀')
        expect(await worker.append(ref, 3, '\ud83d')).to.equal('appended')
        expect(await worker.append(ref, 4, '\ude80!')).to.equal('appended')
        expect((await web.readTurn(ref))?.text).to.equal('é😀🚀!')
      })

      it('is what was appended, whatever the pieces', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { maxLength: 8 }), async (pieces) => {
            const ref = turnRef()
            let text = ''
            // Cut anywhere, also within pairs.
            for (const piece of pieces.flatMap((p) => [p.slice(0, 1), p.slice(1)])) {
              expect(await worker.append(ref, text.length, piece)).to.equal('appended')
              text += piece
            }
            expect((await web.readTurn(ref))?.text ?? '').to.equal(text)
          }),
          { numRuns: 40 },
        )
      })

      it('keeps the turns of a conversation apart', async () => {
        const first = turnRef()
        const second = turnRef({ conversationId: first.conversationId, runId: first.runId, turn: 1 })
        await worker.append(first, 0, 'one')
        await worker.append(second, 0, 'two')
        const texts = (await web.read(first.conversationId)).map((turn) => [turn.turn, turn.text])
        expect(texts).to.have.deep.members([
          [0, 'one'],
          [1, 'two'],
        ])
      })

      it('belongs to the latest attempt: older ones are refused', async () => {
        const first = turnRef()
        const second = { ...first, attempt: 2, agentId: newId() }
        await worker.append(first, 0, 'slow')
        expect(await worker.append(second, 4, 'x')).to.equal('gap')
        expect(await worker.append(second, 0, '')).to.equal('appended')
        expect(await worker.append(first, 4, 'er')).to.equal('stale')
        expect(await worker.rewrite(first, 'slower')).to.equal('stale')
        expect(await web.read(first.conversationId)).to.deep.equal([{ ...second, text: '' }])
        await worker.append(second, 0, 'quick')
        await worker.end(first)
        expect((await web.readTurn(first))?.text).to.equal('quick')
      })

      it('is forgotten at the end, and stays so for that attempt', async () => {
        const ref = turnRef()
        await worker.append(ref, 0, 'done')
        await web.end(ref)
        expect(await web.read(ref.conversationId)).to.deep.equal([])
        expect(await web.readTurn(ref)).to.equal(undefined)
        expect(await worker.append(ref, 4, '!')).to.equal('stale')
        expect(await worker.rewrite(ref, 'done!')).to.equal('stale')
        expect(await worker.append({ ...ref, attempt: 2 }, 0, 'again')).to.equal('appended')
      })

      it('refuses an attempt that ended before it said anything', async () => {
        const ref = turnRef()
        await web.end(ref)
        expect(await worker.append(ref, 0, 'late')).to.equal('stale')
      })

      it('heals after everything was lost', async () => {
        const ref = turnRef()
        const inbox = new Inbox<ConversationEvent>()
        const unsubscribe = await web.subscribe(ref.conversationId, inbox.listener)
        await worker.append(ref, 0, 'before ')
        await bench.flush()
        expect(await worker.append(ref, 7, 'after')).to.equal('gap')
        expect(await worker.rewrite(ref, 'before after')).to.equal('appended')
        expect(await worker.append(ref, 12, '!')).to.equal('appended')
        const seen = deltas(await inbox.take(3)).map((event) => [event.offset, event.text])
        expect(seen).to.deep.equal([
          [0, 'before '],
          [0, 'before after'],
          [12, '!'],
        ])
        expect((await web.readTurn(ref))?.text).to.equal('before after!')
        await unsubscribe()
      })
    })

    describe('events', () => {
      it('publishes each append in the same step, in order', async () => {
        const ref = turnRef()
        const inbox = new Inbox<ConversationEvent>()
        const unsubscribe = await web.subscribe(ref.conversationId, inbox.listener)
        await worker.append(ref, 0, '')
        await worker.append(ref, 0, 'a')
        await worker.append(ref, 1, '\ud83d')
        const { agentId: _, ...turn } = ref
        expect(await inbox.take(2)).to.deep.equal([
          { type: 'turn.delta', ...turn, offset: 0, text: 'a' },
          { type: 'turn.delta', ...turn, offset: 1, text: '\ud83d' },
        ])
        await unsubscribe()
      })

      it('reaches every subscriber of that conversation and nobody else', async () => {
        const [here, there] = [newId(), newId()]
        const [first, second, other] = [new Inbox(), new Inbox(), new Inbox()]
        const stops = [
          await web.subscribe(here, first.listener),
          await web.subscribe(here, second.listener),
          await web.subscribe(there, other.listener),
        ]
        const event = started(here)
        await worker.publish(here, event)
        await worker.publish(there, started(there))
        expect(await first.take(1)).to.deep.equal([event])
        expect(await second.take(1)).to.deep.equal([event])
        expect(await other.take(1)).to.have.length(1)
        for (const stop of stops) await stop()
      })

      it('stops for who unsubscribes, once, and goes on for the rest', async () => {
        const id = newId()
        const [gone, stays] = [new Inbox<ConversationEvent>(), new Inbox<ConversationEvent>()]
        const stop = await web.subscribe(id, gone.listener)
        const stopOther = await web.subscribe(id, stays.listener)
        await stop()
        await stop()
        await worker.publish(id, started(id))
        await stays.take(1)
        expect(gone.events).to.have.length(0)
        await stopOther()
        const back = new Inbox<ConversationEvent>()
        const stopAgain = await web.subscribe(id, back.listener)
        await worker.publish(id, started(id))
        await back.take(1)
        expect(stays.events).to.have.length(1)
        await stopAgain()
      })

      it('outlives a listener that throws', async () => {
        const id = newId()
        const inbox = new Inbox<ConversationEvent>()
        const stops = [
          await web.subscribe(id, () => {
            throw new Error('broken listener')
          }),
          await web.subscribe(id, inbox.listener),
        ]
        await worker.publish(id, started(id))
        expect(await inbox.take(1)).to.have.length(1)
        for (const stop of stops) await stop()
      })

      it("carries a user's own events", async () => {
        const userId = newId()
        const inbox = new Inbox()
        const stop = await web.subscribeUser(userId, inbox.listener)
        await worker.publishToUser(newId(), { type: 'credits.updated', available: '2.000000', held: '0.000000' })
        const event = { type: 'credits.updated', available: '1.000000', held: '0.500000' } as const
        await worker.publishToUser(userId, event)
        expect(await inbox.take(1)).to.deep.equal([event])
        await stop()
      })

      it('tells signals to every process', async () => {
        const inbox = new Inbox<ControlSignal>()
        const stops = [await worker.onSignal(inbox.listener), await web.onSignal(inbox.listener)]
        const runId = newId()
        await web.signal({ type: 'run.cancel', runId })
        await worker.signal({ type: 'session.revoked', sessionId: 's' })
        await inbox.take(4)
        expect(inbox.events.filter((signal) => signal.type === 'run.cancel')).to.deep.equal([
          { type: 'run.cancel', runId },
          { type: 'run.cancel', runId },
        ])
        for (const stop of stops) await stop()
      })
    })

    describe('under the coalescer', () => {
      it('carries any stream whole, however it is cut and whenever all is lost', async () => {
        const chunk = fc.oneof(
          { weight: 9, arbitrary: fc.record({ text: fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }) }) },
          { weight: 1, arbitrary: fc.constant({ flush: true }) },
          { weight: 1, arbitrary: fc.constant({ lost: true }) },
        )
        await fc.assert(
          fc.asyncProperty(fc.array(chunk, { maxLength: 12 }), async (steps) => {
            const ref = turnRef()
            const inbox = new Inbox<ConversationEvent>()
            const stop = await web.subscribe(ref.conversationId, inbox.listener)
            const live = new DeltaCoalescer({
              feed: worker,
              ref,
              pace: new LivePace(1),
              onStale: () => expect.fail('stale'),
            })
            let whole = ''
            for (const step of steps) {
              if ('text' in step) {
                whole += step.text
                // One UTF-16 unit at a time: every pair is cut.
                for (let i = 0; i < step.text.length; i++) live.push(step.text.charAt(i))
              } else if ('flush' in step) await live.flush()
              else await bench.flush()
            }
            await live.close()
            const watcher = () => {
              let text = ''
              for (const event of deltas(inbox.events)) {
                expect(event.text.isWellFormed()).to.equal(true)
                expect(event.offset).to.be.at.most(text.length)
                text += event.text.slice(text.length - event.offset)
              }
              return text
            }
            await inbox.until(() => watcher().length === whole.length)
            expect(watcher()).to.equal(whole)
            await stop()
          }),
          { numRuns: 30 },
        )
      })
    })
  })
}

function started(conversationId: string): ConversationEvent {
  const turn = { runId: newId(), turn: 0, attempt: 1, agentId: newId(), agentName: 'Ada' }
  return { type: 'turn.started', conversationId, ...turn }
}

describe('live feed in this process', () => {
  it('forgets text that nobody touched for the ttl', async () => {
    let now = 0
    const feed = new InProcessFeed({ ttlMs: 1_000, now: () => now })
    const [kept, lost] = [turnRef(), turnRef()]
    await feed.append(kept, 0, 'kept')
    await feed.append(lost, 0, 'lost')
    now = 900
    await feed.touch(kept)
    now = 1_500
    expect(await feed.read(kept.conversationId)).to.have.length(1)
    expect(await feed.read(lost.conversationId)).to.have.length(0)
    expect(await feed.append(lost, 4, '!')).to.equal('gap')
  })
})

describe('live feed on a Redis that comes and goes', () => {
  let server: RedisServer
  let feed: RedisFeed
  let publisher: RedisFeed

  before(async function () {
    const started = await startRedis()
    if (!started) return skip(this, NO_REDIS)
    server = started
  })

  beforeEach(async () => {
    await server.restart()
    const options = { redis: connectionsTo(server.url), ttlMs: 500, commandTimeoutMs: 200 }
    ;[feed, publisher] = await Promise.all([RedisFeed.open(options), RedisFeed.open(options)])
  })

  afterEach(() => Promise.all([feed?.close(), publisher?.close()]))
  after(() => server?.stop())

  const rejects = async (work: Promise<unknown>): Promise<number> => {
    const from = performance.now()
    const failed = await work.then(
      () => false,
      () => true,
    )
    expect(failed).to.equal(true)
    return performance.now() - from
  }

  const resubscribed = (on: LiveFeed) =>
    new Promise<void>((resolve) => {
      const stop = on.onResubscribe(() => {
        stop()
        resolve()
      })
    })

  it('rejects commands quickly while Redis is stopped or frozen', async () => {
    server.pause()
    expect(await rejects(feed.append(turnRef(), 0, 'x'))).to.be.below(2_000)
    server.resume()
    await server.stop()
    expect(await rejects(feed.append(turnRef(), 0, 'x'))).to.be.below(2_000)
    expect(await rejects(feed.ping())).to.be.below(2_000)
  })

  it('subscribes again by itself and says so, also for subscriptions made while Redis was away', async () => {
    const [early, late] = [newId(), newId()]
    const [first, second] = [new Inbox(), new Inbox()]
    await feed.subscribe(early, first.listener)
    await server.stop()
    await feed.subscribe(late, second.listener)
    const back = [resubscribed(feed), untilAnswers(publisher)]
    await server.restart()
    await Promise.all(back)
    await publisher.publish(early, started(early))
    await publisher.publish(late, started(late))
    await Promise.all([first.take(1), second.take(1)])
  })

  it('lets the coalescer go on and catch up', async () => {
    const ref = turnRef()
    const live = new DeltaCoalescer({ feed, ref, pace: new LivePace(5), onStale: () => expect.fail('stale') })
    live.push('before ')
    await live.flush()
    await server.stop()
    live.push('while away ')
    await live.flush()
    await server.restart()
    await untilAnswers(feed)
    live.push('after')
    await live.close()
    expect((await feed.readTurn(ref))?.text).to.equal('before while away after')
  })

  it('opens while Redis is away', async () => {
    await server.stop()
    const waiting = await RedisFeed.open({ redis: connectionsTo(server.url), ttlMs: 500 })
    const inbox = new Inbox()
    const id = newId()
    await waiting.subscribe(id, inbox.listener)
    const back = resubscribed(waiting)
    await server.restart()
    await back
    await untilAnswers(publisher)
    await publisher.publish(id, started(id))
    await inbox.take(1)
    await waiting.close()
  })

  it('lets keys expire', async () => {
    const ref = turnRef()
    await feed.append(ref, 0, 'short-lived')
    while (await feed.readTurn(ref)) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await feed.read(ref.conversationId)).to.deep.equal([])
  })
})

async function untilAnswers(feed: LiveFeed): Promise<void> {
  for (;;) {
    const up = await feed.ping().then(
      () => true,
      () => false,
    )
    if (up) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('delta coalescer', () => {
  it('merges what arrives within a tick, and has one call under way', async () => {
    const feed = new InProcessFeed({ ttlMs: TTL_MS })
    const calls: string[] = []
    let active = 0
    const counting = {
      rewrite: feed.rewrite.bind(feed),
      append: async (ref: LiveAttempt, offset: number, text: string) => {
        expect(++active).to.equal(1)
        await new Promise((resolve) => setImmediate(resolve))
        active--
        calls.push(text)
        return feed.append(ref, offset, text)
      },
    }
    // Many others speak, so that words wait for the tick.
    const pace = { delayMs: () => 10, sent: () => {} }
    const live = new DeltaCoalescer({ feed: counting, ref: turnRef(), pace, onStale: () => {} })
    for (const word of ['a', 'b', 'c']) live.push(word)
    const flushed = live.flush()
    live.push('d')
    await flushed
    await live.close()
    expect(calls).to.deep.equal(['abc', 'd'])
  })

  it('tells once that its attempt was superseded, and sends no more', async () => {
    const feed = new InProcessFeed({ ttlMs: TTL_MS })
    const ref = turnRef()
    let stale = 0
    const live = new DeltaCoalescer({ feed, ref, pace: new LivePace(1), onStale: () => stale++ })
    live.push('old words')
    await live.flush()
    await feed.append({ ...ref, attempt: 2 }, 0, 'new words')
    live.push(' and more')
    await live.flush()
    live.push(' and more')
    await live.close()
    expect(stale).to.equal(1)
    expect(live.text).to.equal('old words and more and more')
    expect((await feed.readTurn(ref))?.text).to.equal('new words')
  })
})
