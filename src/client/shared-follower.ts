/** Following what a link shows: without an account, over an event stream that goes on where it was. Browsers run it too. */
import { sharedEvent } from '../contract/share-views.ts'
import { ApiError } from './api-error.ts'
import { type Change, type ConversationState, emptyConversation, reduce } from './conversation-view.ts'
import { readFrames } from './event-frames.ts'
import type { Rest } from './rest.ts'
import { wholeEvent } from './shared-events.ts'

/** Between a stream that ended, or could not begin, and the next try, in ms; doubled with each try that gives nothing. */
const PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** What no other try will change: there is no such link, or no server of ours. */
const FINAL = [400, 401, 403, 404]

export interface FollowSharedOptions {
  /** Ends the iteration. */
  signal?: AbortSignal
  /** Told when the connection is there (true) and when it is lost (false). */
  onConnection?: (connected: boolean) => void
}

/**
 * The changes of a conversation that a link shows, from its latest messages on; by `for await`. What a link does not tell is empty
 * or zero in them.
 * @throws ApiError from the loop: 404 `share.not_found` when the link leads nowhere, also later
 */
export class SharedFollower implements AsyncIterable<Change> {
  readonly #rest: Rest
  readonly #token: string
  readonly #options: FollowSharedOptions
  #state: ConversationState = emptyConversation
  #lastEventId: string | undefined

  constructor(rest: Rest, token: string, options: FollowSharedOptions) {
    this.#rest = rest
    this.#token = token
    this.#options = options
  }

  /** All that is known of the conversation now. */
  get state(): ConversationState {
    return this.#state
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Change> {
    const gone = new AbortController()
    const end = () => gone.abort()
    const { signal } = this.#options
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
    try {
      for (let failures = 0; !gone.signal.aborted; ) {
        const before = this.#lastEventId
        let waitMs = 0
        try {
          yield* this.#stream(gone.signal)
        } catch (error) {
          if (isFinal(error)) throw error
          if (error instanceof ApiError) waitMs = (error.retryAfter ?? 0) * 1_000
        }
        if (gone.signal.aborted) return
        this.#options.onConnection?.(false)
        failures = this.#lastEventId === before ? failures + 1 : 0
        const backoffMs = Math.min(PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2)
        await pause(Math.max(waitMs, backoffMs), gone.signal)
      }
    } finally {
      end()
      signal?.removeEventListener('abort', end)
    }
  }

  /** The changes of one stream, until it ends; it goes on behind the one before. */
  async *#stream(signal: AbortSignal): AsyncGenerator<Change> {
    const headers: Record<string, string> =
      this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId }
    const request = { params: { token: this.#token }, headers, signal }
    const response = await this.#rest.send('GET /api/shared/:token/events', request)
    this.#options.onConnection?.(true)
    for await (const { type, data, id } of readFrames(response)) {
      const event = sharedEvent.safeParse({ type, ...JSON.parse(data) }).data
      // A newer server may tell of more.
      if (event) {
        const step = reduce(this.#state, wholeEvent(event))
        this.#state = step.state
        yield* step.changes
      }
      this.#lastEventId = id ?? this.#lastEventId
    }
  }
}

const isFinal = (error: unknown): boolean => error instanceof ApiError && FINAL.includes(error.status)

/** Resolves after a while, or at once when nobody waits any more. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
