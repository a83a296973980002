import { type AcceptedView, isTerminal, type MessageView, type RunView } from '../contract/views.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import type { RunViews } from '../runs/run-views.ts'
import type { Logger } from '../shared/logger.ts'
import { type SeatLimits, Seats } from '../shared/seats.ts'

/** The longest wait that a client may ask for, in seconds. */
const MAX_WAIT_SECONDS = 60

/** The seconds of `wait=` in a Prefer header (RFC 7240), at most 60; undefined when it asks for no wait. */
export function waitOf(prefer: string | string[] | undefined): number | undefined {
  for (const preference of String(prefer ?? '').split(',')) {
    const seconds = Number(/^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?$/i.exec(preference)?.[1])
    if (seconds > 0) return Math.min(seconds, MAX_WAIT_SECONDS)
  }
  return undefined
}

/** What a client that waited is given: the run at its end, and what was said in it. */
export type Awaited = AcceptedView & { run: RunView; messages: MessageView[] }

interface RunWaitOptions {
  feed: Pick<LiveFeed, 'subscribe'>
  runs: Pick<RunRepository, 'find'>
  views: RunViews
  /** How often the row is looked at, lest a lost event be waited for (VERSION_POLL_MS). */
  pollMs: number
  /** Waits of one user at once in this process, and of all. */
  limits: SeatLimits
  logger: Logger
}

/**
 * Waiting for the end of a run on the live feed. The row decides; between two looks at it a wait holds nothing but a
 * subscription and a timer.
 */
export class RunWait {
  readonly #options: RunWaitOptions
  readonly #closing = new AbortController()
  readonly #seats: Seats

  constructor(options: RunWaitOptions) {
    this.#options = options
    this.#seats = new Seats(options.limits)
  }

  /** A seat to wait in, to be given back; undefined when there is none, so that the answer must not wait. */
  enter(userId: string): (() => void) | undefined {
    const seat = this.#seats.take(userId)
    return typeof seat === 'function' ? seat : undefined
  }

  /**
   * The run's outcome when it ends within `seconds`; undefined when it does not, when the client goes away (`gone`), or when
   * the server closes.
   */
  async outcome(
    userId: string,
    accepted: AcceptedView,
    seconds: number,
    gone: AbortSignal,
  ): Promise<Awaited | undefined> {
    const isOver = await this.#untilOver(accepted, seconds * 1_000, gone)
    if (!isOver || gone.aborted) return undefined
    try {
      const run = await this.#options.views.run(userId, accepted.runId)
      const { messages } = await this.#options.views.snapshot(userId, accepted.conversationId)
      return { ...accepted, status: run.status, run, messages: messages.filter(({ runId }) => runId === run.id) }
    } catch (error) {
      // The message was accepted: its 202 must not become an error.
      this.#options.logger.warn({ err: error, runId: accepted.runId }, 'an outcome could not be read')
      return undefined
    }
  }

  /** Ends all waits: their clients get the 202. */
  close(): void {
    this.#closing.abort()
  }

  async #untilOver({ conversationId, runId }: AcceptedView, waitMs: number, gone: AbortSignal): Promise<boolean> {
    const { feed, pollMs, logger } = this.#options
    const stop = AbortSignal.any([gone, this.#closing.signal, AbortSignal.timeout(waitMs)])
    let wake = () => {}
    let isTold = false
    const unsubscribe = await feed.subscribe(conversationId, (event) => {
      if (!('run' in event) || event.run.id !== runId || !isTerminal(event.run.status)) return
      isTold = true
      wake()
    })
    const onStop = () => wake()
    stop.addEventListener('abort', onStop)
    try {
      for (;;) {
        if (isTold || (await this.#isOver(runId))) return true
        if (stop.aborted) return false
        const timer = setTimeout(() => wake(), pollMs)
        await new Promise<void>((resolve) => {
          wake = resolve
          if (isTold || stop.aborted) resolve()
        })
        clearTimeout(timer)
        if (stop.aborted && !isTold) return await this.#isOver(runId)
      }
    } finally {
      stop.removeEventListener('abort', onStop)
      await unsubscribe().catch((error: unknown) => logger.debug({ err: error }, 'a wait did not unsubscribe'))
    }
  }

  /** False also while the database does not answer. */
  async #isOver(runId: string): Promise<boolean> {
    const run = await this.#options.runs.find(runId).catch((error: unknown) => {
      this.#options.logger.warn({ err: error, runId }, 'a run that is waited for could not be read')
      return undefined
    })
    return run !== undefined && (run === null || isTerminal(run.status))
  }
}
