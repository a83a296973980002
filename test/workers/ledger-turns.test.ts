import { expect } from 'chai'
import { type AcceptedView, acceptedView } from '../../src/contract/views.ts'
import { formatCredits, MICRO } from '../../src/shared/money.ts'
import { errorOf } from '../support/api-client.ts'
import { ADMIN, useApp } from '../support/app.ts'
import { EventReader } from '../support/event-reader.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { type MockLlm, type MockProvider, type MockUsage, startMockLlm } from '../support/mock-llm.ts'
import { balanceOf, chargesOf, lossesOf, type PriceList, paid, pricedModel } from './ledger-world.ts'
import { allSpoken, by } from './party-world.ts'

const GRANT = 50n * MICRO
const LONG_ANSWER = 'There is a great deal to be said about tea, and I am going to say all of it. '.repeat(60)

describe('Credits of turns', function () {
  this.timeout(40_000)
  let llm: MockLlm
  const app = useApp(async () => {
    llm = await startMockLlm()
    const env = {
      SIGNUP_GRANT: '50',
      CREDITS_OWN_KEY_RATE: '0.5',
      HOLD_SLICE_TOKENS: '16',
      USER_CONCURRENCY: '200',
      WORKER_CONCURRENCY: '200',
      // A user's share is at most half of what is left: so many that the fifty who have all credits keep nobody from being told.
      OWN_CONCURRENCY: '400',
      TURN_LEASE_MS: '15000',
      OPENAI_API_KEY: 'test-key-1234',
      OPENAI_BASE_URL: llm.baseUrl('openai'),
    }
    return { env }
  })
  after(() => llm.stop())
  beforeEach(() => llm.reset())

  /** A new user with agents on a model of their own at this price; twice the price, as half of it is charged for own keys. */
  const guest = async (prices: PriceList, names = ['Ada'], provider: MockProvider = 'openai-compatible') => {
    const price = await pricedModel(app.api, prices, provider)
    const user = await app.api.register()
    const agentIds = await user.agentsOn({ provider, baseUrl: llm.baseUrl(provider), model: price.model }, names)
    return { user, agentIds, agentId: agentIds[0] ?? '', price }
  }
  const deadlocks = async (): Promise<number> => {
    const sql = 'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()'
    return (await app.container.db.query(sql))[0].deadlocks
  }

  describe('of 200 turns at once on an account that affords 50', function () {
    this.timeout(120_000)

    it('exactly what fits is charged, the rest is told so, and nothing gets stuck', async () => {
      // 2 credits a call, of which the user's own key costs half: each turn is a 50th of the account.
      const { user, agentId } = await guest({ perCall: '2' })
      const hold = llm.hold()
      llm.reply({ text: 'A measured answer.', usage: { inputTokens: 9, outputTokens: 4 }, hold })
      const ask = () => user.post('/api/chat', { agentId, message: 'Tea or coffee?' })
      const answers = await Promise.all(Array.from({ length: 200 }, ask))
      const accepted: AcceptedView[] = []
      for (const answer of answers) {
        if (answer.status === 202) accepted.push(acceptedView.parse(answer.body))
        else expect([answer.status, errorOf(answer).code]).to.deep.equal([402, 'credits.insufficient'])
      }
      // Nobody who has a hold may end yet, so that all the others must be refused first.
      await llm.request(49)
      const refusedRuns = new Set<string>()
      while (refusedRuns.size < accepted.length - 50) {
        for (const { runId } of accepted) {
          if (!refusedRuns.has(runId) && (await user.run(runId)).status === 'failed') refusedRuns.add(runId)
        }
      }
      expect(llm.requests).to.have.length(50)
      expect(await balanceOf(user)).to.deep.equal({ available: 0n, held: GRANT, granted: GRANT, spent: 0n })
      expect((await ask()).status).to.equal(402)

      hold.release()
      const runs = await Promise.all(accepted.map(({ runId }) => user.finished(runId, 60_000)))
      const reasons = Map.groupBy(runs, ({ stopReason, receipt }) => `${stopReason} ${receipt.credits}`)
      expect(Object.fromEntries([...reasons].map(([reason, group]) => [reason, group.length]))).to.deep.equal({
        'finished 1.000000': 50,
        ...(accepted.length > 50 && { 'credits_exhausted 0.000000': accepted.length - 50 }),
      })
      expect(await balanceOf(user)).to.deep.equal({ available: 0n, held: 0n, granted: GRANT, spent: GRANT })
      expect(llm.requests).to.have.length(50)
      expect(await deadlocks()).to.equal(0)
      await expectSettledOnce(app.container.db, accepted[0]?.runId ?? '')
      console.log(`      of 200 requests ${200 - accepted.length} got 402, ${accepted.length - 50} credits_exhausted`)
    })
  })

  it('a price that changes in the middle of a run applies from the next call on; each call names its version', async () => {
    const { user, agentIds, price } = await guest({ perCall: '2' }, ['Ada', 'Blaise'])
    const hold = llm.hold(1)
    llm.replyOnce('First.').replyOnce({ text: 'Second, while the price changes.', hold }).reply('Later.')
    const body = { agentIds, message: 'Tea or coffee?', maxTurns: 4 }
    const { runId } = await user.accept('/api/chat/multi-agent', body)
    await hold.reached
    await price.change({ perCall: '5' })
    hold.release()
    const run = await user.finished(runId)
    const lines = await chargesOf(user, runId)
    expect(lines.map(({ turn, priceVersion, amount }) => [turn, priceVersion, amount])).to.deep.equal([
      [0, 1, -1_000_000n],
      [1, 1, -1_000_000n],
      [2, 2, -2_500_000n],
      [3, 2, -2_500_000n],
    ])
    expect(run.receipt.credits).to.equal('7.000000')
    await expectSettledOnce(app.container.db, runId)
  })

  it('a stop in the middle of a stream: what was said is paid by estimate and marked so, the rest is released', async () => {
    const { user, agentId } = await guest({ input: '1000', output: '100000' })
    const hold = llm.hold(10)
    llm.reply({ text: LONG_ANSWER, hold, paceMs: 5 })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Go on!' })
    await hold.reached
    await allSpoken(app.container.feed, conversationId)
    expect((await balanceOf(user)).held > 0n).to.equal(true)
    expect((await user.post(`/api/chat/runs/${runId}/cancel`, undefined)).status).to.equal(200)
    const run = await user.finished(runId)
    expect(run).to.deep.include({ status: 'cancelled', stopReason: 'cancelled' })
    const lines = await chargesOf(user, runId)
    expect(lines.map(({ usage }) => usage?.estimated)).to.deep.equal([true])
    expect(lines[0]?.usage?.outputTokens).to.be.within(1, 80)
    expect(run.receipt).to.deep.include({ credits: paid(lines), estimated: true })
    expect(Number(run.receipt.released)).to.be.greaterThan(0)
    const { available, held, spent } = await balanceOf(user)
    expect([available + spent, held]).to.deep.equal([GRANT, 0n])
    expect(await lossesOf(app.api, runId)).to.deep.equal([])
    await expectSettledOnce(app.container.db, runId)
  })

  it('credits that run out in the middle of a stream: it stops, its words are kept and paid, the client is told', async () => {
    // 0.05 credits a token: 50 credits are 1,000 tokens, and the answer has more.
    const { user, agentId } = await guest({ output: '100000' })
    await user.put(`/api/agents/${agentId}`, { name: 'Ada', instructions: 'Go on.', maxOutputTokens: 4_000 })
    const text = LONG_ANSWER.repeat(3)
    llm.reply({ text, paceMs: 2, chunkSize: 24 })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Go on!' })
    const stream = await EventReader.open(`${app.url}/api/chat/runs/${runId}/events`, user.token)
    const run = await user.finished(runId, 30_000)
    expect(run).to.deep.include({ status: 'completed', stopReason: 'credits_exhausted', error: null })
    expect(await llm.requests[0]?.ended).to.equal('aborted')
    const [, message] = await user.messages(conversationId)
    expect(message?.status).to.equal('cancelled')
    expect(message?.content.length).to.be.greaterThan(1_000)
    expect(text.startsWith(message?.content ?? '-')).to.equal(true)
    await stream.until((event) => event.type === 'turn.completed' && event.message?.content === message?.content)
    await stream.until((event) => event.type === 'run.completed' && event.run.stopReason === 'credits_exhausted')
    stream.close()
    const lines = await chargesOf(user, runId)
    expect(run.receipt).to.deep.include({ credits: paid(lines), estimated: true })
    expect(await lossesOf(app.api, runId)).to.deep.equal([])
    const { available, held, spent } = await balanceOf(user)
    expect([available + spent, held]).to.deep.equal([GRANT, 0n])
    expect(spent > (GRANT * 6n) / 10n).to.equal(true)
    await expectSettledOnce(app.container.db, runId)
  })

  it('a hold covers what the provider is allowed; one that goes on beyond has it roll along, and nothing that keeps it from rolling keeps the words', async () => {
    const { user, agentId } = await guest({ output: '10000' })
    await user.put(`/api/agents/${agentId}`, { name: 'Ada', instructions: 'Go on.', maxOutputTokens: 16 })
    const hold = llm.hold(30)
    llm.reply({ text: LONG_ANSWER.slice(0, 1_601), hold, usage: { inputTokens: 20, outputTokens: 400 } })
    const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'Go on!' })
    const request = await hold.reached
    const { db } = app.container
    const entries = (kind: string): Promise<{ amount: string }[]> =>
      db.query('SELECT amount FROM ledger_entries WHERE run_id = $1 AND kind = $2 ORDER BY number', [runId, kind])
    // 16 tokens at 0.005 credits.
    expect(await entries('hold')).to.deep.equal([{ amount: '80000' }])
    while ((await entries('extend')).length < 1) await new Promise((resolve) => setTimeout(resolve, 10))
    const locked = db.createQueryRunner()
    await locked.startTransaction()
    try {
      await locked.query('SELECT FROM accounts WHERE user_id = $1 FOR UPDATE', [user.id])
      const extensions = (await entries('extend')).length
      hold.release()
      // The provider can send it all, and watchers can see it all, while no extension gets through.
      expect(await request.ended).to.equal('finished')
      let shown = ''
      while (shown.length < 1_601) {
        shown = (await app.container.feed.read(conversationId))[0]?.text ?? ''
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      expect((await entries('extend')).length).to.equal(extensions)
    } finally {
      await locked.rollbackTransaction()
      await locked.release()
    }
    const run = await user.finished(runId)
    // It reports more than was ever held for it: what was is believed, and the platform loses nothing.
    expect(run.receipt).to.deep.include({ estimated: true })
    const held: bigint[] = [...(await entries('hold')), ...(await entries('extend'))].map(({ amount }) =>
      BigInt(amount),
    )
    expect(run.receipt.credits).to.equal(formatCredits(held.reduce((sum, amount) => sum + amount, 0n)))
    expect(await lossesOf(app.api, runId)).to.deep.equal([])
    await expectSettledOnce(app.container.db, runId)
  })

  it('a panel that is ended by force while one of its holds grows: nobody waits for the other for ever', async () => {
    const { user, agentIds } = await guest({ output: '10000' }, ['Ada', 'Blaise', 'Clara'])
    const { db, claims, cancelService } = app.container
    const held = ['Ada', 'Blaise', 'Clara'].map((name) => {
      // So little that nothing is extended yet.
      const hold = llm.hold(2)
      llm.reply({ when: by(name), text: LONG_ANSWER, hold })
      return hold.reached
    })
    const body = { agentIds, message: 'Is it safe?', strategy: 'panel' }
    const { runId } = await user.accept('/api/chat/multi-agent', body)
    await Promise.all(held)
    const before = await deadlocks()
    const waitingFor = async (operation: string) => {
      const sql = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`
      while ((await db.query(sql, [`%${operation}(%`])).length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const [last] = await db.query(
      `SELECT run_id AS "runId", turn, attempt, user_id AS "userId", claim_token AS "claimToken", id AS "holdId" FROM holds
       WHERE run_id = $1 AND turn = 2 AND status = 'pending'`,
      [runId],
    )
    const queue = db.createQueryRunner()
    await queue.startTransaction()
    await queue.query('SELECT pg_advisory_xact_lock(400, uuid_hash($1))', [user.id])
    const forced = cancelService.force(runId, () => ({ status: 'cancelled', stopReason: 'cancelled', error: null }))
    await waitingFor('turn_settle')
    const extended = claims.extend({ ...last, maxCredits: null }, 99, 10n)
    await waitingFor('ledger_extend')
    await queue.rollbackTransaction()
    await queue.release()
    expect(await extended).to.equal('resolved')
    await forced
    expect(await deadlocks()).to.equal(before)
    expect(await user.run(runId)).to.deep.include({ status: 'cancelled' })
    expect(await balanceOf(user)).to.deep.include({ held: 0n })
    await expectSettledOnce(db, runId)
  })

  it('a hold that a crash of the database forgot is taken again while the turn speaks', async () => {
    const { user, agentId } = await guest({ output: '10000' })
    await user.put(`/api/agents/${agentId}`, { name: 'Ada', instructions: 'Go on.', maxOutputTokens: 16 })
    const { db } = app.container
    const hold = llm.hold(2)
    llm.reply({ text: LONG_ANSWER, hold })
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Go on.' })
    await hold.reached
    await db.transaction(async (tx) => {
      await tx.query('ALTER TABLE ledger_entries DISABLE TRIGGER USER')
      await tx.query(
        `WITH forgotten AS (DELETE FROM holds WHERE run_id = $1 RETURNING id, user_id, amount),
           entry AS (DELETE FROM ledger_entries WHERE hold_id IN (SELECT id FROM forgotten))
         UPDATE accounts a SET available = available + amount, held = held - amount, entries = entries - 1
         FROM forgotten WHERE a.user_id = forgotten.user_id`,
        [runId],
      )
      await tx.query('ALTER TABLE ledger_entries ENABLE TRIGGER USER')
    })
    hold.release()
    expect((await user.finished(runId)).status).to.equal('completed')
    const entries: { kind: string }[] = await db.query(
      'SELECT kind FROM ledger_entries WHERE run_id = $1 ORDER BY number',
      [runId],
    )
    const kinds = entries.map(({ kind }) => kind)
    expect(kinds[0]).to.equal('hold')
    expect(kinds).to.include.members(['extend', 'post'])
    expect(await balanceOf(user)).to.deep.include({ held: 0n })
    await expectSettledOnce(db, runId)
  })

  it("lost attempts are the platform's, and reported with run, turn and attempt; the user pays once", async () => {
    const { user, agentId } = await guest({ input: '1000', output: '100000' })
    const usage = { inputTokens: 100, outputTokens: 10 }
    llm
      .replyOnce({ text: 'This will be cut in the middle of it.', cutAfter: 2, paceMs: 20 })
      .replyOnce({ status: 500 })
      .replyOnce({ text: 'This will be cut in the middle, too.', cutAfter: 3, paceMs: 20 })
      .reply({ text: 'Whole this time.', usage })
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
    const run = await user.finished(runId)
    expect(run.turns.map(({ attempt }) => attempt)).to.deep.equal([4])
    // (100 x 0.001 + 10 x 0.1) / 2
    expect(run.receipt).to.deep.include({ credits: '0.550000', estimated: false })
    const losses = await lossesOf(app.api, runId)
    // A 500 used nothing.
    expect(losses.map(({ turn, attempt, outcome }) => ({ turn, attempt, outcome }))).to.deep.equal([
      { turn: 0, attempt: 1, outcome: 'lost' },
      { turn: 0, attempt: 3, outcome: 'lost' },
    ])
    expect(losses.every(({ amount }) => amount > 0n)).to.equal(true)
    expect(await chargesOf(user)).to.have.length(1)
    expect((await balanceOf(user)).spent).to.equal(550_000n)
    expect((await user.get('/api/credits/losses')).status).to.equal(403)
    await expectSettledOnce(app.container.db, runId)
  })

  it("a party on the user's own key and the platform's: each line at its rate, the receipt their exact sum", async () => {
    const { user, agentId: own } = await guest({ input: '1000', output: '10000' }, ['Owen'])
    const platform = await user.create('/api/agents', {
      name: 'Pat',
      instructions: 'You are on the house.',
      connectionId: '01990000-0000-7000-8000-0000000000c1',
    })
    llm.reply({ when: by('Owen'), text: 'Mine.', usage: { inputTokens: 7, outputTokens: 3 } })
    llm.reply({ when: by('Pat'), text: 'Theirs.', usage: { inputTokens: 7, outputTokens: 3 } })
    const { runId } = await user.accept('/api/chat/multi-agent', {
      agentIds: [own, platform],
      message: 'Whose?',
      maxTurns: 3,
    })
    const run = await user.finished(runId)
    const lines = await chargesOf(user, runId)
    expect(lines.map(({ agentName, rate, amount }) => [agentName, rate, amount])).to.deep.equal([
      // (7 x 0.001 + 3 x 0.01) / 2 = 0.0185
      ['Owen', '0.500000', -18_500n],
      // gpt-5-mini: 7 x 0.0025 + 3 x 0.02 = 0.0775
      ['Pat', '1.000000', -77_500n],
      ['Owen', '0.500000', -18_500n],
    ])
    expect(run.receipt).to.deep.include({ credits: '0.114500', inputTokens: 21, outputTokens: 9, turns: 3 })
    expect(paid(lines)).to.equal(run.receipt.credits)
    let balance = GRANT
    for (const line of lines) {
      balance += line.amount
      expect(line.balanceAfter).to.equal(balance)
    }
    await expectSettledOnce(app.container.db, runId)
  })

  const BY_CLASS: PriceList = { input: '2', cachedInput: '20', cacheWrite: '200', output: '2000', reasoning: '20000' }
  const WIRES: Partial<Record<MockProvider, { usage: MockUsage; amount: bigint }>> = {
    // In micro-credits, half of 100 x 2 + 40 x 20 + 10 x 2,000 + 7 x 20,000 = 161,000
    openai: {
      usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 10, reasoningTokens: 7 },
      amount: 80_500n,
    },
    'openai-compatible': {
      usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 10, reasoningTokens: 7 },
      amount: 80_500n,
    },
    google: {
      usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 10, reasoningTokens: 7 },
      amount: 80_500n,
    },
    // Half of 100 x 2 + 40 x 20 + 30 x 200 + 10 x 2,000 = 27,000
    anthropic: {
      usage: { inputTokens: 100, cachedInputTokens: 40, cacheWriteTokens: 30, outputTokens: 10 },
      amount: 13_500n,
    },
  }
  for (const provider of ['openai', 'openai-compatible', 'google', 'anthropic'] as const) {
    it(`${provider}: cached and reasoning tokens on the wire cost what their class costs, once`, async () => {
      const { usage, amount } = WIRES[provider] ?? { usage: { inputTokens: 0, outputTokens: 0 }, amount: 0n }
      const { user, agentId } = await guest(BY_CLASS, ['Ada'], provider)
      llm.reply({ text: 'Good morning.', usage })
      const { runId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
      await user.finished(runId)
      const [line] = await chargesOf(user, runId)
      expect(line?.usage).to.deep.equal({
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        reasoningTokens: 0,
        ...usage,
        estimated: false,
      })
      expect(line?.amount).to.equal(-amount)
      await expectSettledOnce(app.container.db, runId)
    })

    const nonsense: Record<string, MockUsage | null> = {
      none: null,
      zeros: { inputTokens: 0, outputTokens: 0 },
      negative: { inputTokens: 100, outputTokens: -5 },
      'not a number': { inputTokens: Number.NaN, outputTokens: Number.NaN },
      fractions: { inputTokens: 10.5, outputTokens: 2.25 },
    }
    it(`${provider}: usage that is missing or nonsense is estimated, never a charge of zero`, async () => {
      const { user, agentId } = await guest({ input: '1000', output: '10000' }, ['Ada'], provider)
      for (const [name, usage] of Object.entries(nonsense)) {
        llm.reset()
        llm.reply({ text: 'Good morning to all of you.', usage })
        const { runId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
        const run = await user.finished(runId)
        expect(run, `${name}: ${JSON.stringify(run.error)}`).to.deep.include({ status: 'completed' })
        const [line] = await chargesOf(user, runId)
        expect(line?.usage?.estimated, name).to.equal(true)
        // "Good morning to all of you." has seven tokens.
        expect(line?.usage?.outputTokens, name).to.equal(7)
        expect(Number(run.receipt.credits), name).to.be.greaterThan(0)
        expect(llm.requests, name).to.have.length(1)
        await expectSettledOnce(app.container.db, runId)
      }
    })
  }

  it('credits that are added with one key by many requests at once are added once', async () => {
    const admin = await app.api.login(ADMIN.email, ADMIN.password)
    const user = await app.api.register()
    const body = { userId: user.id, amount: '12.5', reason: 'For the trouble' }
    const add = () => admin.post('/api/credits/add', body, { 'idempotency-key': `gift-${user.id}` })
    const answers = await Promise.all(Array.from({ length: 20 }, add))
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([201]))
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body)))).to.have.property('size', 1)
    expect(await balanceOf(user)).to.deep.include({ available: GRANT + 12_500_000n, granted: GRANT + 12_500_000n })
    const other = await admin.post(
      '/api/credits/add',
      { ...body, amount: '13' },
      { 'idempotency-key': `gift-${user.id}` },
    )
    expect([other.status, errorOf(other).code]).to.deep.equal([409, 'request.idempotency_conflict'])
    expect((await user.post('/api/credits/add', body)).status).to.equal(403)
  })
})
