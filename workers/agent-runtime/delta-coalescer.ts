import type { LiveAttempt, LiveFeed } from '../../src/realtime/live-feed.ts'
import { type Logger, silentLogger } from '../../src/shared/logger.ts'
import { wholeEnd } from '../../src/shared/text-ends.ts'
import type { LivePace } from './live-pace.ts'

/** How long a feed that failed is left alone, in ms. */
const RETRY_MS = 250

/**
 * Takes the words of one attempt as they come and drives the live feed: merges what arrives while the pace has it wait, never splits a
 * surrogate pair, has at most one call under way, and rewrites the whole text after a gap or a failure. A feed that is
 * away never stops or slows the turn; the text catches up when it is back.
 *
 * @example
 * const live = new DeltaCoalescer({ feed, ref, pace: new LivePace(25), onStale: () => controller.abort() })
 * for await (const delta of stream) live.push(delta)
 * await live.close()
 */
export class DeltaCoalescer {
  readonly #feed: Pick<LiveFeed, 'append' | 'rewrite'>
  readonly #ref: LiveAttempt
  readonly #pace: Pick<LivePace, 'delayMs' | 'sent'>
  readonly #onStale: () => void
  readonly #logger: Logger
  #text = ''
  /** What the feed has, in UTF-16 units. */
  #sent = 0
  /** The feed's text is unknown or wrong: the next step sends everything. */
  #mustRewrite = false
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #over = false

  /** `onStale` is called at most once: a later attempt has begun or the turn has ended, this attempt should abort. */
  constructor(options: {
    feed: Pick<LiveFeed, 'append' | 'rewrite'>
    ref: LiveAttempt
    pace: Pick<LivePace, 'delayMs' | 'sent'>
    onStale: () => void
    logger?: Logger
  }) {
    this.#feed = options.feed
    this.#ref = options.ref
    this.#pace = options.pace
    this.#onStale = options.onStale
    this.#logger = options.logger ?? silentLogger
  }

  /** All that was pushed, whatever the feed has. */
  get text(): string {
    return this.#text
  }

  push(text: string): void {
    if (!text) return
    this.#text += text
    this.#schedule(0)
  }

  /** Sends what there is, as far as the feed takes it now. Never rejects. */
  async flush(): Promise<void> {
    this.#cancelTimer()
    if (this.#sending) await this.#sending
    await this.#send()
  }

  /** Flushes once more and stops; later pushes are only kept in `text`. */
  async close(): Promise<void> {
    await this.flush()
    this.#over = true
    this.#cancelTimer()
  }

  /** In `leastMs` at the soonest. */
  #schedule(leastMs: number): void {
    if (this.#over || this.#timer || this.#sending) return
    const delayMs = Math.max(leastMs, this.#pace.delayMs())
    if (delayMs === 0) return void this.#send()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#send()
    }, delayMs)
    this.#timer.unref()
  }

  #cancelTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #send(): Promise<void> {
    this.#sending ??= this.#step().then((delayMs) => {
      this.#sending = undefined
      if (this.#ready() > this.#sent || this.#mustRewrite) this.#schedule(delayMs)
    })
    return this.#sending
  }

  /** One append, with a rewrite behind it if need be; answers how long to leave the feed alone, in ms. */
  async #step(): Promise<number> {
    const end = this.#ready()
    if (this.#over || (end === this.#sent && !this.#mustRewrite)) return 0
    this.#pace.sent()
    try {
      let outcome: 'appended' | 'gap' | 'stale' = 'gap'
      if (!this.#mustRewrite) {
        outcome = await this.#feed.append(this.#ref, this.#sent, this.#text.slice(this.#sent, end))
      }
      if (outcome === 'gap') outcome = await this.#feed.rewrite(this.#ref, this.#text.slice(0, end))
      if (outcome === 'stale') {
        this.#over = true
        this.#onStale()
        return 0
      }
      this.#sent = end
      this.#mustRewrite = false
      return 0
    } catch (error) {
      // Whether the call took effect is unknown: an append could double it, a rewrite cannot.
      if (!this.#mustRewrite) this.#logger.warn({ err: error, runId: this.#ref.runId }, 'live text is behind')
      this.#mustRewrite = true
      return RETRY_MS
    }
  }

  /** The end of what may be sent: the first half of a surrogate pair waits for the second. */
  #ready(): number {
    return wholeEnd(this.#text)
  }
}
