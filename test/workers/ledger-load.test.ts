import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { acceptedView, isTerminal, type RunView } from '../../src/contract/views.ts'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { formatCredits } from '../../src/shared/money.ts'
import { ApiClient, type TestUser, Unanswered } from '../support/api-client.ts'
import { ADMIN } from '../support/app.ts'
import { seeded } from '../support/chaos.ts'
import { ClusterProcess, lastLines, processSettings, useCluster } from '../support/cluster.ts'
import { createDatabase } from '../support/database.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { flagsOf } from '../support/processes.ts'
import { balanceOf, chargesOf } from './ledger-world.ts'
import { isDecision, speakerOf } from './party-world.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const STRATEGIES = ['round_robin', 'supervisor', 'mention', 'handoff', 'panel'] as const
const NAMES = ['Ada', 'Blaise', 'Clara', 'Dora']
/** Leases short enough that a killed worker's turns run again within the test. */
const SETTINGS = {
  TURN_LEASE_MS: '2000',
  JOB_LOCK_MS: '2000',
  CANCEL_GRACE_MS: '500',
  HOLD_SLICE_TOKENS: '32',
  CREDITS_OWN_KEY_RATE: '0.5',
}

/** The distributed load goes on for so long. */
const SECONDS = 22

type Random = () => number
const pick = <T>(list: readonly T[], random: Random): T | undefined => list[Math.floor(random() * list.length)]
const sleep = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms))

/** Repeats what fails because nobody listens, as while the only process restarts. */
async function persist<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 30_000
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Unanswered) || performance.now() > deadline) throw error
      await sleep(100)
    }
  }
}

/** A provider as it is on a bad day: 429s, 500s, cut streams, errors within streams, missing usage. */
function misbehave(llm: MockLlm, random: Random): void {
  const words = ['tea', 'coffee', 'naïve', '🫖', 'in 東京', 'why not', 'quite so,', 'ask Clara', 'ЧАЙ']
  const text = () => {
    let said = 'Well,'
    for (let length = 5 + random() * 60; length > 0; length--) said += ` ${pick(words, random)}`
    return `${said}.`
  }
  const sometimes = (share: number) => ({ match: () => random() < share })
  llm
    .reply({ text, paceMs: 6, chunkSize: 24 })
    .reply({
      when: sometimes(0.3),
      text,
      paceMs: 6,
      chunkSize: 24,
      usage: { inputTokens: 333, cachedInputTokens: 77, outputTokens: 88, reasoningTokens: 11 },
    })
    .reply({ when: sometimes(0.08), text, paceMs: 6, usage: null })
    .reply({
      when: { match: (request) => isDecision(request) && random() < 0.9 },
      text: (request) =>
        JSON.stringify({
          done: random() < 0.1,
          handBackToUser: false,
          next: pick(NAMES, random),
          reason: speakerOf(request) || 'It fits.',
        }),
      usage: { inputTokens: 60, outputTokens: 12 },
    })
    .reply({ when: sometimes(0.05), status: 429, retryAfter: 0 })
    .reply({ when: sometimes(0.05), status: 500 })
    .reply({ when: sometimes(0.05), text, cutAfter: 3, paceMs: 20 })
    .reply({ when: sometimes(0.03), text, errorAfter: 2, paceMs: 20 })
}

interface LoadOptions {
  llm: MockLlm
  random: Random
  seconds: number
  users: number
  /** The API, through any web process there is. */
  api: () => ApiClient
}

/** Parties of all kinds by several users at once, some of them cancelled; resolves when every run is over. */
class Load {
  readonly runs = new Map<string, { user: TestUser; run: RunView | undefined }>()
  readonly users: TestUser[] = []
  cancels = 0
  refused = 0
  readonly #options: LoadOptions

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { users, seconds } = this.#options
    const until = performance.now() + seconds * 1_000
    await Promise.all(Array.from({ length: users }, (_, index) => this.#lane(index, until)))
  }

  async #lane(index: number, until: number): Promise<void> {
    const { api, llm } = this.#options
    const user = await persist(() => api().register())
    this.users.push(user)
    const own = await user.agentsOn(
      { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') },
      NAMES.slice(0, 2),
    )
    const house = await Promise.all(
      NAMES.slice(2).map((name) =>
        user.create('/api/agents', {
          name,
          instructions: `You are ${name}.`,
          connectionId: '01990000-0000-7000-8000-0000000000c1',
        }),
      ),
    )
    // One is poor: credits run out during the load.
    if (index === 0) {
      const admin = await api().login(ADMIN.email, ADMIN.password)
      const body = { userId: user.id, amount: '-9990', reason: 'To be poor' }
      expect((await admin.post('/api/credits/add', body)).status).to.equal(201)
    }
    const agentIds = [...own, ...house]
    while (performance.now() < until) {
      const runId = await this.#accept(user, agentIds)
      if (runId) await this.#see(user, runId)
      else if (index === 0) await sleep(1_000)
    }
  }

  async #accept(user: TestUser, agentIds: string[]): Promise<string | undefined> {
    const { random } = this.#options
    const party = {
      agentIds: random() < 0.5 ? agentIds : agentIds.slice(1, 3),
      message: 'Tea or coffee, Blaise?',
      strategy: pick(STRATEGIES, random),
      maxTurns: 2 + Math.floor(random() * 4),
      ...(random() < 0.2 && { stop: { maxCredits: '3' } }),
    }
    const [path, body] =
      random() < 0.2
        ? ['/api/chat', { agentId: pick(agentIds, random), message: 'Tea?' }]
        : ['/api/chat/multi-agent', party]
    const key = { 'idempotency-key': randomUUID() }
    const answer = await persist(() => user.post(String(path), body, key))
    if (answer.status === 402) {
      this.refused++
      return undefined
    }
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202)
    const { runId } = acceptedView.parse(answer.body)
    this.runs.set(runId, { user, run: undefined })
    return runId
  }

  async #see(user: TestUser, runId: string): Promise<void> {
    const { random } = this.#options
    if (random() < 0.2) {
      await sleep(random() * 900)
      await persist(() => user.post(`/api/chat/runs/${runId}/cancel`, undefined))
      this.cancels++
    }
    const deadline = performance.now() + 60_000
    for (;;) {
      const run = await persist(() => user.run(runId))
      this.runs.set(runId, { user, run })
      if (isTerminal(run.status)) return
      if (performance.now() > deadline) throw new Error(`the run is not over: ${JSON.stringify(run)}`)
      await sleep(250)
    }
  }
}

/** `npm run ledger:verify`, as an operator runs it. */
const ledgerVerify = (databaseUrl: string) =>
  new Promise<{ code: number; output: string }>((done) => {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, NODE_ENV: 'test', DATABASE_URL: databaseUrl }
    execFile('npm', ['run', '--silent', 'ledger:verify'], { cwd: ROOT, env }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code ?? -1) : 0, output: stdout + stderr }),
    )
  })

/** The audit, and beside it what people see: receipts, statements and balances tell the same. Prints the figures. */
async function expectExact(db: DataSource, databaseUrl: string, load: Load, kills: number, seconds: number) {
  const { code, output } = await ledgerVerify(databaseUrl)
  expect(output).to.match(/^pending holds +0$/m)
  expect(output).to.match(/^sum of all accounts +0\.000000$/m)
  expect(output).to.contain('zero differences')
  expect(code, output).to.equal(0)

  const [row] = await db.query(`SELECT
    (SELECT count(*)::int FROM turns) AS turns,
    (SELECT count(*)::int FROM turns WHERE attempt > failures + 1) AS "takenOver",
    (SELECT count(*)::int FROM turns WHERE status NOT IN ('completed', 'cancelled', 'failed')) AS open,
    (SELECT count(*)::int FROM metered_calls WHERE outcome = 'charged') AS charged,
    (SELECT count(*)::int FROM metered_calls WHERE outcome = 'lost') AS lost,
    (SELECT count(*)::int FROM metered_calls WHERE estimated) AS estimated,
    (SELECT count(*)::int FROM (SELECT FROM metered_calls WHERE outcome = 'charged' AND run_id IS NOT NULL
      GROUP BY run_id, turn, call HAVING count(*) > 1) d) AS "chargedTwice",
    (SELECT count(*)::int FROM (SELECT FROM messages WHERE role = 'agent' GROUP BY run_id, turn HAVING count(*) > 1) d) AS "saidTwice",
    (SELECT count(*)::int FROM turns t WHERE status = 'completed' AND NOT passed AND message_id IS NOT NULL AND NOT EXISTS
      (SELECT FROM metered_calls c WHERE c.run_id = t.run_id AND c.turn = t.index AND c.outcome = 'charged')) AS "saidForNothing",
    (SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()) AS deadlocks`)
  expect(row).to.include({ open: 0, chargedTwice: 0, saidTwice: 0, saidForNothing: 0 })

  const runs = [...load.runs.values()].flatMap(({ run }) => run ?? [])
  expect(runs).to.have.length(load.runs.size)
  for (const user of load.users) {
    const receipts = [...load.runs.values()].filter((one) => one.user === user)
    const credits = receipts.reduce((sum, { run }) => sum + BigInt(run?.receipt.credits.replace('.', '') ?? -1), 0n)
    const { available, held, granted, spent } = await balanceOf(user)
    expect({ spent, held, available }).to.deep.equal({ spent: credits, held: 0n, available: granted - spent })
    const [first] = receipts
    const lines = first?.run ? await chargesOf(user, first.run.id) : []
    expect(formatCredits(lines.reduce((sum, { amount }) => sum - amount, 0n))).to.equal(
      first?.run?.receipt.credits ?? '0.000000',
    )
  }
  const ended = [...Map.groupBy(runs, ({ stopReason }) => stopReason)].map(([why, group]) => `${why} ${group.length}`)
  for (const line of [
    `${seconds.toFixed(0)} s: ${runs.length} runs, ${row.turns} turns, ${kills} kill -9, ${row.takenOver} turns taken over, ${load.cancels} cancels, ${load.refused} requests refused with 402`,
    `ended: ${ended.toSorted().join(', ')}`,
    `calls: ${row.charged} charged, ${row.lost} lost, ${row.estimated} of them estimated; charged twice 0; deadlocks ${row.deadlocks}`,
    ...output
      .trim()
      .split('\n')
      .filter((line) => /revenue|losses|zero/.test(line)),
  ]) {
    console.log(`      ${line}`)
  }
  return { turns: Number(row.turns), lost: Number(row.lost), takenOver: Number(row.takenOver) }
}

describe('A load of mixed parties while workers are killed (distributed)', function () {
  this.timeout(180_000)
  const at = useCluster({ webs: 2, workers: 3, env: SETTINGS })
  let db: DataSource
  before(async () => {
    db = await createDataSource({ url: at.databaseUrl, entities: allEntities, poolSize: 2 }).initialize()
  })
  after(() => db?.destroy())

  it('leaves a ledger without a difference, and nobody charged twice', async () => {
    const startedAt = performance.now()
    misbehave(at.llm, seeded(20_261_125))
    const random = seeded(20_261_126)
    let node = 0
    const load = new Load({ llm: at.llm, random, seconds: SECONDS, users: 8, api: () => at.cluster.api(node++ % 2) })
    const over = load.run()
    // Until it is awaited.
    over.catch(() => {})
    const chance = seeded(20_261_127)
    const away = new Map<ClusterProcess, Promise<unknown>>()
    let kills = 0
    while (performance.now() - startedAt < SECONDS * 1_000) {
      await sleep(300 + 2_000 * chance())
      const alive = at.cluster.workers.filter((worker) => !away.has(worker))
      const victim = pick(alive, chance)
      // One is always left, or nothing would be under way that could be killed.
      if (!victim || alive.length < 2) continue
      kills++
      const back = victim.restart('SIGKILL').then(() => away.delete(victim))
      back.catch(() => {})
      away.set(victim, back)
    }
    await Promise.all([over, ...away.values()])
    const seconds = (performance.now() - startedAt) / 1_000
    const { turns, lost } = await expectExact(db, at.databaseUrl, load, kills, seconds)
    expect(turns).to.be.greaterThan(15)
    expect(kills).to.be.greaterThan(1)
    expect(lost).to.be.greaterThan(0)
  })
})

describe('A load of mixed parties while the only process is killed (embedded)', function () {
  this.timeout(120_000)
  const undo: (() => unknown)[] = []
  let embedded: ClusterProcess
  let db: DataSource
  let llm: MockLlm
  let databaseUrl: string

  before(async () => {
    const database = await createDatabase()
    databaseUrl = database.url
    undo.push(() => database.drop())
    llm = await startMockLlm()
    undo.push(() => llm.stop())
    const env = {
      ...processSettings({ llm, env: SETTINGS }),
      DATABASE_URL: databaseUrl,
      NODE_OPTIONS: await flagsOf('start'),
    }
    embedded = new ClusterProcess('embedded', 'workers/embedded.ts', env, true)
    await embedded.start()
    undo.push(() => embedded.kill())
    db = await createDataSource({ url: databaseUrl, entities: allEntities, poolSize: 2 }).initialize()
    undo.push(() => db.destroy())
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.log(lastLines(embedded))
  })
  after(async () => {
    for (const step of undo.reverse()) await step()
  })

  it('leaves a ledger without a difference, and nobody charged twice', async () => {
    const startedAt = performance.now()
    misbehave(llm, seeded(20_261_128))
    const random = seeded(20_261_129)
    const load = new Load({ llm, random, seconds: 8, users: 4, api: () => new ApiClient(embedded.url) })
    const over = load.run()
    // Until `await over`.
    over.catch(() => {})
    // Everybody has agents by then.
    while (load.runs.size < 4) await Promise.race([over, sleep(50)])
    let kills = 0
    for (; kills < 2; kills++) {
      await sleep(500 + 1_500 * random())
      await embedded.restart('SIGKILL')
    }
    await over
    const seconds = (performance.now() - startedAt) / 1_000
    const { turns } = await expectExact(db, databaseUrl, load, kills, seconds)
    expect(turns).to.be.greaterThan(5)
  })
})
