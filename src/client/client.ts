/** The typed client: REST and live text. No Node-only imports: browsers run it too. */
import { z } from 'zod'
import { type SignedInView, signedInView, ticketView } from '../contract/account-views.ts'
import type { PartySend, SingleSend, UserEvent } from '../contract/events.ts'
import type { KeepBody, LoginBody, RegisterBody } from '../contract/identity.schemas.ts'
import { type StarterView, starterView } from '../contract/starter-views.ts'
import type { TicketInput } from '../contract/ticket.schemas.ts'
import { type AcceptedView, acceptedView, listOf, type OutcomeView, outcomeView } from '../contract/views.ts'
import { AuthApi, KeysApi, SessionsApi } from './account-api.ts'
import { AdminApi } from './admin-api.ts'
import { AgentsApi, PartiesApi } from './agents-api.ts'
import { ApprovalsApi } from './approvals-api.ts'
import { ConnectionsApi } from './connections-api.ts'
import { ConversationsApi, keyed, MessagesApi, RunsApi } from './conversations-api.ts'
import { CreditsApi } from './credits-api.ts'
import { FilesApi } from './files-api.ts'
import { Follower, type FollowOptions } from './follower.ts'
import { GalleryApi } from './gallery-api.ts'
import { LiveConnection, type LiveStatus } from './live-connection.ts'
import { McpApi } from './mcp-api.ts'
import { type CallOptions, type ListOf, type PageQuery, Rest } from './rest.ts'
import { SchedulesApi } from './schedules-api.ts'
import { SharesApi } from './shares-api.ts'
import { InvitationsApi, UsersApi } from './users-api.ts'
import { WebhooksApi } from './webhooks-api.ts'

// What a front end names besides: every view, as a type and as a schema, what tells them apart, and what may be written.
export * from '../contract/account-views.ts'
export * from '../contract/admin-views.ts'
export type { AgentChange, AgentInput } from '../contract/agent.schemas.ts'
export * from '../contract/agent-views.ts'
export type { ApiKeyInput } from '../contract/api-key.schemas.ts'
export * from '../contract/api-key-views.ts'
export type { ApprovalView, DecisionInput, RunToolCallView, WaitingView } from '../contract/approval-views.ts'
export type { ConnectionChange, ConnectionInput } from '../contract/connection.schemas.ts'
export * from '../contract/connection-views.ts'
export type { ConversationChange, FeedbackInput } from '../contract/conversation.schemas.ts'
export * from '../contract/credits-views.ts'
export * from '../contract/events.ts'
export type { ImportInput, PublishInput, RepublishInput } from '../contract/gallery.schemas.ts'
export * from '../contract/gallery-views.ts'
export type {
  McpServerChange,
  McpServerInput,
  McpSignInAnswer,
  McpSignInInput,
  McpToolChange,
} from '../contract/mcp.schemas.ts'
export * from '../contract/mcp-views.ts'
export type { SavedPartyChange, SavedPartyInput } from '../contract/party.schemas.ts'
export * from '../contract/provider-failures.ts'
export * from '../contract/providers.ts'
export type { ScheduleChange, ScheduleInput } from '../contract/schedule.schemas.ts'
export * from '../contract/schedule-views.ts'
export type { ShareInput } from '../contract/share.schemas.ts'
export * from '../contract/share-views.ts'
export * from '../contract/starter-views.ts'
export * from '../contract/storage-views.ts'
export * from '../contract/views.ts'
export type { WebhookChange, WebhookInput } from '../contract/webhook.schemas.ts'
export * from '../contract/webhook-views.ts'
export { ApiError } from './api-error.ts'
export type { Change, ConversationState, LiveText } from './conversation-view.ts'
export type { ConversationsQuery, MessagesQuery, SendOptions } from './conversations-api.ts'
export { everyItem } from './every-item.ts'
export type { UploadOptions } from './files-api.ts'
export type { Follower, FollowOptions } from './follower.ts'
export type { GalleryQuery } from './gallery-api.ts'
export type { LiveStatus } from './live-connection.ts'
export type { CallOptions, ChangeOptions, ListOf, PageQuery, ReadOptions } from './rest.ts'
export { wholeMessage } from './shared-events.ts'
export type { FollowSharedOptions, SharedFollower } from './shared-follower.ts'
export type { Progress } from './watched-send.ts'

/** The run is over, and its messages are there, where it was waited for long enough. */
const saidView = z.union([outcomeView, acceptedView])

export interface SayOptions extends CallOptions {
  /** Seconds (1-60) in which the answer may wait for the run's end; then it has `run` and `messages`. */
  wait?: number | undefined
}

export interface ClientOptions {
  /** The server, such as `http://localhost:4000`. */
  url: string
  /** Of a session, or an API key. */
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
  readonly auth: AuthApi
  readonly sessions: SessionsApi
  readonly keys: KeysApi
  readonly users: UsersApi
  readonly connections: ConnectionsApi
  readonly agents: AgentsApi
  readonly mcp: McpApi
  readonly parties: PartiesApi
  readonly gallery: GalleryApi
  readonly conversations: ConversationsApi
  readonly messages: MessagesApi
  readonly approvals: ApprovalsApi
  readonly runs: RunsApi
  readonly files: FilesApi
  readonly shares: SharesApi
  readonly credits: CreditsApi
  readonly schedules: SchedulesApi
  readonly webhooks: WebhooksApi
  /** Of administrators, as `admin`. */
  readonly invitations: InvitationsApi
  readonly admin: AdminApi
  readonly #rest: Rest
  #live: LiveConnection | undefined
  #liveStatus: LiveStatus = 'idle'
  readonly #statusListeners = new Set<() => void>()

  constructor(options: ClientOptions) {
    const rest = new Rest(options.url, options.token, options.fetch ?? ((...args) => fetch(...args)))
    this.auth = new AuthApi(rest)
    this.sessions = new SessionsApi(rest)
    this.keys = new KeysApi(rest)
    this.users = new UsersApi(rest)
    this.connections = new ConnectionsApi(rest)
    this.agents = new AgentsApi(rest)
    this.mcp = new McpApi(rest)
    this.parties = new PartiesApi(rest)
    this.gallery = new GalleryApi(rest)
    this.conversations = new ConversationsApi(rest)
    this.messages = new MessagesApi(rest)
    this.approvals = new ApprovalsApi(rest)
    this.runs = new RunsApi(rest)
    this.files = new FilesApi(rest)
    this.shares = new SharesApi(rest)
    this.credits = new CreditsApi(rest)
    this.schedules = new SchedulesApi(rest)
    this.webhooks = new WebhooksApi(rest)
    this.invitations = new InvitationsApi(rest)
    this.admin = new AdminApi(rest)
    this.#rest = rest
  }

  /** Of the session, or the key; another client that is given it is as signed in. */
  get token(): string | undefined {
    return this.#rest.token
  }

  /** An account; the client is signed in with it. @throws ApiError 409 `auth.email_taken` */
  async register(body: RegisterBody, options: CallOptions = {}): Promise<SignedInView> {
    return this.#signedIn(await this.#rest.call('POST /api/auth/register', signedInView, { body, ...options }))
  }

  /**
   * A look around without a name: an account with the demo model alone and some credits, which goes when it is not used. The client is signed
   * in with it; its token is the only way in. @throws ApiError 403 `guest.off`; 429 `guest.too_many`
   */
  async guest(options: CallOptions = {}): Promise<SignedInView> {
    return this.#signedIn(await this.#rest.call('POST /api/auth/guest', signedInView, options))
  }

  /** Makes a guest's account one that stays, with all that it has; the session goes on. @throws ApiError 409 `auth.email_taken`, `guest.kept` */
  async keep(body: KeepBody, options: CallOptions = {}): Promise<SignedInView> {
    return this.#signedIn(await this.#rest.call('POST /api/auth/guest/keep', signedInView, { body, ...options }))
  }

  /** `totp` is a code or a recovery code. @throws ApiError 401 `auth.invalid_credentials`, `auth.totp_required`, `auth.totp_invalid` */
  async login(body: LoginBody, options: CallOptions = {}): Promise<SignedInView> {
    return this.#signedIn(await this.#rest.call('POST /api/auth/login', signedInView, { body, ...options }))
  }

  async logout(): Promise<void> {
    await this.#rest.call('POST /api/auth/logout', null, {})
    this.#rest.token = undefined
    this.close()
  }

  /** Parties that are ready for everybody: `client.startParty(starter.party)` begins one. */
  starters(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<StarterView>> {
    return this.#rest.call('GET /api/starters', listOf(starterView), { query, ...options })
  }

  /**
   * A message to one agent. Safe to repeat: the key makes the same request the same run. With `answer` its answer is JSON by a schema, checked,
   * and `data` of its message; a run whose agent cannot give it has failed with `answer.invalid`, `answer.cut` or `answer.refused`.
   */
  chat(body: SingleSend, options: SayOptions = {}): Promise<AcceptedView | OutcomeView> {
    return this.#rest.call('POST /api/chat', saidView, saying(body, options))
  }

  /** A conversation of several agents, or of a saved party. Safe to repeat, as `chat`. */
  startParty(body: PartySend, options: SayOptions = {}): Promise<AcceptedView | OutcomeView> {
    return this.#rest.call('POST /api/chat/multi-agent', saidView, saying(body, options))
  }

  /**
   * The changes of a conversation as they happen, its latest messages first. Reconnects and heals by itself; no piece of
   * text comes twice.
   */
  follow(conversationId: string, options: FollowOptions = {}): Follower {
    return new Follower(this.#connection(), (runId) => this.runs.get(runId), conversationId, options)
  }

  /** Credits, files and the list of conversations as they change; an update of a conversation that is not known is a new one. */
  onUserEvent(listener: (event: UserEvent) => void): () => void {
    return this.#connection().onUserEvent(listener)
  }

  /** Of the live connection, which is made when something is followed first. */
  get liveStatus(): LiveStatus {
    return this.#liveStatus
  }

  /** Tells of every change of `liveStatus`. @returns what ends it */
  onLiveStatus(listener: () => void): () => void {
    this.#statusListeners.add(listener)
    return () => this.#statusListeners.delete(listener)
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

  /**
   * The address of something of one's own for those who send no header, such as links and an `EventSource`: it is good for five
   * minutes, and for that alone.
   */
  async ticketUrl(body: TicketInput, options: CallOptions = {}): Promise<string> {
    const { path } = await this.#rest.call('POST /api/tickets', ticketView, { body, ...options })
    return `${this.#rest.url}${path}`
  }

  /** Ends the live connection. Nothing stops on the server. */
  close(): void {
    this.#live?.close()
    this.#live = undefined
    this.#became('idle')
  }

  #connection(): LiveConnection {
    this.#live ??= new LiveConnection(
      this.#rest.url,
      () => this.#rest.token,
      (status) => this.#became(status),
    )
    return this.#live
  }

  #became(status: LiveStatus): void {
    if (status === this.#liveStatus) return
    this.#liveStatus = status
    for (const listener of this.#statusListeners) listener()
  }

  #signedIn(answer: SignedInView): SignedInView {
    this.#rest.token = answer.token
    return answer
  }
}

/** The key goes beside the body. */
const saying = ({ idempotencyKey, ...body }: SingleSend | PartySend, { wait, signal }: SayOptions) => {
  const { headers } = keyed({ idempotencyKey, signal })
  return { body, headers: { ...headers, ...(wait !== undefined && { prefer: `wait=${wait}` }) }, signal }
}
