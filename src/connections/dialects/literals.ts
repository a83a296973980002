/** Deeper is nobody's call, and what reads it might not come back. */
const MOST_DEPTH = 64
const MOST_NUMBER_CHARS = 40
const SPACE = ' \t\r\n'
const DIGITS = '0123456789+-.eE'
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const KEYWORDS: Record<string, boolean | null> = {
  true: true,
  false: false,
  null: null,
  True: true,
  False: false,
  None: null,
}
const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '/': '/',
  '\\': '\\',
  '"': '"',
  "'": "'",
}
/** Digits of a sign that is written as its number. */
const CODES: Record<string, number> = { x: 2, u: 4, U: 8 }
/** What stands around texts where a model has tokens for that: Gemma 4, FunctionGemma. */
const TEXT_TOKENS = ['<|"|>', '<escape>']
const WORD = /[\w-]/

/** The text is none of what is read, whatever may come. */
export class Unreadable extends Error {
  override name = 'Unreadable'
}

/** Waits for text when there is none left, and goes on where it was: no sign is looked at twice. */
export type Reading<T> = Generator<undefined, T, undefined>

/** A text as it comes in. */
export class Source {
  #text = ''
  #at = 0
  /** Signs that were taken: what reading costs. */
  taken = 0
  isOver = false

  push(text: string): void {
    this.#text = this.#text.slice(this.#at) + text
    this.#at = 0
  }

  /** The next sign, which stays; '' at the end of the text. */
  *peek(): Reading<string> {
    while (this.#at >= this.#text.length) {
      if (this.isOver) return ''
      yield
    }
    return this.#text[this.#at] ?? ''
  }

  *take(): Reading<string> {
    const sign = yield* this.peek()
    this.#at += 1
    this.taken += 1
    return sign
  }

  /** The next sign, if it is one of these; '' otherwise. */
  *takeIf(signs: string): Reading<string> {
    const sign = yield* this.peek()
    return sign !== '' && signs.includes(sign) ? yield* this.take() : ''
  }

  *space(): Reading<void> {
    while (yield* this.takeIf(SPACE));
  }

  /** @throws Unreadable where something else stands there */
  *expect(words: string): Reading<void> {
    for (const sign of words) if ((yield* this.take()) !== sign) throw new Unreadable()
  }

  /**
   * Letters, digits, `_` and `-` (and of `more`), as long as any of the words begins so: nothing else is waited for.
   * @throws Unreadable where it is none of them
   */
  *oneOf(words: readonly string[], more = ''): Reading<string> {
    let left = words
    const word = yield* this.#run(more, (begun) => {
      left = left.filter((one) => one.startsWith(begun))
      return left.length > 0
    })
    if (!words.includes(word)) throw new Unreadable()
    return word
  }

  /** A name of any kind, of at most 64 signs. @throws Unreadable where there is none */
  *name(): Reading<string> {
    const name = yield* this.#run('', (begun) => begun.length <= 64)
    if (name === '') throw new Unreadable()
    return name
  }

  /** One of these marks, sign by sign. @throws Unreadable where it is none of them */
  *mark(marks: readonly string[]): Reading<string> {
    let begun = ''
    while (!marks.includes(begun)) {
      const sign = yield* this.take()
      begun += sign
      if (sign === '' || !marks.some((one) => one.startsWith(begun))) throw new Unreadable()
    }
    return begun
  }

  *#run(more: string, fits: (begun: string) => boolean): Reading<string> {
    let word = ''
    for (;;) {
      const sign = yield* this.peek()
      if (sign === '' || !(WORD.test(sign) || more.includes(sign))) return word
      word += yield* this.take()
      if (!fits(word)) throw new Unreadable()
    }
  }
}

/**
 * A value as JSON and Python write it, and models between the two: texts in either kind of quotes (or three of them, or a model's own
 * tokens), numbers, truth values, nothing, lists, and objects, whose names need no quotes. Only what stands for itself: nothing is
 * computed. Numbers that would not come out as they were written are none.
 * @throws Unreadable
 */
export function* literal(source: Source, depth = 0): Reading<unknown> {
  const sign = yield* source.peek()
  if (depth > MOST_DEPTH) throw new Unreadable()
  if (sign === '{') return yield* object(source, depth)
  if (sign === '[') return yield* array(source, depth)
  if (sign === '"' || sign === "'" || sign === '<') return yield* text(source)
  if (sign !== '' && DIGITS.includes(sign) && sign !== 'e' && sign !== 'E') return yield* number(source)
  return KEYWORDS[yield* source.oneOf(Object.keys(KEYWORDS))]
}

/** @throws Unreadable */
export function* object(source: Source, depth = 0): Reading<Record<string, unknown>> {
  const members: Array<[string, unknown]> = []
  yield* source.expect('{')
  yield* source.space()
  while ((yield* source.peek()) !== '}') {
    const name = '"\'<'.includes(yield* source.peek()) ? yield* text(source) : yield* source.name()
    yield* source.space()
    yield* source.expect(':')
    yield* source.space()
    members.push([name, yield* literal(source, depth + 1)])
    yield* next(source, '}')
  }
  yield* source.take()
  // Not by assignment: a name may be any, `__proto__` too.
  return Object.fromEntries(members)
}

function* array(source: Source, depth: number): Reading<unknown[]> {
  const elements: unknown[] = []
  yield* source.expect('[')
  yield* source.space()
  while ((yield* source.peek()) !== ']') {
    elements.push(yield* literal(source, depth + 1))
    yield* next(source, ']')
  }
  yield* source.take()
  return elements
}

/** To the next of several, which a comma parts, or to the end. @throws Unreadable */
export function* next(source: Source, end: string): Reading<void> {
  yield* source.space()
  if (!(yield* source.takeIf(',')) && (yield* source.peek()) !== end) throw new Unreadable()
  yield* source.space()
}

function* number(source: Source): Reading<number> {
  let digits = ''
  for (;;) {
    const digit = yield* source.takeIf(DIGITS)
    if (digit === '') break
    digits += digit
    if (digits.length > MOST_NUMBER_CHARS) throw new Unreadable()
  }
  const value = Number(digits)
  const isWhole = !/[.eE]/.test(digits)
  if (!NUMBER.test(digits) || !Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value)))
    throw new Unreadable()
  return value
}

/** @throws Unreadable */
export function* text(source: Source): Reading<string> {
  if ((yield* source.peek()) === '<') return yield* betweenTokens(source)
  const quote = yield* source.take()
  if (quote !== '"' && quote !== "'") throw new Unreadable()
  if (!(yield* source.takeIf(quote))) return yield* untilQuotes(source, quote, 1)
  return (yield* source.takeIf(quote)) ? yield* untilQuotes(source, quote, 3) : ''
}

/** To one quote, within a line, or to three. */
function* untilQuotes(source: Source, quote: string, most: 1 | 3): Reading<string> {
  const parts: string[] = []
  for (let quotes = 0; quotes < most; ) {
    const sign = yield* source.take()
    if (sign === '' || (most === 1 && sign < ' ' && sign !== '\t')) throw new Unreadable()
    quotes = sign === quote ? quotes + 1 : 0
    parts.push(sign === '\\' ? yield* escaped(source) : sign)
  }
  return parts.slice(0, -most).join('')
}

function* escaped(source: Source): Reading<string> {
  const sign = yield* source.take()
  const digits = CODES[sign]
  if (digits === undefined) {
    const plain = ESCAPES[sign]
    if (plain === undefined) throw new Unreadable()
    return plain
  }
  let code = ''
  while (code.length < digits) code += yield* source.take() || '-'
  const value = Number.parseInt(code, 16)
  if (!/^[\da-fA-F]+$/.test(code) || value > 0x10ffff) throw new Unreadable()
  // A half of a sign stays one: its other half follows.
  return digits === 4 ? String.fromCharCode(value) : String.fromCodePoint(value)
}

function* betweenTokens(source: Source): Reading<string> {
  const token = yield* source.mark(TEXT_TOKENS)
  const parts: string[] = []
  let last = ''
  while (last !== token) {
    const sign = yield* source.take()
    if (sign === '') throw new Unreadable()
    parts.push(sign)
    last = (last + sign).slice(-token.length)
  }
  return parts.slice(0, -token.length).join('')
}

/** What a whole text is read as; undefined where it is none, or has more behind it. */
export function whole<T>(words: string, read: (source: Source) => Reading<T>): T | undefined {
  const source = new Source()
  source.push(words)
  source.isOver = true
  const all = function* (): Reading<T> {
    yield* source.space()
    const value = yield* read(source)
    yield* source.space()
    if ((yield* source.peek()) !== '') throw new Unreadable()
    return value
  }
  try {
    const { done, value } = all().next()
    return done ? value : undefined
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}
