import { byQueue } from '../../src/queue/job.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { startConsumer } from '../../workers/consumer.ts'
import { openQueuesAt } from './queue-at.ts'

/** A worker process that takes a job, says so on stdout, and never finishes it. Its one argument is where the queue is, in JSON. */
const backend = await openQueuesAt(JSON.parse(process.argv[2] ?? ''))
const takeForEver = () => {
  process.stdout.write('taken\n')
  return new Promise<void>(() => {})
}
await startConsumer({
  backend,
  handlers: {
    turnRun: takeForEver,
    ownTurnRun: takeForEver,
    fileProcess: takeForEver,
    smallFileProcess: takeForEver,
    conversationTitle: takeForEver,
    ownConversationTitle: takeForEver,
    conversationSummarize: takeForEver,
    ownConversationSummarize: takeForEver,
    mailSend: takeForEver,
    webhookDeliver: takeForEver,
  },
  concurrency: byQueue(() => 1),
  lockMs: 400,
  logger: silentLogger,
})
