import type { ReconcilerHealth } from '../src/runs/reconciler-health.ts'
import type { Logger } from '../src/shared/logger.ts'
import { repeat } from '../src/shared/repeat.ts'
import type { Consumer } from './consumer.ts'

/** Jobs are looked at this often, in ms, and more often where less patience is wanted. */
const LOOK_EVERY_MS = 5_000

export interface LivenessOptions {
  consumer: Pick<Consumer, 'stuckForMs'>
  reconciler: Pick<ReconcilerHealth, 'failingForMs' | 'reason'>
  /** STUCK_AFTER_MS. */
  stuckAfterMs: number
  /** Called once, when the worker is found stuck. */
  onStuck?: () => void
  logger: Logger
}

/** Whether this worker's jobs move and its reconciler gets through: a process that answers and takes no work is not alive. */
export class Liveness {
  readonly #options: LivenessOptions
  #isStuck = false
  #isUnreconciled = false

  constructor(options: LivenessOptions) {
    this.#options = options
  }

  /** Looks again and again, until stopped. */
  watch(): { stop: () => Promise<void> } {
    const { stuckAfterMs, logger } = this.#options
    return repeat('liveness', Math.min(LOOK_EVERY_MS, stuckAfterMs / 4), () => this.look(), logger)
  }

  get isStuck(): boolean {
    return this.#isStuck
  }

  async look(): Promise<void> {
    this.#lookAtReconciler()
    const { consumer, stuckAfterMs, onStuck, logger } = this.#options
    // A queue that is away is no fault of this process, and has a check of its own.
    const stuckForMs = await consumer.stuckForMs().catch(() => 0)
    const wasStuck = this.#isStuck
    this.#isStuck = stuckForMs >= stuckAfterMs
    if (!this.#isStuck || wasStuck) return
    logger.error({ stuckForMs }, 'this worker is stuck: jobs wait, there is room for them, and it takes none')
    onStuck?.()
  }

  /** It ends nothing: what keeps it from the database is mostly not mended by a start, and turns may still go on. */
  #lookAtReconciler(): void {
    const { reconciler, stuckAfterMs, logger } = this.#options
    const failingForMs = reconciler.failingForMs()
    const was = this.#isUnreconciled
    this.#isUnreconciled = reconciler.reason !== undefined && failingForMs >= stuckAfterMs
    const { reason } = reconciler
    if (this.#isUnreconciled && !was) {
      logger.error({ failingForMs, reason }, 'this worker cannot reconcile: what others lose, it does not find')
    } else if (was && !this.#isUnreconciled) logger.info('this worker reconciles again')
  }

  /** For readiness. @throws Error while the worker is stuck, or its reconciler keeps failing */
  async check(): Promise<void> {
    if (this.#isStuck) throw new Error('jobs wait and none is taken')
    if (this.#isUnreconciled) throw new Error(`the reconciler keeps failing: ${this.#options.reconciler.reason}`)
  }
}
