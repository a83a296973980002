import type { Logger } from '../shared/logger.ts'
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
  /** Forgets idempotency keys that are too old to be sent again. */
  pruneIdempotencyKeys: () => Promise<void>
  redispatchAfterMs: number
  cancelGraceMs: number
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

  async runOnce(): Promise<void> {
    const { titles, pruneIdempotencyKeys, redispatchAfterMs } = this.#deps
    await this.#attempt('admit', () => this.#admitWaiting())
    await this.#attempt('redispatch', () => this.#redispatch())
    await this.#attempt('files', () => this.#deps.fileWaits.resumeOverdue())
    await this.#attempt('stop', () => this.#stopUnstopped())
    await this.#attempt('fail overdue', () => this.#failOverdue())
    await this.#attempt('titles', () => titles.requeue(redispatchAfterMs))
    await this.#attempt('idempotency keys', pruneIdempotencyKeys)
  }

  /** One thing that cannot be put right must not keep the others from it. */
  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => this.#deps.logger.error({ err: error, what }, 'reconciling failed'))
  }

  async #admitWaiting(): Promise<void> {
    for (const userId of await this.#deps.turnRepository.usersWaiting()) await this.#deps.dispatcher.admit(userId)
  }

  async #redispatch(): Promise<void> {
    const { turnRepository, dispatcher, redispatchAfterMs } = this.#deps
    await dispatcher.enqueue(await turnRepository.redispatchForgotten(redispatchAfterMs))
    await dispatcher.enqueue(await turnRepository.redispatchLapsed(redispatchAfterMs))
  }

  /** Somebody accepted a cancel and died before carrying it out. Twice the grace: its own process comes first. */
  async #stopUnstopped(): Promise<void> {
    const { runRepository, cancelService, cancelGraceMs } = this.#deps
    for (const runId of await runRepository.findUnstopped(2 * cancelGraceMs)) {
      await this.#attempt(`stop ${runId}`, () => cancelService.force(runId, cancelledEnd))
    }
  }

  async #failOverdue(): Promise<void> {
    const { runRepository, cancelService } = this.#deps
    for (const runId of await runRepository.findOverdue()) {
      await this.#attempt(`end ${runId}`, () => cancelService.force(runId, () => OVERDUE))
    }
  }
}
