import type { LiveFeed } from '../../src/realtime/live-feed.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { type MockProvider, type MockReply, type MockRequest, useMockLlm } from '../support/mock-llm.ts'

/** True for the request of a supervisor. */
export const isDecision = (request: MockRequest): boolean => request.system.startsWith('You moderate')
/** The name of whoever a request lets speak. */
export const speakerOf = (request: MockRequest): string => /^You are ([^.\n]+)\./.exec(request.system)?.[1] ?? ''
/** Replies to whoever has this name. */
export const by = (name: string): MockReply['when'] => ({ match: (request) => speakerOf(request) === name })

/** True for the request of a step behind calls of tools, however those ended. */
export const isBehindCall = (request: MockRequest): boolean => JSON.stringify(request.body).includes('"role":"tool"')
/** Calls the calculator, behind words, until it is given a result. */
export const asksFor = (expression: string, text?: string): MockReply => ({
  when: { match: (request) => !isBehindCall(request) },
  ...(text !== undefined && { text }),
  toolCalls: [{ name: 'calculator', arguments: { expression } }],
})
/** Says it to whoever brings a tool's result. */
export const answered = (text: string): MockReply => ({ when: { match: isBehindCall }, text })

/** An app and a mocked provider for the suite in which it is called. */
export function usePartyWorld(options: Parameters<typeof useApp>[0] = {}) {
  const app = useApp(options)
  const mock = useMockLlm()
  return {
    app,
    get llm() {
      return mock()
    },
    /** A new user with agents of these names on the mock. */
    async guests(names: string[], provider: MockProvider = 'openai-compatible') {
      const user = await app.api.register()
      const agentIds = await user.agentsOn({ provider, baseUrl: mock().baseUrl(provider) }, names)
      const nameOf = (id: string | null) => names[agentIds.indexOf(id ?? '')] ?? null
      return { user, agentIds, nameOf }
    },
  }
}

/** Who said what, in order; the user is null. */
export const linesOf = async (user: TestUser, conversationId: string) =>
  (await user.messages(conversationId)).map(({ agentName, content }) => [agentName, content] as const)

/** A call of a run as the ledger has it. */
export interface LedgerCall {
  turn: number
  attempt: number
  call: number
  purpose: string
  outcome: string
}

/** The calls of a run, by turn, attempt and number. */
export const callsOf = (
  db: { query: (sql: string, parameters: unknown[]) => Promise<LedgerCall[]> },
  runId: string,
): Promise<LedgerCall[]> =>
  db.query(
    'SELECT turn, attempt, call, purpose, outcome FROM metered_calls WHERE run_id = $1 ORDER BY turn, attempt, call',
    [runId],
  )

/** Waits until so many turns of a conversation show words. */
export async function allSpoken(feed: LiveFeed, conversationId: string, count = 1): Promise<void> {
  const heard = Promise.withResolvers<void>()
  const look = async () => {
    const live = await feed.read(conversationId)
    if (live.filter(({ text }) => text !== '').length >= count) heard.resolve()
  }
  const unsubscribe = await feed.subscribe(conversationId, () => void look())
  await look()
  await heard.promise
  await unsubscribe()
}

/** Waits until so many turns of a run were completed. */
export async function turnsCompleted(
  feed: LiveFeed,
  user: TestUser,
  { runId, conversationId }: { runId: string; conversationId: string },
  count: number,
): Promise<void> {
  const done = Promise.withResolvers<void>()
  const look = async () => {
    const { turns } = await user.run(runId)
    if (turns.filter(({ status }) => status === 'completed').length >= count) done.resolve()
  }
  const unsubscribe = await feed.subscribe(conversationId, (event) => {
    if (event.type === 'turn.completed') void look()
  })
  await look()
  await done.promise
  await unsubscribe()
}
