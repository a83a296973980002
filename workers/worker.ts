import type { Env } from '../src/config/env.ts'
import type { Container } from '../src/container.ts'
import type { TurnClaim } from '../src/runs/turn-claim.ts'
import { newId } from '../src/shared/ids.ts'
import { repeat } from '../src/shared/repeat.ts'
import { FileReading } from './agent-runtime/file-reading.ts'
import { LivePace } from './agent-runtime/live-pace.ts'
import { ModelTermsBook } from './agent-runtime/model-terms.ts'
import { SpeakerChoice } from './agent-runtime/speaker-choice.ts'
import { TurnContexts } from './agent-runtime/turn-context.ts'
import { CancelSignals } from './cancel-signals.ts'
import { startCleaning } from './cleaning.ts'
import { startConsumer } from './consumer.ts'
import { networkDenial } from './file-parsing/network-denial.ts'
import { Liveness } from './liveness.ts'
import { McpTools } from './mcp/mcp-tools.ts'
import { SessionPool } from './mcp/session-pool.ts'
import { FileProcessor } from './processors/file.processor.ts'
import { MailProcessor } from './processors/mail.processor.ts'
import { SummaryProcessor } from './processors/summary.processor.ts'
import { TitleProcessor } from './processors/title.processor.ts'
import { TurnProcessor, type TurnStep } from './processors/turn.processor.ts'
import { WebhookProcessor } from './processors/webhook.processor.ts'
import { startReconciling } from './reconciling.ts'
import { BuiltinTools } from './tools/builtin-tools.ts'
import type { ToolSource } from './tools/tool-source.ts'
import { ClamScanner } from './virus-scanner.ts'

export interface WorkerHooks {
  /** For tests that kill a process at a step of a turn. */
  onStep?: (step: TurnStep, claim: TurnClaim) => void
  /** Tools besides those that are built in, for tests. */
  toolSources?: readonly ToolSource[]
  /** Called once, when the worker takes no jobs although there are some. */
  onStuck?: () => void
}

/** A decision or a title that takes a provider longer than this is not worth the wait. */
const SMALL_CALL_TIMEOUT_MS = 20_000

/** Nothing of the mail's library is loaded where no mail is sent. */
async function openMail({ SMTP_URL: url, MAIL_FROM: from = '', SMTP_TLS: tls }: Env) {
  if (!url) return undefined
  const { SmtpTransport } = await import('../src/mail/smtp-transport.ts')
  return new SmtpTransport({ url, from, tls })
}

/** Does jobs and reconciles until shutdown. */
export async function startWorker(container: Container, hooks: WorkerHooks = {}): Promise<Liveness> {
  const { env, logger, shutdown, queue, feed } = container
  const hasNamespace = (await networkDenial()).length > 0
  logger.info(
    hasNamespace
      ? 'files are read in processes without a network'
      : 'files are read in processes whose modules are without a network',
  )
  const cancelSignals = new CancelSignals()
  const stopListening = await cancelSignals.listen(feed)
  shutdown.add('cancel signals', stopListening)
  const terms = new ModelTermsBook({
    engine: container.engine,
    connections: container.connectionService,
    prices: container.priceBook,
    ownKeyRatePpm: env.CREDITS_OWN_KEY_RATE,
  })
  const contextTokenBudget = env.CONTEXT_TOKEN_BUDGET
  const contexts = new TurnContexts({
    terms,
    fileReading: new FileReading({
      ...container,
      files: container.storage.files,
      tokenBudget: env.FILE_CONTEXT_TOKENS,
    }),
    maxOutputTokensDefault: env.MAX_OUTPUT_TOKENS_DEFAULT,
  })
  const pool = new SessionPool(container.mcpSessions, env.MCP_LIST_TIMEOUT_MS)
  shutdown.add('sessions with MCP servers', () => pool.close())
  const mcpTools = new McpTools({ tools: container.mcpToolRepository, sessions: container.mcpSessions, pool })
  const builtins = new BuiltinTools({
    files: container.storage.files,
    hop: container.network.hop,
    timeoutMs: env.TOOL_TIMEOUT_MS,
  })
  const timeoutMs = Math.min(SMALL_CALL_TIMEOUT_MS, env.PROVIDER_IDLE_TIMEOUT_MS)
  const turnProcessor = new TurnProcessor({
    ...container,
    ...hooks,
    contexts,
    toolSources: [builtins, mcpTools, ...(hooks.toolSources ?? [])],
    speakers: new SpeakerChoice({ ...container, terms, timeoutMs, limits: env }),
    cancelSignals,
    pace: new LivePace(env.LIVE_TICK_MS),
    limits: env,
  })
  const titleProcessor = new TitleProcessor({
    ...container,
    terms,
    attempts: env.TITLE_ATTEMPTS,
    timeoutMs,
    limits: env,
  })
  const summaryProcessor = new SummaryProcessor({
    ...container,
    terms,
    contextTokenBudget,
    timeoutMs: env.PROVIDER_IDLE_TIMEOUT_MS,
    limits: env,
  })
  const { storage } = container
  const fileProcessor = new FileProcessor({
    ...storage,
    files: storage.rows,
    scanner: env.CLAMD_URL ? new ClamScanner(env.CLAMD_URL, env.FILE_PROCESS_TIMEOUT_MS) : undefined,
    limits: {
      timeoutMs: env.FILE_PROCESS_TIMEOUT_MS,
      memoryMb: env.FILE_PROCESS_MEMORY_MB,
      maxPages: env.FILE_MAX_PAGES,
      maxTextChars: env.FILE_TEXT_MAX_CHARS,
    },
    time: { leastMs: env.FILE_PROCESS_LEAST_MS, perMbMs: env.FILE_PROCESS_MB_MS },
    hourlyMs: env.FILE_HOURLY_MS,
    leaseMs: env.TURN_LEASE_MS,
    maxAttempts: env.FILE_MAX_ATTEMPTS,
    backoff: { baseMs: env.TURN_BACKOFF_MS, maxMs: env.TURN_BACKOFF_MAX_MS },
  })
  const smtp = await openMail(env)
  shutdown.add('mail server', async () => smtp?.close())
  const mailProcessor = new MailProcessor({
    mails: container.mailRepository,
    emailLinks: container.emailLinkService,
    smtp,
    backoffMs: env.MAIL_BACKOFF_MS,
    logger,
  })
  const webhookProcessor = new WebhookProcessor({
    ...container,
    timeoutMs: env.WEBHOOK_TIMEOUT_MS,
    backoffMs: env.WEBHOOK_BACKOFF_MS,
  })
  const consumer = await startConsumer({
    backend: queue,
    handlers: {
      turnRun: (payload, job) => turnProcessor.handle(payload, job, 'platform'),
      ownTurnRun: (payload, job) => turnProcessor.handle(payload, job, 'own'),
      fileProcess: (payload, job) => fileProcessor.handle(payload, job),
      smallFileProcess: (payload, job) => fileProcessor.handle(payload, job),
      conversationTitle: (payload, job) => titleProcessor.handle(payload, job),
      ownConversationTitle: (payload, job) => titleProcessor.handle(payload, job),
      conversationSummarize: (payload, job) => summaryProcessor.handle(payload, job),
      ownConversationSummarize: (payload, job) => summaryProcessor.handle(payload, job),
      mailSend: (payload) => mailProcessor.handle(payload),
      webhookDeliver: (payload, job) => webhookProcessor.handle(payload, job),
    },
    concurrency: {
      turns: env.WORKER_CONCURRENCY,
      'turns-own': env.OWN_CONCURRENCY,
      files: env.FILE_CONCURRENCY,
      'files-small': env.FILE_CONCURRENCY,
      chores: env.CHORE_CONCURRENCY,
      'chores-own': env.CHORE_CONCURRENCY,
      mails: env.MAIL_CONCURRENCY,
      webhooks: env.WEBHOOK_CONCURRENCY,
    },
    lockMs: env.JOB_LOCK_MS,
    logger,
  })
  shutdown.add(`turns and files under way, for up to ${env.DRAIN_MS / 1_000} s`, () => consumer.drain(env.DRAIN_MS))
  const workerId = newId()
  const telling = repeat(
    'places',
    env.WORKER_SEEN_MS,
    () => container.workerPlaces.report(workerId, consumer.places()),
    logger,
  )
  shutdown.add('places', async () => {
    await telling.stop()
    // A database that is away forgets it by itself.
    await container.workerPlaces.forget(workerId).catch(() => {})
  })
  const reconciling = startReconciling(container)
  shutdown.add('reconciler', reconciling.stop)
  let isClosing = false
  const erasing = repeat('erasing', env.RECONCILE_INTERVAL_MS, () => container.erasures.work(() => isClosing), logger)
  shutdown.add('erasing', () => {
    isClosing = true
    return erasing.stop()
  })
  shutdown.add('cleaning', startCleaning(container).stop)
  const liveness = new Liveness({
    consumer,
    reconciler: reconciling.health,
    stuckAfterMs: env.STUCK_AFTER_MS,
    onStuck: hooks.onStuck,
    logger,
  })
  shutdown.add('liveness', liveness.watch().stop)
  return liveness
}
