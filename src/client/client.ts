/** The typed client: REST and live text in one small class. No Node-only imports: browsers run it too. */
import { z } from 'zod'
import type { PartySend, SingleSend, UserEvent } from '../contract/events.ts'
import {
  type AcceptedView,
  acceptedView,
  conversationView,
  creditsAmount,
  creditsView,
  messageView,
  type RunView,
  runView,
} from '../contract/views.ts'
import { Follower, type FollowOptions } from './follower.ts'
import { LiveConnection } from './live-connection.ts'
import { Rest } from './rest.ts'

export type { Change, ConversationState } from './conversation-view.ts'
export type { FollowOptions } from './follower.ts'
export { ApiError } from './rest.ts'

const userView = z.object({ id: z.string(), email: z.string(), name: z.string(), role: z.enum(['user', 'admin']) })
const signedIn = z.object({ user: userView, token: z.string(), expiresAt: z.string() })
const agentView = z.object({
  id: z.string(),
  name: z.string(),
  instructions: z.string(),
  scope: z.enum(['user', 'platform']),
})
const connectionView = z.object({ id: z.string(), name: z.string(), model: z.string() })
const connectionTest = z.object({
  ok: z.boolean(),
  /** What parties can expect of the model, in words. */
  learnt: z.array(z.string()).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
const balanceView = creditsView.extend({ granted: creditsAmount, spent: creditsAmount })
const conversationPage = conversationView.extend({
  messages: z.object({ data: z.array(messageView), nextCursor: z.string().nullable() }),
})
const page = <S extends z.ZodType>(item: S) => z.object({ data: z.array(item), nextCursor: z.string().nullable() })

export type SignedInView = z.infer<typeof signedIn>
export type AgentView = z.infer<typeof agentView>
export type ConnectionView = z.infer<typeof connectionView>
export type ConnectionTestView = z.infer<typeof connectionTest>
export type BalanceView = z.infer<typeof balanceView>
/** A conversation with a page of its messages. */
export type ConversationPage = z.infer<typeof conversationPage>

export interface ClientOptions {
  /** The server, such as `http://localhost:4000`. */
  url: string
  token?: string
  fetch?: typeof fetch
}

/**
 * @example
 * const client = new ChatspartyClient({ url: 'http://localhost:4000' })
 * await client.login({ email, password })
 * const { conversationId, runId } = await client.startParty({ agentIds, message: 'Tea or coffee?' })
 * for await (const change of client.follow(conversationId, { untilRun: runId })) {
 *   if (change.type === 'turn.text') process.stdout.write(change.text)
 * }
 * client.close()
 */
export class ChatspartyClient {
  readonly #rest: Rest
  #live: LiveConnection | undefined

  constructor(options: ClientOptions) {
    this.#rest = new Rest(options.url, options.token, options.fetch ?? ((...args) => fetch(...args)))
  }

  /** The token of the session; give it to another client to share the session. */
  get token(): string | undefined {
    return this.#rest.token
  }

  /** @throws ApiError 409 `auth.email_taken` */
  register(body: { email: string; password: string; name?: string }): Promise<SignedInView> {
    return this.#signIn('/api/auth/register', body)
  }

  /** `totp` is a code or a recovery code. @throws ApiError 401 `auth.invalid_credentials`, `auth.totp_required`, `auth.totp_invalid` */
  login(body: { email: string; password: string; totp?: string }): Promise<SignedInView> {
    return this.#signIn('/api/auth/login', body)
  }

  async logout(): Promise<void> {
    await this.#rest.call(z.undefined(), '/api/auth/logout', { method: 'POST' })
    this.#rest.token = undefined
    this.close()
  }

  /** One's own agents and the platform's, all pages. */
  async agents(): Promise<AgentView[]> {
    const agents: AgentView[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor ? `&cursor=${cursor}` : ''
      const found: z.infer<ReturnType<typeof page<typeof agentView>>> = await this.#rest.call(
        page(agentView),
        `/api/agents?limit=100${query}`,
      )
      agents.push(...found.data)
      cursor = found.nextCursor
    } while (cursor)
    return agents
  }

  /** An agent of one's own, on one's own connection or the default one. */
  createAgent(body: { name: string; instructions: string; connectionId?: string }): Promise<AgentView> {
    return this.#rest.call(agentView, '/api/agents', { method: 'POST', body })
  }

  async deleteAgent(id: string): Promise<void> {
    await this.#rest.call(z.undefined(), `/api/agents/${id}`, { method: 'DELETE' })
  }

  /** A connection to a model provider. @throws ApiError 400 for an address that the server may not connect to */
  createConnection(body: {
    name: string
    provider: string
    model: string
    baseUrl?: string
    apiKey?: string
  }): Promise<ConnectionView> {
    return this.#rest.call(connectionView, '/api/connections', { method: 'POST', body })
  }

  /** Calls the provider for a few tokens. What is wrong is an outcome, no error. */
  testConnection(id: string): Promise<ConnectionTestView> {
    return this.#rest.call(connectionTest, `/api/connections/${id}/test`, { method: 'POST' })
  }

  async deleteConnection(id: string): Promise<void> {
    await this.#rest.call(z.undefined(), `/api/connections/${id}`, { method: 'DELETE' })
  }

  /** A message to one agent. Safe to repeat: the key makes the same request the same run. */
  chat(body: SingleSend): Promise<AcceptedView> {
    return this.#send('/api/chat', body)
  }

  /** A conversation of several agents. Safe to repeat, as `chat`. */
  startParty(body: PartySend): Promise<AcceptedView> {
    return this.#send('/api/chat/multi-agent', body)
  }

  run(runId: string): Promise<RunView> {
    return this.#rest.call(runView, `/api/chat/runs/${runId}`)
  }

  cancel(runId: string): Promise<RunView> {
    return this.#rest.call(runView, `/api/chat/runs/${runId}/cancel`, { method: 'POST' })
  }

  /** A run that failed or was stopped, once more from the user's message on. Safe to repeat, as `chat`. @throws ApiError 402, 409 */
  retry(runId: string, idempotencyKey: string = crypto.randomUUID()): Promise<AcceptedView> {
    const headers = { 'idempotency-key': idempotencyKey }
    return this.#rest.call(acceptedView, `/api/chat/runs/${runId}/retry`, { method: 'POST', headers })
  }

  /** A conversation's runs, newest first; `cursor` is the `nextCursor` of the page before. */
  runs(
    conversationId: string,
    { limit = 20, cursor }: { limit?: number; cursor?: string } = {},
  ): Promise<{ data: RunView[]; nextCursor: string | null }> {
    const query = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    return this.#rest.call(page(runView), `/api/chat/conversations/${conversationId}/runs?limit=${limit}${query}`)
  }

  conversation(
    id: string,
    range: { beforeSeq?: number; afterSeq?: number; limit?: number; cursor?: string } = {},
  ): Promise<ConversationPage> {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(range)) query.set(name, String(value))
    return this.#rest.call(conversationPage, `/api/chat/conversations/${id}?${query}`)
  }

  balance(): Promise<BalanceView> {
    return this.#rest.call(balanceView, '/api/credits/balance')
  }

  /**
   * The changes of a conversation as they happen, its latest messages first. Reconnects and heals by itself; no piece of
   * text comes twice.
   */
  follow(conversationId: string, options: FollowOptions = {}): Follower {
    return new Follower(this.#connection(), (runId) => this.run(runId), conversationId, options)
  }

  /** Credits, files and the list of conversations as they change; an update of a conversation that is not known is a new one. */
  onUserEvent(listener: (event: UserEvent) => void): () => void {
    return this.#connection().onUserEvent(listener)
  }

  /** Another token for the same user: the live connection stays. */
  async refresh(token: string): Promise<void> {
    this.#rest.token = token
    if (this.#live?.connected) await this.#live.refresh(token)
  }

  /** Drops the live connection as a network would; it comes back by itself. For tests. */
  dropConnection(): void {
    this.#live?.drop()
  }

  /** Ends the live connection. Nothing stops on the server. */
  close(): void {
    this.#live?.close()
    this.#live = undefined
  }

  #connection(): LiveConnection {
    this.#live ??= new LiveConnection(this.#rest.url, () => this.#rest.token)
    return this.#live
  }

  async #signIn(path: string, body: object): Promise<SignedInView> {
    const answer = await this.#rest.call(signedIn, path, { method: 'POST', body })
    this.#rest.token = answer.token
    return answer
  }

  #send(path: string, { idempotencyKey, ...body }: SingleSend | PartySend): Promise<AcceptedView> {
    const headers = { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() }
    return this.#rest.call(acceptedView, path, { method: 'POST', body, headers })
  }
}
