import type { Logger } from '../shared/logger.ts'
import type { ConversationWatch } from './conversation-watch.ts'
import type { LiveFeed } from './live-feed.ts'

/** The time between a commit and its event: only what is still unexplained after it was missed. */
const GRACE_MS = 250

/**
 * All watches of this process, whatever carries them. Every interval, and when the feed stands again after an
 * interruption, their conversations' versions are compared with the rows in one query: a lost publish heals.
 */
export class WatchRegistry {
  readonly #feed: LiveFeed
  readonly #versions: (conversationIds: string[]) => Promise<Map<string, number>>
  readonly #intervalMs: number
  readonly #logger: Logger
  readonly #watches = new Map<string, Set<ConversationWatch>>()
  #timer: NodeJS.Timeout | undefined
  #stopListening = () => {}

  constructor(options: {
    feed: LiveFeed
    /** The current version of each conversation that exists, in one query. */
    versions: (conversationIds: string[]) => Promise<Map<string, number>>
    /** VERSION_POLL_MS. */
    intervalMs: number
    logger: Logger
  }) {
    this.#feed = options.feed
    this.#versions = options.versions
    this.#intervalMs = options.intervalMs
    this.#logger = options.logger
  }

  start(): void {
    this.#stopListening = this.#feed.onResubscribe(() => {
      for (const watch of this.#all()) watch.catchUp()
      void this.check()
    })
    const next = () => {
      this.#timer = setTimeout(() => void this.check().finally(() => this.#timer && next()), this.#intervalMs)
      this.#timer.unref()
    }
    next()
  }

  add(watch: ConversationWatch): void {
    const set = this.#watches.get(watch.conversationId)
    if (set) set.add(watch)
    else this.#watches.set(watch.conversationId, new Set([watch]))
  }

  remove(watch: ConversationWatch): void {
    const set = this.#watches.get(watch.conversationId)
    set?.delete(watch)
    if (set?.size === 0) this.#watches.delete(watch.conversationId)
  }

  /** Compares versions now and heals what differs. Never rejects: without the database there is nothing to send. */
  async check(): Promise<void> {
    if (this.#watches.size === 0) return
    try {
      const asked = [...this.#watches.keys()]
      const versions = await this.#versions(asked)
      for (const id of asked.filter((one) => !versions.has(one))) {
        for (const watch of [...(this.#watches.get(id) ?? [])]) watch.gone()
      }
      const suspects = this.#all().filter((watch) => !watch.explains(versions.get(watch.conversationId) ?? -1))
      if (suspects.length === 0) return
      await new Promise((resolve) => setTimeout(resolve, Math.min(GRACE_MS, this.#intervalMs)))
      for (const watch of suspects) {
        if (!watch.explains(versions.get(watch.conversationId) ?? -1)) watch.heal()
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'versions of watched conversations could not be read')
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#stopListening()
  }

  #all(): ConversationWatch[] {
    return [...this.#watches.values()].flatMap((set) => [...set])
  }
}
