import { CodeFence } from '../../shared/code-fence.ts'
import { BareCalls } from './bare-calls.ts'
import { type KnownTools, NOTATIONS, type Notation, type NotedCall } from './call-notations.ts'

const LONGEST_OPEN = Math.max(...NOTATIONS.map(({ open }) => open.length))
/** UTF-16 units of what may become calls: more is text. */
const MOST_HELD = 65_536
/** What a close may stand in, as in a text that is an argument: so many are tried. */
const MOST_CLOSES = 8
/** After so many that were none, the answer speaks about calls, and makes none. */
const MOST_FAILURES = 8
/** Longer runs of ` or ~ at a line's beginning are not waited for. */
const LONGEST_FENCE = 64

const FENCE = '```'

/** Where something may happen; all else goes by at once. */
const SIGNS = /[\n\r`~<[]/g
/** Signs of a line in which somebody else's words may stand. */
const QUOTES = /["“„«「『`]/
const LINE_START_QUOTE = /^\s*>/

/**
 * Takes calls that a model wrote as text off its words as they stream, in one pass. A call is one only where nothing else can be: with
 * its notation's mark at the beginning of a line (a token of its own also behind words), in no code and no quotation, whole, and of a
 * tool that there is; or, without a mark, where the whole answer is nothing but calls (`BareCalls`). Everything else stays text. What may
 * become a call is held back, and words behind a call are dropped: they were said without knowing what comes of it.
 *
 * @example
 * const filter = new CallFilter(new Map([['add', {}]]))
 * filter.push('Let me see.\n<tool_call>{"name": "add", "argu') // 'Let me see.\n'
 * filter.push('ments": {}}</tool_call>') // ''; filter.calls: [{ name: 'add', input: '{}' }]
 */
export class CallFilter {
  readonly calls: NotedCall[] = []
  readonly #tools: KnownTools
  readonly #fence = new CodeFence()
  #pending = ''
  /** What is held back, in the pieces that it came in: joined once, so that a long call costs no square. */
  #held: string[] = []
  #heldChars = 0
  /** Of what is held, as much as a close may be cut in. */
  #tail = ''
  /** The line so far is white space. */
  #isStart = true
  #isQuoted = false
  #notation: Notation | undefined
  #searched = 0
  #closes = 0
  #failures = 0
  /** As long as the answer may be nothing but calls. */
  #bare: BareCalls | undefined
  /** It was cut: what has no close is not whole. */
  #isCut = false

  /** `isBare`: calls without a mark are read, too. */
  constructor(tools: KnownTools, { isBare = false } = {}) {
    this.#tools = tools
    this.#bare = isBare ? new BareCalls(tools) : undefined
  }

  /** The words that can be shown now. */
  push(delta: string): string {
    if (!this.#bare) return this.#take(delta, false)
    this.#held.push(delta)
    this.#heldChars += delta.length
    return this.#bare.push(delta) && this.#heldChars <= MOST_HELD ? '' : this.#take(this.#freed(), false)
  }

  /** What was held back, once the text is over; `isCut`: by a limit. */
  end({ isCut = false } = {}): string {
    this.#isCut = isCut
    const calls = this.#bare?.end()
    const words = this.#bare ? this.#freed() : ''
    if (!calls) return this.#take(words, true)
    this.calls.push(...calls)
    return ''
  }

  /** The answer is more than calls, or over: from here on there are only marks to look for. */
  #freed(): string {
    const words = this.#held.join('')
    this.#bare = undefined
    this.#held = []
    this.#heldChars = 0
    return words
  }

  #take(delta: string, isEnd: boolean): string {
    if (this.#notation && !this.#isReady(delta) && !isEnd) return ''
    this.#pending = this.#notation ? this.#held.join('') : this.#pending + delta
    let words = ''
    for (;;) {
      const isSaid = this.calls.length === 0
      const out = this.#notation ? this.#hold(isEnd) : this.#scan(isEnd)
      if (out === undefined) return words
      if (isSaid) words += out
    }
  }

  /** Keeps it, and tells whether what is held has to be looked at. */
  #isReady(delta: string): boolean {
    const close = this.#notation?.close
    this.#held.push(delta)
    this.#heldChars += delta.length
    const seen = this.#tail + delta
    this.#tail = close ? seen.slice(1 - close.length) : ''
    return this.#heldChars > MOST_HELD || (close ? seen.includes(close) : false)
  }

  /** Text up to where a call may begin; undefined when more has to come first. */
  #scan(isEnd: boolean): string | undefined {
    if (this.#pending === '') return undefined
    SIGNS.lastIndex = 0
    const at = this.#failures > MOST_FAILURES ? undefined : SIGNS.exec(this.#pending)?.index
    if (at !== 0) return this.#pass(at ?? this.#pending.length)
    const [sign = ''] = this.#pending
    if (sign === '\n' || sign === '\r') return this.#passLine()
    const isFence = sign === '`' || sign === '~'
    if (this.#fence.isOpen) return isFence ? this.#passFence(sign, isEnd) : this.#pass(1)
    const rest = this.#pending.slice(0, LONGEST_OPEN)
    const fits = (isToken: boolean) => (this.#isStart || isToken || this.calls.length > 0) && !this.#isQuoted
    const found = NOTATIONS.find(({ open, isToken }) => rest.startsWith(open) && fits(isToken))
    if (found) {
      this.#notation = found
      this.#pending = this.#pending.slice(found.open.length)
      this.#searched = this.#closes = 0
      return ''
    }
    const mayBegin = NOTATIONS.some(({ open, isToken }) => open.startsWith(rest) && fits(isToken))
    if (mayBegin && !isEnd) return undefined
    return isFence ? this.#passFence(sign, isEnd) : this.#pass(1)
  }

  #pass(length: number): string {
    const words = this.#pending.slice(0, length)
    this.#pending = this.#pending.slice(length)
    this.#fence.rest(words)
    this.#isQuoted ||= QUOTES.test(words) || (this.#isStart && LINE_START_QUOTE.test(words))
    this.#isStart &&= words.trim() === ''
    return words
  }

  #passLine(): string {
    const words = this.#pending.slice(0, 1)
    this.#pending = this.#pending.slice(1)
    this.#fence.lineEnd()
    this.#isStart = true
    this.#isQuoted = false
    return words
  }

  #passFence(sign: string, isEnd: boolean): string | undefined {
    if (!this.#isStart) return this.#pass(1)
    let length = 1
    while (length < LONGEST_FENCE && this.#pending[length] === sign) length++
    if (length === this.#pending.length && length < LONGEST_FENCE && !isEnd) return undefined
    const run = this.#pending.slice(0, length)
    this.#pending = this.#pending.slice(length)
    this.#fence.run(run)
    this.#isStart = false
    this.#isQuoted ||= sign === '`'
    return run
  }

  /** What may be a call, up to its close. */
  #hold(isEnd: boolean): string | undefined {
    const { close, read } = this.#notation ?? {}
    const at = close ? this.#pending.indexOf(close, this.#searched) : -1
    if (close && at >= 0 && at <= MOST_HELD) {
      const calls = read?.(this.#pending.slice(0, at), this.#tools)
      if (calls) return this.#found(calls, at + close.length)
      this.#searched = at + close.length
      return ++this.#closes < MOST_CLOSES ? '' : this.#release()
    }
    if (this.#pending.length > MOST_HELD) return this.#release()
    if (!isEnd) {
      this.#held = [this.#pending]
      this.#heldChars = this.#pending.length
      this.#tail = close ? this.#pending.slice(1 - close.length) : ''
      this.#pending = ''
      return undefined
    }
    // The close may be missing, as where it was a token that stops the model.
    const calls = close && this.#isCut ? undefined : read?.(this.#pending, this.#tools)
    return calls ? this.#found(calls, this.#pending.length) : this.#release()
  }

  #found(calls: readonly NotedCall[], length: number): string {
    this.calls.push(...calls)
    this.#pending = this.#pending.slice(length)
    this.#notation = undefined
    return ''
  }

  /** It was no call: its mark is text, and what follows is looked at anew. */
  #release(): string {
    const { open = '' } = this.#notation ?? {}
    this.#notation = undefined
    this.#failures++
    this.#isStart = false
    if (open.startsWith(FENCE)) {
      this.#fence.run(FENCE)
      this.#isQuoted = true
    }
    return open
  }
}
