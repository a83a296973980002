import { type SharedEvent, sharedEvent } from '../../src/contract/share-views.ts'
import { deviation } from '../../src/http/answer-check.ts'
import { StreamReader } from './stream-reader.ts'

/** Reads the event stream of a link as somebody without an account; every event is checked to be as documented, and no more. */
export class SharedReader extends StreamReader<SharedEvent> {
  /** @throws Error when the server does not answer with a stream */
  static async open(url: string, token: string, lastEventId?: string): Promise<SharedReader> {
    const { response, abort } = await StreamReader.answerOf(`${url}/api/shared/${token}/events`, {}, lastEventId)
    return new SharedReader(response, abort)
  }

  protected promised(sent: { type?: string | undefined }): SharedEvent {
    const why = deviation(sharedEvent, sent)
    if (why) throw new Error(`${sent.type} is not as promised: ${why}`)
    return sharedEvent.parse(sent)
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
    while (!isIt(this)) await this.more()
  }
}
