/** Reads an event stream as `curl` would: no EventSource, no reconnecting. What its events are is said by whoever extends it. */
export abstract class StreamReader<Event> {
  readonly events: Event[] = []
  readonly headers: Headers
  /** Resolves when nothing can come any more, whoever ended it. */
  readonly ended: Promise<void>
  /** The id of the last whole event. */
  lastEventId = ''
  /** Comment lines: heartbeats. */
  comments = 0
  /** Everything that came, as it came. */
  raw = ''
  readonly #abort: AbortController
  #wake: (() => void)[] = []
  #isOver = false

  protected constructor(response: Response, abort: AbortController) {
    this.headers = response.headers
    this.#abort = abort
    this.ended = this.#read(response).finally(() => {
      this.#isOver = true
      this.#wakeAll()
    })
  }

  /** @throws Error when the server does not answer with a stream */
  protected static async answerOf(url: string, headers: Record<string, string>, lastEventId?: string) {
    const abort = new AbortController()
    const all = lastEventId ? { ...headers, 'last-event-id': lastEventId } : headers
    const response = await fetch(url, { headers: all, signal: abort.signal })
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
    return { response, abort }
  }

  /** An event as it was sent. @throws Error when it is not as documented */
  protected abstract promised(sent: { type?: string | undefined }): Event

  /** Hangs up: nothing is read any more. */
  close(): void {
    this.#isOver = true
    this.#abort.abort()
  }

  /** Resolves when something more has come. @throws Error when the stream is over */
  protected async more(): Promise<void> {
    if (this.#isOver) throw new Error(`the stream ended after ${JSON.stringify(this.events.slice(-3))}`)
    await this.#next()
  }

  /** Resolves with the next comment, or the end. */
  async commented(): Promise<void> {
    const { comments } = this
    while (this.comments === comments && !this.#isOver) await this.#next()
  }

  async #read(response: Response): Promise<void> {
    let buffer = ''
    try {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        this.raw += text
        const blocks = (buffer + text).split('\n\n')
        buffer = blocks.pop() ?? ''
        for (const block of blocks) this.#take(block)
      }
    } catch (error) {
      // A cut connection is an end; anything else is a fault of the stream.
      const isCut = error instanceof TypeError || (error instanceof Error && error.name === 'AbortError')
      if (!isCut) throw error
    }
  }

  #take(block: string): void {
    // What arrives behind the hanging up was not read by a client that went away.
    if (this.#isOver) return
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    if (block.startsWith(':')) this.comments++
    const [type, data, id] = [field('event'), field('data'), field('id')]
    if (data !== undefined) {
      this.events.push(this.promised({ type, ...JSON.parse(data) }))
      this.lastEventId = id ?? this.lastEventId
    }
    this.#wakeAll()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
