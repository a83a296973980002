import { expect } from 'chai'
import { acceptedView } from '../../src/contract/views.ts'
import { MICRO } from '../../src/shared/money.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { CUT, startWireServer, type WireReply, type WireRequest, type WireServer } from '../support/wire-server.ts'
import { balanceOf, chargesOf, lossesOf } from './ledger-world.ts'

const PLATFORM = '01990000-0000-7000-8000-0000000000c1'
const GRANT = 10_000n * MICRO
const ALLOWANCE = 50n * MICRO

const event = (data: object | string) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const delta = (content: string) => event({ id: 'x', choices: [{ index: 0, delta: { content } }] })
const finish = (reason: string, usage?: object) =>
  event({ id: 'x', choices: [{ index: 0, delta: {}, finish_reason: reason }] }) +
  (usage ? event({ id: 'x', choices: [], usage }) : '') +
  event('[DONE]')
/** The limit that a request sets. */
const limitOf = ({ body }: WireRequest) => Number(body.max_completion_tokens ?? body.max_tokens)

/** Thinks for as long as it may, and comes to no word. */
const thinksToTheEnd = (request: WireRequest): string => {
  const tokens = limitOf(request)
  const details = { completion_tokens_details: { reasoning_tokens: tokens } }
  return finish('length', { prompt_tokens: 60, completion_tokens: tokens, total_tokens: 60 + tokens, ...details })
}

describe('Providers and users who live at the expense of the platform', function () {
  this.timeout(60_000)
  let server: WireServer
  const app = useApp(async () => {
    server = await startWireServer()
    const env = {
      OPENAI_API_KEY: 'test-key-1234',
      OPENAI_BASE_URL: `${server.url}/v1`,
      LOSS_ALLOWANCE: '50',
      USER_CONCURRENCY: '8',
      TURN_MAX_ATTEMPTS: '3',
      TURN_LEASE_MS: '15000',
    }
    return { env }
  })
  after(() => server.stop())

  /** A new user with an agent on the platform's connection, or on one of their own. */
  const guest = async (agent: object = {}, own = false) => {
    const user = await app.api.register()
    const body = {
      name: 'Own',
      provider: 'openai-compatible',
      baseUrl: `${server.url}/v1`,
      model: 'm',
      apiKey: 'k-123456789012',
    }
    const connectionId = own ? await user.create('/api/connections', body) : PLATFORM
    const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.', connectionId, ...agent })
    return { user, agentId }
  }
  const leave = async (user: TestUser, credits: bigint) => {
    const { ledgerService, transactions } = app.container
    const amount = credits - (await ledgerService.balance(user.id)).available
    const gift = {
      userId: user.id,
      kind: 'adjustment' as const,
      amount,
      key: `leave:${user.id}:${credits}`,
      description: 'x',
    }
    await transactions.run((tx) => ledgerService.give(gift, tx))
  }
  const ask = async (user: TestUser, agentId: string, count = 1) => {
    const answers = await Promise.all(
      Array.from({ length: count }, () => user.post('/api/chat', { agentId, message: 'Why is tea better?' })),
    )
    expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 202))
    return answers.map(({ body }) => acceptedView.parse(body))
  }

  it('eight parallel chats on a model that thinks 128,000 tokens unseen: each may use its share, and nothing is lost', async () => {
    server.script(thinksToTheEnd)
    const { user, agentId } = await guest({ model: 'gpt-5', maxOutputTokens: 128_000 })
    const accepted = await ask(user, agentId, 8)
    const runs = await Promise.all(accepted.map(({ runId }) => user.finished(runId)))
    // None came to a word within what it had.
    for (const { status, stopReason, error } of runs) {
      expect([status, stopReason, error?.code]).to.deep.equal(['failed', 'credits_exhausted', 'credits.insufficient'])
    }
    const { available, held, spent } = await balanceOf(user)
    expect([available + spent, held]).to.deep.equal([GRANT, 0n])
    for (const { runId } of accepted) expect(await lossesOf(app.api, runId)).to.deep.equal([])
    // gpt-5 costs 0.1 credits a token of output: together they were allowed no more than there was.
    const allowed = server.requests.map(limitOf)
    expect(allowed).to.have.length(8)
    expect(Math.min(...allowed)).to.be.greaterThan(100)
    expect(allowed.reduce((sum, tokens) => sum + tokens, 0)).to.be.at.most(100_000)
  })

  it('a low balance talks with shorter limits instead of being refused, also in parallel', async () => {
    server.script(
      (request) =>
        delta('Tea, by far.') + finish('stop', { prompt_tokens: 60, completion_tokens: Math.min(5, limitOf(request)) }),
    )
    const { user, agentId } = await guest({ model: 'gpt-4.1', maxOutputTokens: 4_000 })
    await leave(user, 80n * MICRO)
    const accepted = await ask(user, agentId, 4)
    const runs = await Promise.all(accepted.map(({ runId }) => user.finished(runId)))
    expect(runs.map(({ status, stopReason }) => `${status} ${stopReason}`)).to.deep.equal(
      runs.map(() => 'completed finished'),
    )
    for (const limit of server.requests.map(limitOf)) expect(limit).to.be.within(16, 800)
    expect((await balanceOf(user)).held).to.equal(0n)
  })

  it('an answer that its shorter limit cut off ends as credits_exhausted, and its words are kept and paid', async () => {
    server.script(
      (request) =>
        delta('Tea. '.repeat(limitOf(request) / 2)) +
        finish('length', { prompt_tokens: 60, completion_tokens: limitOf(request) }),
    )
    const { user, agentId } = await guest({ model: 'gpt-5', maxOutputTokens: 4_000 })
    await leave(user, 90n * MICRO)
    const [accepted] = await ask(user, agentId)
    const run = await user.finished(accepted?.runId ?? '')
    expect(run).to.deep.include({ status: 'completed', stopReason: 'credits_exhausted', error: null })
    expect((await user.messages(accepted?.conversationId ?? '')).at(-1)?.content).to.match(/^Tea\./)
    expect(run.receipt.estimated).to.equal(false)
    expect(await lossesOf(app.api, run.id)).to.deep.equal([])
  })

  it('whose limit is its own holds what that costs, and no more of a great balance', async () => {
    const seen: bigint[] = []
    server.script(async (request) => {
      seen.push((await balanceOf(user)).held)
      return delta('Tea.') + finish('stop', { prompt_tokens: 60, completion_tokens: Math.min(2, limitOf(request)) })
    })
    const { user, agentId } = await guest({ model: 'gpt-4.1' })
    const [accepted] = await ask(user, agentId)
    expect((await user.finished(accepted?.runId ?? '')).stopReason).to.equal('finished')
    expect(server.requests.map(limitOf)).to.deep.equal([1_024])
    expect(seen[0]).to.satisfy((held: bigint) => held > 81n * MICRO && held < 90n * MICRO)
  })

  it('a burst of 100,000 characters in one piece, of a provider that keeps no limit: what is held is paid, and nothing lost', async () => {
    server.script((): WireReply => ({ pieces: [delta('A cup of tea. '.repeat(7_143)), 50, finish('stop')] }))
    const { user, agentId } = await guest({ model: 'gpt-5', maxOutputTokens: 64 })
    await leave(user, 20n * MICRO)
    const [accepted] = await ask(user, agentId)
    const run = await user.finished(accepted?.runId ?? '')
    expect(run.stopReason).to.equal('credits_exhausted')
    expect(await lossesOf(app.api, run.id)).to.deep.equal([])
    const { available, held, spent } = await balanceOf(user)
    expect(held).to.equal(0n)
    expect(available + spent).to.equal(20n * MICRO)
    await expectSettledOnce(app.container.db, run.id)
  })

  it('a server that reports a billion tokens, or next to none: what was sent and seen is counted, both ways', async () => {
    const words = 'There is a great deal to be said about tea. '.repeat(20)
    const charged: Record<string, { outputTokens: number; estimated: boolean } | undefined> = {}
    for (const [name, usage] of Object.entries({
      true: { prompt_tokens: 60, completion_tokens: 200 },
      billion: { prompt_tokens: 1e9, completion_tokens: 1e9 },
      nothing: { prompt_tokens: 1, completion_tokens: 0 },
      tenth: { prompt_tokens: 60, completion_tokens: 20 },
    })) {
      server.script(() => delta(words) + finish('stop', usage))
      const { user, agentId } = await guest({}, true)
      const [accepted] = await ask(user, agentId)
      const run = await user.finished(accepted?.runId ?? '')
      expect(run.status, name).to.equal('completed')
      const [line] = await chargesOf(user, run.id)
      charged[name] = line?.usage ?? undefined
      expect(await lossesOf(app.api, run.id), name).to.deep.equal([])
      expect((await balanceOf(user)).spent < 20n * MICRO, name).to.equal(true)
    }
    expect(charged.true).to.deep.include({ outputTokens: 200, estimated: false })
    for (const name of ['billion', 'nothing', 'tenth']) {
      expect(charged[name]?.estimated, name).to.equal(true)
      expect(charged[name]?.outputTokens, name).to.be.within(190, 250)
    }
  })

  it('stopped before the answer begins: the prompt was read, and is paid', async () => {
    const arrived = Promise.withResolvers<void>()
    server.script(async () => {
      arrived.resolve()
      await new Promise(() => {})
      return ''
    })
    const { user, agentId } = await guest({ instructions: 'Tea is a drink. '.repeat(500) })
    const [accepted] = await ask(user, agentId)
    await arrived.promise
    const runId = accepted?.runId ?? ''
    await user.post(`/api/chat/runs/${runId}/cancel`, undefined)
    const run = await user.finished(runId)
    expect(run.status).to.equal('cancelled')
    const [line] = await chargesOf(user, runId)
    expect(line?.usage).to.deep.include({ estimated: true })
    expect(line?.usage?.inputTokens).to.be.within(2_000, 4_500)
    expect((await balanceOf(user)).spent > 0n).to.equal(true)
    await expectSettledOnce(app.container.db, runId)
  })

  it('answers that break off are the platform’s loss, up to an allowance a day; own connections have none', async () => {
    const words = 'Tea is better, since it '.repeat(40)
    server.script((): WireReply => ({ pieces: [delta(words), 100, CUT] }))
    const { user, agentId } = await guest({ model: 'gpt-5' })
    const codes: string[] = []
    while (codes.at(-1) !== 'credits.too_many_losses') {
      const [accepted] = await ask(user, agentId)
      const run = await user.finished(accepted?.runId ?? '', 30_000)
      expect(run.status).to.equal('failed')
      codes.push(run.error?.code ?? '')
      expect(codes.length).to.be.below(10)
    }
    const [row] = await app.container.db.query('SELECT user_losses($1)::text AS lost', [user.id])
    // One more than the allowance at most.
    expect(BigInt(row.lost) >= ALLOWANCE && BigInt(row.lost) < ALLOWANCE + 110n * MICRO).to.equal(true)
    expect((await balanceOf(user)).spent).to.equal(0n)

    const own = await guest({}, true)
    server.script((): WireReply => ({ pieces: [delta(words), 100, CUT] }))
    for (let n = 0; n < 3; n++) {
      const [accepted] = await ask(own.user, own.agentId)
      expect((await own.user.finished(accepted?.runId ?? '', 30_000)).error?.code).to.equal('provider.stream_cut')
    }
  })

  it('a run that cannot speak for lack of credits says so', async () => {
    server.script(() => delta('Tea.') + finish('stop', { prompt_tokens: 60, completion_tokens: 2 }))
    // What its transcript will take is not looked at by the request.
    const { user, agentId } = await guest({ model: 'gpt-5' })
    const { conversationId, runId } = await user.accept('/api/chat', { agentId, message: 'Tea? '.repeat(4_000) })
    await user.finished(runId)
    await leave(user, 8n * MICRO)
    const next = await user.accept('/api/chat', { agentId, message: 'And now?', conversationId })
    const run = await user.finished(next.runId)
    expect(run).to.deep.include({ status: 'failed', stopReason: 'credits_exhausted' })
    expect(run.error?.code).to.equal('credits.insufficient')
    expect(server.requests).to.have.length(1)
  })
})
