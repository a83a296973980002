import { openQueues } from '../../src/queue/bullmq-backend.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { startConsumer } from '../../workers/consumer.ts'

/** A worker process that takes a job, says so on stdout, and never finishes it. Its one argument is where the queue is, in JSON. */
const backend = await openQueues(JSON.parse(process.argv[2] ?? ''), silentLogger)
const takeForEver = () => {
  process.stdout.write('taken\n')
  return new Promise<void>(() => {})
}
await startConsumer({
  backend,
  handlers: {
    turnRun: takeForEver,
    fileProcess: takeForEver,
    conversationTitle: takeForEver,
    conversationSummarize: takeForEver,
  },
  concurrency: { turns: 1, files: 1, chores: 1 },
  lockMs: 400,
  logger: silentLogger,
})
