import { type ServerEvent, serverEvent } from '../../src/contract/events.ts'
import { deviation } from '../../src/http/answer-check.ts'

/** An event as the server sent it. @throws Error when it is not as documented */
export function promisedEvent(sent: { type?: string | undefined }): ServerEvent {
  const why = deviation(serverEvent, sent)
  if (why) throw new Error(`${sent.type} is not as promised: ${why}`)
  return serverEvent.parse(sent)
}

/** Reads an event stream as `curl` would: no EventSource, no reconnecting; every event is checked to be as documented. */
export class EventReader {
  readonly events: ServerEvent[] = []
  readonly headers: Headers
  /** Resolves when nothing can come any more, whoever ended it. */
  readonly ended: Promise<void>
  /** The id of the last whole event. */
  lastEventId = ''
  /** Comment lines: heartbeats. */
  comments = 0
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
  static async open(url: string, token: string, lastEventId?: string): Promise<EventReader> {
    const abort = new AbortController()
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (lastEventId) headers['last-event-id'] = lastEventId
    const response = await fetch(url, { headers, signal: abort.signal })
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
    return new EventReader(response, abort)
  }

  /** Resolves at the first event, of those already here too, that `isIt`; each is asked for once. */
  async until(isIt: (event: ServerEvent) => boolean): Promise<void> {
    for (let at = 0; ; at++) {
      while (at >= this.events.length) {
        if (this.#isOver) throw new Error(`the stream ended after ${JSON.stringify(this.events.slice(-3))}`)
        await this.#next()
      }
      const event = this.events[at]
      if (event && isIt(event)) return
    }
  }

  /** Resolves with the next comment. */
  async commented(): Promise<void> {
    const { comments } = this
    while (this.comments === comments && !this.#isOver) await this.#next()
  }

  /** Hangs up: nothing is read any more. */
  close(): void {
    this.#isOver = true
    this.#abort.abort()
  }

  texts(): string[] {
    return EventReader.textsOf(this.events)
  }

  /** The text of each turn of the events, in order; as `turnsOf`. */
  static textsOf(events: ServerEvent[]): string[] {
    return [...EventReader.turnsOf(events).values()]
  }

  /**
   * The text of each turn (`runId:turn`) of the events, from snapshots and deltas alone.
   * @throws Error at a gap or a repetition
   */
  static turnsOf(events: ServerEvent[]): Map<string, string> {
    const texts = new Map<string, { attempt: number; text: string }>()
    for (const event of events) {
      if (event.type === 'conversation.snapshot') {
        for (const { runId, turn, content } of event.messages) {
          if (turn !== null) texts.set(`${runId}:${turn}`, { attempt: Number.POSITIVE_INFINITY, text: content })
        }
        for (const { runId, turn, attempt, text } of event.live) texts.set(`${runId}:${turn}`, { attempt, text })
      }
      if (event.type !== 'turn.delta') continue
      const key = `${event.runId}:${event.turn}`
      const known = texts.get(key)
      const { attempt, text } = known && known.attempt >= event.attempt ? known : { attempt: event.attempt, text: '' }
      if (attempt !== event.attempt || text.length !== event.offset) {
        throw new Error(`at ${text.length} of attempt ${attempt} came ${JSON.stringify(event)}`)
      }
      texts.set(key, { attempt, text: text + event.text })
    }
    return new Map([...texts].map(([key, { text }]) => [key, text]))
  }

  /** The ids of the messages of the events, in order, as often as they came. */
  static messagesOf(events: ServerEvent[]): string[] {
    return events.flatMap((event) => {
      if (event.type === 'conversation.snapshot') return event.messages.map(({ id }) => id)
      if (event.type === 'message.created' || event.type === 'turn.completed') return event.message?.id ?? []
      return []
    })
  }

  async #read(response: Response): Promise<void> {
    let buffer = ''
    try {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
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
      this.events.push(promisedEvent({ type, ...JSON.parse(data) }))
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
