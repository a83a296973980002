import { AppError } from '../shared/errors.ts'

interface LineLimits {
  /** Works that are done at the same time. */
  atOnce: number
  /** Works that may wait for their turn. */
  waiting: number
  /** Of them, those that one requester may have there: else one alone fills the line for everybody. */
  waitingOfOne: number
  /** The longest wait, in ms. */
  waitMs: number
}

/** Whose work it is, and until when it is wanted. */
export interface LinePlace {
  requester: string
  signal: AbortSignal | undefined
}

interface Waiting extends LinePlace {
  begin: () => void
}

/** Done by then, mostly: what is told to whoever finds the line full. Seconds. */
const RETRY_AFTER_SECONDS = 2

const busy = () => new AppError('auth.busy', { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } })

/** Does a few works at once; others wait, not too many and not too long, first come first served. */
export class WaitingLine {
  readonly #limits: LineLimits
  readonly #line = new Set<Waiting>()
  #working = 0

  constructor(limits: LineLimits) {
    this.#limits = limits
  }

  get waiting(): number {
    return this.#line.size
  }

  /**
   * @throws AppError 503 `auth.busy` when the line is full, the wait was too long, or nobody wants the work any more; it was not
   * begun then
   */
  async run<T>(place: LinePlace, work: () => Promise<T>): Promise<T> {
    if (place.signal?.aborted) throw busy()
    if (this.#working < this.#limits.atOnce) this.#working += 1
    else await this.#wait(place)
    try {
      return await work()
    } finally {
      const [next] = this.#line
      // A place is handed on, so that nobody can slip in between.
      if (next) next.begin()
      else this.#working -= 1
    }
  }

  async #wait(place: LinePlace): Promise<void> {
    const { waiting, waitingOfOne, waitMs } = this.#limits
    const own = [...this.#line].filter(({ requester }) => requester === place.requester).length
    if (this.#line.size >= waiting || own >= waitingOfOne) throw busy()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const begin = () => {
      this.#line.delete(waits)
      resolve()
    }
    const waits = { ...place, begin }
    // Out of the line in the same step: else a place might be handed to somebody who has left.
    const leave = () => {
      if (this.#line.delete(waits)) reject(busy())
    }
    this.#line.add(waits)
    const timer = setTimeout(leave, waitMs)
    place.signal?.addEventListener('abort', leave, { once: true })
    try {
      await promise
    } finally {
      clearTimeout(timer)
      place.signal?.removeEventListener('abort', leave)
    }
  }
}
