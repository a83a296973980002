import type { StreamEnd, StreamOutlet } from './stream-outlet.ts'
import type { Placed } from './stream-replay.ts'

/** Of what waits to be read, by the length of its JSON; what comes beyond is read from the rows again later. */
const PENDING_CHARS = 262_144

/** A stream that is read in this process, at the reader's own pace; bounded like those that go out. */
export class RunEvents implements StreamOutlet, AsyncIterable<Placed> {
  readonly isMovable = false
  /** Why it ended; undefined while it goes on. */
  ended: StreamEnd | undefined
  readonly #waiting: Array<{ placed: Placed; chars: number }> = []
  #chars = 0
  #wake = () => {}
  #drained = () => {}

  begin(): void {}

  write(placed: Placed): void {
    const chars = JSON.stringify(placed.event).length
    this.#waiting.push({ placed, chars })
    this.#chars += chars
    this.#wake()
  }

  beat(): void {}

  get isFull(): boolean {
    return this.#chars > PENDING_CHARS
  }

  get pendingBytes(): number {
    return this.#chars
  }

  onDrain(listener: () => void): void {
    this.#drained = listener
  }

  end(why: StreamEnd): void {
    this.ended ??= why
    this.#wake()
  }

  /** What was written before the end is read to its end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Placed> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next) {
        const wasFull = this.isFull
        this.#chars -= next.chars
        if (wasFull && !this.isFull) this.#drained()
        yield next.placed
      } else if (this.ended) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}
