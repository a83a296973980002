import type { Transactions } from '../database/transaction.ts'
import type { CancelService } from './cancel.service.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { FileWaits } from './file-waits.ts'
import type { IdempotencyRepository } from './idempotency.repository.ts'
import type { RunEnd, RunRepository } from './run.repository.ts'
import { cancelledEnd } from './run-steps.ts'
import type { Titles } from './titles.ts'
import type { TurnRepository } from './turn.repository.ts'

interface ReconcilerDependencies {
  runs: RunRepository
  turns: TurnRepository
  idempotency: IdempotencyRepository
  dispatcher: Dispatcher
  cancels: CancelService
  fileWaits: Pick<FileWaits, 'resumeOverdue'>
  transactions: Transactions
  titles: Pick<Titles, 'requeue'>
  redispatchAfterMs: number
  cancelGraceMs: number
}

const OVERDUE: RunEnd = {
  status: 'failed',
  stopReason: 'failed',
  error: { code: 'run.deadline_exceeded', message: 'The run took too long and was ended.' },
}

/**
 * Puts right whatever the queue, a worker or a web node forgot, from the rows alone: the queue may be empty, and usually is
 * after such an accident. Runs on a timer in every worker, in one of them at a time.
 */
export class Reconciler {
  readonly #deps: ReconcilerDependencies

  constructor(dependencies: ReconcilerDependencies) {
    this.#deps = dependencies
  }

  async runOnce(): Promise<void> {
    await this.#admitWaiting()
    await this.#redispatch()
    await this.#deps.fileWaits.resumeOverdue()
    await this.#stopUnstopped()
    await this.#failOverdue()
    await this.#deps.titles.requeue(this.#deps.redispatchAfterMs)
    await this.#deps.transactions.run((tx) => this.#deps.idempotency.prune(tx))
  }

  async #admitWaiting(): Promise<void> {
    for (const userId of await this.#deps.turns.usersWaiting()) await this.#deps.dispatcher.admit(userId)
  }

  async #redispatch(): Promise<void> {
    const { turns, dispatcher, redispatchAfterMs } = this.#deps
    await dispatcher.enqueue(await turns.redispatchForgotten(redispatchAfterMs))
    await dispatcher.enqueue(await turns.redispatchLapsed(redispatchAfterMs))
  }

  /** Somebody accepted a cancel and died before carrying it out. Twice the grace: its own process comes first. */
  async #stopUnstopped(): Promise<void> {
    const { runs, cancels, cancelGraceMs } = this.#deps
    for (const runId of await runs.findUnstopped(2 * cancelGraceMs)) {
      await cancels.force(runId, cancelledEnd)
    }
  }

  async #failOverdue(): Promise<void> {
    for (const runId of await this.#deps.runs.findOverdue()) await this.#deps.cancels.force(runId, () => OVERDUE)
  }
}
