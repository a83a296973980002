import { Lately } from '../shared/lately.ts'

/** An answer's first bytes are read as they come: as many as a few hundred tokens take. */
const FIRST_BYTES = 64 * 1_024
/** What each user's answers may bring in a second before they wait for each other, in bytes: eight quick streams stay below it. */
const FREE_BYTES = 256 * 1_024
/** What is beyond is read in pieces of so many bytes: about a millisecond of the event loop. */
const PIECE_BYTES = 16 * 1_024
/** What a user had counts for so many seconds at most. */
const REMEMBERED_S = 60
/** After a piece everybody else has as long as it took, in ms within these. */
const LEAST_PAUSE_MS = 1
const MOST_PAUSE_MS = 50

/** Leave to read more of an answer: none is needed, or so many bytes of it once `granted`. */
export type Leave = { bytes: number; granted: Promise<void> } | undefined
/** Asks for leave to read so many bytes more of one answer. */
export type MayRead = (bytes: number) => Leave

interface Waiting {
  bytes: number
  grant: () => void
}

/**
 * Shares the event loop among the answers that a process reads. An answer of ordinary length, or one that comes as people
 * read, is read as it comes. What a user's servers send beyond that waits, unread, so that their sockets stand still: it is read piece by piece, of the user
 * first who had the least lately, and takes no more than half of the loop's time.
 *
 * @example
 * const mayRead = shares.readerOf(userId)
 * const leave = mayRead(chunk.byteLength)
 * if (leave) await leave.granted // and then the first `leave.bytes` of it
 */
export class ReadingShares {
  readonly #had: Lately
  readonly #now: () => number
  readonly #later: (work: () => void, ms: number) => void
  readonly #waiting = new Map<string, Waiting[]>()
  #isGranting = false

  /** `now` in ms, and `later` with 0 for the end of this turn of the loop; for tests. */
  constructor({
    now = () => performance.now(),
    later = (work: () => void, ms: number) => void (ms === 0 ? setImmediate(work) : setTimeout(work, ms)),
  } = {}) {
    this.#now = now
    this.#later = later
    this.#had = new Lately({ perSecond: FREE_BYTES, most: FREE_BYTES * REMEMBERED_S, now })
  }

  /** Asks for one answer, in the name of a user. */
  readerOf(who: string): MayRead {
    let first = FIRST_BYTES
    return (bytes) => {
      first -= bytes
      if (first >= 0 || this.#had.of(who) + bytes <= FREE_BYTES) {
        this.#had.note(who, bytes)
        return undefined
      }
      return this.#wait(who, Math.min(bytes, PIECE_BYTES))
    }
  }

  #wait(who: string, bytes: number): Leave {
    const granted = new Promise<void>((grant) => {
      const queue = this.#waiting.get(who)
      if (queue) queue.push({ bytes, grant })
      else this.#waiting.set(who, [{ bytes, grant }])
    })
    if (!this.#isGranting) {
      this.#isGranting = true
      this.#later(() => this.#grant(), 0)
    }
    return { bytes, granted }
  }

  #grant(): void {
    const who = this.#least()
    if (who === undefined) {
      this.#isGranting = false
      return
    }
    const queue = this.#waiting.get(who) ?? []
    const next = queue.shift()
    // Behind the others who had as much.
    this.#waiting.delete(who)
    if (queue.length > 0) this.#waiting.set(who, queue)
    const begunAt = this.#now()
    this.#had.note(who, next?.bytes ?? 0)
    next?.grant()
    // By then the piece has been read, and whatever else had to be done in that turn of the loop.
    this.#later(() => {
      const tookMs = this.#now() - begunAt
      this.#later(() => this.#grant(), Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, tookMs)))
    }, 0)
  }

  #least(): string | undefined {
    let least: { who: string; had: number } | undefined
    for (const who of this.#waiting.keys()) {
      const had = this.#had.of(who)
      if (!least || had < least.had) least = { who, had }
    }
    return least?.who
  }
}
