import type { RunView } from '../../contract/views.ts'
import { AppError } from '../../shared/errors.ts'
import type { Speech } from '../speech-order.ts'
import { speakerLabel } from './chat-history.ts'
import type { Given } from './response-body.ts'
import { itemId, type OutputItem, outputItem, outputText, responseStatus, responseView } from './response-view.ts'

/** One event of a response's stream. */
export interface ResponseEvent {
  type: string
  sequence_number: number
  [field: string]: unknown
}

/**
 * Numbers of events are places in what is said, and not a count: whoever reads a response again, from any server, finds each character
 * under the number that it had. A turn has room for 16 attempts of two million characters each; 50 turns of that fit into the 31 bits
 * that clients in some languages read numbers into.
 */
const TURN_ROOM = 2 ** 25
const ATTEMPT_ROOM = 2 ** 21
/** Behind `response.created` and `response.in_progress`. */
const FIRST = 2
const MOST_ATTEMPTS = 16

interface OpenItem {
  id: string
  base: number
  text: string
}

/** An event before it has a number: `at` is its place. */
type Unnumbered = { type: string; at: number; [field: string]: unknown }

/**
 * The typed events of a response, of what is said in its run. Every speech is an item of its output; one that counts no more ends as
 * `incomplete`, and a new item begins: the last event has the output as it is kept. `after` leaves out what a client has, to the
 * character.
 */
export class ResponseEvents {
  readonly #run: RunView
  readonly #given: Given
  readonly #namesSpeakers: boolean
  readonly #after: number
  readonly #output: OutputItem[] = []
  #item: OpenItem | undefined
  #index = 0
  #at = FIRST - 1

  constructor(run: RunView, given: Given, options: { namesSpeakers: boolean; after?: number | undefined }) {
    this.#run = run
    this.#given = given
    this.#namesSpeakers = options.namesSpeakers
    this.#after = options.after ?? -1
  }

  first(): ResponseEvent[] {
    const begun: RunView = { ...this.#run, status: 'running', stopReason: null, error: null, finishedAt: null }
    const response = responseView(begun, this.#given, [])
    return this.#numbered([
      { type: 'response.created', at: 0, response },
      { type: 'response.in_progress', at: 1, response },
    ])
  }

  /** @throws AppError `run.said_anew` where what was shown of an attempt is not what is kept of the same */
  take(speech: Speech): ResponseEvent[] {
    switch (speech.type) {
      case 'speech.began':
        return this.#numbered(this.#begin(speech.turn, speech.attempt, speech.agentName))
      case 'speech.text':
        return this.#numbered(this.#say(speech.text))
      case 'speech.void':
        return this.#numbered(this.#end('incomplete'))
      case 'speech.ended':
        return this.#numbered(this.#end(speech.message.status === 'complete' ? 'completed' : 'incomplete', true))
      case 'speech.tool':
      case 'run.waits':
        return []
      case 'run.ended':
        return this.#numbered(this.#over(speech.run))
    }
  }

  #begin(turn: number, attempt: number, name: string): Unnumbered[] {
    const base = FIRST + turn * TURN_ROOM + Math.min(attempt - 1, MOST_ATTEMPTS - 1) * ATTEMPT_ROOM
    // Numbers would go back, and an id stand twice.
    if (base <= this.#at) throw new AppError('run.said_anew')
    const item = { id: itemId(this.#run.id, turn, attempt), base, text: '' }
    this.#item = item
    return [
      {
        type: 'response.output_item.added',
        at: base,
        output_index: this.#index,
        item: outputItem(item.id, '', 'in_progress'),
      },
      { type: 'response.content_part.added', at: base + 1, ...this.#place(item), part: outputText('') },
      ...(this.#namesSpeakers ? this.#say(speakerLabel(name)) : []),
    ]
  }

  #say(text: string): Unnumbered[] {
    const item = this.#item
    if (!item || text === '') return []
    item.text += text
    const at = item.base + 1 + item.text.length
    // What a client has of it is cut off here, where text and number are both known.
    const had = Math.max(text.length - (at - Math.max(this.#after, item.base + 1)), 0)
    const delta = text.slice(had)
    return [{ type: 'response.output_text.delta', at, ...this.#place(item), delta, logprobs: [] }]
  }

  #end(status: 'completed' | 'incomplete', isKept = false): Unnumbered[] {
    const item = this.#item
    if (!item) return []
    const done = outputItem(item.id, item.text, status)
    if (isKept) this.#output.push(done)
    const at = item.base + 2 + item.text.length
    const place = this.#place(item)
    this.#item = undefined
    return [
      { type: 'response.output_text.done', at, ...place, text: item.text, logprobs: [] },
      { type: 'response.content_part.done', at: at + 1, ...place, part: outputText(item.text) },
      { type: 'response.output_item.done', at: at + 2, output_index: this.#index++, item: done },
    ]
  }

  #over(run: RunView): Unnumbered[] {
    const left = this.#end('incomplete')
    const at = (left.at(-1)?.at ?? this.#at) + 1
    const response = responseView(run, this.#given, this.#output)
    const status = responseStatus(run)
    // There is no event for a response that was stopped.
    const type = status === 'cancelled' ? 'response.incomplete' : `response.${status}`
    return [...left, { type, at, response }]
  }

  #place({ id }: OpenItem) {
    return { item_id: id, output_index: this.#index, content_index: 0 }
  }

  #numbered(events: Unnumbered[]): ResponseEvent[] {
    const last = events.at(-1)
    if (last) this.#at = last.at
    return events.flatMap(({ at, ...event }) => (at > this.#after ? [{ ...event, sequence_number: at }] : []))
  }
}
