import type { Logger } from '../src/shared/logger.ts'
import { repeat } from '../src/shared/repeat.ts'
import type { Consumer } from './consumer.ts'

/** Jobs are looked at this often, in ms, and more often where less patience is wanted. */
const LOOK_EVERY_MS = 5_000

export interface LivenessOptions {
  consumer: Pick<Consumer, 'stuckForMs'>
  /** STUCK_AFTER_MS. */
  stuckAfterMs: number
  /** Called once, when the worker is found stuck. */
  onStuck?: () => void
  logger: Logger
}

/** Whether this worker's jobs move: a process that answers and takes no work is not alive. */
export class Liveness {
  readonly #options: LivenessOptions
  #isStuck = false

  constructor(options: LivenessOptions) {
    this.#options = options
  }

  /** Looks again and again, until stopped. */
  watch(): { stop: () => Promise<void> } {
    const { stuckAfterMs, logger } = this.#options
    return repeat('liveness', Math.min(LOOK_EVERY_MS, stuckAfterMs / 4), () => this.look(), logger)
  }

  async look(): Promise<void> {
    const { consumer, stuckAfterMs, onStuck, logger } = this.#options
    // A queue that is away is no fault of this process, and has a check of its own.
    const stuckForMs = await consumer.stuckForMs().catch(() => 0)
    const wasStuck = this.#isStuck
    this.#isStuck = stuckForMs >= stuckAfterMs
    if (!this.#isStuck || wasStuck) return
    logger.error({ stuckForMs }, 'this worker is stuck: jobs wait, there is room for them, and it takes none')
    onStuck?.()
  }

  /** For readiness. @throws Error while the worker is stuck */
  async check(): Promise<void> {
    if (this.#isStuck) throw new Error('jobs wait and none is taken')
  }
}
