import { type SharedEvent, sharedEvent } from '../../src/contract/share-views.ts'
import { deviation } from '../../src/http/answer-check.ts'

/** Reads the event stream of a link as somebody without an account; every event is checked to be as documented, and no more. */
export class SharedReader {
  readonly events: SharedEvent[] = []
  readonly headers: Headers
  /** Everything that came, as it came. */
  raw = ''
  lastEventId = ''
  /** Resolves when nothing can come any more, whoever ended it. */
  readonly ended: Promise<void>
  readonly #abort: AbortController
  #wake: (() => void)[] = []
  #isOver = false

  private constructor(response: Response, abort: AbortController) {
    this.headers = response.headers
    this.#abort = abort
    this.ended = this.#read(response).finally(() => {
      this.#isOver = true
      this.#wakeAll()
    })
  }

  /** @throws Error when the server does not answer with a stream */
  static async open(url: string, token: string, lastEventId?: string): Promise<SharedReader> {
    const abort = new AbortController()
    const headers: Record<string, string> = lastEventId ? { 'last-event-id': lastEventId } : {}
    const response = await fetch(`${url}/api/shared/${token}/events`, { headers, signal: abort.signal })
    if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`)
    return new SharedReader(response, abort)
  }

  /** What the watcher sees of the turns that speak or have spoken, joined; gaps and repetitions throw. */
  get words(): string {
    const texts = new Map<string, string>()
    for (const event of this.events) {
      if (event.type === 'conversation.snapshot') {
        for (const { runId, turn, content } of event.messages) {
          if (turn !== null) texts.set(`${runId}:${turn}`, content)
        }
        for (const { runId, turn, text } of event.live) texts.set(`${runId}:${turn}`, text)
      }
      if (event.type !== 'turn.delta') continue
      const key = `${event.runId}:${event.turn}`
      const known = texts.get(key) ?? ''
      if (known.length !== event.offset) throw new Error(`at ${known.length} came ${JSON.stringify(event)}`)
      texts.set(key, known + event.text)
    }
    return [...texts.values()].join('|')
  }

  /** Resolves when `isIt`, as of now or after any further event. */
  async until(isIt: (reader: SharedReader) => boolean): Promise<void> {
    while (!isIt(this)) {
      if (this.#isOver) throw new Error(`the stream ended after ${JSON.stringify(this.events.slice(-3))}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  close(): void {
    this.#isOver = true
    this.#abort.abort()
  }

  async #read(response: Response): Promise<void> {
    let buffer = ''
    try {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        this.raw += text
        const blocks = (buffer + text).split('\n\n')
        buffer = blocks.pop() ?? ''
        for (const block of blocks) this.#take(block)
        this.#wakeAll()
      }
    } catch (error) {
      const isCut = error instanceof TypeError || (error instanceof Error && error.name === 'AbortError')
      if (!isCut) throw error
    }
  }

  #take(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    const [type, data, id] = [field('event'), field('data'), field('id')]
    if (data === undefined) return
    const sent = { type, ...JSON.parse(data) }
    const why = deviation(sharedEvent, sent)
    if (why) throw new Error(`${type} is not as promised: ${why}`)
    this.events.push(sharedEvent.parse(sent))
    this.lastEventId = id ?? this.lastEventId
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
