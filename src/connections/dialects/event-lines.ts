/** One event of a stream, line by line; `isBare` says that it stood there without `data:`, as a whole body does. */
export interface LineEvent {
  name: string | undefined
  lines: string[]
  isBare: boolean
}

/** No event of any provider comes near this many UTF-16 units. */
const MOST_EVENT_CHARS = 8 * 1_024 * 1_024
/** A body that only looks like JSON at its blank lines is tried this often before its end. */
const MOST_TRIES = 8

/**
 * Splits the body of an answer into events, in one pass: server-sent events with any line ends, and text that stands bare
 * in the body (a whole JSON answer, an error without `data:`). Comments and fields that nobody needs are left out.
 *
 * @example
 * const splitter = new EventSplitter()
 * for (const event of splitter.push(text)) read(event)
 * for (const event of splitter.end()) read(event)
 */
export class EventSplitter {
  /** The line that has begun, in the pieces that it came in: joined once, so that a long line costs no square. */
  #pieces: string[] = []
  #size = 0
  #skipsNewline = false
  #name: string | undefined
  #data: string[] = []
  #bare: string[] = []
  #tries = 0
  #first = true

  /** @throws RangeError when an event is larger than any provider's */
  push(text: string): LineEvent[] {
    const events: LineEvent[] = []
    let from = 0
    if (this.#first && text !== '') {
      this.#first = false
      if (text.charCodeAt(0) === 0xfeff) from = 1
    }
    // Found by the engine, which is ten times as quick as looking at each sign; a text without one kind is searched for it once.
    let newline = text.indexOf('\n', from)
    let carriage = text.indexOf('\r', from)
    while (from < text.length) {
      if (this.#skipsNewline && newline === from) from += 1
      this.#skipsNewline = false
      if (newline >= 0 && newline < from) newline = text.indexOf('\n', from)
      if (carriage >= 0 && carriage < from) carriage = text.indexOf('\r', from)
      const at = carriage < 0 || (newline >= 0 && newline < carriage) ? newline : carriage
      if (at < 0) break
      this.#pieces.push(text.slice(from, at))
      from = at + 1
      this.#skipsNewline = at === carriage
      const line = this.#pieces.join('')
      this.#pieces = []
      this.#line(line, events)
    }
    if (from < text.length) this.#pieces.push(text.slice(from))
    this.#size += text.length
    if (this.#size > MOST_EVENT_CHARS) throw new RangeError('An event of the answer is too large.')
    return events
  }

  /** What the body ended with. */
  end(): LineEvent[] {
    const events: LineEvent[] = []
    const line = this.#pieces.join('')
    this.#pieces = []
    if (line !== '') this.#line(line, events)
    this.#flushData(events)
    this.#flushBare(events)
    return events
  }

  #line(line: string, events: LineEvent[]): void {
    if (line.trim() === '') {
      this.#flushData(events)
      if (this.#bare.length > 0 && this.#looksWhole()) this.#flushBare(events)
      return
    }
    if (line.startsWith(':')) {
      if (this.#data.length === 0 && this.#bare.length === 0) this.#size = 0
      return
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    if (field === 'data') {
      this.#flushBare(events)
      this.#data.push(valueAfter(line, colon))
    } else if (field === 'event') this.#name = valueAfter(line, colon)
    else if (field !== 'id' && field !== 'retry') {
      this.#flushData(events)
      this.#bare.push(line)
    }
  }

  #looksWhole(): boolean {
    const last = this.#bare.at(-1)?.trimEnd().at(-1)
    return (last === '}' || last === ']') && this.#tries++ < MOST_TRIES && isJson(this.#bare.join('\n'))
  }

  #flushData(events: LineEvent[]): void {
    if (this.#data.length > 0) {
      events.push({ name: this.#name, lines: this.#data, isBare: false })
      this.#data = []
      this.#size = 0
    }
    this.#name = undefined
  }

  #flushBare(events: LineEvent[]): void {
    if (this.#bare.length === 0) return
    events.push({ name: undefined, lines: this.#bare, isBare: true })
    this.#bare = []
    this.#size = 0
  }
}

const valueAfter = (line: string, colon: number): string => {
  if (colon < 0) return ''
  return line.charCodeAt(colon + 1) === 32 ? line.slice(colon + 2) : line.slice(colon + 1)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
