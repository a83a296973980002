import { isJsonObject } from '../../shared/json-object.ts'
import { literal, next, object, type Reading, type Source, Unreadable, whole } from './literals.ts'

/** A call as it stands in a text. */
export interface WrittenCall {
  name: string
  args: Record<string, unknown>
}

/** What models write before the name of a tool: Gemini, Gemma 4, and whoever has learnt of them. */
const PREFIXES = ['', 'functions.', 'default_api.', 'call:']
const METHOD = '.call'
/** Members of a call in JSON, by what they hold. */
const NAMES = ['name', 'tool_name', 'tool', 'function']
const ARGUMENTS = ['arguments', 'parameters', 'args', 'input']
const WRAPS = ['tool_calls', 'tool_call', 'function_call']
const OTHERS = ['type', 'id', 'tool_call_id', 'call_id', 'index']
const MEMBERS = [...NAMES, ...ARGUMENTS, ...WRAPS, ...OTHERS]
/** Calls stand within so many objects. */
const MOST_WRAPS = 3
/** How fences with calls in them are labelled. */
const LABELS = ['', 'json', 'python', 'tool_code', 'tool_call', 'tool_calls']
/** Ends of a call or of an answer that a server may leave there, also where it took the beginning away. */
const END_MARKS = [
  '</tool_call>',
  '</s>',
  '<|eom_id|>',
  '<|eot_id|>',
  '<|im_end|>',
  '<|python_end|>',
  '<|tool_call_end|>',
  '<tool_call|>',
  '<end_of_turn>',
]

/**
 * Reads calls that are written as JSON (`{"name", "arguments"}` by any of their names, one or several), as Python (`add(a=1)`, one or
 * several, or a list), or by name and object (`add{"a": 1}`). Anything else is `Unreadable` from its first sign on that cannot belong to
 * a call of a tool that there is. Each sign is looked at once.
 */
export class WrittenCalls {
  readonly #source: Source
  readonly #quoted: Map<string, string>
  readonly #called: Map<string, string>
  readonly #fits: (call: WrittenCall) => boolean

  /** `names`: of the tools that there are; calls that do not `fit` are none. */
  constructor(source: Source, names: Iterable<string>, fits: (call: WrittenCall) => boolean = () => true) {
    this.#source = source
    const prefixed = [...names].flatMap((name) => PREFIXES.map((prefix) => [`${prefix}${name}`, name] as const))
    this.#quoted = new Map(prefixed)
    this.#called = new Map([...prefixed.map(([word, name]) => [`${word}${METHOD}`, name] as const), ...prefixed])
    this.#fits = fits
  }

  /** An answer that is nothing but calls, in fences or none. @throws Unreadable */
  *answer(): Reading<WrittenCall[]> {
    const calls: WrittenCall[] = []
    yield* this.#source.space()
    do {
      calls.push(...((yield* this.#source.peek()) === '`' ? yield* this.#fenced() : yield* this.calls()))
      yield* this.#source.space()
    } while ((yield* this.#source.peek()) === '`')
    while ((yield* this.#source.peek()) !== '') {
      yield* this.#source.mark(END_MARKS)
      yield* this.#source.space()
    }
    return calls
  }

  /** One or more, up to a mark or a fence. @throws Unreadable */
  *calls(): Reading<WrittenCall[]> {
    const calls: WrittenCall[] = []
    do {
      calls.push(...((yield* this.#source.peek()) === '[' ? yield* this.#list() : yield* this.#call()))
      yield* this.#source.space()
      if (yield* this.#source.takeIf(';,')) yield* this.#source.space()
    } while (!isEnd(yield* this.#source.peek()))
    return calls
  }

  *#fenced(): Reading<WrittenCall[]> {
    yield* this.#source.expect('```')
    yield* this.#source.oneOf(LABELS)
    yield* this.#source.space()
    const calls = yield* this.calls()
    yield* this.#source.expect('```')
    return calls
  }

  *#list(): Reading<WrittenCall[]> {
    const calls: WrittenCall[] = []
    yield* this.#source.expect('[')
    yield* this.#source.space()
    do {
      calls.push(...(yield* this.#call()))
      yield* next(this.#source, ']')
    } while ((yield* this.#source.peek()) !== ']')
    yield* this.#source.take()
    return calls
  }

  *#call(): Reading<WrittenCall[]> {
    return (yield* this.#source.peek()) === '{' ? yield* this.#inJson() : yield* this.#inPython()
  }

  *#inJson(depth = 1): Reading<WrittenCall[]> {
    let name: string | undefined
    let args: Record<string, unknown> | undefined
    let wrapped: WrittenCall[] | undefined
    if (depth > MOST_WRAPS) throw new Unreadable()
    yield* this.#source.expect('{')
    yield* this.#source.space()
    do {
      const member = yield* this.#quotedWord(MEMBERS)
      yield* this.#source.space()
      yield* this.#source.expect(':')
      yield* this.#source.space()
      const sign = yield* this.#source.peek()
      if (WRAPS.includes(member) || (member === 'function' && sign === '{')) {
        if (wrapped) throw new Unreadable()
        wrapped = sign === '[' ? yield* this.#list() : yield* this.#inJson(depth + 1)
      } else if (NAMES.includes(member)) {
        if (name !== undefined) throw new Unreadable()
        name = this.#quoted.get(yield* this.#quotedWord([...this.#quoted.keys()], '.:'))
      } else if (ARGUMENTS.includes(member)) {
        if (args) throw new Unreadable()
        args = argumentsOf(yield* literal(this.#source))
      } else if (isNested(yield* literal(this.#source))) throw new Unreadable()
      yield* next(this.#source, '}')
    } while ((yield* this.#source.peek()) !== '}')
    yield* this.#source.take()
    if (!wrapped) return [this.#checked(name, args)]
    if (name !== undefined || args) throw new Unreadable()
    return wrapped
  }

  *#quotedWord(words: readonly string[], more = ''): Reading<string> {
    const quote = yield* this.#source.takeIf('"\'')
    if (quote === '') throw new Unreadable()
    const word = yield* this.#source.oneOf(words, more)
    yield* this.#source.expect(quote)
    return word
  }

  /** Also as Gemini has it printed, and as a list of Phi's. */
  *#inPython(): Reading<WrittenCall[]> {
    const word = yield* this.#source.oneOf([...this.#called.keys(), 'print', 'functools'], '.:')
    const name = this.#called.get(word)
    if (name !== undefined) return [this.#checked(name, yield* this.#arguments())]
    if (word === 'functools') return yield* this.#list()
    yield* this.#source.expect('(')
    yield* this.#source.space()
    const printed = yield* this.#source.oneOf([...this.#called.keys()], '.:')
    const call = this.#checked(this.#called.get(printed), yield* this.#arguments())
    yield* this.#source.space()
    yield* this.#source.expect(')')
    return [call]
  }

  *#arguments(): Reading<Record<string, unknown>> {
    const sign = yield* this.#source.peek()
    if (sign === '(') return yield* this.#inBrackets()
    if (sign === '[') yield* this.#source.expect('[ARGS]')
    yield* this.#source.space()
    return yield* object(this.#source)
  }

  /** Each by its name, or one object for all. */
  *#inBrackets(): Reading<Record<string, unknown>> {
    const args = new Map<string, unknown>()
    yield* this.#source.expect('(')
    yield* this.#source.space()
    if ((yield* this.#source.peek()) === '{') {
      const all = yield* object(this.#source)
      yield* this.#source.space()
      yield* this.#source.expect(')')
      return all
    }
    while ((yield* this.#source.peek()) !== ')') {
      const name = yield* this.#source.name()
      yield* this.#source.space()
      yield* this.#source.expect('=')
      yield* this.#source.space()
      if (args.has(name)) throw new Unreadable()
      args.set(name, yield* literal(this.#source))
      yield* next(this.#source, ')')
    }
    yield* this.#source.take()
    return Object.fromEntries(args)
  }

  #checked(name: string | undefined, args: Record<string, unknown> | undefined): WrittenCall {
    if (name === undefined || !args || !this.#fits({ name, args })) throw new Unreadable()
    return { name, args }
  }
}

const isEnd = (sign: string): boolean => sign === '' || sign === '`' || sign === '<'

/** As an object, as its text, or none. @throws Unreadable */
function argumentsOf(value: unknown): Record<string, unknown> {
  if (value === null) return {}
  const args = typeof value === 'string' ? (value.trim() === '' ? {} : whole(value, object)) : value
  if (!isJsonObject(args)) throw new Unreadable()
  return args
}

const isNested = (value: unknown): boolean => Array.isArray(value) || isJsonObject(value)
