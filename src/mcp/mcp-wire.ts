import { setImmediate } from 'node:timers'
import { type AnswerLimits, AnswerMeter } from './answer-meter.ts'

/** One call of a tool on the wire: what is known of it when it fails. */
export class WireCall {
  readonly key: string
  readonly signal: AbortSignal
  /** Its request began to leave, and was not sent back for want of a good token. */
  isSent = false
  /** Of the answer, once there is one. */
  status: number | undefined
  /** When it may be asked again, as the answer says it. */
  retryAfter: string | null = null
  /** More was answered than is read. */
  isTooLarge = false
  /** The answer can be taken up again where it breaks off; then its end is not the end. */
  isResumable = false
  /** Rejects when the answer's stream is over and had no answer in it. */
  readonly lost: Promise<never>
  #lose: (error: Error) => void = () => {}

  constructor(key: string, signal: AbortSignal) {
    this.key = key
    this.signal = signal
    this.lost = new Promise((_, reject) => {
      this.#lose = reject
    })
    // Whoever waits for it is told; often nobody does any more.
    this.lost.catch(() => {})
  }

  /** What was read of the stream is looked at first: it may be the answer. */
  ended(): void {
    if (this.isResumable && !this.isTooLarge) return
    setImmediate(() => setImmediate(() => this.#lose(new AnswerLostError('The answer broke off.'))))
  }
}

/** The connection was lost before there was an answer. */
export class AnswerLostError extends Error {
  override name = 'AnswerLostError'
}

/** More bytes than are read of one answer. */
export class AnswerTooLargeError extends Error {
  override name = 'AnswerTooLargeError'
}

export const KEY_HEADER = 'Idempotency-Key'

/** Of an answer to a call ... */
const CALL_LIMITS = { values: 200_000, events: 2_000 }
/** ... and of all other answers together, which are mostly definitions of tools: many times what is taken of them. */
const OTHER_LIMITS = { values: 50_000, events: 2_000 }
/** A stream that broke off is taken up again after at least so long, and not two of them at once; servers may ask for longer. In milliseconds. */
const RESUME_MS = { apart: 100, most: 600_000 }

/**
 * The wire below the SDK: answers break off beyond so many bytes, each call of a tool can be stopped by itself, and nobody keeps a stream
 * open in which a server could say something some day.
 */
export class McpWire {
  readonly #fetch: typeof fetch
  readonly #mostBytes: number
  readonly #calls = new Map<string, WireCall>()
  /** What is no call's: lists page by page, and streams that were taken up again. */
  #others: AnswerMeter
  /** Questions that are no calls and have no answer yet. */
  #asking = 0
  /** When a stream may be taken up again, by `performance.now()`. */
  #resumeAt = 0

  /** @param mostBytes of one answer to a call, however many messages are in it, and of all others together until something is asked for again */
  constructor(base: typeof fetch, mostBytes: number) {
    this.#fetch = base
    this.#mostBytes = mostBytes
    this.#others = this.#meter(OTHER_LIMITS)
  }

  /** Something is asked for that is no call. */
  async asking<T>(work: () => Promise<T>): Promise<T> {
    this.#refill()
    this.#asking++
    try {
      return await work()
    } finally {
      this.#asking--
    }
  }

  /** From now on the request with this key is this call's. */
  begin(key: string, signal: AbortSignal): WireCall {
    this.#refill()
    const call = new WireCall(key, signal)
    this.#calls.set(key, call)
    return call
  }

  end({ key }: WireCall): void {
    this.#calls.delete(key)
  }

  readonly fetch = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (init.method === 'GET' && isStanding(headers)) return new Response(null, { status: 405 })
    const call = this.#calls.get(headers.get(KEY_HEADER) ?? '')
    const signals = [init.signal, call?.signal].filter((signal) => signal instanceof AbortSignal)
    if (call) call.isSent = true
    const response = await this.#fetch(url, { ...init, headers, signal: AbortSignal.any(signals) })
    const { status, statusText } = response
    if (call) Object.assign(call, { status, isSent: status !== 401, retryAfter: response.headers.get('retry-after') })
    // A refusal has no answer in it, and its end is none: it may be asked again, with another token.
    const answered = response.ok ? call : undefined
    const body = response.body && bounded(response.body, call ? this.#meter(CALL_LIMITS) : this.#others, answered)
    return new Response(body, { status, statusText, headers: response.headers })
  }

  /** Else a server whose streams break off at once would be asked without a pause, and for longer than anybody waits for it. */
  readonly scheduleResumption = (resume: () => void, delayMs: number): (() => void) => {
    if (!this.#isAwaited) return () => {}
    const now = performance.now()
    this.#resumeAt = Math.max(now, this.#resumeAt) + RESUME_MS.apart
    const wait = Math.min(Math.max(delayMs, this.#resumeAt - now), RESUME_MS.most)
    const timer = setTimeout(() => this.#isAwaited && resume(), wait).unref()
    return () => clearTimeout(timer)
  }

  get #isAwaited(): boolean {
    return this.#asking > 0 || this.#calls.size > 0
  }

  #refill(): void {
    this.#others = this.#meter(OTHER_LIMITS)
  }

  #meter(limits: Omit<AnswerLimits, 'bytes'>): AnswerMeter {
    return new AnswerMeter({ ...limits, bytes: this.#mostBytes })
  }
}

/** The stream of a session (not of a request) that a server may say things in; metadata is asked for as JSON. */
const isStanding = (headers: Headers): boolean =>
  headers.get('accept') === 'text/event-stream' && !headers.has('last-event-id')

function bounded(
  body: ReadableStream<Uint8Array>,
  meter: AnswerMeter,
  call: WireCall | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          controller.close()
          call?.ended()
          return
        }
        meter.add(value)
        if (!meter.isOver) {
          controller.enqueue(value)
          return
        }
        if (call) call.isTooLarge = true
        controller.error(new AnswerTooLargeError('The answer is more than is read.'))
        call?.ended()
        await reader.cancel()
      } catch (error) {
        controller.error(error)
        call?.ended()
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
