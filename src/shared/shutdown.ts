import { constants } from 'node:os'
import type { Logger } from './logger.ts'

type Step = { name: string; run: () => Promise<void> }

/** Ctrl-C, `kill`, and the end of the terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type EndSignal = (typeof SIGNALS)[number]

/** Thrown to whoever opens something while the process ends: it will be closed, and nothing more is to be opened. */
export class ShuttingDown extends Error {
  override name = 'ShuttingDown'
}

/** `npm start` in a terminal: Ctrl-C reaches us twice, from the terminal and from npm, which passes it on. */
const SAME_KEYSTROKE_MS = 1_000
/** Whoever pressed Ctrl-C is told what is waited for after this, in ms. */
const TELL_AFTER_MS = 500
/** A start that does not notice the signal is given up after this, in ms. */
const START_GRACE_MS = 10_000

/**
 * Closes what was opened, newest first, once. Every part that holds a resource registers here when it opens it.
 *
 * @example
 * const shutdown = new Shutdown(logger)
 * const starting = main(shutdown)          // shutdown.add('database', () => dataSource.destroy())
 * shutdown.onSignals(starting)
 */
export class Shutdown {
  readonly #steps: Step[] = []
  readonly #logger: Logger
  readonly #tell: (line: string) => void
  #closing: Promise<void> | undefined
  #signalledAt: number | undefined
  #isCtrlC = false

  /** `tell` shows a line to whoever pressed Ctrl-C. */
  constructor(logger: Logger, tell: (line: string) => void = () => {}) {
    this.#logger = logger
    this.#tell = tell
  }

  /** True from the moment when a signal told the process to end. */
  get isSignalled(): boolean {
    return this.#signalledAt !== undefined
  }

  /**
   * `name` completes "Waiting for: ...".
   * @throws ShuttingDown when it has begun; the step is taken nevertheless.
   */
  add(name: string, run: () => Promise<void>): void {
    this.#steps.push({ name, run })
    if (this.isSignalled || this.#closing) throw new ShuttingDown('The process is ending.')
  }

  /** Runs all steps; a step that fails is logged and does not stop the rest. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
        const { name } = step
        await this.#waitFor(
          name,
          step.run().catch((error: unknown) => this.#logger.error({ err: error, step: name }, 'shutdown step failed')),
        )
      }
    })()
    return this.#closing
  }

  /**
   * From now on SIGINT, SIGTERM and SIGHUP close cleanly. While `starting` (or the whole work of a command) still runs, they wait
   * until it notices, which it does at its next `add`: what is half open could not be closed. The exit code is 0, or the
   * usual 128 + signal when `starting` was cut short. A Ctrl-C that must wait says for what; a second one exits at once.
   */
  onSignals(starting: Promise<unknown>): void {
    let isComplete = false
    const settled = starting.then(
      () => {
        isComplete = true
      },
      () => {},
    )
    const end = async (signal: EndSignal) => {
      const grace = new Promise<void>((resolve) => setTimeout(resolve, START_GRACE_MS))
      await this.#waitFor('the start, which notices at its next step', Promise.race([settled, grace]))
      await this.close()
      process.exit(isComplete ? 0 : 128 + constants.signals[signal])
    }
    const onSignal = (signal: EndSignal) => {
      if (this.#signalledAt === undefined) {
        this.#signalledAt = performance.now()
        this.#isCtrlC = signal === 'SIGINT'
        void end(signal)
      } else if (performance.now() - this.#signalledAt > SAME_KEYSTROKE_MS) process.exit(1)
    }
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }

  async #waitFor(what: string, work: Promise<void>): Promise<void> {
    const tell = () => this.#tell(`Waiting for: ${what}. Ctrl-C again ends at once.`)
    const timer = this.#isCtrlC ? setTimeout(tell, TELL_AFTER_MS) : undefined
    await work
    clearTimeout(timer)
  }
}
