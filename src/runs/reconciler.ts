import type { ChoreHolds } from '../credits/chore-holds.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Logger } from '../shared/logger.ts'
import { type Step, takeSteps } from '../shared/steps.ts'
import type { CancelService } from './cancel.service.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { FileWaits } from './file-waits.ts'
import { cancelledEnd, type RunEnd } from './following.ts'
import type { RunRepository } from './run.repository.ts'
import type { Titles } from './titles.ts'
import type { TurnRepository } from './turn.repository.ts'

interface ReconcilerDependencies {
  runRepository: RunRepository
  turnRepository: TurnRepository
  dispatcher: Dispatcher
  cancelService: CancelService
  fileWaits: Pick<FileWaits, 'resumeOverdue'>
  titles: Pick<Titles, 'requeue'>
  choreHolds: Pick<ChoreHolds, 'releaseStale'>
  redispatchAfterMs: number
  cancelGraceMs: number
  metrics: Pick<Metrics, 'reconcilerActions' | 'reconcilerFailures'>
  logger: Logger
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

  /**
   * Takes its steps, and those that others have. Answers the ones that failed; the rest were taken nevertheless. A run that alone
   * cannot be put right is only logged.
   */
  async runOnce(others: Step[] = []): Promise<string[]> {
    const { titles, choreHolds, redispatchAfterMs } = this.#deps
    const steps: Step[] = [
      ['admit', () => this.#admitWaiting()],
      ['redispatch', () => this.#redispatch()],
      ['files', () => this.#deps.fileWaits.resumeOverdue()],
      ['stop', () => this.#stopUnstopped()],
      ['fail overdue', () => this.#failOverdue()],
      ['titles', () => titles.requeue(redispatchAfterMs)],
      ['holds of titles and summaries', () => choreHolds.releaseStale()],
      ...others,
    ]
    const failed = await this.#take(steps)
    for (const step of failed) this.#deps.metrics.reconcilerFailures.inc({ step })
    return failed
  }

  #take(steps: Step[]): Promise<string[]> {
    const { logger } = this.#deps
    return takeSteps(steps, (error, what) => logger.error({ err: error, what }, 'reconciling failed'))
  }

  #acted(reason: string, times = 1): void {
    if (times > 0) this.#deps.metrics.reconcilerActions.inc({ reason }, times)
  }

  async #admitWaiting(): Promise<void> {
    const users = await this.#deps.turnRepository.usersWaiting()
    this.#acted('not admitted', users.length)
    for (const userId of users) await this.#deps.dispatcher.admit(userId)
  }

  async #redispatch(): Promise<void> {
    const { turnRepository, dispatcher, redispatchAfterMs } = this.#deps
    const forgotten = await turnRepository.redispatchForgotten(redispatchAfterMs)
    this.#acted('forgotten by the queue', forgotten.length)
    await dispatcher.enqueue(forgotten)
    const lapsed = await turnRepository.redispatchLapsed(redispatchAfterMs)
    this.#acted('lost by a worker', lapsed.length)
    await dispatcher.enqueue(lapsed)
  }

  /** Somebody accepted a cancel and died before carrying it out. Twice the grace: its own process comes first. */
  async #stopUnstopped(): Promise<void> {
    const { runRepository, cancelService, cancelGraceMs } = this.#deps
    for (const runId of await runRepository.findUnstopped(2 * cancelGraceMs)) {
      this.#acted('not stopped')
      await this.#take([[`stop ${runId}`, () => cancelService.force(runId, cancelledEnd)]])
    }
  }

  async #failOverdue(): Promise<void> {
    const { runRepository, cancelService } = this.#deps
    for (const runId of await runRepository.findOverdue()) {
      this.#acted('overdue')
      await this.#take([[`end ${runId}`, () => cancelService.force(runId, () => OVERDUE)]])
    }
  }
}
