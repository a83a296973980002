/** How much is read of answers. */
export interface AnswerLimits {
  bytes: number
  /** Values of JSON, near enough. */
  values: number
  /** Messages of a stream. */
  events: number
}

const [QUOTE, COMMA, BACKSLASH, LIST, OBJECT, LINE_FEED, RETURN] = [...'",\\[{\n\r'].map((sign) => sign.charCodeAt(0))

/**
 * Counts what answers hold before it is parsed: two megabytes can be a hundred thousand tools, or twenty thousand messages, which take whoever
 * parses them a second in which nobody else is served.
 */
export class AnswerMeter {
  readonly #limits: AnswerLimits
  #bytes = 0
  #values = 0
  #events = 0
  #isText = false
  #isEscaped = false
  /** Of the line so far. */
  #chars = 0
  #last = 0

  constructor(limits: AnswerLimits) {
    this.#limits = limits
  }

  get isOver(): boolean {
    const { bytes, values, events } = this.#limits
    return this.#bytes > bytes || this.#values > values || this.#events > events
  }

  /** @param piece of an answer; it may end within a text */
  add(piece: Uint8Array): void {
    this.#bytes += piece.byteLength
    for (let at = 0; at < piece.byteLength && !this.isOver; at++) this.#read(piece[at] ?? 0)
  }

  #read(sign: number): void {
    if (sign === LINE_FEED || sign === RETURN) {
      // An empty line ends a message of a stream. No text of JSON goes over a line's end, but what is no JSON may look as if one did.
      if (this.#chars === 0 && !(sign === LINE_FEED && this.#last === RETURN)) this.#events++
      this.#chars = 0
      this.#isText = false
      this.#isEscaped = false
    } else {
      this.#chars++
      if (this.#isEscaped) this.#isEscaped = false
      else if (sign === BACKSLASH) this.#isEscaped = this.#isText
      else if (sign === QUOTE) this.#isText = !this.#isText
      else if (!this.#isText && (sign === COMMA || sign === LIST || sign === OBJECT)) this.#values++
    }
    this.#last = sign
  }
}
