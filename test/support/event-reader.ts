import { type ServerEvent, serverEvent } from '../../src/contract/events.ts'
import { deviation } from '../../src/http/answer-check.ts'
import { StreamReader } from './stream-reader.ts'

/** An event as the server sent it. @throws Error when it is not as documented */
export function promisedEvent(sent: { type?: string | undefined }): ServerEvent {
  const why = deviation(serverEvent, sent)
  if (why) throw new Error(`${sent.type} is not as promised: ${why}`)
  return serverEvent.parse(sent)
}

/** Reads an event stream of somebody who is signed in; every event is checked to be as documented. */
export class EventReader extends StreamReader<ServerEvent> {
  /** @throws Error when the server does not answer with a stream */
  static async open(url: string, token: string, lastEventId?: string): Promise<EventReader> {
    const { response, abort } = await StreamReader.answerOf(url, { authorization: `Bearer ${token}` }, lastEventId)
    return new EventReader(response, abort)
  }

  protected promised(sent: { type?: string | undefined }): ServerEvent {
    return promisedEvent(sent)
  }

  /** Resolves at the first event, of those already here too, that `isIt`; each is asked for once. */
  async until(isIt: (event: ServerEvent) => boolean): Promise<void> {
    for (let at = 0; ; at++) {
      while (at >= this.events.length) await this.more()
      const event = this.events[at]
      if (event && isIt(event)) return
    }
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
}
