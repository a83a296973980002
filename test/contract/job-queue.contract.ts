import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { pino } from 'pino'
import { z } from 'zod'
import type { QueueBackend } from '../../src/queue/bullmq-backend.ts'
import { catalog } from '../../src/queue/catalog.ts'
import { byQueue, defineJob, QUEUES } from '../../src/queue/job.ts'
import { type JobContext, Postpone } from '../../src/queue/job-queue.ts'
import { AppError } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { type Consumer, type ConsumerOptions, type JobHandlers, startConsumer } from '../../workers/consumer.ts'
import { openQueuesAt, type QueuePlace } from './queue-at.ts'

/** A queue server that the contract is held to. */
export interface QueueServer {
  where: QueuePlace
  /** Everything in the queues is lost, behind the back of those who use them. */
  forget(): Promise<void>
  /** Every connection breaks; the server is there again when this resolves. */
  breakConnections(): Promise<void>
}

/** What came, in order, and a way to wait for it. */
export class Inbox<T> {
  readonly items: T[] = []
  #changed: (() => void)[] = []

  add(item: T): void {
    this.items.push(item)
    for (const resolve of this.#changed.splice(0)) resolve()
  }

  /** The first `count` items, once they are there. */
  async first(count: number): Promise<T[]> {
    while (this.items.length < count) await new Promise<void>((resolve) => this.#changed.push(resolve))
    return this.items.slice(0, count)
  }
}

/** Tries until it works; for healing, whose moment cannot be awaited. */
export async function untilItWorks(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt()
      return
    } catch {
      await sleep(50)
    }
  }
}

/** The error's code, or undefined when nothing was thrown. */
export const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )

/** Starts consumers that are closed after each test. Jobs without a handler fail the test's expectations, not the process. */
export function useConsumers(backend: () => QueueBackend) {
  const consumers: Consumer[] = []
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((consumer) => consumer.close()))
  })
  const unexpected = async () => {
    throw new Error('unexpected job')
  }
  return async (handlers: Partial<JobHandlers>, options: Partial<ConsumerOptions> = {}): Promise<Consumer> => {
    const consumer = await startConsumer({
      backend: backend(),
      handlers: {
        turnRun: unexpected,
        ownTurnRun: unexpected,
        fileProcess: unexpected,
        smallFileProcess: unexpected,
        conversationTitle: unexpected,
        ownConversationTitle: unexpected,
        conversationSummarize: unexpected,
        ownConversationSummarize: unexpected,
        mailSend: unexpected,
        webhookDeliver: unexpected,
        ...handlers,
      },
      concurrency: byQueue(() => 1),
      logger: pino({ level: 'silent' }),
      ...options,
    })
    consumers.push(consumer)
    return consumer
  }
}

/** What every backend of the queue must do. Register it inside a `describe` whose `before` starts the server. */
export function itIsAJobQueue(server: () => QueueServer): void {
  let backend: QueueBackend

  before('several processes open it at once', async () => {
    const [first, ...others] = await Promise.all(
      [1, 2, 3].map(() => openQueuesAt(server().where, pino({ level: 'silent' }))),
    )
    await Promise.all(others.map((other) => other.close()))
    if (!first) throw new Error('not opened')
    backend = first
  })
  after(() => backend?.close())
  beforeEach(() => backend.obliterate())
  const consume = useConsumers(() => backend)

  const turn = () => ({ runId: newId(), turn: 0 })
  const enqueueTurn = (jobId: string, delayMs?: number) =>
    backend.enqueue(catalog.turnRun, turn(), { jobId, ...(delayMs === undefined ? {} : { delayMs }) })
  /** A consumer of turns that notes each, and then does what the test says. */
  const consumeTurns = async (then: (n: number, context: JobContext) => Promise<void> = async () => {}) => {
    const inbox = new Inbox<string>()
    const consumer = await consume({
      turnRun: (payload, context) => {
        inbox.add(payload.runId)
        return then(inbox.items.length, context)
      },
    })
    return { inbox, consumer }
  }

  it('delivers each kind of job with its payload to its handler', async () => {
    const inbox = new Inbox<unknown>()
    const note = async (payload: unknown) => inbox.add(payload)
    await consume({ turnRun: note, fileProcess: note, conversationTitle: note, conversationSummarize: note })
    const payloads = [turn(), { fileId: newId() }, { conversationId: newId() }, { conversationId: newId() }] as const
    await backend.enqueue(catalog.turnRun, payloads[0], { jobId: 'a' })
    await backend.enqueue(catalog.fileProcess, payloads[1], { jobId: 'b' })
    await backend.enqueue(catalog.conversationTitle, payloads[2], { jobId: 'c' })
    await backend.enqueue(catalog.conversationSummarize, payloads[3], { jobId: 'd' })
    expect(await inbox.first(4)).to.have.deep.members([...payloads])
  })

  it('gives first what has the lowest rank, and among equals what came first', async () => {
    const jobs = [3, 2, 1, 3, 1].map((rank, n) => ({ rank, payload: turn(), jobId: `ranked-${n}` }))
    for (const { payload, ...options } of jobs) await backend.enqueue(catalog.turnRun, payload, options)
    expect(await backend.waiting('turns')).to.equal(5)
    const { inbox } = await consumeTurns()
    const expected = [2, 4, 1, 0, 3].map((n) => jobs[n]?.payload.runId)
    expect(await inbox.first(5)).to.deep.equal(expected)
  })

  it('refuses a bad payload and a bad job id at the door', async () => {
    const bad = { runId: 'not a uuid', turn: -1 }
    expect(await codeOf(backend.enqueue(catalog.turnRun, bad, { jobId: 'a' }))).to.equal('queue.invalid_job')
    for (const jobId of ['', 'a:b']) expect(await codeOf(enqueueTurn(jobId))).to.equal('queue.invalid_job')
    expect(await backend.depth('turns')).to.equal(0)
  })

  it('drops what came in with a bad payload or an unknown name, logs it once, and goes on', async () => {
    const lines: string[] = []
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line).msg) })
    const bent = defineJob('turns.run', 'turns', z.any())
    const unknown = defineJob('turns.unheard', 'turns', z.any())
    await backend.enqueue(bent, { runId: 7 }, { jobId: 'bad' })
    await backend.enqueue(unknown, {}, { jobId: 'unknown' })
    await enqueueTurn('good')
    const inbox = new Inbox<string>()
    await consume({ turnRun: async (payload) => inbox.add(payload.runId) }, { logger })
    await inbox.first(1)
    expect(lines).to.deep.equal(['job with a bad payload dropped', 'unknown job dropped'])
    expect(await backend.depth('turns')).to.equal(0)
  })

  it('keeps a delayed job back until its time', async () => {
    const { inbox } = await consumeTurns()
    const start = performance.now()
    await enqueueTurn('late', 300)
    await inbox.first(1)
    expect(performance.now() - start).to.be.at.least(290)
  })

  it('ignores a job id that waits, is delayed or runs', async () => {
    await enqueueTurn('waits')
    await enqueueTurn('waits')
    await enqueueTurn('delayed', 60_000)
    await enqueueTurn('delayed')
    expect(await backend.depth('turns')).to.equal(2)
    const gate = Promise.withResolvers<void>()
    const { inbox } = await consumeTurns(() => gate.promise)
    await inbox.first(1)
    await enqueueTurn('waits')
    expect(await backend.depth('turns')).to.equal(1)
    gate.resolve()
    await enqueueTurn('last')
    expect(await inbox.first(2)).to.have.lengthOf(2)
    expect(inbox.items).to.have.lengthOf(2)
  })

  it('takes any id for its jobs, also ones that mean something to the backend or to another kind of job', async () => {
    const conversation = { conversationId: newId() }
    const inbox = new Inbox<string>()
    for (const jobId of ['delayed', 'meta', '42']) {
      await backend.enqueue(catalog.conversationTitle, conversation, { jobId })
      await backend.enqueue(catalog.conversationSummarize, conversation, { jobId })
    }
    await consume({
      conversationTitle: async () => inbox.add('title'),
      conversationSummarize: async () => inbox.add('summary'),
    })
    expect(await inbox.first(6)).to.have.members(['title', 'title', 'title', 'summary', 'summary', 'summary'])
  })

  it('runs a job id again after its job ended, well or badly', async () => {
    const { inbox } = await consumeTurns(async (n) => {
      if (n === 1) throw new Error('the first one fails')
    })
    // One at a time: when the next has started, the one before is over.
    for (const [i, jobId] of ['again', 'other', 'again', 'other', 'again'].entries()) {
      await enqueueTurn(jobId)
      await inbox.first(i + 1)
    }
  })

  it('brings a postponed job back at its time, however often', async () => {
    const times: number[] = []
    const { inbox } = await consumeTurns(async (n) => {
      times.push(performance.now())
      if (n <= 4) throw new Postpone(100)
    })
    await enqueueTurn('postponed')
    await inbox.first(5)
    expect(new Set(inbox.items).size).to.equal(1)
    for (const [i, time] of times.slice(1).entries()) expect(time - (times[i] ?? 0)).to.be.at.least(95)
  })

  it('goes on after a handler throws', async () => {
    const { inbox } = await consumeTurns(async (n) => {
      if (n <= 20) throw new Error('broken')
    })
    for (let i = 1; i <= 21; i++) await enqueueTurn(`job-${i}`)
    await inbox.first(21)
    expect(await backend.depth('turns')).to.equal(0)
  })

  it("gives a killed process's job to another within seconds, and again", async () => {
    await enqueueTurn('survivor')
    for (let killed = 1; killed <= 2; killed++) {
      const program = fileURLToPath(new URL('job-queue.child.ts', import.meta.url))
      const child = spawn(process.execPath, [program, JSON.stringify(server().where)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const inbox = new Inbox<string>()
    const start = performance.now()
    await consume({ turnRun: async (payload) => inbox.add(payload.runId) }, { lockMs: 400 })
    await inbox.first(1)
    expect(performance.now() - start).to.be.below(5_000)
  })

  it('goes on without a restart after everything in it was lost', async () => {
    const gate = Promise.withResolvers<void>()
    const { inbox, consumer } = await consumeTurns(async (n) => {
      if (n === 2) await gate.promise
    })
    await enqueueTurn('before')
    await inbox.first(1)
    await server().forget()
    await enqueueTurn('while idle')
    await inbox.first(2)
    await enqueueTurn('waiting')
    await server().forget()
    gate.resolve()
    await enqueueTurn('while active')
    await inbox.first(3)
    await enqueueTurn('while idle')
    await inbox.first(4)
    expect(consumer.liveness().lastCompletedAt).to.be.instanceOf(Date)
  })

  it('heals by itself when its connections break', async () => {
    const { inbox } = await consumeTurns()
    await enqueueTurn('before')
    await inbox.first(1)
    await server().breakConnections()
    await untilItWorks(() => backend.ping())
    await untilItWorks(() => enqueueTurn('after'))
    await inbox.first(2)
  })

  it('drains: waits for what runs, takes nothing new, and leaves that to others', async () => {
    const gate = Promise.withResolvers<void>()
    const { inbox, consumer } = await consumeTurns(() => gate.promise)
    await enqueueTurn('running')
    await inbox.first(1)
    const drained = consumer.drain(10_000)
    await enqueueTurn('new')
    gate.resolve()
    await drained
    expect(inbox.items).to.have.lengthOf(1)
    expect(consumer.liveness().active).to.equal(0)
    const other = await consumeTurns()
    await other.inbox.first(1)
    expect(other.inbox.items).to.not.include(inbox.items[0])
  })

  it('drains an idle worker that gets a job at that moment without losing it', async () => {
    const { consumer, inbox } = await consumeTurns()
    const other = await consumeTurns()
    const drained = consumer.drain(1_000)
    await Promise.all([1, 2, 3, 4, 5].map((n) => enqueueTurn(`job-${n}`)))
    await drained
    await untilItWorks(async () => expect(inbox.items.length + other.inbox.items.length).to.equal(5))
  })

  it('aborts what takes too long to drain and hands it to another worker at once', async () => {
    const reasons: unknown[] = []
    const { inbox, consumer } = await consumeTurns(async (_, { signal }) => {
      if (!signal.aborted) await once(signal, 'abort')
      reasons.push(signal.reason)
      throw new Error('interrupted')
    })
    await enqueueTurn('long')
    await inbox.first(1)
    const other = await consumeTurns()
    const start = performance.now()
    await consumer.drain(0)
    expect(reasons).to.deep.equal(['drain'])
    expect(await other.inbox.first(1)).to.deep.equal(inbox.items)
    expect(performance.now() - start, 'without waiting for the lock').to.be.below(5_000)
  })

  it('ends a drain although a handler does not listen', async () => {
    const { inbox, consumer } = await consumeTurns(() => new Promise(() => {}))
    await enqueueTurn('deaf')
    await inbox.first(1)
    await consumer.drain(0)
    expect(consumer.liveness().active).to.equal(1)
  })

  it('delivers 200 jobs exactly once to two workers', async () => {
    const inbox = new Inbox<string>()
    const note = { turnRun: async (payload: { runId: string }) => inbox.add(payload.runId) }
    for (let i = 0; i < 2; i++) await consume(note, { concurrency: { ...byQueue(() => 1), turns: 20 } })
    const payloads = Array.from({ length: 200 }, turn)
    await Promise.all(payloads.map((payload, i) => backend.enqueue(catalog.turnRun, payload, { jobId: `job-${i}` })))
    await inbox.first(200)
    await untilItWorks(async () => expect(await backend.depth('turns')).to.equal(0))
    expect(inbox.items).to.have.lengthOf(200)
    expect(new Set(inbox.items).size).to.equal(200)
  })

  it('shows whether jobs move', async () => {
    const gate = Promise.withResolvers<void>()
    const { inbox, consumer } = await consumeTurns(() => gate.promise)
    expect(consumer.liveness()).to.include({ active: 0, lastCompletedAt: null })
    await enqueueTurn('a')
    await inbox.first(1)
    await enqueueTurn('b')
    expect(consumer.liveness()).to.deep.equal({ active: 1, idleSince: null, lastCompletedAt: null })
    for (let check = 0; check < 2; check++) expect(await consumer.stuckForMs(), 'busy is not stuck').to.equal(0)
    gate.resolve()
    await inbox.first(2)
    await untilItWorks(async () => expect(consumer.liveness().idleSince).to.be.instanceOf(Date))
  })

  it('sees a worker that lives and takes nothing', async () => {
    const deaf: QueueBackend = {
      queues: backend.queues,
      enqueue: (job, payload, options) => backend.enqueue(job, payload, options),
      depth: (queue) => backend.depth(queue),
      waiting: (queue) => backend.waiting(queue),
      ping: () => backend.ping(),
      obliterate: () => backend.obliterate(),
      close: () => backend.close(),
      openWorker: (queue, processor, options) => {
        const worker = backend.openWorker(queue, processor, options)
        void worker.pause(true)
        return worker
      },
    }
    const consumer = await consume({}, { backend: deaf })
    expect(await consumer.stuckForMs()).to.equal(0)
    await enqueueTurn('lonely')
    expect(await consumer.stuckForMs(), 'first seen').to.equal(0)
    await sleep(20)
    expect(await consumer.stuckForMs()).to.be.at.least(15)
  })

  it('starts only with a handler for each job, and says so before it runs too', async () => {
    const done = async () => {}
    const handlers = {
      turnRun: done,
      ownTurnRun: done,
      fileProcess: done,
      smallFileProcess: done,
      conversationTitle: done,
      ownConversationTitle: done,
      ownConversationSummarize: done,
    }
    const start = startConsumer({
      backend,
      // @ts-expect-error one handler is missing
      handlers,
      concurrency: byQueue(() => 1),
      logger: pino({ level: 'silent' }),
    })
    expect(await codeOf(start)).to.equal('Error: The job conversations.summarize has no handler.')
  })

  it('counts, answers pings and forgets on request', async () => {
    await backend.ping()
    await enqueueTurn('a')
    await enqueueTurn('b', 60_000)
    const others = QUEUES.slice(1).map(() => 0)
    expect(await Promise.all(QUEUES.map((queue) => backend.depth(queue)))).to.deep.equal([2, ...others])
    expect(await Promise.all(QUEUES.map((queue) => backend.waiting(queue)))).to.deep.equal([1, ...others])
    await backend.obliterate()
    expect(await backend.depth('turns')).to.equal(0)
  })
}
