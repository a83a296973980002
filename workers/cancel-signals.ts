import type { LiveFeed, Unsubscribe } from '../src/realtime/live-feed.ts'

/** Brings cancel signals to the turns of this process. */
export class CancelSignals {
  readonly #listeners = new Map<string, Set<() => void>>()

  /** Listens to the feed until the answered function is called. */
  listen(feed: Pick<LiveFeed, 'onSignal'>): Promise<Unsubscribe> {
    return feed.onSignal((signal) => {
      if (signal.type === 'run.cancel') for (const listener of this.#listeners.get(signal.runId) ?? []) listener()
    })
  }

  /** Calls `listener` when this run is to stop; answers how to stop listening. */
  on(runId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(runId) ?? new Set()
    this.#listeners.set(runId, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(runId)
    }
  }
}
