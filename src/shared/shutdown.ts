import type { Logger } from './logger.ts'

type Step = { name: string; run: () => Promise<void> }

/**
 * Closes what was opened, newest first, once. Every part that holds a resource registers here when it opens it.
 *
 * @example
 * const shutdown = new Shutdown(logger)
 * shutdown.add('database', () => dataSource.destroy())
 * shutdown.onSignals()
 */
export class Shutdown {
  readonly #steps: Step[] = []
  readonly #logger: Logger
  #closing: Promise<void> | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(name: string, run: () => Promise<void>): void {
    this.#steps.push({ name, run })
  }

  /** Runs all steps; a step that fails is logged and does not stop the rest. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const step of this.#steps.reverse()) {
        await step
          .run()
          .catch((error: unknown) => this.#logger.error({ err: error, step: step.name }, 'shutdown step failed'))
      }
    })()
    return this.#closing
  }

  /** SIGTERM and SIGINT close cleanly and exit 0; a second signal exits at once. */
  onSignals(): void {
    const onSignal = () => {
      if (this.#closing) process.exit(1)
      void this.close().then(() => process.exit(0))
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  }
}
