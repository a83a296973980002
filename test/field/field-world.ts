import { expect } from 'chai'
import { z } from 'zod'
import type { ServerEvent } from '../../src/contract/events.ts'
import type { ProviderName } from '../../src/contract/providers.ts'
import type { RunView } from '../../src/contract/views.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { expectSettledOnce } from '../support/invariants.ts'
import { startWireServer, type WireReply, type WireRequest, type WireServer } from '../support/wire-server.ts'

export type Script = (request: WireRequest) => WireReply | string | Promise<WireReply | string>
export type WireProvider = Exclude<ProviderName, 'demo'>

/** Models that every provider's price list has. */
export const MODELS: Partial<Record<WireProvider, string>> = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-haiku-4-5',
  google: 'gemini-2.5-flash',
  groq: 'llama-3.3-70b-versatile',
}
const BASES: Partial<Record<WireProvider, string>> = { google: '/v1beta' }

/** What came of one question to one agent, as its user sees it. */
export interface Outcome {
  run: RunView
  /** What agents said, in order. */
  said: string[]
  /** The last of it. */
  answer: string | undefined
  requests: WireRequest[]
  user: TestUser
  conversationId: string
  /** Credits that are gone. */
  spent: string
}

/** An app, and a server that answers as each test scripts it. */
export function useField(options: Parameters<typeof useApp>[0] = {}) {
  let started: WireServer | undefined
  const app = useApp(options)
  before(async () => {
    started = await startWireServer()
  })
  after(() => started?.stop())
  const server = (): WireServer => {
    if (!started) throw new Error('The server exists from the first before() hook on.')
    return started
  }
  const connectionTo = (provider: WireProvider) => ({
    provider,
    model: MODELS[provider] ?? 'm',
    baseUrl: `${server().url}${BASES[provider] ?? '/v1'}`,
  })
  let known: Promise<TestUser> | undefined
  /** One user for the whole file; what each question costs is what was spent meanwhile. */
  const guest = (): Promise<TestUser> => {
    known ??= app.api.register()
    return known
  }
  const spentBy = async (user: TestUser): Promise<{ spent: string; held: string }> =>
    z.object({ spent: z.string(), held: z.string() }).parse((await user.get('/api/credits/balance')).body)
  const outcomeOf = async (
    user: TestUser,
    before: string,
    { runId, conversationId }: { runId: string; conversationId: string },
  ) => {
    const run = await user.finished(runId, 30_000)
    const said = (await user.messages(conversationId)).filter(({ role }) => role === 'agent')
    await expectSettledOnce(app.container.db, runId)
    const balance = await spentBy(user)
    expect(balance.held).to.equal('0.000000')
    const spent = (Number(balance.spent) - Number(before)).toFixed(6)
    expect(spent).to.equal(run.receipt.credits)
    return {
      run,
      said: said.map(({ content }) => content),
      answer: said.at(-1)?.content,
      requests: server().requests,
      user,
      conversationId,
      spent,
    } satisfies Outcome
  }
  return {
    app,
    get server() {
      return server()
    },
    connectionTo,
    guest,
    /** Who watches, live, every conversation that there is when they `look`. */
    watcher() {
      const seen: ServerEvent[] = []
      const watching = new Map<string, () => Promise<void>>()
      return {
        seen,
        async look() {
          for (const { id } of await app.container.db.query('SELECT id FROM conversations'))
            if (!watching.has(id)) watching.set(id, await app.container.feed.subscribe(id, (event) => seen.push(event)))
        },
        async stop() {
          for (const stop of watching.values()) await stop()
        },
      }
    },
    /** One agent of a new user, asked once. */
    async ask(
      script: Script,
      { provider = 'openai-compatible' as WireProvider, agent = {} as object } = {},
    ): Promise<Outcome> {
      server().script(script)
      const user = await guest()
      const { spent } = await spentBy(user)
      const [agentId = ''] = await user.agentsOn(connectionTo(provider), ['Ada'])
      if (Object.keys(agent).length > 0) expect((await user.put(`/api/agents/${agentId}`, agent)).status).to.equal(200)
      return outcomeOf(user, spent, await user.accept('/api/chat', { agentId, message: 'Tea or coffee?' }))
    },
    /** A party of these names, of a new user. */
    async party(
      script: Script,
      {
        provider = 'openai-compatible' as WireProvider,
        names = ['Ada', 'Otto'],
        ...body
      }: { provider?: WireProvider; names?: string[] } & Record<string, unknown> = {},
    ): Promise<Outcome & { agentIds: string[] }> {
      server().script(script)
      const user = await guest()
      const { spent } = await spentBy(user)
      const agentIds = await user.agentsOn(connectionTo(provider), names)
      const accepted = await user.accept('/api/chat/multi-agent', {
        agentIds,
        message: 'Tea or coffee?',
        maxTurns: 2,
        ...body,
      })
      return { ...(await outcomeOf(user, spent, accepted)), agentIds }
    },
  }
}

/** What a run used, as its user's transactions have it. */
export async function chargedUsage({ user, run }: Outcome): Promise<unknown> {
  const { data } = z
    .object({ data: z.array(z.object({ runId: z.string().nullable(), usage: z.unknown() })) })
    .parse((await user.get('/api/credits/transactions')).body)
  return data.find(({ runId }) => runId === run.id)?.usage
}

/** A whole answer, for one request, at the usage that it reported. */
export function expectWhole(outcome: Outcome, answer: string, { requests = 1, input = 9, output = 3 } = {}): void {
  expect(outcome.run.error).to.equal(null)
  expect(outcome.answer).to.equal(answer)
  expect(outcome.requests).to.have.length(requests)
  expect(outcome.run.receipt).to.deep.include({ inputTokens: input, outputTokens: output, estimated: false })
}

/** A failure of this code, with nothing kept and nothing charged. */
export function expectFailed(outcome: Outcome, code: string, { requests = 1 } = {}): void {
  expect(outcome.run).to.deep.include({ status: 'failed', stopReason: 'failed' })
  expect(outcome.run.error?.code).to.equal(`provider.${code}`)
  expect(outcome.said).to.deep.equal([])
  expect(outcome.requests).to.have.length(requests)
  expect(outcome.spent).to.equal('0.000000')
}
