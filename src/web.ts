import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { agentRoutes } from './agents/agent.routes.ts'
import { auditRoutes } from './audit/audit.routes.ts'
import { approvalRoutes } from './chat/approval.routes.ts'
import { chatRoutes } from './chat/chat.routes.ts'
import { estimateRoutes } from './chat/estimate.routes.ts'
import { eventRoutes } from './chat/events.routes.ts'
import { revisionRoutes } from './chat/revision.routes.ts'
import { RunWait } from './chat/run-wait.ts'
import { connectionRoutes } from './connections/connection.routes.ts'
import { providerRoutes } from './connections/provider.routes.ts'
import type { Container } from './container.ts'
import { partySchemas } from './contract/party.schemas.ts'
import { creditsRoutes } from './credits/credits.routes.ts'
import { userCreditsRoutes } from './credits/user-credits.routes.ts'
import { unavailable } from './database/trouble.ts'
import { agUiRoutes } from './doors/ag-ui/ag-ui.routes.ts'
import { AgUiService } from './doors/ag-ui/ag-ui.service.ts'
import { openAiRoutes } from './doors/openai/openai.routes.ts'
import { OpenAiDoor } from './doors/openai/openai-door.ts'
import { RunAnswers } from './doors/run-answer.ts'
import { SecondThoughts } from './doors/ui/second-thoughts.ts'
import { uiRoutes } from './doors/ui/ui.routes.ts'
import { UiChatService } from './doors/ui/ui-chat.service.ts'
import { closeServer, untilUnnoticed } from './drain.ts'
import { erasureRoutes } from './erasure/erasure.routes.ts'
import { exportRoutes } from './export/export.routes.ts'
import { galleryRoutes } from './gallery/gallery.routes.ts'
import { createApp, type OpenTicket } from './http/app.ts'
import { createAuthenticate } from './http/authenticate.ts'
import { clientAddress, clientNetwork } from './http/client-network.ts'
import { ConsoleAssets } from './http/console-pages.ts'
import { Health, type HealthCheck } from './http/health.ts'
import { ProxyWatch } from './http/proxy-watch.ts'
import type { OpenBoard } from './http/queue-pages.ts'
import { createRateLimiter, type RateLimiter } from './http/rate-limit.ts'
import type { Route } from './http/route.ts'
import { limitServer } from './http/server-limits.ts'
import { createSignupLimits, type SignupLimits } from './http/signup-limits.ts'
import { apiKeyRoutes } from './identity/api-key.routes.ts'
import { authRoutes } from './identity/auth.routes.ts'
import { emailLinkRoutes } from './identity/email-link.routes.ts'
import { guestRoutes } from './identity/guest.routes.ts'
import { invitationRoutes } from './identity/invitation.routes.ts'
import { sessionRoutes } from './identity/session.routes.ts'
import { ticketRoutes } from './identity/ticket.routes.ts'
import { readTicket as readPathTicket, ticketKeyOf } from './identity/ticket.ts'
import { totpRoutes } from './identity/totp.routes.ts'
import { userRoutes } from './identity/user.routes.ts'
import { listen } from './listen.ts'
import { mcpRoutes } from './mcp/mcp.routes.ts'
import { mcpSignInRoutes } from './mcp/mcp-sign-in.routes.ts'
import { sharedMetricsPage } from './monitoring.ts'
import { partyRoutes } from './parties/party.routes.ts'
import { starterRoutes } from './parties/starter.routes.ts'
import { commonChecks, placesCheck } from './probes.ts'
import { boardKeyOf, readTicket } from './queue/board-ticket.ts'
import { fleetRoutes } from './queue/fleet.routes.ts'
import { QueueBoards } from './queue/queue-board.ts'
import { SocketServer } from './realtime/socket-server.ts'
import { EventStreams } from './realtime/sse.ts'
import { WatchRegistry } from './realtime/watch-registry.ts'
import { runCareRoutes } from './runs/run-care.routes.ts'
import { scheduleRoutes } from './schedules/schedule.routes.ts'
import { repeat } from './shared/repeat.ts'
import { shareRoutes } from './shares/share.routes.ts'
import { sharedRoutes } from './shares/shared.routes.ts'
import { sharedStreams } from './shares/shared-streams.ts'
import { socketPorts } from './socket-ports.ts'
import { storageRoutes } from './storage/storage.routes.ts'
import { webhookRoutes } from './webhooks/webhook.routes.ts'

/** Where `npm run build` puts the console: beside the sources, also for whoever runs what was compiled of them. */
const CONSOLE_FOLDER = join(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../dist/console' : '../console',
)

/** Pages of a development server; in production only CORS_ORIGINS counts. */
const DEVELOPMENT_ORIGINS = ['http://localhost:3000', 'http://localhost:5173']

/** The longest time that a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 3_600_000

/** Nothing that answers is silent for as long: waits end after 60 s, streams beat, uploads that stall are given up. */
const STUCK_CONNECTION_MS = 120_000
/** A connection that idles is closed by its own limit, and not by that one. */
const KEEP_ALIVE_SLACK_MS = 5_000
/** Requests that wait for their run's end, of all users. */
const ALL_WAITS = 1_000

/** Bytes that wait for watchers of links who do not read: each begins with a page of up to a megabyte. */
const WATCHERS_PENDING_BYTES = 67_108_864

/** A request's head is small, and must come at once; Node looks this often whether one is late. */
const HEADERS = { headersTimeout: 15_000, connectionsCheckingInterval: 5_000 }

/** On every answer, whoever gives it; the app's own say more (`helmet`). */
const CAREFUL_HEADERS = new Headers({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
})

/** How many failed logins there were is told this often, in ms. */
const FAILED_LOGINS_MS = 900_000

/** What a web process has besides: limits, and what answers over time (event streams, requests that wait for their run). */
interface LiveServices {
  limiter: RateLimiter
  signups: SignupLimits
  streams: EventStreams
  /** Of links. */
  watchers: EventStreams
  waits: RunWait
}

/** Every route of the API but the health checks. */
export const allRoutes = (
  container: Container,
  { limiter, signups, streams, watchers, waits }: LiveServices,
): Route[] => [
  ...authRoutes({
    auth: container.authService,
    signIns: container.signInService,
    users: container.userService,
    limiter,
    signups,
  }),
  ...guestRoutes(container.guestService, signups),
  ...sessionRoutes(container.sessionService),
  ...apiKeyRoutes(container.apiKeyService),
  ...emailLinkRoutes(container.emailLinkService, signups),
  ...invitationRoutes(container.invitationService),
  ...totpRoutes(container.totpService, limiter),
  ...userRoutes(container.userService, container.suspensionService),
  ...auditRoutes(container.audit),
  ...runCareRoutes(container.runCareService),
  ...fleetRoutes(container),
  ...erasureRoutes(container.erasures),
  ...exportRoutes(container.exportService, container.conversationExports),
  ...ticketRoutes(container.secrets.jwtSecret),
  ...mcpRoutes(container.mcpServers, container.mcpTools, limiter),
  ...mcpSignInRoutes(container.mcpSignIns, container.mcpOurClients),
  ...connectionRoutes(container.connectionService, container.breakers, container.modelCatalogue),
  ...providerRoutes(),
  ...agentRoutes(container.agentService),
  ...starterRoutes(container.starterService),
  ...partyRoutes(container.partyService, partySchemas(container.chatSchemas.terms)),
  ...(container.env.GALLERY === 'on' ? galleryRoutes(container.galleryService, container.galleryImportService) : []),
  ...creditsRoutes({
    transactions: container.transactions,
    audit: container.audit,
    ledger: container.ledgerService,
    prices: container.priceBook,
    statements: container.statementRepository,
  }),
  ...userCreditsRoutes(container.userService, container.ledgerService),
  ...estimateRoutes(container.estimateService, container.chatSchemas),
  ...storageRoutes(container.storage),
  ...chatRoutes({
    chat: container.chatService,
    waits,
    cancels: container.cancelService,
    regenerations: container.regenerateService,
    retries: container.retryService,
    conversations: container.conversationService,
    views: container.runViews,
    schemas: container.chatSchemas,
  }),
  ...revisionRoutes({
    edits: container.editService,
    branches: container.branchService,
    feedback: container.feedbackService,
    schemas: container.chatSchemas,
  }),
  ...approvalRoutes(container.approvalService),
  ...eventRoutes(streams),
  ...shareRoutes(container.shareService),
  ...sharedRoutes({ shared: container.sharedConversations, watchers, limiter }),
  ...openAiRoutes(
    new OpenAiDoor({
      doors: container.doorService,
      streams,
      heartbeatMs: container.env.SSE_HEARTBEAT_MS,
      mostMs: container.env.RUN_DEADLINE_MS,
      logger: container.logger,
    }),
  ),
  ...streamingDoors(container, streams),
  ...webhookRoutes(container.webhookService),
  ...scheduleRoutes(container.scheduleService, container.chatSchemas.party),
]

/** Doors that tell a run as it goes. */
function streamingDoors(container: Container, streams: EventStreams): Route[] {
  const { env, logger, doorService: door, runViews: views } = container
  const answers = new RunAnswers({ door, streams, heartbeatMs: env.SSE_HEARTBEAT_MS, logger })
  const chats = new UiChatService({
    door,
    views,
    conversations: container.conversationService,
    secondThoughts: new SecondThoughts({
      conversations: container.conversationService,
      edits: container.editService,
      retries: container.retryService,
      regenerations: container.regenerateService,
      schemas: container.chatSchemas,
    }),
  })
  return [
    ...uiRoutes({ chats, answers, streams }),
    ...agUiRoutes({ agUi: new AgUiService({ door, views }), answers, streams }),
  ]
}

/** Opens the board of the queues to tickets of who is an administrator still. */
function boardOf({ queue, secrets, userRepository }: Container): OpenBoard {
  const boards = new QueueBoards(queue.queues)
  const key = boardKeyOf(secrets.jwtSecret)
  return async (ticket, basePath) => {
    const userId = readTicket(key, ticket)
    const user = userId === undefined ? null : await userRepository.find(userId)
    return user?.role === 'admin' && user.suspendedAt === null ? boards.at(basePath) : undefined
  }
}

/** Who holds a ticket for a path; nobody any more, when its session or API key has ended. */
function ticketOpener({ secrets, sessionService, apiKeyService }: Container): OpenTicket {
  const key = ticketKeyOf(secrets.jwtSecret)
  return async (ticket, path) => {
    const holder = readPathTicket(key, path, ticket)
    if (!holder) return undefined
    const { sessionId, userId } = holder
    return (await sessionService.findById(sessionId, userId)) ?? apiKeyService.findById(sessionId, userId)
  }
}

interface WebOptions {
  /** What readiness needs besides. */
  checks?: HealthCheck[]
  /** DRAIN_DELAY_MS, where a balancer stands before this process. */
  drainDelayMs?: number
  /** Where the console's assets are; for tests. */
  consoleFolder?: string
}

/** Serves HTTP and Socket.IO until shutdown. Answers the address that it listens on. */
export async function startWeb(
  container: Container,
  { checks = [], drainDelayMs = 0, consoleFolder = CONSOLE_FOLDER }: WebOptions = {},
): Promise<{ url: string; server: Server }> {
  const { env, logger, shutdown, feed, metrics } = container
  const corsOrigins = env.CORS_ORIGINS ?? (env.NODE_ENV === 'production' ? [] : DEVELOPMENT_ORIGINS)
  const limiter = createRateLimiter(
    {
      requestsPerMinute: env.REQUESTS_PER_MINUTE,
      loginAttempts: env.LOGIN_ATTEMPTS,
      loginNetworkAttempts: env.LOGIN_NETWORK_ATTEMPTS,
      loginStrangerAttempts: env.LOGIN_STRANGER_ATTEMPTS,
      handshakesPerMinute: env.HANDSHAKES_PER_MINUTE,
      sharedPerMinute: env.SHARE_REQUESTS_PER_MINUTE,
      refreshesPerMinute: env.MCP_REFRESHES_PER_MINUTE,
    },
    container.limiterRedis,
  )
  const signups = createSignupLimits(
    {
      registrationsPerHour: env.REGISTRATIONS_PER_HOUR,
      registrationsPerDay: env.REGISTRATIONS_PER_DAY,
      mailsPerHour: env.MAIL_REQUESTS_PER_HOUR,
    },
    container.limiterRedis,
  )
  const pollMs = env.VERSION_POLL_MS
  const ports = socketPorts(container)
  const registry = new WatchRegistry({ feed, versions: ports.versions, intervalMs: pollMs, logger })
  const sockets = new SocketServer({
    ports,
    feed,
    registry,
    logger,
    pollMs,
    corsOrigin: corsOrigins,
    networkOf: (request) => clientNetwork(clientAddress(request, env.TRUST_PROXY)),
    mayConnect: limiter.mayConnect,
    limits: {
      socketsPerUser: env.USER_SOCKETS,
      socketsPerNetwork: env.NETWORK_SOCKETS,
      signInMs: env.SOCKET_SIGN_IN_MS,
    },
  })
  const streams = new EventStreams({
    ports: {
      ...ports,
      run: (userId, runId) => container.runViews.run(userId, runId),
      firstSeq: (conversationId, runId) => container.messageRepository.firstSeq(conversationId, runId),
    },
    feed,
    registry,
    logger,
    pollMs,
    heartbeatMs: env.SSE_HEARTBEAT_MS,
    limits: { perUser: env.USER_SOCKETS, perNetwork: env.NETWORK_SOCKETS },
  })
  const watchers = sharedStreams({
    shared: container.sharedConversations,
    feed,
    registry,
    logger,
    pollMs,
    heartbeatMs: env.SSE_HEARTBEAT_MS,
    limits: {
      perUser: env.SHARE_WATCHERS,
      perNetwork: env.NETWORK_SHARE_WATCHERS,
      all: env.ALL_SHARE_WATCHERS,
      pendingBytes: WATCHERS_PENDING_BYTES,
    },
  })
  const waits = new RunWait({
    feed,
    runs: container.runRepository,
    views: container.runViews,
    pollMs,
    limits: { each: env.USER_WAITS, all: ALL_WAITS },
    logger,
  })
  metrics.watch('live_streams', 'Open connections that are told of what happens.', ['kind'], () => [
    { labels: { kind: 'socket' }, value: sockets.size },
    { labels: { kind: 'sse' }, value: streams.size },
    { labels: { kind: 'shared' }, value: watchers.size },
  ])
  const proxies = new ProxyWatch(logger)
  const proxyCheck: HealthCheck = {
    name: 'proxy',
    check: proxies.check,
    degrades: 'Clients come through a proxy that TRUST_PROXY does not count, and share the limits of one address.',
  }
  let isDraining = false
  const health = new Health(
    [...commonChecks(container), placesCheck(container), ...(env.TRUST_PROXY === 0 ? [proxyCheck] : []), ...checks],
    logger,
    () => isDraining || shutdown.isSignalled,
  )
  const app = createApp({
    authenticate: createAuthenticate(container.secrets.jwtSecret, {
      session: (claims) => container.sessionService.find(claims),
      key: (secret) => container.apiKeyService.find(secret),
    }),
    routes: allRoutes(container, { limiter, signups, streams, watchers, waits }),
    limiter,
    health,
    tracing: container.tracing,
    console: new ConsoleAssets(consoleFolder),
    openBoard: boardOf(container),
    openTicket: ticketOpener(container),
    metrics: sharedMetricsPage(container),
    onAnswered: ({ method, route, status }) => metrics.requests.inc({ method, route, status }),
    isDraining: () => isDraining,
    watchProxies: env.TRUST_PROXY === 0 ? proxies.watch : undefined,
    onUnpromised: env.NODE_ENV === 'test' ? (why) => process.emitWarning(why) : undefined,
    explain: unavailable,
    corsOrigins,
    trustProxy: env.TRUST_PROXY,
    jsonBodyMaxBytes: env.JSON_BODY_MAX_BYTES,
    logger,
  })
  const telling = repeat('failed logins', FAILED_LOGINS_MS, () => container.failedLogins.tell(), logger)
  // The last window is told too.
  shutdown.add('failed logins', () => telling.stop().then(() => container.failedLogins.tell()))
  // A large upload takes its time; one that stalls is ended by its own limit.
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: env.KEEP_ALIVE_MS, ...HEADERS },
    app,
  )
  const port = await listen(server, env)
  // No new requests first; then what would never end by itself, so that the rest can end; then what all of it stood on.
  shutdown.add('requests under way', async () => {
    const closed = closeServer(server, env.WEB_DRAIN_MS)
    waits.close()
    await Promise.all([streams.close(), watchers.close(), sockets.close()])
    await closed
    registry.close()
  })
  if (drainDelayMs > 0) {
    shutdown.add(`balancers, to send nobody any more, for ${drainDelayMs / 1_000} s`, async () => {
      isDraining = true
      await untilUnnoticed(drainDelayMs, [sockets, streams, watchers])
    })
  }
  registry.start()
  await streams.start()
  await watchers.start()
  await sockets.attach(server)
  // Before all other listeners: Socket.IO answers by itself, and what it refuses before it has said any header.
  server.prependListener('request', (_request, response) => response.setHeaders(CAREFUL_HEADERS))
  // Last, so that it is the first to see a request: Socket.IO takes those that are its own.
  limitServer(server, {
    connections: env.MAX_CONNECTIONS,
    networkConnections: env.TRUST_PROXY === 0 ? env.NETWORK_CONNECTIONS : undefined,
    bodyMs: env.REQUEST_BODY_MS,
    idleMs: Math.max(STUCK_CONNECTION_MS, env.KEEP_ALIVE_MS + KEEP_ALIVE_SLACK_MS),
  })
  return { url: `http://localhost:${port}`, server }
}
