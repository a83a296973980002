import { createAccounts } from './accounts.ts'
import { AgentRepository } from './agents/agent.repository.ts'
import { AgentService } from './agents/agent.service.ts'
import { AuditRepository } from './audit/audit.repository.ts'
import { AuditLog } from './audit/audit-log.ts'
import { AcceptRepository } from './chat/accept.repository.ts'
import { ChatService } from './chat/chat.service.ts'
import { ConversationService } from './chat/conversation.service.ts'
import { ConversationSearch } from './chat/conversation-search.ts'
import { EstimateService } from './chat/estimate.service.ts'
import { IdempotencyRepository } from './chat/idempotency.repository.ts'
import { MessageBudget } from './chat/message-budget.ts'
import { createRevisions } from './chat/revisions.ts'
import { createToolCalls, createToolDomain } from './chat/tool-domain.ts'
import { BreakerRepository, breakerLimits } from './connections/breaker.repository.ts'
import { ConnectionRepository } from './connections/connection.repository.ts'
import { ConnectionService } from './connections/connection.service.ts'
import { ModelCatalogue } from './connections/model-catalogue.ts'
import { outboundPolicy, ProviderNetwork } from './connections/provider-network.ts'
import { SealedSecrets } from './connections/sealed-secret.ts'
import { chatSchemas } from './contract/chat.schemas.ts'
import { BranchRepository } from './conversations/branch.repository.ts'
import { ConversationRepository } from './conversations/conversation.repository.ts'
import { MessageRepository } from './conversations/message.repository.ts'
import { MessageSearchRepository } from './conversations/message-search.repository.ts'
import { SummaryRepository } from './conversations/summary.repository.ts'
import { ChoreHolds } from './credits/chore-holds.ts'
import { LedgerRepository } from './credits/ledger.repository.ts'
import { LedgerService } from './credits/ledger.service.ts'
import { PriceRepository } from './credits/price.repository.ts'
import { PriceBook } from './credits/price-book.ts'
import { StatementRepository } from './credits/statement.repository.ts'
import { Transactions } from './database/transaction.ts'
import { createDoorDomain } from './doors/door-domain.ts'
import { ErasureRepository } from './erasure/erasure.repository.ts'
import { ErasureService } from './erasure/erasure.service.ts'
import { ConversationExports } from './export/conversation-exports.ts'
import { ExportRepository } from './export/export.repository.ts'
import { ExportService } from './export/export.service.ts'
import { FleetProcessRepository } from './fleet/fleet-process.repository.ts'
import type { Foundation } from './foundation.ts'
import { createGalleryDomain } from './gallery/gallery-domain.ts'
import { createMcpDomain } from './mcp/mcp-domain.ts'
import { Metrics } from './metrics/metrics.ts'
import { createPartyDomain } from './parties/party-domain.ts'
import { WorkerPlacesRepository } from './queue/worker-places.repository.ts'
import { RetentionRepository } from './retention/retention.repository.ts'
import { RetentionService, retentionDays } from './retention/retention.service.ts'
import { Announcer } from './runs/announcer.ts'
import { CancelService } from './runs/cancel.service.ts'
import { Dispatcher } from './runs/dispatcher.ts'
import { EngineRepository } from './runs/engine.repository.ts'
import { FileWaitRepository } from './runs/file-wait.repository.ts'
import { FileWaits } from './runs/file-waits.ts'
import { LostAttempts } from './runs/lost-attempts.ts'
import { RunRepository } from './runs/run.repository.ts'
import { RunCareRepository } from './runs/run-care.repository.ts'
import { RunCareService } from './runs/run-care.service.ts'
import { RunSteps } from './runs/run-steps.ts'
import { RunViews } from './runs/run-views.ts'
import { SummaryJobs } from './runs/summary-jobs.ts'
import { Titles } from './runs/titles.ts'
import { TurnRepository } from './runs/turn.repository.ts'
import { TurnClaims } from './runs/turn-claims.ts'
import { TurnDecisions } from './runs/turn-decisions.ts'
import { TurnSettlement } from './runs/turn-settlement.ts'
import { createScheduleDomain } from './schedules/schedule-domain.ts'
import { createShareDomain } from './shares/share-domain.ts'
import { MOST_FILES } from './storage/context-selection.ts'
import { createFileDomain } from './storage/file-domain.ts'
import { fileLimits } from './storage/file-limits.ts'
import { createWebhookDomain } from './webhooks/webhook-domain.ts'

export type Container = ReturnType<typeof createContainer>

/** The composition root: every service with what it needs. What must happen across domains is a hook, wired here. */
export function createContainer(foundation: Foundation) {
  const { env, logger, shutdown, db, store, queue, feed, secrets } = foundation
  const transactions = new Transactions(db)
  const audit = new AuditLog(new AuditRepository(db))

  const priceRepository = new PriceRepository(db)
  const priceBook = new PriceBook(priceRepository)
  const ledgerRepository = new LedgerRepository(db)
  const ledgerService = new LedgerService(ledgerRepository)
  const statementRepository = new StatementRepository(db)

  const storage = createFileDomain({
    db,
    transactions,
    queue,
    store,
    limits: fileLimits(env),
    onFileChanged: async (userId, file) => {
      try {
        await feed.publishToUser(userId, { type: 'file.updated', file })
      } finally {
        if (file.status !== 'processing') await fileWaits.fileSettled(file.id)
      }
    },
    logger,
  })

  const sealedSecrets = new SealedSecrets(secrets.encryptionKeys)
  const erasures = new ErasureService({
    erasures: new ErasureRepository(db),
    feed,
    objects: storage.objects,
    revokeTokens: (userId) => mcp.mcpTokens.revokeAll(userId),
    settleMs: env.ERASURE_SETTLE_MS,
    logger,
  })
  const accounts = createAccounts(foundation, {
    transactions,
    audit,
    sealedSecrets,
    ledger: ledgerService,
    onGranted: (userId, balance) => announcer.balance(userId, balance),
    endRuns: async (userId, tx) => {
      const taken = await cancelService.abandon({ userId }, tx)
      return () => cancelService.forget(taken)
    },
    erase: (user, requestedBy, tx) => erasures.begin(user, requestedBy, tx),
  })
  const agentRepository = new AgentRepository(db)
  const connectionRepository = new ConnectionRepository(db)
  const breakers = new BreakerRepository(db, breakerLimits(env))
  const network = new ProviderNetwork({
    ...outboundPolicy(env),
    remember: async (connection, modelId, traits) => {
      try {
        await connectionRepository.learn(connection, modelId, traits)
      } catch (error) {
        logger.warn({ err: error, connectionId: connection.id }, 'what a provider needs was not remembered')
      }
    },
  })
  shutdown.add('provider network', () => network.close())
  const connectionService = new ConnectionService({
    transactions,
    audit,
    connections: connectionRepository,
    secrets: sealedSecrets,
    network,
    usedBy: (connectionId) => agentRepository.usingConnection(connectionId),
    testTimeoutMs: env.CONNECTION_TEST_TIMEOUT_MS,
    most: env.USER_CONNECTIONS,
  })
  const mcp = createMcpDomain({ db, secrets: sealedSecrets, network, transactions, audit, env, logger })
  const agentService = new AgentService({
    transactions,
    agents: agentRepository,
    most: env.USER_AGENTS,
    mostOfGuests: env.GUEST_AGENTS,
    connectionVisible: (userId, connectionId) => connectionService.isVisible(userId, connectionId),
    toolServerVisible: (userId, serverId) => mcp.mcpServers.isOwn(userId, serverId),
  })

  const { partyService, starterService } = createPartyDomain({
    db,
    agents: agentService,
    transactions,
    audit,
    most: env.USER_PARTIES,
    mostOfGuests: env.GUEST_AGENTS,
  })

  const conversationRepository = new ConversationRepository(db)
  const messageRepository = new MessageRepository(db)
  const messageSearch = new MessageSearchRepository(db)
  const summaryRepository = new SummaryRepository(db)
  const runRepository = new RunRepository(db)
  const turnRepository = new TurnRepository(db)
  const idempotencyRepository = new IdempotencyRepository(db)
  const engine = new EngineRepository(db)
  const shownRows = { runs: runRepository, conversations: conversationRepository, messages: messageRepository }
  const runViews = new RunViews({ engine, ...shownRows })
  const announcer = new Announcer({ feed, engine, logger })
  const dispatcher = new Dispatcher({ engine, queue, userConcurrency: env.USER_CONCURRENCY, logger })
  shutdown.add('turns that come due', async () => dispatcher.close())
  const runDeadlineMs = env.RUN_DEADLINE_MS
  const waits = new FileWaitRepository(db, env.FILE_WAIT_MS)
  const steps = new RunSteps({
    runs: runRepository,
    turns: turnRepository,
    agents: agentRepository,
    messages: messageRepository,
    ledger: ledgerService,
    fileWaits: waits,
    runDeadlineMs,
  })
  const fileWaits = new FileWaits({
    waits,
    runs: runRepository,
    conversations: conversationRepository,
    steps,
    transactions,
    announcer,
    dispatcher,
  })
  const settlement = new TurnSettlement({
    engine,
    runs: runRepository,
    turns: turnRepository,
    ledger: ledgerService,
    steps,
    transactions,
    givesTitles: env.TITLE_ATTEMPTS > 0,
    userConcurrency: env.USER_CONCURRENCY,
    fileWaitMs: env.FILE_WAIT_MS,
  })
  const choreHolds = new ChoreHolds({ ledger: ledgerService, repository: ledgerRepository, transactions })
  const toolCalls = createToolCalls(db)
  const lostAttempts = new LostAttempts({ ledger: ledgerService, prices: priceBook, feed, toolCalls, logger })
  const leaseMs = env.TURN_LEASE_MS
  const claims = new TurnClaims({
    engine,
    roomLimits: { tokens: env.CONTEXT_TOKEN_BUDGET, files: MOST_FILES },
    runs: runRepository,
    turns: turnRepository,
    conversations: conversationRepository,
    ledger: ledgerService,
    lostAttempts,
    transactions,
    leaseMs,
    // A probe whose worker died is over with its lease; of one that only takes long, another call each lease is the price.
    probeMs: Math.min(env.PROVIDER_IDLE_TIMEOUT_MS, leaseMs),
  })
  const cancelService = new CancelService({
    runs: runRepository,
    turns: turnRepository,
    conversations: conversationRepository,
    ledger: ledgerService,
    lostAttempts,
    settlement,
    steps,
    toolCalls,
    views: runViews,
    announcer,
    dispatcher,
    feed,
    transactions,
    graceMs: env.CANCEL_GRACE_MS,
    leaseMs,
    logger,
  })
  const accepts = new AcceptRepository(db)
  const messageBudget = new MessageBudget(
    { users: env.USER_MESSAGE_BYTES_PER_DAY, guests: env.GUEST_MESSAGE_BYTES_PER_DAY },
    accepts,
  )
  const chatService = new ChatService({
    agents: agentService,
    connections: connectionService,
    prices: priceBook,
    ledger: ledgerService,
    files: storage.files,
    ownKeyRatePpm: env.CREDITS_OWN_KEY_RATE,
    accepts,
    transactions,
    announcer,
    dispatcher,
    stop: (runId) => {
      cancelService.stop(runId).catch((error: unknown) => logger.error({ err: error, runId }, 'an interruption failed'))
    },
    runDeadlineMs,
    maxTurnsDefault: env.MAX_TURNS_DEFAULT,
    maxTurnsCap: env.MAX_TURNS_CAP,
    userConcurrency: env.USER_CONCURRENCY,
    mostConversations: env.USER_CONVERSATIONS,
    messageBudget,
  })
  const estimateService = new EstimateService({
    accepts,
    agents: agentService,
    connections: connectionService,
    prices: priceBook,
    messages: messageRepository,
    files: storage.files,
    ownKeyRatePpm: env.CREDITS_OWN_KEY_RATE,
    maxOutputTokensDefault: env.MAX_OUTPUT_TOKENS_DEFAULT,
    maxTurnsDefault: env.MAX_TURNS_DEFAULT,
    maxTurnsCap: env.MAX_TURNS_CAP,
    contextTokenBudget: env.CONTEXT_TOKEN_BUDGET,
    fileContextTokens: env.FILE_CONTEXT_TOKENS,
  })
  const revisions = createRevisions({
    agents: agentService,
    runs: runRepository,
    turns: turnRepository,
    steps,
    conversations: conversationRepository,
    messages: messageRepository,
    accepts,
    connections: connectionService,
    prices: priceBook,
    ownKeyRatePpm: env.CREDITS_OWN_KEY_RATE,
    ledger: ledgerService,
    idempotency: idempotencyRepository,
    transactions,
    announcer,
    dispatcher,
    runDeadlineMs,
    branches: new BranchRepository(db),
    summaries: summaryRepository,
    views: runViews,
    files: storage.files,
    maxTurnsDefault: env.MAX_TURNS_DEFAULT,
    maxTurnsCap: env.MAX_TURNS_CAP,
    mostConversations: env.USER_CONVERSATIONS,
    messageBudget,
    toolCalls,
  })
  const decisions = new TurnDecisions({ engine, turns: turnRepository, ledger: ledgerService, transactions })
  const summaryJobs = new SummaryJobs({ queue, engine, logger })
  const titles = new Titles({ conversations: conversationRepository, queue, engine, logger })
  const conversationService = new ConversationService({
    conversations: conversationRepository,
    messages: messageRepository,
    search: new ConversationSearch(messageSearch),
    views: runViews,
    files: storage.files,
    cancels: cancelService,
    announcer,
    transactions,
  })
  const schemas = chatSchemas(env)

  const runCareService = new RunCareService({
    care: new RunCareRepository(db),
    runs: runRepository,
    views: runViews,
    cancels: cancelService,
    dispatcher,
    transactions,
    audit,
  })
  const { uploads } = storage
  const toolParts = { ledger: ledgerService, runs: runRepository, uploads, announcer, dispatcher, transactions }
  const tools = createToolDomain({ ...foundation, ...toolParts })
  return {
    ...foundation,
    metrics: new Metrics(),
    processes: new FleetProcessRepository(db),
    transactions,
    audit,
    ...accounts,
    erasures,
    connectionService,
    modelCatalogue: new ModelCatalogue({
      connections: connectionService,
      network,
      timeoutMs: env.CONNECTION_TEST_TIMEOUT_MS,
    }),
    connectionRepository,
    sealedSecrets,
    network,
    breakers,
    workerPlaces: new WorkerPlacesRepository(db),
    agentService,
    agentRepository,
    partyService,
    starterService,
    ledgerService,
    choreHolds,
    statementRepository,
    storage,
    priceBook,
    priceRepository,
    conversationService,
    conversationRepository,
    messageRepository,
    messageSearch,
    summaryRepository,
    engine,
    runRepository,
    turnRepository,
    runViews,
    runCareService,
    announcer,
    dispatcher,
    fileWaits,
    settlement,
    claims,
    decisions,
    ...tools,
    titles,
    summaryJobs,
    ...revisions,
    cancelService,
    chatService,
    estimateService,
    ...createGalleryDomain({
      db,
      transactions,
      audit,
      agents: agentService,
      parties: partyService,
      idempotency: idempotencyRepository,
      most: env.USER_GALLERY_ENTRIES,
      usesPerDay: env.GALLERY_USES_PER_DAY,
    }),
    ...createShareDomain(foundation, { transactions, audit, conversationRepository, conversationService, runViews }),
    ...createDoorDomain(foundation, {
      chat: chatService,
      schemas,
      agents: agentService,
      parties: partyService,
      runs: runRepository,
      conversations: conversationRepository,
      messages: messageRepository,
      views: runViews,
      cancels: cancelService,
      ...tools,
    }),
    ...mcp,
    ...createWebhookDomain(foundation, {
      secrets: sealedSecrets,
      network,
      transactions,
      runViews,
      files: storage.files,
      statements: statementRepository,
      toolCalls,
    }),
    ...createScheduleDomain({
      db,
      transactions,
      chat: chatService,
      party: schemas.party,
      most: env.USER_SCHEDULES,
      logger,
    }),
    conversationExports: new ConversationExports(runViews, messageRepository),
    exportService: new ExportService({
      rows: new ExportRepository(db),
      users: accounts.userRepository,
      store: storage.store,
      audit,
    }),
    retention: new RetentionService({
      rows: new RetentionRepository(db),
      days: retentionDays(env),
      logger,
    }),
    chatSchemas: schemas,
  }
}
