import { randomUUID } from 'node:crypto'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { expect } from 'chai'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { costOf, type PriceVersion } from '../../src/credits/pricing.ts'
import { LostAttempts } from '../../src/runs/lost-attempts.ts'
import type { TurnQuote } from '../../src/runs/turn.entity.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import { AppError } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { formatCredits, MICRO } from '../../src/shared/money.ts'
import { ToolCallRepository } from '../../src/tools/tool-call.repository.ts'
import type { CallMeter } from '../../workers/agent-runtime/call-meter.ts'
import { type ModelTerms, onTerms } from '../../workers/agent-runtime/model-terms.ts'
import { type PaidAhead, payAhead } from '../../workers/agent-runtime/paid-ahead.ts'
import { TurnStop } from '../../workers/agent-runtime/turn-stop.ts'
import { useApp } from '../support/app.ts'
import { seeded } from '../support/chaos.ts'

const INTERLEAVINGS = 10_000
const ACCOUNTS_A_BATCH = 250
const AT_ONCE = 12
const MOST_ATTEMPTS = 5
const ALLOWANCE = 20n * MICRO
const LIMITS = { HOLD_SLICE_TOKENS: 64, HIDDEN_TOKENS_PER_SECOND: 100, LOSS_ALLOWANCE: ALLOWANCE }
const PROMPT_TOKENS = 120
/** One token. */
const WORD = ' tea'

type Random = () => number
const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)] as T
const between = (least: number, most: number, random: Random) => least + Math.floor(random() * (most - least + 1))

/** What a provider does with one request, and what becomes of the attempt. */
interface Play {
  hidden: number
  visible: number
  keepsLimit: boolean
  /** Everything it says in one piece. */
  isBurst: boolean
  report: 'true' | 'none' | 'next to nothing' | 'half' | 'double' | 'a billion'
  end: 'finished' | 'cut' | 'cancelled' | 'killed' | 'cancelled before the answer' | 'refused' | 'unreachable'
  /** The share of the answer after which a cut, a cancel or a kill comes. */
  at: number
  /** Its tokenizer against ours. */
  inputFactor: number
}

const randomPlay = (random: Random, terms: ModelTerms, trouble: number): Play => ({
  hidden: terms.modelId === 'thinker' ? between(0, random() < 0.2 ? 100_000 : 600, random) : 0,
  visible: between(0, random() < 0.03 ? 3_000 : 80, random),
  keepsLimit: random() < 0.7,
  isBurst: random() < 0.3,
  report: pick(['true', 'true', 'none', 'next to nothing', 'half', 'double', 'a billion'] as const, random),
  end:
    random() < trouble
      ? pick(['cut', 'cut', 'killed'] as const, random)
      : pick(
          ['finished', 'finished', 'cancelled', 'cancelled before the answer', 'refused', 'unreachable'] as const,
          random,
        ),
  at: random(),
  inputFactor: 0.6 + random() * 0.9,
})

/** A provider that plays; it says what it truly made. Time passes for it as its thoughts take. */
class FakeProvider {
  made = { input: 0, output: 0 }
  words = ''
  nowMs = 0
  readonly #play: Play
  readonly #stop: TurnStop

  constructor(play: Play, stop: TurnStop) {
    this.#play = play
    this.#stop = stop
  }

  model(meter: CallMeter): LanguageModelV4 {
    const send = meter.watch(() => this.#receive())
    return {
      specificationVersion: 'v4',
      provider: 'fake',
      modelId: 'fake',
      supportedUrls: {},
      doGenerate: () => Promise.reject(new Error('It streams.')),
      doStream: async ({ maxOutputTokens = 0 }) => {
        const response = await send('http://provider.invalid')
        if (!response.ok) throw new Error('refused')
        const parts = this.#parts(maxOutputTokens)
        return {
          stream: new ReadableStream({
            async pull(controller) {
              const { value, done } = await parts.next()
              if (done) controller.close()
              else controller.enqueue(value)
            },
          }),
        }
      },
    }
  }

  async #receive(): Promise<Response> {
    await turnOfTheLoop()
    const { end } = this.#play
    if (end === 'unreachable') throw Object.assign(new TypeError('fetch failed'), { code: 'ECONNREFUSED' })
    if (end === 'refused') return new Response(null, { status: 500 })
    this.made.input = PROMPT_TOKENS
    if (end !== 'cancelled before the answer') return new Response(null)
    this.#stop.stop('cancelled')
    throw new DOMException('This operation was aborted', 'AbortError')
  }

  async *#parts(limit: number): AsyncGenerator<LanguageModelV4StreamPart> {
    const { hidden, visible, keepsLimit, isBurst, end, at } = this.#play
    const most = keepsLimit ? limit : Number.POSITIVE_INFINITY
    const total = Math.min(hidden + visible, most)
    const last = end === 'finished' ? total : Math.floor(total * at)
    const thoughts = Math.min(hidden, last)
    const words = last - thoughts
    this.made.output = thoughts
    this.nowMs += thoughts / 0.1
    yield { type: 'text-start', id: '0' }
    for (let said = 0; said < words; ) {
      const piece = isBurst ? words : Math.min(words - said, 200)
      said += piece
      this.made.output += piece
      this.words += WORD.repeat(piece)
      yield { type: 'text-delta', id: '0', delta: WORD.repeat(piece) }
      await turnOfTheLoop()
    }
    if (end === 'cut') throw new Error('terminated')
    if (end === 'cancelled' || end === 'killed') return this.#stop.stop(end === 'cancelled' ? 'cancelled' : 'lost')
    const { input, output, reasoning } = this.#reported(thoughts, words)
    yield {
      type: 'finish',
      finishReason: { unified: total < hidden + visible ? 'length' : 'stop', raw: undefined },
      usage: {
        inputTokens: { total: input, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
        outputTokens: { total: output, text: undefined, reasoning },
      },
    }
  }

  #reported(thoughts: number, words: number) {
    const input = Math.ceil(PROMPT_TOKENS * this.#play.inputFactor)
    switch (this.#play.report) {
      case 'true':
        this.made.input = input
        return { input, output: thoughts + words, reasoning: thoughts }
      case 'half':
        this.made = { input, output: Math.ceil((thoughts + words) / 2) }
        return { input, output: this.made.output, reasoning: undefined }
      case 'next to nothing':
        this.made = { input: 1, output: 0 }
        return { input: 1, output: 0, reasoning: undefined }
      case 'double':
        return { input: input * 2, output: (thoughts + words) * 2, reasoning: thoughts }
      case 'a billion':
        return { input: 1e9, output: 1e9, reasoning: undefined }
      default:
        return { input: undefined, output: undefined, reasoning: undefined }
    }
  }
}

/** An account with the turns that it has at once. */
interface Account {
  userId: string
  conversationId: string
  runId: string
  grant: bigint
  turns: Array<{ claim: TurnClaim; terms: ModelTerms; wanted: number; trouble: number }>
  /** What the platform owes its providers for attempts that nobody paid, in micro-credits. */
  unpaid: bigint
  attempts: number
}

describe('What one account can cost the platform', () => {
  const app = useApp({
    worker: false,
    env: { DATABASE_POOL: String(AT_ONCE + 4), OPENAI_API_KEY: 'test-key-1234', RECONCILE_INTERVAL_MS: '86000000' },
  })
  let models: ModelTerms[]
  let lostAttempts: LostAttempts

  before(async () => {
    const { db, ledgerService, priceBook, logger } = app.container
    // The whole is about money, not about disks.
    await db.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`,
    )
    lostAttempts = new LostAttempts({
      ledger: ledgerService,
      prices: priceBook,
      feed: { readTurn: async () => undefined },
      toolCalls: new ToolCallRepository(db),
      logger,
    })
    const [platform] = await db.query('SELECT id FROM connections WHERE user_id IS NULL AND provider = $1', ['openai'])
    const rates = { cachedInputPerMTok: 0n, cacheWritePerMTok: 0n, perCall: 0n }
    const priced = async (model: string, input: bigint, output: bigint, perCall = 0n): Promise<PriceVersion> =>
      priceBook.add('openai', model, {
        ...rates,
        inputPerMTok: input * MICRO,
        outputPerMTok: output * MICRO,
        reasoningPerMTok: output * MICRO,
        perCall,
      })
    const connection = (id: string, scope: 'platform' | 'user') =>
      ({
        id,
        scope,
        name: 'x',
        provider: 'openai',
        baseUrl: null,
        model: 'x',
        apiKey: null,
        dialects: { thinker: ['thinks'] },
      }) as const
    const prices = [await priced('dear', 150_000n, 750_000n), await priced('cheap', 2_500n, 20_000n, 12_345n)]
    models = prices.flatMap((price) =>
      (['platform', 'user'] as const).flatMap((scope) =>
        ['thinker', 'speaker'].map((modelId) => ({
          connection: {
            ...connection(scope === 'platform' ? platform.id : randomUUID(), scope),
            dialects: { thinker: ['thinks' as const] },
          },
          modelId,
          price,
          ratePpm: scope === 'platform' ? 1_000_000n : 300_000n,
        })),
      ),
    )
  })

  /** Accounts, as many rows as they need, in a few statements. */
  async function openAccounts(random: Random): Promise<Account[]> {
    const { ledgerService, transactions } = app.container
    const accounts = Array.from({ length: ACCOUNTS_A_BATCH }, (): Account => {
      const [userId, conversationId, runId] = [newId(), newId(), newId()]
      const trouble = pick([0, 0, 0, 0.1, 0.1, 0.5, 1], random)
      const turns = Array.from({ length: random() < 0.03 ? 8 : pick([1, 1, 1, 2], random) }, (_, turn) => {
        const claim: TurnClaim = {
          runId,
          turn,
          conversationId,
          userId,
          agentId: null,
          kind: 'speak',
          step: 0,
          attempt: 1,
          failures: 0,
          waits: 0,
          claimToken: randomUUID(),
        }
        return { claim, terms: pick(models, random), wanted: pick([16, 200, 1_024, 128_000], random), trouble }
      })
      const grant = BigInt(between(1, 300, random)) * (MICRO / 10n) * (random() < 0.5 ? 1n : 20n)
      return { userId, conversationId, runId, grant, turns, unpaid: 0n, attempts: 0 }
    })
    const column = (of: (account: Account) => string) => accounts.map(of)
    const turns = accounts.flatMap((account) => account.turns.map(({ claim }) => claim))
    await transactions.run(async (tx) => {
      await tx.query(
        `INSERT INTO users (id, email, email_key, password_hash, name, role) SELECT id, id::text, id::text, '', '', 'user' FROM unnest($1::uuid[]) AS u (id)`,
        [column(({ userId }) => userId)],
      )
      await tx.query(
        `INSERT INTO conversations (id, user_id, agent_ids, strategy) SELECT c.id, c.user_id, '{}', 'round_robin' FROM unnest($1::uuid[], $2::uuid[]) AS c (id, user_id)`,
        [column(({ conversationId }) => conversationId), column(({ userId }) => userId)],
      )
      await tx.query(
        `INSERT INTO runs (id, conversation_id, user_id, status, strategy, agent_ids, max_turns, deadline_at)
         SELECT r.id, r.conversation_id, r.user_id, 'running', 'round_robin', '{}', 8, now() + interval '1 day' FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS r (id, conversation_id, user_id)`,
        [column(({ runId }) => runId), column(({ conversationId }) => conversationId), column(({ userId }) => userId)],
      )
      await tx.query(
        `INSERT INTO turns (run_id, index, user_id, step, kind, status, attempt, claim_token, lease_until, dispatched_at)
         SELECT t.run_id, t.index, t.user_id, 0, 'speak', 'running', 1, t.token, now() + interval '1 day', now()
         FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[]) AS t (run_id, index, user_id, token)`,
        [
          turns.map(({ runId }) => runId),
          turns.map(({ turn }) => turn),
          turns.map(({ userId }) => userId),
          turns.map(({ claimToken }) => claimToken),
        ],
      )
      for (const { userId, grant } of accounts) await ledgerService.openAccount(userId, grant, tx)
    })
    return accounts
  }

  /** One turn, tried until it ends. */
  async function speak(
    account: Account,
    { claim: first, terms, wanted, trouble }: Account['turns'][number],
    random: Random,
  ): Promise<void> {
    const { db } = app.container
    for (let claim = first; claim.attempt <= MOST_ATTEMPTS; ) {
      account.attempts++
      const outcome = await attempt(account, claim, terms, wanted, randomPlay(random, terms, trouble)).catch(
        (error: unknown) => {
          if (error instanceof AppError && error.code === 'credits.too_many_losses') return 'over' as const
          throw error
        },
      )
      if (outcome === 'over') return
      claim = { ...claim, attempt: claim.attempt + 1, claimToken: randomUUID() }
      const sql = 'UPDATE turns SET attempt = $3, claim_token = $4 WHERE run_id = $1 AND index = $2'
      await db.query(sql, [claim.runId, claim.turn, claim.attempt, claim.claimToken])
    }
  }

  async function attempt(
    account: Account,
    claim: TurnClaim,
    terms: ModelTerms,
    wanted: number,
    play: Play,
  ): Promise<'over' | 'again'> {
    const { claims, ledgerService, transactions } = app.container
    const stop = new TurnStop()
    const provider = new FakeProvider(play, stop)
    let held = 0n
    let quote: TurnQuote | undefined
    const watched: Parameters<typeof payAhead>[3]['claims'] = {
      reserve: async (...request) => {
        const placed = await claims.reserve(...request)
        if ('refused' in placed) return placed
        held += placed.amount
        quote = { ...request[1].quote, held: placed.amount.toString() }
        return placed
      },
      extend: async (hold, step, amount) => {
        const answer = await claims.extend(hold, step, amount)
        if (answer === 'held') held += amount
        return answer
      },
    }
    const call = {
      ...terms,
      purpose: 'speak' as const,
      inputTokens: PROMPT_TOKENS,
      maxOutputTokens: wanted,
      effort: null,
      maxCredits: null,
    }
    const paid = await payAhead(claim, call, stop, { claims: watched, limits: LIMITS, now: () => provider.nowMs })
    if (!paid) return 'over'
    const meter = paid.meter({})
    const isCut = await listen(provider.model(meter), meter, paid, stop)
    await paid.ended()
    const used = await meter.used()
    const calls =
      play.end === 'killed' && quote
        ? await lostAttempts.estimate(
            { agentId: null, quote: { ...quote, askedAt: Date.now() - provider.nowMs } },
            provider.words,
          )
        : onTerms(terms, used, null)
    // What is beyond what it was allowed, it was not asked for.
    const output = Math.min(provider.made.output, paid.maxOutputTokens)
    const usage = {
      inputTokens: provider.made.input,
      outputTokens: output,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      estimated: false,
    }
    const isOurs = terms.connection.scope === 'platform' && provider.made.input > 0
    const bill = isOurs ? costOf(terms.price, usage, 1_000_000n) : 0n
    const { holdId } = paid
    if (isCut || stop.kind === 'lost') {
      const lost = await transactions.run(async (tx) => {
        await ledgerService.voidHold(claim, tx)
        return ledgerService.recordLoss({ ...claim, calls }, tx)
      })
      account.unpaid += bill
      expect(lost <= held, `an attempt lost ${lost} of a hold of ${held}: ${JSON.stringify(play)}`).to.equal(true)
      return 'again'
    }
    const settled = await transactions.once((tx) => ledgerService.settleHold({ ...claim, holdId, calls }, tx))
    expect(settled.lost, `what was settled is paid whole: ${JSON.stringify({ play, used })}`).to.equal(0n)
    expect(settled.charged <= held, 'nobody is charged for what was not held').to.equal(true)
    expect(settled.charged >= bill, `all that is owed for it is paid: ${JSON.stringify({ play, used })}`).to.equal(true)
    return 'over'
  }

  /** True when the answer broke off. */
  async function listen(
    model: LanguageModelV4,
    meter: CallMeter,
    { maxOutputTokens }: PaidAhead,
    stop: TurnStop,
  ): Promise<boolean> {
    try {
      const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Tea?' }] }]
      const { stream } = await meter.wrap(model, 'speak').doStream({ prompt, maxOutputTokens })
      for await (const _ of stream) if (stop.kind) break
      return false
    } catch (error) {
      // A refused request is tried again like a cut one; here it ends the turn, which then cost nothing.
      return error instanceof Error && error.message === 'terminated'
    }
  }

  it(`is at most its balance and LOSS_ALLOWANCE a day, in ${INTERLEAVINGS} interleavings of parallel turns on random providers`, async function () {
    this.timeout(600_000)
    const startedAt = performance.now()
    const random = seeded(20_261_126)
    const most = { booked: 0n, unpaid: 0n, ofBound: 0 }
    let attempts = 0
    for (let done = 0; done < INTERLEAVINGS; done += ACCOUNTS_A_BATCH) {
      const accounts = await openAccounts(random)
      const queue = accounts.values()
      const lane = async () => {
        for (const account of queue) await Promise.all(account.turns.map((turn) => speak(account, turn, random)))
      }
      await Promise.all(Array.from({ length: AT_ONCE }, lane))
      const sql = `SELECT u.id, user_losses(u.id)::text AS lost, a.held::text FROM unnest($1::uuid[]) AS u (id) JOIN accounts a ON a.user_id = u.id`
      const rows: { id: string; lost: string; held: string }[] = await app.container.db.query(sql, [
        accounts.map(({ userId }) => userId),
      ])
      const lostOf = new Map(rows.map(({ id, lost }) => [id, BigInt(lost)]))
      for (const { userId, grant, unpaid, attempts: tried } of accounts) {
        const bound = ALLOWANCE + grant
        const booked = lostOf.get(userId) ?? -1n
        expect(
          booked >= 0n && booked <= bound,
          `${formatCredits(booked)} booked, the bound is ${formatCredits(bound)}`,
        ).to.equal(true)
        expect(unpaid <= bound, `${formatCredits(unpaid)} unpaid, the bound is ${formatCredits(bound)}`).to.equal(true)
        if (booked > most.booked) most.booked = booked
        if (unpaid > most.unpaid) most.unpaid = unpaid
        most.ofBound = Math.max(most.ofBound, Number(booked) / Number(bound))
        attempts += tried
      }
      expect(rows.filter(({ held }) => held !== '0')).to.deep.equal([])
    }
    const { differences } = await verifyLedger(app.container.db)
    expect(differences).to.deep.equal([])
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
    console.log(
      `      ${attempts} attempts in ${seconds} s; at most ${formatCredits(most.booked)} booked as lost and ${formatCredits(most.unpaid)} owed to providers and unpaid by one account, ${(most.ofBound * 100).toFixed(0)} % of its bound`,
    )
  })
})
