import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { Transactions } from '../database/transaction.ts'
import type { Announcer } from './announcer.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { FileWaitRepository } from './file-wait.repository.ts'
import type { RunRepository } from './run.repository.ts'
import type { RunSteps } from './run-steps.ts'

interface FileWaitDependencies {
  waits: FileWaitRepository
  runs: RunRepository
  conversations: ConversationRepository
  steps: Pick<RunSteps, 'resume'>
  transactions: Transactions
  announcer: Announcer
  dispatcher: Dispatcher
}

/**
 * Lets runs go on that waited for files. Told of a file by whoever settled it, which may die before it tells; the
 * reconciler asks the rows. However often and by however many a run is woken, it goes on once: under its lock.
 */
export class FileWaits {
  readonly #deps: FileWaitDependencies

  constructor(dependencies: FileWaitDependencies) {
    this.#deps = dependencies
  }

  /** After the commit that made a file ready or failed. */
  async fileSettled(fileId: string): Promise<void> {
    for (const runId of await this.#deps.waits.waitingFor(fileId)) await this.#resume(runId)
  }

  /** Those that nobody told, or whose deadline has come. */
  async resumeOverdue(): Promise<void> {
    for (const runId of await this.#deps.waits.overdue()) await this.#resume(runId)
  }

  async #resume(runId: string): Promise<void> {
    const { runs, conversations, steps, transactions, announcer, dispatcher } = this.#deps
    const known = await runs.find(runId)
    if (known?.status !== 'waiting') return
    const version = await transactions.run(async (tx) => {
      const conversation = await conversations.lock(known.conversationId, tx)
      const run = conversation && (await runs.lock(runId, tx))
      // One that is to stop is ended by whoever stops it.
      if (run?.status !== 'waiting' || run.cancelRequestedAt) return undefined
      if (!(await steps.resume(run, tx))) return undefined
      return conversations.advance(run.conversationId, tx)
    })
    if (version === undefined) return
    await dispatcher.admit(known.userId)
    const runEvent = await announcer.runEvent(runId)
    if (runEvent) await announcer.publish(known.conversationId, version, [runEvent])
  }
}
